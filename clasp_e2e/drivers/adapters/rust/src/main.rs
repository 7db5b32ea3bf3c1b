//! The driver protocol, version 1, over the published `clasp-client` and `clasp-router`.
//!
//! One process a peer, or a router. Each call of the protocol is one call of the implementation:
//! nothing is awaited, repeated or repaired here.

mod config;
mod events;
mod peer;
mod router;
mod rpc;

use std::collections::HashMap;
use std::future::{poll_fn, Future};
use std::io::{BufRead, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::pin;
use std::sync::{Arc, Mutex};

use serde_json::{json, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use peer::Peer;
use router::RunningRouter;
use rpc::{text, CallError, Output, Request, INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND};

/// The version of `clasp-client` and `clasp-router` that Cargo.toml pins.
const IMPLEMENTATION_VERSION: &str = "4.5.0";

/// What this process holds: the peers that were opened, and the router if there is one.
struct Adapter {
    output: Output,
    peers: Mutex<HashMap<String, Arc<Peer>>>,
    router: Mutex<Option<RunningRouter>>,
}

impl Adapter {
    fn peer(&self, params: &Value) -> Result<Arc<Peer>, CallError> {
        let handle = text(params, "peer")?;
        let peers = self.peers.lock().expect("no holder of this lock panics");
        let unknown = || CallError::new(INVALID_PARAMS, format!("no peer {handle:?} is open"));
        peers.get(handle).cloned().ok_or_else(unknown)
    }

    async fn call(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        match method {
            "initialize" => initialize(params),
            "peer.open" => {
                let (handle, peer) = Peer::open(params, self.output.clone()).await?;
                let session_id = peer.session_id()?;
                let mut peers = self.peers.lock().expect("no holder of this lock panics");
                peers.insert(handle, Arc::new(peer));
                Ok(json!({ "session_id": session_id }))
            }
            "peer.connect_to_peer" => self.peer(params)?.connect_to_peer(params).await,
            "peer.send_p2p" => self.peer(params)?.send_p2p(params).await,
            "peer.set_p2p_routing_mode" => self.peer(params)?.set_p2p_routing_mode(params),
            "peer.p2p_routing_mode" => self.peer(params)?.p2p_routing_mode(),
            "peer.is_peer_connected" => self.peer(params)?.is_peer_connected(params),
            "peer.close" => self.peer(params)?.close().await,
            "router.open" => {
                let opened = RunningRouter::open(params).await?;
                let url = opened.url.clone();
                *self.router.lock().expect("no holder of this lock panics") = Some(opened);
                Ok(json!({ "url": url }))
            }
            "router.close" => {
                let router = self.router.lock().expect("no holder of this lock panics").take();
                if let Some(router) = router {
                    router.close();
                }
                Ok(json!({}))
            }
            "shutdown" => Ok(json!({})),
            // `disconnect_peer` among them: the client has no such call.
            _ => Err(CallError::new(METHOD_NOT_FOUND, format!("no method {method:?}"))),
        }
    }
}

fn initialize(params: &Value) -> Result<Value, CallError> {
    if params["protocol"] != 1 {
        let message = format!("protocol {} is not spoken here; 1 is", params["protocol"]);
        return Err(CallError::new(INVALID_PARAMS, message));
    }
    Ok(json!({
        "protocol": 1,
        "implementation": {
            "name": "clasp-client, clasp-router",
            "version": IMPLEMENTATION_VERSION,
            "language": "Rust",
            "url": "https://github.com/lumencanvas/clasp",
        },
        "roles": ["peer", "router"],
        // `turn`, because `P2PConfig` takes TURN servers.
        "capabilities": ["turn", "close", "is_peer_connected", "announce"],
        "processes": "per_peer",
    }))
}

/// Run `call`, not polled before `previous` was, and tell `started` once it is under way.
async fn in_turn<T>(
    previous: Option<oneshot::Receiver<()>>,
    started: oneshot::Sender<()>,
    call: impl Future<Output = T>,
) -> T {
    if let Some(previous) = previous {
        let _ = previous.await; // An error says that it is over, which will do.
    }
    let mut call = pin!(call);
    let mut started = Some(started);
    poll_fn(|context| {
        let polled = call.as_mut().poll(context);
        if let Some(started) = started.take() {
            let _ = started.send(());
        }
        polled
    })
    .await
}

/// Answer a request on a thread of its own.
///
/// The future of `send_p2p` cannot move between threads, and holds locks while it waits: on a
/// thread shared with another call of the peer it would wait for itself.
fn answer(
    adapter: &Arc<Adapter>,
    runtime: &Handle,
    request: Request,
    previous: Option<oneshot::Receiver<()>>,
) -> oneshot::Receiver<()> {
    let (started, is_started) = oneshot::channel();
    let (adapter, runtime) = (adapter.clone(), runtime.clone());
    std::thread::spawn(move || {
        let call = in_turn(previous, started, adapter.call(&request.method, &request.params));
        // The panic itself, with its place, is on standard error.
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(call))).unwrap_or_else(|_| {
            let message = format!("{} panicked; standard error says where", request.method);
            Err(CallError::new(INTERNAL_ERROR, message))
        });
        adapter.output.answer(request.id, outcome);
    });
    is_started
}

fn main() {
    use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn,clasp_client=info".into());
    let targets: Targets = wanted.parse().unwrap_or_default();
    let log = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(targets).with(log).init();

    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let (output, writer) = Output::start();
    let adapter =
        Arc::new(Adapter { output: output.clone(), peers: Mutex::default(), router: Mutex::default() });
    let mut last_started: HashMap<String, oneshot::Receiver<()>> = HashMap::new();
    for line in std::io::stdin().lock().split(b'\n') {
        let Ok(line) = line else { break };
        match Request::parse(&line) {
            Err(error) => output.answer(Value::Null, Err(error)),
            Ok(request) if request.method == "shutdown" => {
                output.answer(request.id, Ok(json!({})));
                break;
            }
            Ok(request) => {
                let lane = request.params["peer"].as_str().unwrap_or_default().to_owned();
                let previous = last_started.remove(&lane);
                last_started.insert(lane, answer(&adapter, runtime.handle(), request, previous));
            }
        }
    }
    // Calls that are still under way answer nobody any more: what was said by now is written, then all ends.
    output.finish();
    let _ = writer.join();
    let _ = std::io::stderr().flush();
    std::process::exit(0);
}
