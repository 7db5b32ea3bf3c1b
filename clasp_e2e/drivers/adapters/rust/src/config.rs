//! The `p2p` of `peer.open`, as the client's own configuration.

use clasp_core::{P2PConfig, TurnServer};
use serde_json::Value;

use crate::rpc::{text, CallError, INVALID_PARAMS};

/// The configuration that `p2p` asks for; None for null. What it does not name keeps the client's default.
pub fn p2p_config(p2p: &Value) -> Result<Option<P2PConfig>, CallError> {
    if p2p.is_null() {
        return Ok(None);
    }
    let wrong = |key: &str| CallError::new(INVALID_PARAMS, format!("{key} is of the wrong type"));
    let mut config = P2PConfig::default();
    let urls = p2p["ice_servers"].as_array().ok_or_else(|| wrong("ice_servers"))?;
    config.ice_servers = urls
        .iter()
        .map(|url| url.as_str().map(str::to_owned).ok_or_else(|| wrong("ice_servers")))
        .collect::<Result<_, _>>()?;
    if let Some(servers) = p2p.get("turn_servers") {
        let servers = servers.as_array().ok_or_else(|| wrong("turn_servers"))?;
        config.turn_servers = servers.iter().map(turn_server).collect::<Result<_, _>>()?;
    }
    if let Some(seconds) = p2p.get("connection_timeout_secs") {
        config.connection_timeout_secs = seconds.as_u64().ok_or_else(|| wrong("connection_timeout_secs"))?;
    }
    if let Some(retries) = p2p.get("max_retries") {
        let retries = retries.as_u64().and_then(|number| number.try_into().ok());
        config.max_retries = retries.ok_or_else(|| wrong("max_retries"))?;
    }
    if let Some(fallback) = p2p.get("auto_fallback") {
        config.auto_fallback = fallback.as_bool().ok_or_else(|| wrong("auto_fallback"))?;
    }
    Ok(Some(config))
}

fn turn_server(server: &Value) -> Result<TurnServer, CallError> {
    Ok(TurnServer {
        url: text(server, "url")?.to_owned(),
        username: text(server, "username")?.to_owned(),
        credential: text(server, "credential")?.to_owned(),
    })
}
