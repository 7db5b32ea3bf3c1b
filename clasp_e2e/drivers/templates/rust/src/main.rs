//! The driver protocol, version 1, around `implementation.rs`. Nothing here needs to change but `offered`.
//! JSON-RPC 2.0, one message a line, on standard input and output.

mod base64;
mod implementation;

use implementation::{description, Client, Event};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, Write};
use std::os::fd::FromRawFd;
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::thread;

extern "C" {
    fn dup(descriptor: i32) -> i32;
    fn dup2(from: i32, to: i32) -> i32;
}

/// The error that answers a call: its code, and its words.
type Failure = (i64, String);
const REFUSED: i64 = 1000;
const NOT_OFFERED: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// What is not among the capabilities can be left out here.
fn offered(client: &Client, method: &str, params: &Value) -> Result<Value, Failure> {
    let target = || text(params, "target");
    let refused = |words: String| (REFUSED, words);
    Ok(match method {
        "peer.connect_to_peer" => client.connect_to_peer(target()?).map(|()| json!({})).map_err(refused)?,
        "peer.send_p2p" => {
            let data = base64::decode(text(params, "data")?).ok_or((INVALID_PARAMS, "data is not base64".into()))?;
            let reliable = params["reliable"].as_bool().unwrap_or(true);
            json!({"result": client.send_p2p(target()?, data, reliable).map_err(refused)?})
        }
        "peer.set_p2p_routing_mode" => {
            client.set_p2p_routing_mode(text(params, "mode")?).map(|()| json!({})).map_err(refused)?
        }
        "peer.p2p_routing_mode" => json!({"mode": client.p2p_routing_mode().map_err(refused)?}),
        "peer.is_peer_connected" => json!({"connected": client.is_peer_connected(target()?).map_err(refused)?}),
        "peer.close" => client.close().map(|()| json!({})).map_err(refused)?,
        _ => return Err((NOT_OFFERED, format!("{method} is not offered"))),
    })
}

fn open(client: &Client, params: &Value) -> Result<Value, Failure> {
    let token = params["token"].as_str();
    let session = client.open(text(params, "url")?, text(params, "name")?, token, &params["p2p"]);
    Ok(json!({"session_id": session.map_err(|words| (REFUSED, words))?}))
}

fn text<'a>(params: &'a Value, key: &str) -> Result<&'a str, Failure> {
    params[key].as_str().ok_or_else(|| (INVALID_PARAMS, format!("{key} is missing")))
}

fn event_message(handle: &str, event: Event) -> Value {
    let event = match event {
        Event::Connected { peer_session_id } => json!({"type": "connected", "peer_session_id": peer_session_id}),
        Event::Data { peer_session_id, data, reliable } => json!({
            "type": "data", "peer_session_id": peer_session_id,
            "data": base64::encode(&data), "reliable": reliable,
        }),
        Event::Disconnected { peer_session_id, reason } => {
            json!({"type": "disconnected", "peer_session_id": peer_session_id, "reason": reason})
        }
        Event::ConnectionFailed { peer_session_id, reason } => {
            json!({"type": "connection_failed", "peer_session_id": peer_session_id, "reason": reason})
        }
    };
    json!({"jsonrpc": "2.0", "method": "peer.event", "params": {"peer": handle, "event": event}})
}

fn answer(send: &Sender<Value>, id: &Value, outcome: Result<Value, Failure>) {
    let _ = send.send(match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err((code, message)) => json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}),
    });
}

/// Make a call in a thread of its own, as it may block. It is begun when this returns, so calls begin in
/// the order in which they came.
fn begin(call: impl FnOnce() + Send + 'static) {
    let (begun, begins) = channel();
    thread::spawn(move || {
        let _ = begun.send(());
        call();
    });
    let _ = begins.recv();
}

fn main() {
    // Whatever a library prints goes to standard error: standard output is for messages alone.
    let mut output = unsafe {
        let messages = dup(1);
        dup2(2, 1);
        File::from_raw_fd(messages)
    };
    // A thread writes, so that reading never waits for it.
    let (send, messages) = channel::<Value>();
    let writer = thread::spawn(move || {
        for message in messages {
            if output.write_all(format!("{message}\n").as_bytes()).is_err() || message["id"] == "last" {
                break;
            }
        }
    });
    let mut clients: HashMap<String, Arc<Client>> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let Some(request) = line.ok().and_then(|line| serde_json::from_str::<Value>(&line).ok()) else { break };
        let (id, params) = (request["id"].clone(), request["params"].clone());
        let method = request["method"].as_str().unwrap_or_default().to_owned();
        let handle = params["peer"].as_str().unwrap_or_default().to_owned();
        match method.as_str() {
            "initialize" => answer(&send, &id, Ok(description())),
            "shutdown" => {
                answer(&send, &id, Ok(json!({})));
                break;
            }
            "peer.open" => {
                let (raising, opening) = (send.clone(), send.clone());
                let raise_event = move |event| drop(raising.send(event_message(&handle, event)));
                let client = Arc::new(Client::new(Box::new(raise_event)));
                clients.insert(text(&params, "peer").unwrap_or_default().to_owned(), client.clone());
                begin(move || answer(&opening, &id, open(&client, &params)));
            }
            _ => match clients.get(&handle) {
                // What cannot block is called here, in order without a doubt.
                Some(client) if method.ends_with("p2p_routing_mode") => {
                    answer(&send, &id, offered(client, &method, &params))
                }
                Some(client) => {
                    let (send, client) = (send.clone(), client.clone());
                    begin(move || answer(&send, &id, offered(&client, &method, &params)));
                }
                None => answer(&send, &id, Err((NOT_OFFERED, format!("{method} is not offered without a peer")))),
            },
        }
    }
    for client in clients.values() {
        let _ = client.close();
    }
    LAST
}
