/**
 * Show that node-datachannel and @roamhq/wrtc lose messages that are sent right before the end of their channel.
 *
 * It uses one of them alone, and no part of clasp-e2e. In each run, one peer sends 40 messages on a
 * reliable channel and closes it. All of them should arrive, since the close takes effect when the data
 * has arrived (RFC 8831, section 6.7). The program prints the runs in which some did not.
 *
 * In node-datachannel, messages and the end of a channel reach JavaScript by two queues. If the end is
 * processed first, the wrapper drops its callback for messages (`doCleanup` in
 * `data-channel-wrapper.cpp`), and with it those that are still in their queue.
 *
 *     node overtaking_close.js [--runs 60] [--package @roamhq/wrtc]
 */

import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    package: { type: 'string', default: 'node-datachannel/polyfill' },
  },
});
const loaded = await import(values.package);
const { RTCPeerConnection } = loaded.RTCPeerConnection ? loaded : loaded.default;

const MESSAGES = 40;
const BYTES = 16384;
/** Milliseconds after which a channel that has not ended counts as ended. */
const LIMIT = 3000;

/** Connect two peers, and return them with both ends of a channel. */
async function connected() {
  const [sender, receiver] = [0, 1].map(() => new RTCPeerConnection({ iceServers: [] }));
  for (const [from, to] of [[sender, receiver], [receiver, sender]]) {
    from.onicecandidate = ({ candidate }) => candidate?.candidate && to.addIceCandidate(candidate).catch(() => {});
  }
  const outgoing = sender.createDataChannel('data');
  const opened = once(receiver, 'datachannel');
  await sender.setLocalDescription(await sender.createOffer());
  await receiver.setRemoteDescription(sender.localDescription);
  await receiver.setLocalDescription(await receiver.createAnswer());
  await sender.setRemoteDescription(receiver.localDescription);
  const [{ channel: incoming }] = await opened;
  if (outgoing.readyState !== 'open') await once(outgoing, 'open');
  return { peers: [sender, receiver], outgoing, incoming };
}

/** Return how many messages arrived before the end of the channel. */
async function arrivals() {
  const { peers, outgoing, incoming } = await connected();
  let arrived = 0;
  incoming.onmessage = () => (arrived += 1);
  const ended = once(incoming, 'close');
  for (let number = 0; number < MESSAGES; number += 1) outgoing.send(new Uint8Array(BYTES));
  outgoing.close();
  await Promise.race([ended, wait(LIMIT)]);
  for (const peer of peers) peer.close();
  return arrived;
}

let incomplete = 0;
for (let run = 1; run <= Number(values.runs); run += 1) {
  const arrived = await arrivals();
  if (arrived === MESSAGES) continue;
  incomplete += 1;
  console.log(`run ${run}: ${arrived} of ${MESSAGES} messages arrived`);
}
console.log(`${incomplete} of ${values.runs} runs lost messages`);
process.exit(0);
