/**
 * One offer and its answer, and the RTCPeerConnection between them.
 *
 * Written to the standard API (W3C WebRTC 1.0), so that it runs on any stack and in a browser.
 */

const RELIABLE = 'clasp-reliable';
const UNRELIABLE = 'clasp';

const CHANNELS = {
  [UNRELIABLE]: { ordered: false, maxRetransmits: 0 },
  [RELIABLE]: { ordered: true },
};

/** Bytes that every stack accepts in one message; above it @roamhq/wrtc closes the channel without an error. */
const MESSAGE_LIMIT = 262144;

/** Bytes that a peer accepts if its SDP states no limit (RFC 8841, section 6.1). */
const UNSTATED_LIMIT = 65536;

/** Milliseconds that an orderly close waits for the peer, which must be notified within 2 s. */
const DRAIN_LIMIT = 1000;

/**
 * Milliseconds that a connection may stay `disconnected`, which it becomes after about 5 s of silence.
 * Consent expires after 30 s (RFC 7675, section 5.1), but @roamhq/wrtc does not always report it:
 * sometimes its last event arrives while the state is still `disconnected`.
 */
const SILENCE_LIMIT = 20000;

const encoder = new TextEncoder();

export class Negotiation {
  /**
   * `connection` is a new RTCPeerConnection, `ours` whether this side makes the offer. `handlers` are
   * called until `end`, each with this negotiation as an additional first argument: `candidate(json)`,
   * `open()`, `message(data, reliable)`, `lost(reason)`.
   */
  constructor(connection, correlationId, ours, handlers) {
    this.correlationId = correlationId;
    this.ours = ours;
    this.published = false;
    this.answered = false;
    this.isOpen = false;
    this.closing = false;
    this.silence = null;
    this.ended = false;
    /** Why it ended, for the call that waits for its offer. */
    this.failure = null;
    this.whenGone = new Promise((resolve) => (this.resolveGone = resolve));
    this.whenEnded = new Promise((resolve) => (this.resolveEnded = resolve));
    this.connection = connection;
    this.handlers = handlers;
    this.channels = new Map();
    this.limit = UNSTATED_LIMIT;
    this.described = false;
    /** Candidates that wait for a description, and messages that wait for both channels to open. */
    this.early = { local: [], remote: [], messages: [] };
    connection.onicecandidate = ({ candidate }) => this.#localCandidate(candidate);
    connection.onconnectionstatechange = () => this.#stateChanged();
    connection.ondatachannel = ({ channel }) => this.#adopt(channel);
  }

  /** Make the offer; return its SDP, or null if this negotiation has ended. */
  async offer() {
    for (const [label, options] of Object.entries(CHANNELS)) {
      this.#adopt(this.connection.createDataChannel(label, options));
    }
    return this.#describe(() => this.connection.createOffer());
  }

  /** Make the answer to the offer `sdp`; return its SDP, or null if this negotiation has ended. */
  async answer(sdp) {
    await this.#setRemote('offer', sdp);
    return this.#describe(() => this.connection.createAnswer());
  }

  /** Use the answer `sdp` to our offer. */
  async accept(sdp) {
    this.answered = true;
    await this.#setRemote('answer', sdp);
  }

  /** Record that the description is sent, so that candidates may follow it. */
  descriptionPublished() {
    this.published = true;
    const waiting = this.early.local.splice(0);
    for (const json of waiting) this.#tell('candidate', json);
  }

  /** Use a candidate of the other side: JSON text, or the bare attribute. Invalid ones are ignored. */
  addCandidate(text) {
    const candidate = candidateAttribute(text);
    if (candidate === null || this.ended) return;
    if (this.described) this.#addRemote(candidate);
    else this.early.remote.push(candidate);
  }

  /** Send `data` on an open channel; return null, or `{reason, tooLarge}` if that is not possible. */
  send(data, reliable) {
    const channel = this.channels.get(reliable ? RELIABLE : UNRELIABLE);
    if (this.ended || channel?.readyState !== 'open') return { reason: 'the channel is not open' };
    if (data.length > this.limit) {
      const reason = `a DataChannel to this peer accepts at most ${this.limit} in one message`;
      return { tooLarge: true, reason };
    }
    try {
      channel.send(data);
    } catch (error) {
      return { reason: `the channel did not accept it: ${error.message}` };
    }
    return null;
  }

