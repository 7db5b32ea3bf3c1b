//! The driver protocol, version 1, around `implementation.rs`. Nothing here needs to change.

mod implementation;

use implementation::{description, Client, Failure};
use serde_json::{json, Value};
use std::io::{stdin, BufRead, Write};
use std::sync::{mpsc::channel, Arc};
use std::{collections::HashMap, fs::File, os::fd::FromRawFd, thread};

extern "C" {
    fn dup(descriptor: i32) -> i32;
    fn dup2(from: i32, to: i32) -> i32;
}

fn answer(id: &Value, outcome: Result<Value, Failure>) -> Option<Value> {
    let (code, message) = match outcome {
        Ok(result) => return Some(json!({"jsonrpc": "2.0", "id": id, "result": result})),
        Err(Failure::Refused(words)) => (1000, words),
        Err(Failure::NotOffered) => (-32601, "not offered".into()),
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
}

fn main() {
    // Only messages may go to standard output: output of libraries goes to standard error.
    let mut output = unsafe {
        let messages = dup(1);
        dup2(2, 1);
        File::from_raw_fd(messages)
    };
    // A thread writes, so that reading never waits for it. `None` ends it.
    let (send, messages) = channel::<Option<Value>>();
    let writer = thread::spawn(move || {
        while let Ok(Some(message)) = messages.recv() {
            if output.write_all(format!("{message}\n").as_bytes()).is_err() {
                break;
            }
        }
    });
    let mut clients: HashMap<String, Arc<Client>> = HashMap::new();
    for line in stdin().lock().lines() {
        let Some(request) = line.ok().and_then(|line| serde_json::from_str::<Value>(&line).ok()) else { break };
        let (id, params) = (request["id"].clone(), request["params"].clone());
        let method = request["method"].as_str().unwrap_or_default().to_owned();
        let peer = params["peer"].as_str().unwrap_or_default().to_owned();
        if method == "peer.open" {
            let (send, peer) = (send.clone(), peer.clone());
            clients.insert(peer.clone(), Arc::new(Client::new(Box::new(move |event| {
                let params = json!({"peer": peer, "event": event});
                let _ = send.send(Some(json!({"jsonrpc": "2.0", "method": "peer.event", "params": params})));
            }))));
        }
        let _ = match (method.as_str(), clients.get(&peer).cloned()) {
            ("initialize", _) => send.send(answer(&id, Ok(description()))),
            ("shutdown", _) => {
                let _ = send.send(answer(&id, Ok(json!({}))));
                break;
            }
            (_, None) => send.send(answer(&id, Err(Failure::NotOffered))),
            // Calls that cannot block are made here, which keeps their order.
            ("peer.set_p2p_routing_mode" | "peer.p2p_routing_mode", Some(client)) => {
                send.send(answer(&id, client.call(&method, &params)))
            }
            // Each other call has its own thread, and starts before the next line is read.
            (_, Some(client)) => {
                let (send, (begun, begins)) = (send.clone(), channel());
                thread::spawn(move || {
                    let _ = begun.send(());
                    send.send(answer(&id, client.call(&method, &params)))
                });
                let _ = begins.recv();
                Ok(())
            }
        };
    }
    for client in clients.values() {
        let _ = client.call("peer.close", &Value::Null);
    }
    let _ = send.send(None);
    let _ = writer.join();
}
