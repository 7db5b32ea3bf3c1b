// Where your own calls go. What stands here is a stub: whatever it is sent comes back to it.
//
// Each method is one call of your implementation: no waiting, no retry, no repair, no default filled
// in. Throw `Refused` with your implementation's own words where it returns an error.

export const description = {
  // Take "stub" out once your implementation is behind this.
  implementation: { name: "my implementation", version: "0.1.0", language: "JavaScript", stub: true },
  roles: ["peer"],
  // What it offers beyond the rest: turn, close, disconnect_peer, is_peer_connected, announce.
  capabilities: ["close", "is_peer_connected"],
  processes: "per_peer",
};

/** The implementation refused or failed a call; the message is its own. */
export class Refused extends Error {}

/** One client. `raiseEvent` can be called at any time, also before `open` has returned. */
export class Client {
  constructor(raiseEvent) {
    this.raiseEvent = raiseEvent;
    this.connected = new Set();
    this.mode = "prefer_p2p";
  }

  /** Return the session id that the router gave. What is absent in `p2p` means your own default. */
  async open(url, name, token, p2p) {
    return "stub-session";
  }

  /** Return when your own call does; what comes of it is an event. */
  async connect_to_peer(target) {
    this.connected.add(target);
    this.raiseEvent({ type: "connected", peer_session_id: target });
  }

  /** Return "p2p" or "relay", as your own call says. `data` is a Buffer; in events any Uint8Array will do. */
  async send_p2p(target, data, reliable) {
    this.raiseEvent({ type: "data", peer_session_id: target, data, reliable });
    return this.connected.has(target) ? "p2p" : "relay";
  }

  /** Set "prefer_p2p", "p2p_only" or "server_only". */
  async set_p2p_routing_mode(mode) {
    this.mode = mode;
  }

  /** Return the mode in force. */
  async p2p_routing_mode() {
    return this.mode;
  }

  /** Return whether a direct connection stands. */
  async is_peer_connected(target) {
    return this.connected.has(target);
  }

  /** Close in your own orderly way. */
  async close() {
    this.connected.clear();
  }
}
