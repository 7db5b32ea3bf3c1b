/**
 * The driver protocol's calls, each one call of the peer. No transport: standard input and output
 * serve as well as a bridge into a browser.
 */

import { Clasp } from '@clasp-to/core';
import { P2PError } from './errors.js';
import { Peer } from './peer.js';

const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;
const REFUSED = 1000;

/** A call that this adapter cannot make; `code` is JSON-RPC's. */
class CallError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Calls {
  #implementation;
  #createConnection;
  #notify;
  #processes;
  #peers = new Map();

  /** `notify(method, params)` sends a notification; `processes` is what `initialize` answers under that name. */
  constructor({ implementation, createConnection, notify, processes }) {
    this.#implementation = implementation;
    this.#createConnection = createConnection;
    this.#notify = notify;
    this.#processes = processes;
  }

  /** Make the call that `request` asks for; its answer, whatever the outcome is. */
  async answer({ id, method, params = {} }) {
    try {
      if (!Object.hasOwn(METHODS, method)) throw new CallError(METHOD_NOT_FOUND, `no method ${method}`);
      return { id, result: (await METHODS[method].call(this, params)) ?? {} };
    } catch (error) {
      if (error instanceof P2PError) return { id, error: { code: REFUSED, message: error.message } };
      if (error instanceof CallError) return { id, error: { code: error.code, message: error.message } };
      console.error(error);
      return { id, error: { code: INTERNAL_ERROR, message: String(error) } };
    }
  }

  describe(params) {
    if (params.protocol !== 1) {
      throw new CallError(INVALID_PARAMS, `protocol ${params.protocol} is not spoken here; 1 is`);
    }
    return {
      protocol: 1,
      implementation: this.#implementation,
      roles: ['peer'],
      capabilities: ['turn', 'close', 'disconnect_peer', 'is_peer_connected', 'announce'],
      processes: this.#processes,
    };
  }

  async open({ peer: handle, url, name, token, p2p }) {
    // The session id is the peer's identity, and a session that is opened again has another.
    const signaling = new Clasp(url, { name, token, reconnect: false });
    try {
      await signaling.connect();
    } catch (error) {
      throw new P2PError(`no session with the router at ${url}: ${error.message}`);
    }
    const peer = new Peer({
      signaling,
      config: p2p,
      createConnection: this.#createConnection,
      onEvent: (event) => this.#notify('peer.event', { peer: handle, event: eventObject(event) }),
    });
    this.#peers.set(handle, peer);
    return { session_id: peer.session };
  }

  peer({ peer: handle }) {
    const peer = this.#peers.get(handle);
    if (peer === undefined) throw new CallError(INVALID_PARAMS, `no peer ${handle} is open`);
    return peer;
  }
}

/** Methods start in the order of their calls: none awaits anything before it reaches the peer. */
const METHODS = {
  initialize(params) {
    return this.describe(params);
  },
  'peer.open'(params) {
    return this.open(params);
  },
  'peer.connect_to_peer'(params) {
    return this.peer(params).connectToPeer(params.target);
  },
  async 'peer.send_p2p'(params) {
    return { result: await this.peer(params).sendP2P(params.target, bytes(params.data), params.reliable) };
  },
  'peer.set_p2p_routing_mode'(params) {
    this.peer(params).routingMode = params.mode;
  },
  'peer.p2p_routing_mode'(params) {
    return { mode: this.peer(params).routingMode };
  },
  'peer.is_peer_connected'(params) {
    return { connected: this.peer(params).isPeerConnected(params.target) };
  },
  'peer.disconnect_peer'(params) {
    return this.peer(params).disconnectPeer(params.target);
  },
  'peer.close'(params) {
    return this.peer(params).close();
  },
  shutdown() {
    // The process ends with the answer, and all that is open with it.
  },
};

function eventObject(event) {
  return event.type === 'data' ? { ...event, data: base64(event.data) } : event;
}

function bytes(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (error) {
    throw new CallError(INVALID_PARAMS, `data is not base64: ${error.message}`);
  }
}

function base64(data) {
  const pieces = [];
  // In pieces: a call takes only so many arguments.
  for (let start = 0; start < data.length; start += 8192) {
    pieces.push(String.fromCharCode(...data.subarray(start, start + 8192)));
  }
  return btoa(pieces.join(''));
}
