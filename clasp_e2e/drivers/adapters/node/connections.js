/**
 * The connections of one client, and the attempts towards them.
 *
 * Source: the P2P page of the CLASP documentation; the signals are those of its reference
 * implementation.
 *
 * An attempt has one outcome, Connected or ConnectionFailed. It may hold several negotiations, ours
 * and theirs; the first whose channels are open becomes the connection and the others end.
 */

import { P2PError } from './errors.js';
import { Negotiation } from './negotiation.js';
import { isSignal, signalAddress } from './signals.js';

const DEFAULT_TIMEOUT = 30;

export class Connections {
  #signaling;
  #createConnection;
  #onEvent;
  #iceServers;
  #seconds;
  #closed = false;

  /**
   * By session id: `connection` is the negotiation that has become one, or null; `negotiations` are
   * those under way, by correlation id; `offering` is settled when our offer has left.
   */
  #remotes = new Map();

  /** Its arguments are those of `Peer`, with a configuration. */
  constructor({ signaling, config, createConnection, onEvent }) {
    const { ice_servers: stun = [], turn_servers: turn = [] } = config;
    this.#iceServers = [
      ...stun.map((url) => ({ urls: [url] })),
      ...turn.map(({ url, username, credential }) => ({ urls: [url], username, credential })),
    ];
    this.#seconds = config.connection_timeout_secs ?? DEFAULT_TIMEOUT;
    this.#signaling = signaling;
    this.#createConnection = createConnection;
    this.#onEvent = onEvent;
  }

  /** Take offers of others. */
  listen() {
    this.#signaling.on(signalAddress(this.#signaling.session), (value) => this.#signaled(value));
  }

  /** The connection to `session`, or null. */
  to(session) {
    return this.#remotes.get(session)?.connection ?? null;
  }

  /** Begin an attempt, unless there is one, or a connection. */
  async connect(session) {
    let remote = this.#remotes.get(session);
    if (remote === undefined) {
      this.#needRouter();
      remote = this.#begin(session);
      remote.offering = this.#offer(remote);
    }
    await remote.offering;
  }

  /** End the connection or the attempt. */
  async disconnect(session, reason) {
    const remote = this.#remotes.get(session);
    if (remote === undefined) return;
    if (remote.connection === null) {
      this.#fail(remote, reason);
      return;
    }
    const { connection } = remote;
    await connection.drain();
    if (remote.connection !== connection) return;
    this.#signal(remote, connection, { type: 'disconnected', reason: 'closed by the peer' });
    this.#lost(remote, connection, reason);
  }

  /** End all of them. */
  async close() {
    this.#closed = true;
    const sessions = [...this.#remotes.keys()];
    await Promise.all(sessions.map((session) => this.disconnect(session, 'this client was closed')));
  }

  #needRouter() {
    if (!this.#signaling.connected) throw new P2PError('the router is gone: connect a new client');
  }

  // Attempts

  /** Start the time of an attempt, or start it anew. */
  #begin(session) {
    let remote = this.#remotes.get(session);
    if (remote === undefined) {
      remote = { session, connection: null, negotiations: new Map(), offering: null, timer: null };
      this.#remotes.set(session, remote);
    }
    clearTimeout(remote.timer);
    const reason = `no connection within ${this.#seconds} s: nobody answered, or there is no path`;
    remote.timer = setTimeout(() => this.#fail(remote, reason), this.#seconds * 1000);
    return remote;
  }

  #negotiate(remote, correlationId, ours) {
    const connection = this.#createConnection({ iceServers: structuredClone(this.#iceServers) });
    const negotiation = new Negotiation(connection, correlationId, ours, {
      candidate: (of, candidate) => this.#signal(remote, of, { type: 'ice_candidate', candidate }),
      open: (of) => this.#opened(remote, of),
      message: (of, data, reliable) => this.#message(remote, of, data, reliable),
      lost: (of, reason) => this.#lost(remote, of, reason),
    });
    remote.negotiations.set(correlationId, negotiation);
    return negotiation;
  }

  /** Make an offer and send it. Where that fails the caller is told, and not the application too. */
  async #offer(remote) {
    let own;
    let failure = null;
    try {
      // The id tells the peer's own signals from those in its name: it must not be guessable.
      own = this.#negotiate(remote, crypto.randomUUID(), true);
      const sdp = await own.offer();
      if (sdp !== null) this.#describe(remote, own, { type: 'offer', sdp });
    } catch (error) {
      if (!own?.ended) failure = error.message;
      if (own !== undefined) this.#drop(remote, own);
      if (remote.negotiations.size === 0) this.#fail(remote, failure, { told: false });
      else failure = null; // The peer has made an offer meanwhile.
    }
    failure ??= own?.failure ?? null;
    if (failure !== null) throw new P2PError(`no offer to ${remote.session}: ${failure}`);
  }

  #describe(remote, negotiation, signal) {
    this.#needRouter();
    this.#signal(remote, negotiation, signal);
    negotiation.descriptionPublished();
  }

  /** End an attempt without success. Beside a connection it is none of the application's. */
  #fail(remote, reason, { told = true } = {}) {
    clearTimeout(remote.timer);
    for (const negotiation of [...remote.negotiations.values()]) {
      if (negotiation.published) {
        this.#signal(remote, negotiation, { type: 'disconnected', reason });
      } else if (negotiation.ours) {
        // The call that waits for this offer to leave is told, instead of the application.
        negotiation.failure = reason;
        told = false;
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
    const common = { from: this.#signaling.session, correlation_id: negotiation.correlationId };
    this.#signaling.emit(signalAddress(remote.session), { ...common, ...fields });
  }

  // What becomes of a negotiation

  #opened(remote, negotiation) {
    clearTimeout(remote.timer);
    if (remote.connection !== null) {
      this.#lost(remote, remote.connection, 'replaced by a new connection to the same peer');
    }
    remote.connection = negotiation;
    remote.negotiations.delete(negotiation.correlationId);
    for (const other of [...remote.negotiations.values()]) this.#drop(remote, other);
    this.#onEvent({ type: 'connected', peer_session_id: remote.session });
    this.#signal(remote, negotiation, { type: 'connected' });
    for (const [data, reliable] of negotiation.unheard.splice(0)) {
      this.#message(remote, negotiation, data, reliable);
    }
  }

  #message(remote, negotiation, data, reliable) {
    if (remote.connection === negotiation) {
      this.#onEvent({ type: 'data', peer_session_id: remote.session, data, reliable });
    } else {
      // One channel is open and the other is not yet: told after Connected, never before.
      negotiation.unheard.push([data, reliable]);
    }
  }

  #lost(remote, negotiation, reason) {
    if (negotiation === remote.connection) {
      remote.connection = null;
      negotiation.end();
      if (remote.negotiations.size === 0) this.#remotes.delete(remote.session);
      this.#onEvent({ type: 'disconnected', peer_session_id: remote.session, reason });
    } else if (remote.negotiations.size > 1) {
      this.#drop(remote, negotiation);
    } else {
      this.#fail(remote, reason);
    }
  }

  // Signals

  #signaled(value) {
    if (this.#closed || !isSignal(value) || value.from === this.#signaling.session) return;
    const remote = this.#remotes.get(value.from);
    const negotiation = this.#named(remote, value.correlation_id);
    if (value.type === 'offer') {
      if (negotiation === undefined) this.#offered(value, remote);
    } else if (negotiation === undefined) {
      return;
    } else if (value.type === 'answer') {
      this.#answered(remote, negotiation, value.sdp);
    } else if (value.type === 'ice_candidate') {
      negotiation.addCandidate(value.candidate);
    } else if (value.type === 'disconnected') {
      this.#lost(remote, negotiation, value.reason ?? 'closed by the peer');
    }
  }

  #named(remote, correlationId) {
    if (remote?.connection?.correlationId === correlationId) return remote.connection;
    return remote?.negotiations.get(correlationId);
  }

  async #offered(offer, known) {
    const current = [...(known?.negotiations.values() ?? [])];
    const own = current.find((negotiation) => negotiation.ours && !negotiation.answered);
    // Glare: of two offers that cross, the one of the smaller session id stands.
    if (own !== undefined && this.#signaling.session < offer.from) return;
    // In a glare their offer belongs to the attempt that we have begun; otherwise it is a new one.
    const remote = own === undefined ? this.#begin(offer.from) : known;
    for (const negotiation of current) {
      // An offer of ours that has left is kept, in case it is answered after all.
      if (negotiation !== own || !own.published) this.#drop(remote, negotiation);
    }
    let theirs;
    try {
      theirs = this.#negotiate(remote, offer.correlation_id, false);
      const sdp = await theirs.answer(offer.sdp);
      if (sdp !== null) this.#describe(remote, theirs, { type: 'answer', sdp });
    } catch (error) {
      if (theirs !== undefined) this.#broken(remote, theirs, error);
      else if (remote.negotiations.size === 0) this.#fail(remote, error.message);
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
    if (!negotiation.ended) this.#lost(remote, negotiation, error.message);
  }
}
