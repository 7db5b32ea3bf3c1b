//! Reproduce without the harness: sometimes Connected is raised for a channel that closes immediately, and
//! data sent on it is lost (SND-4, SND-1, CON-5).
//!
//! Both sides send an SCTP INIT (RFC 8841 section 9.3). If the first one is answered before the second is
//! sent, the second arrives in an established association, and ends it: webrtc-sctp treats it as an error,
//! `ErrHandleInitState`, although RFC 9260 section 5.2.2 requires an answer. The harness delays a datagram
//! to cause this in each connection.
//!
//! Pairs of clients connect, as many as the argument says (100), four pairs at a time. As soon as
//! both receive Connected, Alice sends one reliable message in PreferP2P; Bob must receive it within 5 s.
//!
//!     cargo run --release --bin connected_but_closed 400

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use clasp_client::{Clasp, P2PEvent};
use clasp_core::P2PConfig;
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebSocketServer};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use tokio::task::LocalSet;
use tokio::time::timeout;

type Events = UnboundedReceiver<P2PEvent>;

async fn client(url: &str, name: &str) -> Result<(Clasp, String, Events), Box<dyn Error>> {
    let config = P2PConfig { ice_servers: Vec::new(), ..P2PConfig::default() };
    let client = Clasp::builder(url).name(name).p2p_config(config).connect().await?;
    let (tell, told) = unbounded_channel();
    client.on_p2p_event(move |event| tell.send(event).unwrap_or_default());
    let session = client.session_id().ok_or("no session id")?;
    Ok((client, session, told))
}

/// Wait for an event that `wanted` accepts; return whether it arrives in time.
async fn told(events: &mut Events, seconds: u64, wanted: fn(&P2PEvent) -> bool) -> bool {
    let found = async { while !events.recv().await.as_ref().is_none_or(wanted) {} };
    timeout(Duration::from_secs(seconds), found).await.is_ok()
}

/// Connect a pair and send once; return a description of the outcome.
async fn attempt(url: &str) -> Result<String, Box<dyn Error>> {
    let (alice, _, mut alice_events) = client(url, "alice").await?;
    let (bob, bob_session, mut bob_events) = client(url, "bob").await?;
    alice.connect_to_peer(&bob_session).await?;
    let is_connected = |event: &P2PEvent| matches!(event, P2PEvent::Connected { .. });
    if !told(&mut alice_events, 10, is_connected).await || !told(&mut bob_events, 10, is_connected).await {
        return Ok("not connected within 10 s".into());
    }
    let sent = alice.send_p2p(&bob_session, Bytes::from_static(b"payload"), true).await;
    let arrived = told(&mut bob_events, 5, |event| matches!(event, P2PEvent::Data { .. })).await;
    let mut failed = String::new();
    while let Ok(event) = alice_events.try_recv() {
        if let P2PEvent::ConnectionFailed { reason, .. } = event {
            failed = format!("; ConnectionFailed: {reason}");
        }
    }
    let outcome = if arrived { "arrived" } else { "lost" };
    alice.close().await;
    bob.close().await;
    Ok(format!("{outcome}, the result was {sent:?}{failed}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let total: usize = std::env::args().nth(1).map_or(Ok(100), |number| number.parse())?;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..total.div_ceil(4) {
        // A router for each four pairs: it accepts 100 sessions, and those of closed clients remain.
        let server = WebSocketServer::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", server.local_addr()?);
        tokio::spawn(async move { Router::new(RouterConfig::default()).serve_on(server).await });
        let local = LocalSet::new();
        let pairs: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                local.spawn_local(async move { attempt(&url).await.map_err(|error| error.to_string()) })
            })
            .collect();
        local.await;
        for pair in pairs {
            *outcomes.entry(pair.await?.unwrap_or_else(|error| error)).or_default() += 1;
        }
    }
    for (outcome, count) in &outcomes {
        println!("{count:5} x {outcome}");
    }
    let lost: usize = outcomes.iter().filter(|(what, _)| !what.starts_with("arrived")).map(|(_, n)| n).sum();
    println!("{}", if lost > 0 { "Reproduced." } else { "Not reproduced this time." });
    std::process::exit(i32::from(lost == 0));
}
