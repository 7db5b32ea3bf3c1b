//! Reproduce without the harness: the handshake of a DTLS client whose first group is unknown fails (CON-5).
//!
//! The server is the DTLS server that `clasp-client` uses when it offers. The client is a UDP socket that
//! sends ClientHellos (RFC 6347 section 4.2.1): first with only X25519, then with X25519MLKEM768 before it,
//! as Chromium does. A server that knows one of the groups must answer with a ServerHello (RFC 8422
//! section 5.1: the client's list is in order of preference, and the server chooses).
//!
//!     cargo run --release --bin first_group_or_none

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;
use webrtc_dtls::config::Config;
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate;

const X25519: u16 = 0x001d;
const X25519_MLKEM768: u16 = 0x11ec;
const RECORD: usize = 13;
const HANDSHAKE: usize = 12;

fn with_length(bytes: Vec<u8>) -> Vec<u8> {
    [(bytes.len() as u16).to_be_bytes().to_vec(), bytes].concat()
}

fn extension(kind: u16, body: Vec<u8>) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), with_length(body)].concat()
}

/// A ClientHello with one suite (ECDHE_ECDSA, AES-128-GCM), as the `number`th record and message.
fn hello(groups: &[u16], cookie: &[u8], number: u8) -> Vec<u8> {
    let groups = groups.iter().flat_map(|group| group.to_be_bytes()).collect();
    let extensions = [
        extension(10, with_length(groups)),
        extension(11, vec![1, 0]),                    // Points are not compressed.
        extension(13, with_length(vec![4, 3, 4, 1])), // ECDSA and RSA with SHA-256.
        extension(23, vec![]),                        // Extended master secret.
    ];
    let body = [
        vec![0xfe, 0xfd],
        vec![7; 32], // The random value.
        vec![0, cookie.len() as u8],
        cookie.to_vec(),
        vec![0, 2, 0xc0, 0x2b, 1, 0],
        with_length(extensions.concat()),
    ]
    .concat();
    let length = (body.len() as u32).to_be_bytes()[1..].to_vec();
    let message = [vec![1], length.clone(), vec![0, number, 0, 0, 0], length, body].concat();
    let header = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number];
    [header, with_length(message)].concat()
}

/// Return the server's answer to a ClientHello with its cookie, and its error, if any.
async fn answer(groups: &[u16]) -> Result<(bool, String), Box<dyn Error>> {
    let client = UdpSocket::bind("127.0.0.1:0").await?;
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(client.local_addr()?).await?;
    client.connect(socket.local_addr()?).await?;
    let config = Config {
        certificates: vec![Certificate::generate_self_signed(vec!["localhost".to_owned()])?],
        ..Config::default()
    };
    let server = tokio::spawn(DTLSConn::new(Arc::new(socket), config, false, None));
    let mut heard = [0; 1500];
    client.send(&hello(groups, &[], 0)).await?;
    timeout(Duration::from_secs(5), client.recv(&mut heard)).await??;
    let length = heard[RECORD + HANDSHAKE + 2] as usize;
    let cookie = heard[RECORD + HANDSHAKE + 3..][..length].to_vec();
    client.send(&hello(groups, &cookie, 1)).await?;
    // If the server has ended, its socket refuses datagrams.
    let answered = timeout(Duration::from_secs(5), client.recv(&mut heard)).await?.is_ok();
    if answered && (heard[0], heard[RECORD]) == (22, 2) {
        server.abort();
        return Ok((true, "a ServerHello".to_owned()));
    }
    let said = match timeout(Duration::from_secs(5), server).await?? {
        Ok(_) => "a connection".to_owned(),
        Err(error) => format!("no ServerHello, and the server ended with \"{error}\""),
    };
    Ok((false, said))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (known, said) = answer(&[X25519]).await?;
    println!("X25519 alone: {said}");
    let (also, said) = answer(&[X25519_MLKEM768, X25519]).await?;
    println!("X25519MLKEM768 before X25519: {said}");
    let reproduced = known && !also;
    println!("{}", if reproduced { "Reproduced: the first group decides." } else { "Not reproduced." });
    std::process::exit(i32::from(!reproduced));
}
