// Replace this stub, which returns what is sent to it, by calls of your implementation.
//
// Each method is one call of your implementation: it does not wait, retry, repair or fill in defaults.
// If your implementation returns an error, throw `Refused` with its message.

export const description = {
  // Remove "stub" when the methods below call your implementation.
  implementation: { name: "my implementation", version: "0.1.0", language: "JavaScript", stub: true },
  roles: ["peer"],
  // Its optional calls and features: turn, close, disconnect_peer, is_peer_connected, announce.
  capabilities: ["close", "is_peer_connected"],
  processes: "per_peer",
};

/** A call that the implementation refused or failed, with the implementation's message. */
export class Refused extends Error {}

/** A client. `raiseEvent` can be called at any time, also before `open` returns. */
export class Client {
  constructor(raiseEvent) {
    this.raiseEvent = raiseEvent;
    this.connected = new Set();
    this.mode = "prefer_p2p";
  }

  /** Return the session id from the router. Use your own defaults for keys that are absent in `p2p`. */
  async open(url, name, token, p2p) {
    return "stub-session";
  }

  /** Return when your own call does; report its outcome as an event. */
  async connect_to_peer(target) {
    this.connected.add(target);
    this.raiseEvent({ type: "connected", peer_session_id: target });
  }

  /** Return the path that your own call reports, "p2p" or "relay". `data` is a Buffer; events take any Uint8Array. */
  async send_p2p(target, data, reliable) {
    this.raiseEvent({ type: "data", peer_session_id: target, data, reliable });
    return this.connected.has(target) ? "p2p" : "relay";
  }

  /** Set "prefer_p2p", "p2p_only" or "server_only". */
  async set_p2p_routing_mode(mode) {
    this.mode = mode;
  }

  /** Return the current mode. */
  async p2p_routing_mode() {
    return this.mode;
  }

  /** Return whether a direct connection is established. */
  async is_peer_connected(target) {
    return this.connected.has(target);
  }

  /** Close the client. */
  async close() {
    this.connected.clear();
  }
}
