/**
 * A CLASP client with peer-to-peer connections: the interface for applications.
 *
 * Source: the P2P page of the CLASP documentation. The code runs in Node and in browsers.
 */

import { Connections } from './connections.js';
import { P2PError } from './errors.js';
import { ANNOUNCE_ADDRESS, isSessionId, readAnnouncement, readRelayed, relayAddress } from './signals.js';

const FEATURES = ['webrtc', 'reliable', 'unreliable'];
const MODES = ['prefer_p2p', 'p2p_only', 'server_only'];

/** Maximum bytes in one relayed message: a frame holds 65535, including the address and the sender. */
const RELAY_LIMIT = 65000;

export class Peer {
  #config;
  #signaling;
  #onEvent;
  #connections;
  #mode = MODES[0];
  #closed = false;

  /** Functions that end the subscriptions of the present session. */
  #subscriptions = [];

  /**
   * `signaling` is a client of @clasp-to/core that is connected to a router, and connects again by itself.
   * Used members: `session`, `connected`, `on(address, callback(value))`, which returns a function that ends
   * the subscription, `onConnect(callback)`, `emit(address, value)` and `close()`.
   *
   * `config` is null (P2P is not enabled) or has any of `ice_servers`, `turn_servers`,
   * `connection_timeout_secs`, `auto_fallback`; `max_retries` is ignored, since an attempt is not
   * repeated. `createConnection(rtcConfiguration)` makes an RTCPeerConnection, and `onEvent` receives
   * the events.
   */
  constructor({ signaling, config, createConnection, onEvent }) {
    this.session = signaling.session;
    this.#signaling = signaling;
    this.#config = config;
    this.#onEvent = onEvent;
    this.#connections = new Connections({ signaling, config: config ?? {}, createConnection, onEvent });
    if (config !== null) this.#enable();
    // Afterwards: the client first renews the subscriptions of the session before.
    signaling.onConnect(() => setTimeout(() => this.#reattached()));
  }

  /** Go on under the session id that the router has given to this client after the loss of its connection. */
  #reattached() {
    if (this.#closed || this.session === this.#signaling.session) return;
    this.session = this.#signaling.session;
    for (const end of this.#subscriptions) end();
    if (this.#config !== null) this.#enable();
  }

  #enable() {
    const signaling = this.#signaling;
    const relayed = (value) => {
      const data = readRelayed(value);
      if (data !== null) this.#onEvent({ type: 'data', ...data });
    };
    const announced = (value) => {
      const peer = readAnnouncement(value);
      if (peer === null || peer.peer_session_id === this.session) return;
      this.#onEvent({ type: 'peer_announced', ...peer });
    };
    this.#subscriptions = [
      this.#connections.listen(),
      signaling.on(relayAddress(this.session), relayed),
      signaling.on(ANNOUNCE_ADDRESS, announced),
    ];
    const announcement = { session_id: this.session, p2p_capable: true, features: FEATURES };
    signaling.emit(ANNOUNCE_ADDRESS, announcement);
  }

  /** Request a connection to the session `target`; return when the offer is sent. */
  async connectToPeer(target) {
    this.#check(target);
    await this.#connections.connect(target);
  }

  /** Send `data` (Uint8Array) to the session `target`; return the path, `p2p` or `relay`. */
  async sendP2P(target, data, reliable) {
    this.#check(target);
    if (this.#mode === 'server_only') return this.#relay(target, data, reliable);
    const connection = this.#connections.to(target);
    const refusal = connection === null ? { reason: 'there is none' } : connection.send(data, reliable);
    if (refusal === null) return 'p2p';
    if (refusal.tooLarge) {
      throw new P2PError(`${data.length} bytes: ${refusal.reason}; send smaller pieces`);
    }
    const only = this.#mode === 'p2p_only';
    if (!only && this.#config.auto_fallback !== false) return this.#relay(target, data, reliable);
    throw new P2PError(
      `no direct connection to ${target} (${refusal.reason}), and ` +
        (only ? 'the routing mode p2p_only allows no relay' : 'auto_fallback is off') +
        ': call connect_to_peer and wait for Connected, or allow the relay',
    );
  }

  get routingMode() {
    return this.#mode;
  }

  set routingMode(mode) {
    if (!MODES.includes(mode)) {
      throw new P2PError(`${mode} is not a routing mode; it must be one of ${MODES.join(', ')}`);
    }
    this.#mode = mode;
  }

  isPeerConnected(target) {
    return this.#connections.to(target) !== null;
  }

  /** End the connection to `target`, or the attempt to reach it. */
  async disconnectPeer(target) {
    this.#check(target);
    await this.#connections.disconnect(target, 'this client called disconnect_peer');
  }

  /** End all connections, then the session with the router. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    await this.#connections.close();
    this.#signaling.close();
  }

  #check(target) {
    if (this.#config === null) {
      throw new P2PError('P2P is not enabled on this client: give it a P2P configuration');
    }
    if (this.#closed) throw new P2PError('this client has been closed: connect a new one');
    if (!isSessionId(target)) {
      throw new P2PError(`${target} is not a session id: it must be a string that is not empty`);
    }
    if (target === this.session) {
      throw new P2PError(`${target} is this client's own session: give another one`);
    }
  }

  #relay(target, data, reliable) {
    if (!this.#signaling.connected) {
      throw new P2PError('cannot relay, the session with the router has ended: connect a new client');
    }
    if (data.length > RELAY_LIMIT) {
      throw new P2PError(`${data.length} bytes: the relay accepts at most ${RELAY_LIMIT}; send smaller pieces`);
    }
    this.#signaling.emit(relayAddress(target), { from: this.session, data, reliable });
    return 'relay';
  }
}
