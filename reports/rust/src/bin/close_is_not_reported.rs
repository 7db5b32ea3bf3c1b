//! Reproduce without the harness: a client receives no Disconnected when its peer closes, or when the
//! peer's process ends (EVT-3, EVT-4, EVT-7).
//!
//! The router and Alice run in this process, Bob in a child process. They connect; Bob calls `close()`
//! and his process exits. Alice is observed for 60 s, twice the 30 s of ICE consent (RFC 7675).
//!
//!     cargo run --release --bin close_is_not_reported

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clasp_client::{Clasp, P2PEvent};
use clasp_core::P2PConfig;
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebSocketServer};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
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

async fn until_connected(events: &mut Events) -> Result<(), Box<dyn Error>> {
    timeout(Duration::from_secs(10), async {
        while let Some(event) = events.recv().await {
            if matches!(event, P2PEvent::Connected { .. }) {
                break;
            }
        }
    })
    .await?;
    Ok(())
}

/// Bob: print the session id, wait for the connection and for the end of standard input, close, exit.
async fn bob(url: &str) -> Result<(), Box<dyn Error>> {
    let (bob, session, mut events) = client(url, "bob").await?;
    println!("{session}");
    until_connected(&mut events).await?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    bob.close().await;
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

    let (alice, _, mut events) = client(&url, "alice").await?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg(&url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut session = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut session)?;
    let session = session.trim();
    alice.connect_to_peer(session).await?;
    until_connected(&mut events).await?;
    println!("Alice received Connected to {session}.");

    drop(child.stdin.take()); // Makes Bob close.
    println!("Bob called close(), and his process ended with {}.", child.wait()?);
    let began = Instant::now();
    let told = timeout(Duration::from_secs(60), async {
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
        if told { "Not reproduced." } else { "Reproduced: Alice was not told Disconnected in 60 s." };
    println!("{verdict}");
    std::process::exit(i32::from(told));
}
