/**
 * CLASP's peer-to-peer connections on a signaling client and the standard WebRTC API.
 *
 * Source: the P2P page of the CLASP documentation. The signals are those of CLASP's reference
 * implementation. Nothing here is special to Node: the same code runs in a browser.
 *
 * An attempt has one outcome, Connected or ConnectionFailed. It may hold several negotiations, ours
 * and theirs; the first whose channels are open becomes the connection and the others end.
 */

import { Negotiation } from './negotiation.js';
import {
  ANNOUNCE_ADDRESS,
  isSessionId,
  isSignal,
  readAnnouncement,
  readRelayed,
  relayAddress,
  signalAddress,
} from './signals.js';

export const FEATURES = ['webrtc', 'reliable', 'unreliable'];

const DEFAULT_TIMEOUT = 30;
const MODES = ['prefer_p2p', 'p2p_only', 'server_only'];

/** Bytes in one relayed message: a frame holds 65535, and address and sender need their share. */
const RELAY_LIMIT = 65000;

/** What a peer refuses, or could not do; the message says what to do about it. */
export class P2PError extends Error {}

export class Peer {
  #config;
  #signaling;
  #createConnection;
  #onEvent;
  #remotes = new Map();
  #mode = MODES[0];
  #closed = false;

  /**
   * A peer on `signaling`, which is connected to a router: `session`, `connected`,
   * `on(address, callback(value))`, `emit(address, value)`, `onDisconnect(callback)`, `close()`,
   * as @clasp-to/core has them.
   *
   * `config` is null (P2P is not enabled) or has any of `ice_servers`, `turn_servers`,
   * `connection_timeout_secs`, `auto_fallback`; its `max_retries` has no use here, where an attempt
   * is not repeated. `createConnection(rtcConfiguration)` makes an RTCPeerConnection, and `onEvent`
   * gets what the application is told.
   */
  constructor({ signaling, config, createConnection, onEvent }) {
    this.session = signaling.session;
    this.#signaling = signaling;
    this.#config = config;
    this.#createConnection = createConnection;
    this.#onEvent = onEvent;
    if (config === null) return;
    signaling.on(signalAddress(this.session), (value) => this.#signaled(value));
    signaling.on(relayAddress(this.session), (value) => {
      const relayed = readRelayed(value);
      if (relayed !== null) this.#onEvent({ type: 'data', ...relayed });
    });
    signaling.on(ANNOUNCE_ADDRESS, (value) => {
      const told = readAnnouncement(value);
      if (told !== null && told.peer_session_id !== this.session) {
        this.#onEvent({ type: 'peer_announced', ...told });
      }
    });
    signaling.emit(ANNOUNCE_ADDRESS, { session_id: this.session, p2p_capable: true, features: FEATURES });
  }

  // Calls

  /** Ask for a connection to the session `target`; done when the offer has left. */
  async connectToPeer(target) {
    this.#check(target);
    const remote = this.#remotes.get(target);
    if (remote?.connection) return;
    if (remote === undefined || remote.negotiations.size === 0) {
      this.#checkRouter('no offer can be made');
      await this.#offer(this.#begin(target));
    } else {
      await remote.offering;
    }
  }

  /** Send `data` (Uint8Array) to the session `target`; `p2p` or `relay`, whichever way it left. */
  async sendP2P(target, data, reliable) {
    this.#check(target);
    if (this.#mode === 'server_only') return this.#relay(target, data, reliable);
    const connection = this.#remotes.get(target)?.connection;
    const refusal = connection ? connection.send(data, reliable) : { reason: 'there is none' };
    if (refusal === null) return 'p2p';
    if (refusal.tooLarge) throw new P2PError(`${data.length} bytes: ${refusal.reason}; send smaller pieces`);
    if (this.#mode === 'prefer_p2p' && this.#config.auto_fallback !== false) {
      return this.#relay(target, data, reliable);
    }
    const why = this.#mode === 'p2p_only' ? 'the routing mode p2p_only allows no relay' : 'auto_fallback is off';
    throw new P2PError(
      `no direct connection to ${target} (${refusal.reason}), and ${why}: ` +
        'call connect_to_peer and wait for Connected, or allow the relay',
    );
  }

  get routingMode() {
    return this.#mode;
  }

  set routingMode(mode) {
    if (!MODES.includes(mode)) throw new P2PError(`${mode}: no routing mode; there are ${MODES.join(', ')}`);
    this.#mode = mode;
  }

  isPeerConnected(target) {
    return Boolean(this.#remotes.get(target)?.connection);
  }

  /** End the connection to `target`, or the attempt to reach it. */
  async disconnectPeer(target) {
    this.#check(target);
    const remote = this.#remotes.get(target);
    if (remote?.connection) await this.#leave(remote);
    else if (remote !== undefined) this.#fail(remote, 'this client called disconnect_peer');
  }

  /** End all connections, then the session with the router. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    const remotes = [...this.#remotes.values()];
    for (const remote of remotes) if (!remote.connection) this.#fail(remote, 'this client was closed');
    await Promise.all(remotes.filter((remote) => remote.connection).map((remote) => this.#leave(remote)));
    this.#signaling.close();
  }

  #check(target) {
    if (this.#config === null) throw new P2PError('P2P is not enabled on this client: give it a P2P configuration');
    if (this.#closed) throw new P2PError('this client has been closed: connect a new one');
    if (!isSessionId(target)) throw new P2PError(`${target}: a session id is not empty and holds no '/'`);
    if (target === this.session) throw new P2PError(`${target} is this client's own session: name another`);
  }

  #checkRouter(what) {
    if (!this.#signaling.connected) throw new P2PError(`${what}: the router is gone; connect a new client`);
  }

  #relay(target, data, reliable) {
    this.#checkRouter('nothing can be relayed');
    if (data.length > RELAY_LIMIT) {
      throw new P2PError(`${data.length} bytes: the relay takes up to ${RELAY_LIMIT}; send smaller pieces`);
    }
    this.#signaling.emit(relayAddress(target), { from: this.session, data, reliable });
    return 'relay';
  }

  // Attempts

  #remote(session) {
    let remote = this.#remotes.get(session);
    if (remote === undefined) {
      remote = { session, connection: null, negotiations: new Map(), offering: null, timer: null };
      this.#remotes.set(session, remote);
    }
    return remote;
  }

  /** Start the time of an attempt, or start it anew. */
  #begin(session) {
    const remote = this.#remote(session);
    const seconds = this.#config.connection_timeout_secs ?? DEFAULT_TIMEOUT;
    clearTimeout(remote.timer);
    remote.timer = setTimeout(() => this.#fail(remote, `no connection within ${seconds} s`), seconds * 1000);
    return remote;
  }

  #negotiate(remote, correlationId, ours) {
    const { ice_servers: stun = [], turn_servers: turn = [] } = this.#config;
    const iceServers = [
      ...stun.map((urls) => ({ urls: [urls] })),
      ...turn.map(({ url, username, credential }) => ({ urls: [url], username, credential })),
    ];
    const negotiation = new Negotiation(this.#createConnection({ iceServers }), correlationId, ours, {
      candidate: (of, candidate) => this.#signal(remote, of, { type: 'ice_candidate', candidate }),
      open: (of) => this.#opened(remote, of),
      message: (of, data, reliable) => this.#message(remote, of, data, reliable),
      lost: (of, reason) => this.#lost(remote, of, reason),
    });
    remote.negotiations.set(correlationId, negotiation);
    return negotiation;
  }

  async #offer(remote) {
    let failure = null;
    remote.offering = (async () => {
      try {
        // The id is what tells the peer's own signals from those in its name: it must not be guessable.
        const own = this.#negotiate(remote, crypto.randomUUID(), true);
        const sdp = await own.offer();
        if (sdp !== null) this.#describe(remote, own, 'offer', sdp);
        else failure = own.failure ?? null;
      } catch (error) {
        failure = error.message;
        this.#fail(remote, failure, { told: false });
      }
      if (failure !== null) throw new P2PError(`no offer to ${remote.session}: ${failure}`);
    })();
    return remote.offering;
  }

