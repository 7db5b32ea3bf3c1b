/**
 * Count the DTLS handshakes that libdatachannel fails because ICE connects before it keeps the answer.
 *
 * It uses node-datachannel alone, and no part of clasp-e2e. `setRemoteDescription` hands the answer to
 * libjuice, and only then keeps its fingerprint. If the peer's checks have already arrived, ICE can
 * connect in between, and the certificate is refused ("DTLS alert: unknown CA"). The main thread has to
 * lose the processor at that moment, so run it with all processors busy (`--busy`).
 *
 * `--late` sends the offerer's candidates after the answer instead: then no handshake fails.
 *
 *     node early_check.js [--pairs 2000] [--answer-delay 5] [--busy 4] [--late]
 */

import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

import { PeerConnection, initLogger } from 'node-datachannel';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '2000' },
    'answer-delay': { type: 'string', default: '5' }, // milliseconds
    busy: { type: 'string', default: '4' }, // threads that keep a processor busy
    late: { type: 'boolean', default: false },
  },
});

let refused = 0;
initLogger('Error', (_level, message) => {
  if (message.includes('certificate verify failed')) refused += 1;
});
const busy = Array.from({ length: Number(values.busy) }, () => new Worker('for (;;);', { eval: true }));

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Connect two peers; return the state in which the offerer's attempt ended. */
async function connect() {
  const configuration = { iceServers: [], bindAddress: '127.0.0.1' };
  const offerer = new PeerConnection('offerer', configuration);
  const answerer = new PeerConnection('answerer', configuration);
  const held = { ofOfferer: [], ofAnswerer: [] };
  let answered = false;
  offerer.onLocalDescription((sdp, type) => answerer.setRemoteDescription(sdp, type));
  offerer.onLocalCandidate((candidate, mid) => {
    if (values.late && !answered) held.ofOfferer.push([candidate, mid]);
    else answerer.addRemoteCandidate(candidate, mid);
  });
  answerer.onLocalCandidate((candidate, mid) => {
    if (answered) offerer.addRemoteCandidate(candidate, mid);
    else held.ofAnswerer.push([candidate, mid]);
  });
  answerer.onLocalDescription(async (sdp, type) => {
    await sleep(Number(values['answer-delay']));
    offerer.setRemoteDescription(sdp, type);
    answered = true;
    try {
      held.ofAnswerer.forEach((each) => offerer.addRemoteCandidate(...each));
      held.ofOfferer.forEach((each) => answerer.addRemoteCandidate(...each));
    } catch {
      // Its handshake has failed already, and it has closed.
    }
  });
  const ended = new Promise((resolve) => {
    offerer.onStateChange((state) => {
      if (['connected', 'failed', 'closed'].includes(state)) resolve(state);
    });
  });
  offerer.createDataChannel('test');
  const state = await Promise.race([ended, sleep(10000).then(() => 'still connecting after 10 s')]);
  offerer.close();
  answerer.close();
  return state;
}

const counts = {};
for (let count = 0; count < Number(values.pairs); count += 20) {
  for (const state of await Promise.all(Array.from({ length: 20 }, connect))) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
}
console.log(`offerers: ${JSON.stringify(counts)}; certificates refused: ${refused}`);
await Promise.all(busy.map((worker) => worker.terminate()));
process.exit(0);
