//! Where your own calls go. What stands here is a stub: whatever it is sent comes back to it.
//!
//! Each method is one call of your implementation: no waiting, no retry, no repair, no default filled
//! in. Return `Err` with your implementation's own words where it returns an error. Each call has a
//! thread of its own and may block; with an asynchronous implementation, `block_on` its runtime here.

use serde_json::{json, Value};
use std::collections::HashSet;
use std::sync::Mutex;

/// The implementation refused or failed a call, in its own words.
pub type Refused = String;
/// Can be called at any time, also before `open` has returned.
pub type RaiseEvent = Box<dyn Fn(Event) + Send + Sync>;

/// What the implementation tells its application. The stub needs the first two only.
#[allow(dead_code)]
pub enum Event {
    Connected { peer_session_id: String },
    Data { peer_session_id: Option<String>, data: Vec<u8>, reliable: Option<bool> },
    Disconnected { peer_session_id: String, reason: Option<String> },
    ConnectionFailed { peer_session_id: String, reason: String },
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

/// One client.
pub struct Client {
    raise_event: RaiseEvent,
    state: Mutex<State>,
}

struct State {
    connected: HashSet<String>,
    mode: String,
}

impl Client {
    pub fn new(raise_event: RaiseEvent) -> Client {
        let state = State { connected: HashSet::new(), mode: "prefer_p2p".into() };
        Client { raise_event, state: Mutex::new(state) }
    }

    /// Attach to the router at `url`, and return the session id that it gave. `p2p` is null for a client
    /// without P2P. A key that is absent in it means your own default.
    pub fn open(&self, _url: &str, _name: &str, _token: Option<&str>, _p2p: &Value) -> Result<String, Refused> {
        Ok("stub-session".into())
    }

    /// Return when your own call does; what comes of it is an event.
    pub fn connect_to_peer(&self, target: &str) -> Result<(), Refused> {
        self.state.lock().unwrap().connected.insert(target.into());
        (self.raise_event)(Event::Connected { peer_session_id: target.into() });
        Ok(())
    }

    /// Return "p2p" or "relay", as your own call says.
    pub fn send_p2p(&self, target: &str, data: Vec<u8>, reliable: bool) -> Result<&'static str, Refused> {
        let direct = self.state.lock().unwrap().connected.contains(target);
        (self.raise_event)(Event::Data { peer_session_id: Some(target.into()), data, reliable: Some(reliable) });
        Ok(if direct { "p2p" } else { "relay" })
    }

    /// Set "prefer_p2p", "p2p_only" or "server_only".
    pub fn set_p2p_routing_mode(&self, mode: &str) -> Result<(), Refused> {
        self.state.lock().unwrap().mode = mode.into();
        Ok(())
    }

    /// Return the mode in force.
    pub fn p2p_routing_mode(&self) -> Result<String, Refused> {
        Ok(self.state.lock().unwrap().mode.clone())
    }

    /// Return whether a direct connection stands.
    pub fn is_peer_connected(&self, target: &str) -> Result<bool, Refused> {
        Ok(self.state.lock().unwrap().connected.contains(target))
    }

    /// Close in your own orderly way.
    pub fn close(&self) -> Result<(), Refused> {
        self.state.lock().unwrap().connected.clear();
        Ok(())
    }
}
