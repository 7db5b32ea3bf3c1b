/**
 * The connections of one client, and the attempts towards them.
 *
 * Source: the P2P page of the CLASP documentation; the signals are those of its reference
 * implementation.
 *
 * An attempt has one outcome, Connected or ConnectionFailed. It may consist of several negotiations,
 * started by either side; the first whose channels are open becomes the connection, the others end.
 */

import { P2PError } from './errors.js';
import { Negotiation } from './negotiation.js';
import { isSignal, signalAddress } from './signals.js';

const DEFAULT_TIMEOUT = 30;

/** The number of candidates without an offer that are kept, of all sessions together. */
const EARLY_LIMIT = 64;

export class Connections {
  #signaling;
  #createConnection;
  #onEvent;
  #iceServers;
  #seconds;
  #closed = false;

  /**
   * By session id: `connection` is the negotiation that became the connection, or null; `negotiations` are
   * those in progress, by correlation id; `offering` is settled when our offer is sent.
   */
  #remotes = new Map();

  /** Candidates that arrived before their offer, as signals. */
  #early = [];

  /** The arguments are those of `Peer`, but `config` is never null. */
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

  /** Start to receive signals to the present session; return a function that ends it. */
  listen() {
    return this.#signaling.on(signalAddress(this.#signaling.session), (value) => this.#signaled(value));
  }

  /** Return the connection to `session`, or null. */
  to(session) {
    return this.#remotes.get(session)?.connection ?? null;
  }

  /** Begin an attempt, unless there is an attempt or a connection; return when the offer is sent. */
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

  /** End all connections and attempts. */
  async close() {
    this.#closed = true;
    const sessions = [...this.#remotes.keys()];
    await Promise.all(sessions.map((session) => this.disconnect(session, 'this client was closed')));
  }

  #needRouter() {
    if (!this.#signaling.connected) throw new P2PError('the session with the router has ended: connect a new client');
  }

  // Attempts

  /** Start or restart the timer of an attempt. */
  #begin(session) {
    let remote = this.#remotes.get(session);
    if (remote === undefined) {
      remote = { session, connection: null, negotiations: new Map(), offering: null, timer: null };
      this.#remotes.set(session, remote);
    }
    clearTimeout(remote.timer);
    const reason = `no connection within ${this.#seconds} s: no answer arrived, or there is no path`;
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

  /** Make an offer and send it. A failure is thrown, not also raised as an event. */
  async #offer(remote) {
    let own;
    let failure = null;
    try {
      // The id authenticates the peer's signals, so it must not be guessable.
      own = this.#negotiate(remote, crypto.randomUUID(), true);
      const sdp = await own.offer();
      if (sdp !== null) this.#describe(remote, own, { type: 'offer', sdp });
    } catch (error) {
      if (!own?.ended) failure = error.message;
      if (own !== undefined) this.#drop(remote, own);
      if (remote.negotiations.size === 0) this.#fail(remote, failure, { raisesEvent: false });
      else failure = null; // The peer has made an offer in the meantime.
    }
    failure ??= own?.failure ?? null;
    if (failure !== null) throw new P2PError(`no offer to ${remote.session}: ${failure}`);
  }

  #describe(remote, negotiation, signal) {
    this.#needRouter();
    this.#signal(remote, negotiation, signal);
    negotiation.descriptionPublished();
  }

  /** End an attempt without success. While there is a connection, the failure raises no event. */
  #fail(remote, reason, { raisesEvent = true } = {}) {
    clearTimeout(remote.timer);
    for (const negotiation of [...remote.negotiations.values()]) {
      if (negotiation.published) {
        this.#signal(remote, negotiation, { type: 'disconnected', reason });
      } else if (negotiation.ours) {
        // The call that waits for this offer to be sent throws an error instead.
        negotiation.failure = reason;
        raisesEvent = false;
      }
      this.#drop(remote, negotiation);
    }
    if (remote.connection !== null) return;
    this.#remotes.delete(remote.session);
    if (raisesEvent) this.#onEvent({ type: 'connection_failed', peer_session_id: remote.session, reason });
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

  // Events of a negotiation

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
    for (const [data, reliable] of negotiation.early.messages.splice(0)) {
      this.#message(remote, negotiation, data, reliable);
    }
  }

  #message(remote, negotiation, data, reliable) {
    if (remote.connection === negotiation) {
      this.#onEvent({ type: 'data', peer_session_id: remote.session, data, reliable });
    } else {
      // Only one channel is open yet: data must not be reported before Connected.
      negotiation.early.messages.push([data, reliable]);
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
      if (value.type === 'ice_candidate') this.#early = [...this.#early, value].slice(-EARLY_LIMIT);
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
    // Glare: of two offers that cross, the one of the smaller session id is answered.
    if (own !== undefined && this.#signaling.session < offer.from) return;
    // In a glare the offer belongs to the attempt in progress; otherwise it begins a new one.
    const remote = own === undefined ? this.#begin(offer.from) : known;
    for (const negotiation of current) {
      // An offer that we have sent is kept: it may still be answered.
      if (negotiation !== own || !own.published) this.#drop(remote, negotiation);
    }
    let theirs;
    try {
      theirs = this.#negotiate(remote, offer.correlation_id, false);
      for (const { candidate } of this.#takeEarly(offer)) theirs.addCandidate(candidate);
      const sdp = await theirs.answer(offer.sdp);
      if (sdp !== null) this.#describe(remote, theirs, { type: 'answer', sdp });
    } catch (error) {
      if (theirs !== undefined) this.#broken(remote, theirs, error);
      else if (remote.negotiations.size === 0) this.#fail(remote, error.message);
    }
  }

  /** Return the candidates that arrived before `offer`, and forget them. */
  #takeEarly(offer) {
    const isOf = ({ from, correlation_id: id }) => from === offer.from && id === offer.correlation_id;
    const early = this.#early.filter(isOf);
    this.#early = this.#early.filter((signal) => !isOf(signal));
    return early;
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
