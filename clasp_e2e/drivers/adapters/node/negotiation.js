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

/** Bytes that every stack takes in one message; @roamhq/wrtc closes the channel in silence above it. */
const MESSAGE_LIMIT = 262144;

/** Bytes that a peer takes which does not say how many (RFC 8841, section 6.1). */
const UNSTATED_LIMIT = 65536;

/** Milliseconds that an orderly close waits for the peer; it is to be told within 2 s. */
const DRAIN_LIMIT = 1000;

/**
 * Milliseconds that a connection may stay `disconnected`, which stacks call it after some 5 s of
 * silence. Consent runs out after 30 s (RFC 7675, section 5.1), and @roamhq/wrtc does not always
 * tell: now and then its last event comes while the state still reads `disconnected`.
 */
const SILENCE_LIMIT = 20000;

const encoder = new TextEncoder();

export class Negotiation {
  /**
   * `connection` is a new RTCPeerConnection, `ours` whether this side makes the offer. `handlers`
   * are told what happens, each with this negotiation first: `candidate(json)`, `open()`,
   * `message(data, reliable)`, `lost(reason)`. After `end` they receive nothing more.
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
    /** Why it ended, told to the call that waited for its offer. */
    this.failure = null;
    /** Messages that came before both channels were open. */
    this.unheard = [];
    this.whenGone = new Promise((resolve) => (this.resolveGone = resolve));
    this.whenEnded = new Promise((resolve) => (this.resolveEnded = resolve));
    this.connection = connection;
    this.handlers = handlers;
    this.channels = new Map();
    this.limit = UNSTATED_LIMIT;
    this.described = false;
    this.early = { local: [], remote: [] };
    connection.onicecandidate = ({ candidate }) => this.#localCandidate(candidate);
    connection.onconnectionstatechange = () => this.#stateChanged();
    connection.ondatachannel = ({ channel }) => this.#adopt(channel);
  }

  /** Make the offer; its SDP, or null if this negotiation ended meanwhile. */
  async offer() {
    for (const [label, options] of Object.entries(CHANNELS)) {
      this.#adopt(this.connection.createDataChannel(label, options));
    }
    return this.#describe(() => this.connection.createOffer());
  }

  /** Make the answer to the offer `sdp`; its SDP, or null if this negotiation ended meanwhile. */
  async answer(sdp) {
    await this.#setRemote('offer', sdp);
    return this.#describe(() => this.connection.createAnswer());
  }

  /** Use the answer `sdp` to our offer. */
  async accept(sdp) {
    this.answered = true;
    await this.#setRemote('answer', sdp);
  }

  /** The description has left: candidates may follow it. */
  descriptionPublished() {
    this.published = true;
    const waiting = this.early.local.splice(0);
    for (const json of waiting) this.#tell('candidate', json);
  }

  /** Use a candidate of the other side's: JSON text, or the bare attribute. Nonsense is ignored. */
  addCandidate(text) {
    const candidate = candidateAttribute(text);
    if (candidate === null || this.ended) return;
    if (this.described) this.#addRemote(candidate);
    else this.early.remote.push(candidate);
  }

  /** Hand `data` to an open channel. Returns null, or why that is not possible and whether by its size. */
  send(data, reliable) {
    const channel = this.channels.get(reliable ? RELIABLE : UNRELIABLE);
    if (this.ended || channel?.readyState !== 'open') return { reason: 'the channel is not open' };
    if (data.length > this.limit) {
      const reason = `a DataChannel to this peer takes up to ${this.limit} in one message`;
      return { tooLarge: true, reason };
    }
    try {
      channel.send(data);
    } catch (error) {
      return { reason: `the channel did not take it: ${error.message}` };
    }
    return null;
  }

  /**
   * Part in an orderly way, and return when the peer has done its part or the limit is reached. The
   * reliable channel is closed alone: that takes effect when all that was sent on it has arrived
   * (RFC 8831, section 6.7), and upon it the peer ends the connection.
   */
  async drain() {
    this.closing = true;
    this.channels.get(RELIABLE).close();
    let timer;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, DRAIN_LIMIT)));
    await Promise.race([this.whenGone, limit]);
    clearTimeout(timer);
  }

  /** Close the connection; nothing more is told of it. */
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
    // Towards a lite agent we would nominate by ourselves, and an offer in another's name could
    // become a connection without its maker having read our answer (RFC 8445, section 6.1.1).
    await this.connection.setRemoteDescription({ type, sdp: sdp.replace(/^a=ice-lite\r?\n/gm, '') });
    this.described = true;
    for (const candidate of this.early.remote.splice(0)) this.#addRemote(candidate);
  }

  #addRemote(candidate) {
    // There is one media section. Its index is known; what the other side calls it may be wrong.
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
    // A channel that the other side opened may be open already.
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
      ? 'the connection was lost: the peer has vanished, or the path to it'
      : 'ICE or DTLS failed: there is no path, or the peer is not who its fingerprint says';
    this.#tell('lost', reason);
  }

  #tell(what, ...details) {
    if (!this.ended) this.handlers[what](this, ...details);
  }
}

/** The candidate attribute in `text`, in any of its public forms, or null. */
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
