//! The client's events, as the protocol names them.

use base64::{engine::general_purpose::STANDARD, Engine};
use clasp_client::P2PEvent;
use serde_json::{json, Value};

/// The `event` of a `peer.event` notification.
pub fn event_object(event: P2PEvent) -> Value {
    match event {
        P2PEvent::PeerAnnounced { session_id, features } => {
            json!({ "type": "peer_announced", "peer_session_id": session_id, "features": features })
        }
        P2PEvent::Connected { peer_session_id } => {
            json!({ "type": "connected", "peer_session_id": peer_session_id })
        }
        P2PEvent::ConnectionFailed { peer_session_id, reason } => {
            json!({ "type": "connection_failed", "peer_session_id": peer_session_id, "reason": reason })
        }
        P2PEvent::Disconnected { peer_session_id, reason } => {
            json!({ "type": "disconnected", "peer_session_id": peer_session_id, "reason": reason })
        }
        P2PEvent::Data { peer_session_id, data, reliable } => json!({
            "type": "data",
            "peer_session_id": peer_session_id,
            "data": STANDARD.encode(&data),
            "reliable": reliable,
        }),
    }
}
