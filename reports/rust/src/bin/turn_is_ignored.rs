//! Reproduce without the harness: a configured TURN server receives no request (ICE-3).
//!
//! The router, Alice and Bob run in this process. Both clients are configured with a TURN server, here a
//! UDP socket that counts datagrams. They connect directly; a client that uses its configuration has by
//! then requested an allocation from the server.
//!
//!     cargo run --release --bin turn_is_ignored

use std::error::Error;
use std::net::UdpSocket;
use std::time::Duration;

use clasp_client::{Clasp, P2PEvent};
use clasp_core::{P2PConfig, TurnServer};
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebSocketServer};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use tokio::time::timeout;

type Events = UnboundedReceiver<P2PEvent>;

async fn client(url: &str, name: &str, turn: &str) -> Result<(Clasp, String, Events), Box<dyn Error>> {
    let turn =
        TurnServer { url: turn.to_owned(), username: name.to_owned(), credential: "secret".to_owned() };
    let config = P2PConfig { ice_servers: Vec::new(), turn_servers: vec![turn], ..P2PConfig::default() };
    let client = Clasp::builder(url).name(name).p2p_config(config).connect().await?;
    let (tell, told) = unbounded_channel();
    client.on_p2p_event(move |event| tell.send(event).unwrap_or_default());
    let session = client.session_id().ok_or("no session id")?;
    Ok((client, session, told))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = WebSocketServer::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(async move { Router::new(RouterConfig::default()).serve_on(server).await });

    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let turn = format!("turn:{}?transport=udp", socket.local_addr()?);
    let (alice, _, mut events) = client(&url, "alice", &turn).await?;
    let (_bob, session, _told) = client(&url, "bob", &turn).await?;
    alice.connect_to_peer(&session).await?;
    timeout(Duration::from_secs(10), async {
        while let Some(event) = events.recv().await {
            if matches!(event, P2PEvent::Connected { .. }) {
                break;
            }
        }
    })
    .await?;
    println!("Alice received Connected to {session}. Both were configured with {turn}");
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let asked = socket.recv_from(&mut [0; 1500]);
    let verdict = match asked {
        Ok(_) => "Not reproduced: a request reached the TURN server.",
        Err(_) => "Reproduced: nothing reached the TURN server, in 10 s from then on.",
    };
    println!("{verdict}");
    std::process::exit(i32::from(asked.is_ok()));
}
