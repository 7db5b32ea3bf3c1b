//! Reproduce without the harness: one silent TCP connection blocks all new clients (RTR-7).
//!
//! The router runs in this process. A client attaches and closes; then a TCP connection is opened that
//! sends nothing, and another client has 20 s to attach.
//!
//!     cargo run --release --bin silence_stalls_the_router

use std::error::Error;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use clasp_client::Clasp;
use clasp_router::{Router, RouterConfig};
use clasp_transport::{TransportServer, WebSocketServer};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = WebSocketServer::bind("127.0.0.1:0").await?;
    let address = server.local_addr()?;
    let url = format!("ws://{address}");
    tokio::spawn(async move { Router::new(RouterConfig::default()).serve_on(server).await });

    let began = Instant::now();
    let before = timeout(PATIENCE, Clasp::connect_to(&url)).await??;
    println!("A client attached in {:.3} s.", began.elapsed().as_secs_f64());
    before.close().await;

    let silent = TcpStream::connect(address)?;
    let began = Instant::now();
    let attached = matches!(timeout(PATIENCE, Clasp::connect_to(&url)).await, Ok(Ok(_)));
    let took = began.elapsed().as_secs_f64();
    drop(silent);
    if attached {
        println!("With a silent connection, a client attached in {took:.3} s.");
    } else {
        println!("With a silent connection, no client attached in {took:.3} s.");
    }
    let verdict =
        if attached { "Not reproduced." } else { "Reproduced: one silent connection keeps all others out." };
    println!("{verdict}");
    std::process::exit(i32::from(attached));
}
