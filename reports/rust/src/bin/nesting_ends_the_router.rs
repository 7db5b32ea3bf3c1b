//! Reproduce without the harness: a frame of nested arrays without a HELLO ends the router's process (RTR-7).
//!
//! The router runs in a child process, whose end can be observed. A client connects over WebSocket and
//! sends a PUBLISH with arrays nested 20,000 deep: 60,006 bytes, within the frame's limit.
//!
//!     cargo run --release --bin nesting_ends_the_router

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clasp_router::{Router, RouterConfig};
use clasp_transport::{Transport, TransportSender, TransportServer, WebSocketServer, WebSocketTransport};

async fn router() -> Result<(), Box<dyn Error>> {
    let server = WebSocketServer::bind("127.0.0.1:0").await?;
    println!("ws://{}", server.local_addr()?);
    Router::new(RouterConfig::default()).serve_on(server).await?;
    Ok(())
}

fn nested() -> Bytes {
    let mut payload = b"\x20\x20\x00\x02/x\x01".to_vec(); // PUBLISH, an event, one value at "/x".
    for _ in 0..20_000 {
        payload.extend(b"\x0a\x00\x01"); // An array of one element, which is ...
    }
    payload.push(0);
    let mut frame = vec![0x53, 0x01];
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend(payload);
    Bytes::from(frame)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).is_some() {
        return router().await;
    }
    let mut child = Command::new(std::env::current_exe()?).arg("router").stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
    let (sender, _receiver) = WebSocketTransport::connect(url.trim()).await?;
    sender.send(nested()).await?;
    let began = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if began.elapsed() > Duration::from_secs(10) {
            break None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    match ended {
        Some(status) => println!("Reproduced: the router's process ended with {status}."),
        None => {
            child.kill()?;
            println!("Not reproduced: the router lived on for 10 s.");
        }
    }
    std::process::exit(i32::from(ended.is_none()));
}
