//! The implementation's router, with its own defaults.

use std::sync::Arc;

use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebSocketServer};
use serde_json::Value;

use crate::rpc::{text, CallError, INVALID_PARAMS};

pub struct RunningRouter {
    pub url: String,
    router: Arc<Router>,
}

impl RunningRouter {
    /// Start a router on WebSocket; it listens when this returns.
    ///
    /// `Router::serve_websocket` would not tell the port that was found free, so the listener is
    /// bound first: `serve_websocket` does the same two steps.
    pub async fn open(params: &Value) -> Result<Self, CallError> {
        let Some(port) = params["port"].as_u64() else {
            return Err(CallError::new(INVALID_PARAMS, "port must be a number"));
        };
        let address = format!("{}:{port}", text(params, "host")?);
        let server = WebSocketServer::bind(&address).await.map_err(CallError::refused)?;
        let url = format!("ws://{}", server.local_addr().map_err(CallError::refused)?);
        let router = Arc::new(Router::new(RouterConfig::default()));
        let serving = router.clone();
        tokio::spawn(async move {
            if let Err(error) = serving.serve_on(server).await {
                eprintln!("the router ended: {error}");
            }
        });
        Ok(Self { url, router })
    }

    /// Tell the router to stop, as its own `stop` does it.
    pub fn close(self) {
        self.router.stop();
    }
}
