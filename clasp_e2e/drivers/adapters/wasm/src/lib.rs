//! The published `clasp-wasm` 4.5.0 with its feature `p2p`, and nothing else.

pub use clasp_wasm::*;
