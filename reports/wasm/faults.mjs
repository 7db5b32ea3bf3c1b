/** What `show_faults.mjs` runs in a page of Chromium: clasp-wasm and plain WebRTC, without a router and without clasp-e2e. */

import init, { ClaspWasm, WasmP2PManager } from './clasp_wasm.js';

/** Seconds for which events are awaited: a time-out and consent take 30 s. */
const LONG = 40;

const seconds = (number) => new Promise((resolve) => setTimeout(resolve, 1000 * number));

/** A manager with the session id `name`, whose signals go to `deliver(address, payload)`. */
function newManager(name, deliver) {
  const manager = new WasmP2PManager([]);
  const events = [];
  manager.set_session_id(name);
  manager.set_on_connection_state((session, state) => events.push(`${state} ${session}`));
  manager.set_signal_callback((address, payload) => deliver(address, Object.fromEntries(payload)));
  return { manager, events };
}

/** Wait until `done()` is true; return whether it was in 20 s. */
async function until(done) {
  for (let left = 200; left > 0 && !done(); left -= 1) await seconds(0.1);
  return done();
}

/** EVT-1: two managers connect, and neither says so. */
async function tellsNoConnected() {
  const alice = newManager('alice', (...signal) => bob.manager.handle_signal(...signal));
  const bob = newManager('bob', (...signal) => alice.manager.handle_signal(...signal));
  await alice.manager.connect_to_peer('bob');
  const connected = () => [alice.manager.is_peer_connected('bob'), bob.manager.is_peer_connected('alice')];
  await until(() => connected().every(Boolean));
  await seconds(2);
  return `is_peer_connected: ${connected()}; events of alice: [${alice.events}], of bob: [${bob.events}]`;
}

/** A manager that is connected to a plain RTCPeerConnection, which offers and opens both channels. */
async function answerer() {
  const partner = new RTCPeerConnection();
  const channels = [
    partner.createDataChannel('clasp-reliable'),
    partner.createDataChannel('clasp', { ordered: false, maxRetransmits: 0 }),
  ];
  const early = [];
  const { manager, events } = newManager('bob', async (address, { type, sdp, candidate }) => {
    if (type === 'answer') {
      await partner.setRemoteDescription({ type, sdp });
      for (const each of early) await partner.addIceCandidate(each);
    } else if (type === 'ice_candidate') {
      if (partner.remoteDescription === null) early.push(JSON.parse(candidate));
      else await partner.addIceCandidate(JSON.parse(candidate));
    }
  });
  const gathered = new Promise((resolve) => {
    partner.onicegatheringstatechange = () => partner.iceGatheringState === 'complete' && resolve();
  });
  await partner.setLocalDescription(await partner.createOffer());
  await gathered;
  const offer = { type: 'offer', from: 'partner', sdp: partner.localDescription.sdp, correlation_id: '1' };
  await manager.handle_signal('/clasp/p2p/signal/bob', offer);
  await until(() => channels.every(({ readyState }) => readyState === 'open'));
  return { manager, events, partner, channels };
}

/** SND-5: what arrives is given to no callback. */
async function tellsNoData() {
  const { manager, events, channels } = await answerer();
  const states = channels.map(({ readyState }) => readyState);
  for (const channel of channels) channel.send('hello');
  await until(() => channels.every(({ bufferedAmount }) => bufferedAmount === 0));
  await seconds(2);
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(manager)).filter((name) => name.startsWith('set_'));
  return `two messages on channels that are ${states}; events: [${events}]; all that can be set: ${methods.join(', ')}`;
}

/** EVT-3: the partner closes, without a signal. */
async function tellsNoDisconnected() {
  const { manager, events, partner, channels } = await answerer();
  for (const channel of channels) channel.close();
  await seconds(1);
  partner.close();
  await seconds(LONG);
  return `${LONG} s after the partner closed, events: [${events}], is_peer_connected: ${manager.is_peer_connected('partner')}`;
}

/** TMO-4: nobody answers the offer. */
async function neverFails() {
  const { manager, events } = newManager('alice', () => {});
  await manager.connect_to_peer('nobody');
  await seconds(LONG);
  return `${LONG} s after connect_to_peer to a session that does not answer, events: [${events}]`;
}

/** The payloads of the manager's signals, given to the client of the same crate as they are. */
async function sendsEmptySignals() {
  const sent = [];
  globalThis.WebSocket = class {
    send(data) {
      sent.push(new Uint8Array(data));
    }
  };
  const client = new ClaspWasm('ws://nowhere');
  const manager = new WasmP2PManager([]);
  manager.set_session_id('alice');
  let kind;
  manager.set_signal_callback((address, payload) => {
    kind = payload.constructor.name;
    client.emit(address, payload);
  });
  manager.announce();
  const frame = [...sent[0]].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `the payload is a ${kind}; the frame of its PUBLISH ends in an empty map (0b 00 00): ${frame}`;
}

export async function run() {
  await init({ module_or_path: new URL('./clasp_wasm_bg.wasm', import.meta.url) });
  const empty = sendsEmptySignals();
  const shown = { 'EVT-1': tellsNoConnected(), 'SND-5': tellsNoData(), 'EVT-3': tellsNoDisconnected() };
  Object.assign(shown, { 'TMO-4': neverFails(), signals: empty });
  const lines = Object.entries(shown).map(async ([name, text]) => `${name.padEnd(8)} ${await text}`);
  return (await Promise.all(lines)).join('\n');
}
