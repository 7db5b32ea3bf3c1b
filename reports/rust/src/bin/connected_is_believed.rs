//! Reproduce without the harness: after the partner's `connected` signal, the client reports an attempt
//! without a network path as connected, and the attempt never fails (TMO-5, TMO-8).
//!
//! The router, Alice, Bob and Carol run in this process. Bob and Carol are plain clients, without P2P, which
//! answer Alice's offer with a valid SDP. Neither SDP has candidates, and Alice's candidates are ignored, so
//! there is no path. Bob sends nothing more; Carol also sends `connected`. Alice's time-out is 2 s: she
//! should receive ConnectionFailed for both, and is observed for 12 s each.
//!
//!     cargo run --release --bin connected_is_believed

use std::error::Error;
use std::time::{Duration, Instant};

use clasp_client::{Clasp, P2PEvent};
use clasp_core::{signal_address, P2PConfig, Value};
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebRtcConfig, WebRtcTransport, WebSocketServer};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use tokio::time::timeout;

type Signals = UnboundedReceiver<Value>;

fn signal(fields: &[(&str, &str)]) -> Value {
    Value::Map(fields.iter().map(|(name, text)| (name.to_string(), Value::from(*text))).collect())
}

/// A client without P2P that receives the signals of P2P.
async fn partner(url: &str) -> Result<(Clasp, String, Signals), Box<dyn Error>> {
    let client = Clasp::connect_to(url).await?;
    let session = client.session_id().ok_or("no session id")?;
    let (tell, signals) = unbounded_channel();
    client.subscribe(&signal_address(&session), move |value, _| tell.send(value).unwrap_or_default()).await?;
    Ok((client, session, signals))
}

/// Answer the offer; also send `connected` if `claims`. Dropping the returned transport ends it.
async fn answer(
    (client, session, signals): &mut (Clasp, String, Signals),
    claims: bool,
) -> Result<WebRtcTransport, Box<dyn Error>> {
    while let Some(value) = signals.recv().await {
        let Value::Map(fields) = value else { continue };
        let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        if field("type") != "offer" {
            continue;
        }
        let config = WebRtcConfig { ice_servers: Vec::new(), ..WebRtcConfig::default() };
        let (transport, sdp) = WebRtcTransport::new_answerer_with_config(field("sdp"), config).await?;
        let (from, id) = (("from", session.as_str()), ("correlation_id", field("correlation_id")));
        let caller = signal_address(field("from"));
        client.emit(&caller, signal(&[("type", "answer"), from, id, ("sdp", &sdp)])).await?;
        if claims {
            client.emit(&caller, signal(&[("type", "connected"), from, id])).await?;
        }
        return Ok(transport);
    }
    Err("no offer came".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = WebSocketServer::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(async move { Router::new(RouterConfig::default()).serve_on(server).await });

    let config = P2PConfig { ice_servers: Vec::new(), connection_timeout_secs: 2, ..P2PConfig::default() };
    let alice = Clasp::builder(&url).name("alice").p2p_config(config).connect().await?;
    let (tell, mut events) = unbounded_channel();
    alice.on_p2p_event(move |event| tell.send(event).unwrap_or_default());

    let mut failed = Vec::new();
    for claims in [false, true] {
        let mut partner = partner(&url).await?;
        alice.connect_to_peer(&partner.1).await?;
        let _transport = answer(&mut partner, claims).await?;
        println!("The partner answered{}.", if claims { " and said `connected`" } else { "" });
        let began = Instant::now();
        let watched = timeout(Duration::from_secs(12), async {
            while let Some(event) = events.recv().await {
                println!("{:5.1} s  Alice received {event:?}", began.elapsed().as_secs_f64());
                if matches!(event, P2PEvent::ConnectionFailed { .. }) {
                    break;
                }
            }
        });
        failed.push(watched.await.is_ok());
        println!("is_peer_connected says {} at the end.", alice.is_peer_connected(&partner.1));
    }
    let reproduced = failed == [true, false];
    let verdict = if reproduced { "Reproduced: `connected` ended the time-out." } else { "Not reproduced." };
    println!("{verdict}");
    std::process::exit(i32::from(!reproduced));
}
