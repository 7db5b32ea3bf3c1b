/** The calls of the driver protocol, each of which makes one call of the peer. Independent of the transport. */

import { Clasp } from '@clasp-to/core';
import { P2PError } from './errors.js';
import { Peer } from './peer.js';

const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;
const REFUSED = 1000;

/** Milliseconds until the first attempt to reach the router again; each further one waits 1.5 times as long. */
const RECONNECT_MS = 100;

/** A call that this adapter cannot make; `code` is the error code of JSON-RPC. */
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

  /** `notify(method, params)` sends a notification; `processes` is the value that `initialize` returns. */
  constructor({ implementation, createConnection, notify, processes }) {
    this.#implementation = implementation;
    this.#createConnection = createConnection;
    this.#notify = notify;
    this.#processes = processes;
  }

  /** Make the call of `request`; return its answer, a result or an error. */
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
      throw new CallError(INVALID_PARAMS, `protocol ${params.protocol} is not supported; 1 is`);
    }
    return {
      protocol: 1,
      implementation: this.#implementation,
      roles: ['peer'],
      capabilities: ['turn', 'close', 'disconnect_peer', 'is_peer_connected', 'announce', 'reattach'],
      processes: this.#processes,
    };
  }

  async open({ peer: handle, url, name, token, p2p }) {
    const signaling = new Clasp(url, { name, token, reconnect: true, reconnectInterval: RECONNECT_MS });
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

/** Calls of the peer start in the order of the requests: no method awaits anything before. */
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
    // The process exits after the answer.
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
  // In pieces: the number of arguments of a call is limited.
  for (let start = 0; start < data.length; start += 8192) {
    pieces.push(String.fromCharCode(...data.subarray(start, start + 8192)));
  }
  return btoa(pieces.join(''));
}
