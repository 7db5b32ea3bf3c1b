//! JSON-RPC 2.0, one message a line, on standard input and output.

use std::io::Write;
use std::sync::mpsc::{channel, Sender};
use std::thread::JoinHandle;

use serde_json::{json, Value};

pub const PARSE_ERROR: i64 = -32700;
pub const INVALID_REQUEST: i64 = -32600;
pub const METHOD_NOT_FOUND: i64 = -32601;
pub const INVALID_PARAMS: i64 = -32602;
pub const INTERNAL_ERROR: i64 = -32603;
/// The implementation refused or failed the call, in its own words.
pub const REFUSED: i64 = 1000;

/// A call that did not succeed.
#[derive(Debug)]
pub struct CallError {
    pub code: i64,
    pub message: String,
}

impl CallError {
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// What the implementation itself returned as an error.
    pub fn refused(error: impl std::fmt::Display) -> Self {
        Self::new(REFUSED, error.to_string())
    }
}

/// A request of the harness.
pub struct Request {
    pub id: Value,
    pub method: String,
    pub params: Value,
}

impl Request {
    pub fn parse(line: &[u8]) -> Result<Self, CallError> {
        let message: Value =
            serde_json::from_slice(line).map_err(|error| CallError::new(PARSE_ERROR, error.to_string()))?;
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
            return Err(CallError::new(INVALID_REQUEST, "a request has an id and a method"));
        };
        Ok(Self { id: id.clone(), method: method.to_owned(), params: message["params"].clone() })
    }
}

/// The string `key` of `params`.
pub fn text<'a>(params: &'a Value, key: &str) -> Result<&'a str, CallError> {
    let missing = || CallError::new(INVALID_PARAMS, format!("{key} must be a string"));
    params[key].as_str().ok_or_else(missing)
}

/// Where messages to the harness go, in order; saying something never blocks.
#[derive(Clone)]
pub struct Output(Sender<Option<Value>>);

impl Output {
    /// Start the thread that writes, and ends once `finish` was called.
    pub fn start() -> (Self, JoinHandle<()>) {
        let (sender, messages) = channel::<Option<Value>>();
        let writer = std::thread::spawn(move || {
            // No library beneath writes to standard output, so that it needs no guarding.
            let mut stdout = std::io::stdout().lock();
            for message in messages.iter().map_while(|message| message) {
                if writeln!(stdout, "{message}").and_then(|()| stdout.flush()).is_err() {
                    break; // The harness is gone.
                }
            }
        });
        (Self(sender), writer)
    }

    pub fn answer(&self, id: Value, outcome: Result<Value, CallError>) {
        self.say(match outcome {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(CallError { code, message }) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
            }
        });
    }

    pub fn notify(&self, method: &str, params: Value) {
        self.say(json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub fn finish(&self) {
        let _ = self.0.send(None);
    }

    fn say(&self, message: Value) {
        let _ = self.0.send(Some(message)); // Fails once the writer has ended; then nobody listens.
    }
}