  #describe(remote, negotiation, type, sdp) {
    this.#checkRouter('no description can be sent');
    this.#signal(remote, negotiation, { type, sdp });
    negotiation.descriptionPublished();
  }

  /** End an attempt without success. Beside a connection it is none of the application's. */
  #fail(remote, reason, { told = true } = {}) {
    clearTimeout(remote.timer);
    for (const negotiation of [...remote.negotiations.values()]) {
      if (negotiation.published) this.#signal(remote, negotiation, { type: 'disconnected', reason });
      // A call that still waits for this offer to leave is told, instead of the application.
      if (negotiation.ours && !negotiation.published) {
        negotiation.failure = reason;
        told &&= remote.connection !== null;
      }
      this.#drop(remote, negotiation);
    }
    if (remote.connection !== null) return;
    this.#remotes.delete(remote.session);
    if (told) this.#onEvent({ type: 'connection_failed', peer_session_id: remote.session, reason });
  }

  #drop(remote, negotiation) {
    remote.negotiations.delete(negotiation.correlationId);
    negotiation.end();
  }

  #signal(remote, negotiation, fields) {
    if (!this.#signaling.connected) return;
    const common = { from: this.session, correlation_id: negotiation.correlationId };
    this.#signaling.emit(signalAddress(remote.session), { ...common, ...fields });
  }

  // Connections

  #opened(remote, negotiation) {
    clearTimeout(remote.timer);
    if (remote.connection !== null) {
      this.#ended(remote, 'replaced by a new connection to the same peer');
      this.#remotes.set(remote.session, remote);
    }
    remote.connection = negotiation;
    remote.negotiations.delete(negotiation.correlationId);
    for (const other of [...remote.negotiations.values()]) this.#drop(remote, other);
    this.#onEvent({ type: 'connected', peer_session_id: remote.session });
    this.#signal(remote, negotiation, { type: 'connected' });
    for (const [data, reliable] of negotiation.unheard ?? []) this.#message(remote, negotiation, data, reliable);
  }

  #message(remote, negotiation, data, reliable) {
    if (remote.connection === negotiation) {
      this.#onEvent({ type: 'data', peer_session_id: remote.session, data, reliable });
    } else {
      // One channel is open and the other is not yet: it is told after Connected, never before.
      (negotiation.unheard ??= []).push([data, reliable]);
    }
  }

  #lost(remote, negotiation, reason) {
    if (negotiation === remote.connection) {
      this.#ended(remote, reason);
    } else if (remote.negotiations.size > 1) {
      this.#drop(remote, negotiation);
    } else {
      this.#fail(remote, reason);
    }
  }

  #ended(remote, reason) {
    const connection = remote.connection;
    remote.connection = null;
    connection.end();
    if (remote.negotiations.size === 0) this.#remotes.delete(remote.session);
    this.#onEvent({ type: 'disconnected', peer_session_id: remote.session, reason });
  }

  /** End a connection in an orderly way: what was sent before leaves first. */
  async #leave(remote) {
    const connection = remote.connection;
    await connection.drain();
    if (remote.connection !== connection) return;
    this.#signal(remote, connection, { type: 'disconnected', reason: 'closed by the peer' });
    this.#ended(remote, 'closed by this client');
  }

  // Signals

  #signaled(value) {
    if (this.#closed || !isSignal(value) || value.from === this.session) return;
    const remote = this.#remotes.get(value.from);
    if (value.type === 'offer') {
      this.#offered(value, remote);
      return;
    }
    const negotiation = this.#named(remote, value.correlation_id);
    if (negotiation === undefined) return;
    if (value.type === 'answer') this.#answered(remote, negotiation, value.sdp);
    else if (value.type === 'ice_candidate') negotiation.addCandidate(value.candidate);
    else if (value.type === 'disconnected') this.#lost(remote, negotiation, value.reason ?? 'closed by the peer');
  }

  #named(remote, correlationId) {
    if (remote?.connection?.correlationId === correlationId) return remote.connection;
    return remote?.negotiations.get(correlationId);
  }

  async #offered(offer, known) {
    if (this.#named(known, offer.correlation_id) !== undefined) return;
    const current = [...(known?.negotiations.values() ?? [])];
    const own = current.find((negotiation) => negotiation.ours && !negotiation.answered);
    // Glare: of two offers that cross, the one of the smaller session id stands.
    if (own !== undefined && this.session < offer.from) return;
    const remote = own === undefined ? this.#begin(offer.from) : known;
    for (const negotiation of current) {
      // Our own offer is kept, once it has left, in case it is answered after all.
      if (negotiation !== own || !own.published) this.#drop(remote, negotiation);
    }
    let theirs;
    try {
      theirs = this.#negotiate(remote, offer.correlation_id, false);
      const sdp = await theirs.answer(offer.sdp);
      if (sdp !== null) this.#describe(remote, theirs, 'answer', sdp);
    } catch (error) {
      this.#broken(remote, theirs, error);
    }
  }

  async #answered(remote, negotiation, sdp) {
    if (!negotiation.ours || !negotiation.published || negotiation.answered) return;
    try {
      await negotiation.accept(sdp);
    } catch (error) {
      this.#broken(remote, negotiation, error);
    }
  }

  #broken(remote, negotiation, error) {
    if (negotiation === undefined) {
      if (remote.negotiations.size === 0) this.#fail(remote, error.message);
    } else if (!negotiation.ended) {
      this.#lost(remote, negotiation, error.message);
    }
  }
}
