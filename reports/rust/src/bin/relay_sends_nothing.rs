//! Reproduce without the harness: `send_p2p` returns Relay, but sends nothing (SND-3, RTE-4, RTE-6, RTE-9).
//!
//! The router and two clients run in one process. Bob also subscribes to all addresses, so that he receives
//! anything that Alice sends to the router. After each send Alice publishes a marker: the router keeps the
//! order of her messages, so a relayed payload would arrive before the marker.
//!
//!     cargo run --release --bin relay_sends_nothing

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use clasp_client::{Clasp, P2PEvent, RoutingMode};
use clasp_core::P2PConfig;
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebSocketServer};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use tokio::time::timeout;

type Events = UnboundedReceiver<P2PEvent>;

const PATIENCE: Duration = Duration::from_secs(10);

async fn client(url: &str, name: &str) -> Result<(Clasp, String, Events), Box<dyn Error>> {
    let config = P2PConfig { ice_servers: Vec::new(), connection_timeout_secs: 1, ..P2PConfig::default() };
    let client = Clasp::builder(url).name(name).p2p_config(config).connect().await?;
    let (tell, told) = unbounded_channel();
    client.on_p2p_event(move |event| tell.send(event).unwrap_or_default());
    let session = client.session_id().ok_or("no session id")?;
    Ok((client, session, told))
}

/// Wait for the first event that `wanted` accepts.
async fn until(events: &mut Events, wanted: fn(&P2PEvent) -> bool) -> Result<(), Box<dyn Error>> {
    timeout(PATIENCE, async {
        while let Some(event) = events.recv().await {
            if wanted(&event) {
                break;
            }
        }
    })
    .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = WebSocketServer::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(async move { Router::new(RouterConfig::default()).serve_on(server).await });

    let (alice, _, mut alice_events) = client(&url, "alice").await?;
    let (bob, bob_session, mut bob_events) = client(&url, "bob").await?;
    let (say, mut published) = unbounded_channel::<String>();
    bob.set("/ready", 1).await?;
    bob.subscribe("/**", move |_, address| say.send(address.to_owned()).unwrap_or_default()).await?;
    bob.get("/ready").await?; // After the answer, the router has the subscription.
    let silent = Clasp::connect_to(&url).await?; // It never answers an offer.
    let silent_session = silent.session_id().ok_or("no session id")?;

    let unconnected = send(&alice, &bob_session, "PreferP2P, never connected", &mut published).await?;

    alice.connect_to_peer(&silent_session).await?;
    until(&mut alice_events, |event| matches!(event, P2PEvent::ConnectionFailed { .. })).await?;
    let failed = send(&alice, &silent_session, "PreferP2P, after ConnectionFailed", &mut published).await?;

    alice.connect_to_peer(&bob_session).await?;
    until(&mut alice_events, |event| matches!(event, P2PEvent::Connected { .. })).await?;
    alice.set_p2p_routing_mode(RoutingMode::ServerOnly);
    let server_only = send(&alice, &bob_session, "ServerOnly, connected", &mut published).await?;

    let mut data = 0;
    while let Ok(event) = bob_events.try_recv() {
        data += usize::from(matches!(event, P2PEvent::Data { .. }));
    }
    println!("Bob received Data {data} times.");
    let lost = unconnected && failed && server_only && data == 0;
    let verdict =
        if lost { "Reproduced: each send said Relay, and nothing was sent." } else { "Not reproduced." };
    println!("{verdict}");
    std::process::exit(i32::from(!lost));
}

/// Send, then publish a marker; return whether the result is Relay and the router received only the marker.
async fn send(
    alice: &Clasp,
    target: &str,
    situation: &str,
    published: &mut UnboundedReceiver<String>,
) -> Result<bool, Box<dyn Error>> {
    let result = alice.send_p2p(target, Bytes::from_static(b"payload"), true).await?;
    alice.emit("/marker", 1).await?;
    let mut before = Vec::new();
    timeout(PATIENCE, async {
        while let Some(address) = published.recv().await {
            if address == "/marker" {
                break;
            }
            let signaling = address.starts_with("/clasp/p2p/signal/") || address == "/clasp/p2p/announce";
            if !signaling && address != "/ready" {
                before.push(address);
            }
        }
    })
    .await?;
    println!("{situation}: the result is {result:?}; published before the marker: {before:?}");
    Ok(result == clasp_client::SendResult::Relay && before.is_empty())
}
