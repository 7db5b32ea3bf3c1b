/**
 * The published client clasp-wasm with its P2P manager, call by call: nothing is awaited, repeated or repaired.
 *
 * Source of what an application has to do: the comments in `lib.rs` and `p2p.rs` of the crate.
 */

import init, { ClaspWasm, WasmP2PManager } from './clasp_wasm.js';

const ANNOUNCE = '/clasp/p2p/announce';
const SIGNAL = '/clasp/p2p/signal/';

const INVALID_PARAMS = -32602;
const NOT_OFFERED = -32601;
const REFUSED = 1000;

/** A call that is answered with an error. */
class CallError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Start the adapter in this page; `sendLine(text)` passes on a line, in order. */
export async function start(product, sendLine) {
  await init({ module_or_path: new URL('./clasp_wasm_bg.wasm', import.meta.url) });
  const send = (message) => sendLine(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const peers = new Map();
  const methods = methodsOf(product, peers, (method, params) => send({ method, params }));
  return {
    /** Make the call of `request` and send its answer; return whether it succeeded. */
    async take({ id, method, params = {} }) {
      try {
        if (!Object.hasOwn(methods, method)) throw new CallError(NOT_OFFERED, `no method ${method}`);
        send({ id, result: (await methods[method](params)) ?? {} });
        return true;
      } catch (error) {
        // All else that is thrown comes from clasp-wasm, a panic included.
        send({ id, error: { code: error?.code ?? REFUSED, message: String(error?.message ?? error) } });
        return false;
      }
    },
  };
}

/** Calls start in the order of the requests: no method awaits anything before. */
function methodsOf(product, peers, notify) {
  const peer = ({ peer: handle }) => {
    if (!peers.has(handle)) throw new CallError(INVALID_PARAMS, `no peer ${handle} is open`);
    const { manager } = peers.get(handle);
    if (manager === null) throw new CallError(REFUSED, 'P2P is not enabled: the client has no manager');
    return manager;
  };
  return {
    initialize({ protocol }) {
      if (protocol !== 1) throw new CallError(INVALID_PARAMS, `protocol ${protocol} is not supported; 1 is`);
      return {
        protocol: 1,
        implementation: {
          name: `clasp-wasm in ${product.replace('/', ' ')}`,
          version: '4.5.0',
          language: 'Rust (WebAssembly)',
          url: 'https://github.com/lumencanvas/clasp',
        },
        roles: ['peer'],
        // No `close`: a manager has no call that ends its connections.
        capabilities: ['turn', 'disconnect_peer', 'is_peer_connected', 'announce'],
        processes: 'shared',
      };
    },
    async 'peer.open'({ peer: handle, url, token, p2p }) {
      const client = ClaspWasm.newWithToken(url, token);
      const onEvent = (event) => notify('peer.event', { peer: handle, event });
      const manager = p2p === null ? null : managerOf(client, p2p, onEvent);
      await attached(client);
      if (manager !== null) enable(client, manager);
      peers.set(handle, { client, manager });
      return { session_id: client.session_id };
    },
    'peer.connect_to_peer': (params) => peer(params).connect_to_peer(params.target),
    'peer.is_peer_connected': (params) => ({ connected: peer(params).is_peer_connected(params.target) }),
    'peer.disconnect_peer': (params) => peer(params).disconnect_peer(params.target),
  };
}

/** Return a P2P manager whose signals go through `client`. */
function managerOf(client, { ice_servers: urls, turn_servers: turn = [] }, onEvent) {
  // Other options of a configuration have no counterpart: a manager takes ICE servers, and nothing else.
  const servers = turn.map(({ url, ...login }) => ({ urls: url, ...login }));
  const manager = new WasmP2PManager([...urls.map((url) => ({ urls: url })), ...servers]);
  // The payload is a Map, which `emit` would send as an empty map: it takes the properties of an object.
  manager.set_signal_callback((address, payload) => client.emit(address, Object.fromEntries(payload)));
  manager.set_on_connection_state((session, state) => {
    // There are two states.
    const reason = state === 'disconnected' ? { reason: null } : {};
    onEvent({ type: state, peer_session_id: session, ...reason });
  });
  manager.set_on_peer_announced((session, features) => {
    onEvent({ type: 'peer_announced', peer_session_id: session, features });
  });
  client.set_on_message(async (address, payload) => {
    try {
      if (address === ANNOUNCE) manager.handle_announce(payload);
      else await manager.handle_signal(address, payload);
    } catch (error) {
      console.error(`${address}: ${error?.message ?? error}`);
    }
  });
  return manager;
}

/** Wait until `client` has a session. */
function attached(client) {
  return new Promise((resolve, reject) => {
    client.set_on_connect(resolve);
    for (const name of ['set_on_error', 'set_on_disconnect', 'setOnAuthError']) {
      client[name]((reason) => {
        reject(new CallError(REFUSED, `no session with the router: ${reason?.message ?? reason}`));
      });
    }
  });
}

/** Have `manager` receive signals and announcements, and announce its session. */
function enable(client, manager) {
  manager.set_session_id(client.session_id);
  client.subscribe(SIGNAL + client.session_id);
  client.subscribe(ANNOUNCE);
  manager.announce();
}
