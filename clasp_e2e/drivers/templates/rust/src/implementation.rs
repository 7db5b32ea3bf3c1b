//! Where your own calls go. What stands here is a stub: whatever it is sent comes back to it.
//!
//! Each method is one call of your implementation: no waiting, no retry, no repair, no default filled in.
//! `Failure::Refused` bears your implementation's own words where it returns an error. A call may block.
//! `data` is base64 in calls and in events; the crate base64 has it as `engine::general_purpose::STANDARD`.

use serde_json::{json, Value};
use std::{collections::HashSet, sync::Mutex};

#[allow(dead_code)]
pub enum Failure {
    Refused(String),
    NotOffered,
}

pub fn description() -> Value {
    json!({
        "protocol": 1,
        // Take "stub" out once your implementation is behind this.
        "implementation": {"name": "my implementation", "version": "0.1.0", "language": "Rust", "stub": true},
        "roles": ["peer"],
        // What it offers beyond the rest: turn, close, disconnect_peer, is_peer_connected, announce.
        "capabilities": ["close", "is_peer_connected"],
        "processes": "per_peer",
    })
}

/// One client. `raise_event` can be called at any time, also before `peer.open` has returned.
pub struct Client {
    pub raise_event: Box<dyn Fn(Value) + Send + Sync>,
    connected: Mutex<HashSet<String>>,
    mode: Mutex<String>,
}

impl Client {
    pub fn new(raise_event: Box<dyn Fn(Value) + Send + Sync>) -> Client {
        Client { raise_event, connected: Mutex::default(), mode: Mutex::new("prefer_p2p".into()) }
    }

    pub fn call(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        let (target, name) = (&params["target"], params["target"].as_str().unwrap_or_default());
        Ok(match method {
            // params: url, name, token?, p2p. What is absent in p2p means your own default.
            "peer.open" => json!({"session_id": "stub-session"}),
            // Return when your own call does; what comes of it is an event.
            "peer.connect_to_peer" => {
                self.connected.lock().unwrap().insert(name.into());
                (self.raise_event)(json!({"type": "connected", "peer_session_id": target}));
                json!({})
            }
            "peer.send_p2p" => {
                (self.raise_event)(json!({"type": "data", "peer_session_id": target,
                    "data": params["data"], "reliable": params["reliable"]}));
                let direct = self.connected.lock().unwrap().contains(name);
                json!({"result": if direct { "p2p" } else { "relay" }})
            }
            "peer.set_p2p_routing_mode" => {
                *self.mode.lock().unwrap() = params["mode"].as_str().unwrap_or_default().into();
                json!({})
            }
            "peer.p2p_routing_mode" => json!({"mode": *self.mode.lock().unwrap()}),
            "peer.is_peer_connected" => json!({"connected": self.connected.lock().unwrap().contains(name)}),
            "peer.close" => json!({}),
            _ => return Err(Failure::NotOffered),
        })
    }
}
