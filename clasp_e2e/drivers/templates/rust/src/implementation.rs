//! Replace this stub, which returns what is sent to it, by calls of your implementation.
//!
//! Each method is one call of your implementation: it does not wait, retry, repair or fill in defaults.
//! If your implementation returns an error, return `Failure::Refused` with its message. A call may block.
//! `data` is base64 in calls and events: `engine::general_purpose::STANDARD` of the crate base64.

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
        // Remove "stub" when the methods below call your implementation.
        "implementation": {"name": "my implementation", "version": "0.1.0", "language": "Rust", "stub": true},
        "roles": ["peer"],
        // Its optional calls and features: turn, close, disconnect_peer, is_peer_connected, announce.
        "capabilities": ["close", "is_peer_connected"],
        "processes": "per_peer",
    })
}

/// A client. `raise_event` can be called at any time, also before `peer.open` returns.
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
            // params: url, name, token?, p2p. Use your own defaults for keys that are absent in p2p.
            "peer.open" => json!({"session_id": "stub-session"}),
            // Return when your own call does; report its outcome as an event.
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
