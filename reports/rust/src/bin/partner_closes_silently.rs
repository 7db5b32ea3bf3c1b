//! Reproduce without the harness: a client receives no Disconnected when the partner closes its WebRTC
//! connection without a signal (EVT-3).
//!
//! The router and Alice run in this process, Bob in a child process. Bob is a plain client that answers with
//! the client's own transport, so that he can close its channels, which the client never does. When Alice
//! receives Connected, he closes his channels, and his process ends without `disconnected`. Alice is observed
//! for 45 s: ICE consent expires after 30 s (RFC 7675). If an error is printed, they did not connect: retry.
//!
//!     cargo run --release --bin partner_closes_silently

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clasp_client::{Clasp, P2PEvent};
use clasp_core::{signal_address, P2PConfig, Value};
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportSender, TransportServer, WebRtcConfig, WebRtcTransport, WebSocketServer};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

/// Bob: print the session id, answer the offer, receive candidates until standard input ends, close, exit.
async fn bob(url: &str) -> Result<(), Box<dyn Error>> {
    let client = Clasp::connect_to(url).await?;
    let session = client.session_id().ok_or("no session id")?;
    let (tell, mut signals) = unbounded_channel();
    client.subscribe(&signal_address(&session), move |value, _| tell.send(value).unwrap_or_default()).await?;
    println!("{session}");
    let word = tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new()));
    tokio::pin!(word);
    let (mut transport, mut candidates) = (None, Vec::<String>::new());
    loop {
        let value = tokio::select! { value = signals.recv() => value, _ = &mut word => break };
        let Some(Value::Map(fields)) = value else { continue };
        let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if field("type") == "ice_candidate" {
            candidates.push(field("candidate"));
        } else if field("type") == "offer" {
            let config = WebRtcConfig { ice_servers: Vec::new(), ..WebRtcConfig::default() };
            let (made, sdp) = WebRtcTransport::new_answerer_with_config(&field("sdp"), config).await?;
            let id = field("correlation_id");
            let answer = [("type", "answer"), ("from", &session), ("correlation_id", &id), ("sdp", &sdp)];
            let answer = answer.map(|(name, text)| (name.to_owned(), Value::from(text))).into();
            client.emit(&signal_address(&field("from")), Value::Map(answer)).await?;
            transport = Some(made);
        }
        if let Some(made) = &transport {
            for candidate in candidates.drain(..) {
                made.add_ice_candidate(&candidate).await?;
            }
        }
    }
    let transport = transport.ok_or("no offer came")?;
    for channel in [transport.reliable_channel(), transport.unreliable_channel()].into_iter().flatten() {
        channel.0.close().await?;
        eprintln!("Bob closed a channel.");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some(url) = std::env::args().nth(1) {
        return bob(&url).await;
    }
    let server = WebSocketServer::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(async move { Router::new(RouterConfig::default()).serve_on(server).await });

    let config = P2PConfig { ice_servers: Vec::new(), ..P2PConfig::default() };
    let alice = Clasp::builder(&url).name("alice").p2p_config(config).connect().await?;
    let (tell, mut events) = unbounded_channel();
    alice.on_p2p_event(move |event| tell.send(event).unwrap_or_default());
    let mut child = Command::new(std::env::current_exe()?)
        .arg(&url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut session = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut session)?;
    let session = session.trim();
    alice.connect_to_peer(session).await?;
    let connected = timeout(Duration::from_secs(10), async {
        while !events.recv().await.is_none_or(|event| matches!(event, P2PEvent::Connected { .. })) {}
    });
    connected.await?;
    println!("Alice received Connected to {session}.");

    drop(child.stdin.take()); // Makes Bob close.
    println!("Bob's process ended with {}.", child.wait()?);
    let began = Instant::now();
    let told = timeout(Duration::from_secs(45), async {
        while let Some(event) = events.recv().await {
            println!("{:5.1} s  Alice received {event:?}", began.elapsed().as_secs_f64());
            if matches!(event, P2PEvent::Disconnected { .. }) {
                break;
            }
        }
    })
    .await
    .is_ok();
    println!("is_peer_connected says {} at the end.", alice.is_peer_connected(session));
    let verdict =
        if told { "Not reproduced." } else { "Reproduced: Alice was not told Disconnected in 45 s." };
    println!("{verdict}");
    std::process::exit(i32::from(told));
}
