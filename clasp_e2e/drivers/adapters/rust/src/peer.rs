//! One client of the implementation, call by call.

use base64::{engine::general_purpose::STANDARD, Engine};
use bytes::Bytes;
use clasp_client::{Clasp, RoutingMode, SendResult};
use serde_json::{json, Value};

use crate::config::p2p_config;
use crate::events::event_object;
use crate::rpc::{text, CallError, Output, INVALID_PARAMS};

pub struct Peer {
    client: Clasp,
}

impl Peer {
    /// Attach a client to the router at `url`; returns it with its handle.
    pub async fn open(params: &Value, output: Output) -> Result<(String, Self), CallError> {
        let handle = text(params, "peer")?.to_owned();
        let mut builder = Clasp::builder(text(params, "url")?).name(text(params, "name")?);
        if let Some(token) = params["token"].as_str() {
            builder = builder.token(token);
        }
        if let Some(config) = p2p_config(&params["p2p"])? {
            builder = builder.p2p_config(config);
        }
        let client = builder.connect().await.map_err(CallError::refused)?;
        // Only a client that is connected takes a callback. It is the one way by which the client
        // hands received bytes to the application, so it is where relayed ones would come out too.
        let named = handle.clone();
        client.on_p2p_event(move |event| {
            output.notify("peer.event", json!({ "peer": named, "event": event_object(event) }));
        });
        Ok((handle, Self { client }))
    }

    pub fn session_id(&self) -> Result<String, CallError> {
        self.client
            .session_id()
            .ok_or_else(|| CallError::refused("the client is connected and has no session id"))
    }

    pub async fn connect_to_peer(&self, params: &Value) -> Result<Value, CallError> {
        let target = text(params, "target")?;
        self.client.connect_to_peer(target).await.map_err(CallError::refused)?;
        Ok(json!({}))
    }

    pub async fn send_p2p(&self, params: &Value) -> Result<Value, CallError> {
        let target = text(params, "target")?;
        let data = STANDARD
            .decode(text(params, "data")?)
            .map_err(|error| CallError::new(INVALID_PARAMS, format!("data is not base64: {error}")))?;
        let Some(reliable) = params["reliable"].as_bool() else {
            return Err(CallError::new(INVALID_PARAMS, "reliable must be true or false"));
        };
        let sent = self.client.send_p2p(target, Bytes::from(data), reliable).await;
        let path = match sent.map_err(CallError::refused)? {
            SendResult::P2P => "p2p",
            SendResult::Relay => "relay",
        };
        Ok(json!({ "result": path }))
    }

    pub fn set_p2p_routing_mode(&self, params: &Value) -> Result<Value, CallError> {
        let mode = match text(params, "mode")? {
            "prefer_p2p" => RoutingMode::PreferP2P,
            "p2p_only" => RoutingMode::P2POnly,
            "server_only" => RoutingMode::ServerOnly,
            other => return Err(CallError::new(INVALID_PARAMS, format!("unknown mode {other:?}"))),
        };
        self.client.set_p2p_routing_mode(mode);
        Ok(json!({}))
    }

    pub fn p2p_routing_mode(&self) -> Result<Value, CallError> {
        let mode = match self.client.p2p_routing_mode() {
            RoutingMode::PreferP2P => "prefer_p2p",
            RoutingMode::P2POnly => "p2p_only",
            RoutingMode::ServerOnly => "server_only",
        };
        Ok(json!({ "mode": mode }))
    }

    pub fn is_peer_connected(&self, params: &Value) -> Result<Value, CallError> {
        Ok(json!({ "connected": self.client.is_peer_connected(text(params, "target")?) }))
    }

    pub async fn close(&self) -> Result<Value, CallError> {
        self.client.close().await;
        Ok(json!({}))
    }
}
