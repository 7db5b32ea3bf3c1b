/**
 * Cut the path between two connected peers of node-datachannel and print when each one noticed.
 *
 * Needs no part of the harness: both peers are in this process, with a UDP forwarder between them.
 *
 *     node cut_off.js [--pairs 60] [--delays 0,1,5,20,100] [--wait 41] [--oneway] [--polyfill]
 *
 * The cut happens `delay` milliseconds after the last of the four data channels has opened. With
 * `--oneway`, only what the offerer (odd pairs: the answerer) sends is lost.
 */

import dgram from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

import { loadStack } from '../webrtc.js';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '60' },
    delays: { type: 'string', default: '0,1,5,20,100' },
    wait: { type: 'string', default: '41' },
    oneway: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const HOST = '127.0.0.1';
const createConnection = await loadStack();

/** Two sockets: what `near` sends to `socket` leaves from the other's socket, towards `far`. */
class Forwarder {
  constructor() {
    this.ends = [0, 1].map(() => ({ socket: dgram.createSocket('udp4'), address: null, cut: false }));
    this.ends.forEach((end, index) => {
      const other = this.ends[1 - index];
      end.socket.on('message', (datagram, from) => {
        end.address ??= from.port;
        if (!end.cut && other.address !== null) other.socket.send(datagram, other.address, HOST);
      });
    });
  }

  async open() {
    for (const { socket } of this.ends) {
      socket.bind(0, HOST);
      await once(socket, 'listening');
    }
  }

  /** The candidate of peer `index`, as the other peer is to see it. */
  candidate(index, line) {
    const fields = line.replace(/^a=/, '').split(' ');
    this.ends[index].address = Number(fields[5]);
    fields[5] = String(this.ends[1 - index].socket.address().port);
    return fields.join(' ');
  }

  close() {
    for (const { socket } of this.ends) socket.close();
  }
}

async function connect(forwarder) {
  const peers = [0, 1].map(() => createConnection({ iceServers: [] }));
  const described = [Promise.withResolvers?.() ?? deferred(), deferred()];
  const opened = [];
  const notes = [[], []];
  const start = performance.now();
  peers.forEach((peer, index) => {
    const other = peers[1 - index];
    const note = (text) => notes[index].push([performance.now() - start, text]);
    peer.onicecandidate = async ({ candidate }) => {
      if (!candidate?.candidate) return;
      await described[1 - index].promise;
      const text = forwarder.candidate(index, candidate.candidate);
      await other.addIceCandidate({ candidate: text, sdpMLineIndex: 0 });
    };
    peer.onconnectionstatechange = () => note(`connection ${peer.connectionState}`);
    peer.oniceconnectionstatechange = () => note(`ice ${peer.iceConnectionState}`);
  });
  const track = (channel, index) => {
    const open = deferred();
    opened.push(open.promise);
    if (channel.readyState === 'open') open.resolve();
    channel.onopen = () => {
      notes[index].push([performance.now() - start, `${channel.label} open`]);
      open.resolve();
    };
    channel.onclose = () => notes[index].push([performance.now() - start, `${channel.label} closed`]);
  };
  const adopted = deferred();
  let count = 0;
  peers[1].ondatachannel = ({ channel }) => {
    track(channel, 1);
    if (++count === 2) adopted.resolve();
  };
  track(peers[0].createDataChannel('clasp', { ordered: false, maxRetransmits: 0 }), 0);
  track(peers[0].createDataChannel('clasp-reliable', { ordered: true }), 0);
  const offer = await peers[0].createOffer();
  await peers[0].setLocalDescription(offer);
  const bare = (sdp) => sdp.replace(/^a=candidate:.*\r?\n/gm, '').replace(/^a=end-of-candidates\r?\n/gm, '');
  await peers[1].setRemoteDescription({ type: 'offer', sdp: bare(offer.sdp) });
  described[1].resolve();
  const answer = await peers[1].createAnswer();
  await peers[1].setLocalDescription(answer);
  await peers[0].setRemoteDescription({ type: 'answer', sdp: bare(answer.sdp) });
  described[0].resolve();
  await adopted.promise;
  await Promise.all(opened);
  return { peers, notes, start };
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Seconds after the cut at which each peer's state was failed or closed, or null. */
async function run(index, delay) {
  const forwarder = new Forwarder();
  await forwarder.open();
  const { peers, notes, start } = await connect(forwarder);
  if (delay > 0) await sleep(delay);
  const cut = performance.now() - start;
  forwarder.ends.forEach((end, side) => {
    if (!values.oneway || side === index % 2) end.cut = true;
  });
  await sleep(Number(values.wait) * 1000);
  const noticed = notes.map((list) => {
    const last = list.find(([at, text]) => at > cut && /failed|closed|disconnected/.test(text));
    return last === undefined ? null : (last[0] - cut) / 1000;
  });
  const timeline = notes.map((list) => list.map(([at, text]) => `${((at - cut) / 1000).toFixed(3)} ${text}`));
  const states = peers.map((peer) => `${peer.connectionState}/${peer.iceConnectionState}`);
  forwarder.close();
  return { delay, noticed, states, timeline };
}

const delays = values.delays.split(',').map(Number);
const runs = [];
for (let index = 0; index < Number(values.pairs); index++) {
  runs.push(run(index, delays[index % delays.length]));
  await sleep(20);
}
const results = await Promise.all(runs);
for (const delay of delays) {
  const group = results.filter((result) => result.delay === delay);
  const missed = [0, 1].map((side) => group.filter(({ noticed }) => noticed[side] === null).length);
  const times = group.flatMap(({ noticed }) => noticed).filter((time) => time !== null);
  console.log(
    `cut ${delay} ms after open: ${group.length} pairs; not noticed: offerer ${missed[0]}, answerer ` +
      `${missed[1]}; noticed after ${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)} s`,
  );
}
for (const result of results.filter(({ noticed }) => values.verbose || noticed.includes(null)).slice(0, 6)) {
  console.log(JSON.stringify(result, null, 1));
}
process.exit(0);