  /**
   * Close the reliable channel; return when the peer has ended the connection, or after `DRAIN_LIMIT`.
   * The close takes effect when all data sent on the channel has arrived (RFC 8831, section 6.7), and
   * the peer then ends the connection.
   */
  async drain() {
    this.closing = true;
    this.channels.get(RELIABLE).close();
    let timer;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, DRAIN_LIMIT)));
    await Promise.race([this.whenGone, limit]);
    clearTimeout(timer);
  }

  /** Close the connection; the handlers are not called any more. */
  end() {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.silence);
    this.resolveEnded(null);
    this.connection.close();
  }

  async #describe(create) {
    const description = await Promise.race([create(), this.whenEnded]);
    if (this.ended) return null;
    await this.connection.setLocalDescription(description);
    return this.ended ? null : description.sdp;
  }

  async #setRemote(type, sdp) {
    const limit = /^a=max-message-size:(\d+)/m.exec(sdp);
    const stated = limit === null ? UNSTATED_LIMIT : Number(limit[1]);
    this.limit = stated === 0 ? MESSAGE_LIMIT : Math.min(stated, MESSAGE_LIMIT);
    // We would nominate a pair ourselves if the peer were a lite agent (RFC 8445, section 6.1.1). A forged
    // offer could then become a connection although its sender has not read our answer.
    await this.connection.setRemoteDescription({ type, sdp: sdp.replace(/^a=ice-lite\r?\n/gm, '') });
    this.described = true;
    for (const candidate of this.early.remote.splice(0)) this.#addRemote(candidate);
  }

  #addRemote(candidate) {
    // There is only one media section, so its index is known; the peer's `sdpMid` may be wrong.
    const adding = this.connection.addIceCandidate({ candidate, sdpMLineIndex: 0 });
    adding.catch((error) => console.debug(`candidate ignored: ${error.message}: ${candidate}`));
  }

  #localCandidate(candidate) {
    if (!candidate?.candidate) return;
    const json = JSON.stringify({
      candidate: candidate.candidate.replace(/^a=/, ''), // as node-datachannel writes it
      sdpMid: candidate.sdpMid,
      sdpMLineIndex: candidate.sdpMLineIndex ?? 0,
    });
    if (this.published) this.#tell('candidate', json);
    else this.early.local.push(json);
  }

  #adopt(channel) {
    if (!Object.hasOwn(CHANNELS, channel.label) || this.channels.has(channel.label)) return;
    this.channels.set(channel.label, channel);
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      const bytes = typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data);
      this.#tell('message', bytes, channel.label === RELIABLE);
    };
    channel.onopen = () => this.#checkOpen();
    channel.onclose = () => {
      if (!this.closing) this.#tell('lost', 'the peer closed the connection, or it was lost');
      else if (channel.label !== RELIABLE) this.resolveGone();
    };
    // A channel that the other side created may already be open.
    this.#checkOpen();
  }

  #checkOpen() {
    const open = [...this.channels.values()].filter((channel) => channel.readyState === 'open');
    if (this.isOpen || open.length < Object.keys(CHANNELS).length) return;
    this.isOpen = true;
    this.#tell('open');
  }

  #stateChanged() {
    const state = this.connection.connectionState;
    if (this.closing && state !== 'connected') this.resolveGone();
    if (this.closing) return;
    if (state === 'failed' || state === 'closed') {
      this.#lose();
    } else if (state === 'disconnected') {
      this.silence ??= setTimeout(() => this.#lose(), SILENCE_LIMIT);
    } else {
      clearTimeout(this.silence);
      this.silence = null;
    }
  }

  #lose() {
    const reason = this.isOpen
      ? 'the connection was lost: the peer or the path to it has failed'
      : 'ICE or DTLS failed: there is no path, or the certificate does not match the fingerprint';
    this.#tell('lost', reason);
  }

  #tell(what, ...details) {
    if (!this.ended) this.handlers[what](this, ...details);
  }
}

/** Return the candidate attribute in `text`, which may be JSON, or null. */
function candidateAttribute(text) {
  let found = text.trim();
  if (found.startsWith('{')) {
    try {
      found = JSON.parse(found).candidate;
    } catch {
      return null;
    }
  }
  if (typeof found !== 'string') return null;
  found = found.trim().replace(/^a=/, '').replace(/^candidate:/, '');
  const fields = found.split(/\s+/);
  return fields.length >= 8 && fields[6] === 'typ' ? `candidate:${found}` : null;
}
