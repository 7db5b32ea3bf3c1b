/**
 * Show when libdatachannel notices that the path between two connected peers is gone.
 *
 * It uses node-datachannel alone, and no part of clasp-e2e. Both peers are in this process, with a UDP
 * forwarder between them that drops every datagram (or those of one direction) from a moment on. The
 * program prints, for each peer, the ICE state at that moment, and when its connection state became
 * `disconnected` (by SCTP), `failed` (by ICE) or `closed`.
 *
 * Consent to send expires 30 s after the last answered check (RFC 7675, section 5.1). libjuice keeps to
 * that once the selected pair is nominated (ICE state `completed`). It does not if the path is lost
 * before: with `connected` a controlling agent repeats its nomination for 39.5 s and ignores consent,
 * and a controlled agent waits for other pairs, which each further check of its peer begins again.
 * A second pair that is still being checked delays the nomination by 2 s. One arises when a check of
 * the peer arrives before the peer's candidate, so the channels can open before the nomination.
 *
 * `--unreachable` makes that certain: the offerer also receives an unreachable candidate. With
 * `--delay 500` nothing of SCTP is under way, whose own retransmissions would end earlier (13 s):
 * the offerer then fails after 41.0 s and the answerer after 39.0 s, instead of 30 s.
 *
 *     node late_loss.js [--pairs 8] [--delay 0] [--lost both|offerer|answerer] [--unreachable] [--wait 80]
 */

import dgram from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

import { PeerConnection } from 'node-datachannel';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '8' },
    delay: { type: 'string', default: '0' }, // milliseconds between the last open channel and the loss
    lost: { type: 'string', default: 'both' }, // whose datagrams are lost
    unreachable: { type: 'boolean', default: false },
    wait: { type: 'string', default: '80' }, // seconds
  },
});

const HOST = '127.0.0.1';
const OFFERER = 0;
const ANSWERER = 1;
const ENDED = ['disconnected', 'failed', 'closed'];
const NAMES = ['offerer', 'answerer'];

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function openSocket() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

/** A socket for each peer, at which it finds the other one. */
async function openForwarder() {
  const ends = [];
  for (const name of NAMES) ends.push({ name, socket: await openSocket(), peerPort: null, lost: false });
  ends.forEach((end, index) => {
    const opposite = ends[1 - index];
    end.socket.on('message', (datagram, from) => {
      end.peerPort = from.port;
      if (!end.lost && opposite.peerPort !== null) opposite.socket.send(datagram, opposite.peerPort, HOST);
    });
  });
  return ends;
}

/** Connect two peers, lose the path, and return the ICE states before and what each noticed afterwards. */
async function lose(silentPort) {
  const ends = await openForwarder();
  const peers = NAMES.map((name) => new PeerConnection(name, { iceServers: [], bindAddress: HOST }));
  const states = [[], []];
  const held = [[], []]; // candidates that wait for the description before them
  const described = [false, false];
  const channels = [];

  const opened = new Promise((resolve) => {
    let count = 0;
    const track = (channel) => {
      channels.push(channel); // keeps it from being collected
      let open = false;
      const check = () => {
        if (open || !channel.isOpen()) return;
        open = true;
        count += 1;
        if (count === 4) resolve();
      };
      channel.onOpen(check);
      check();
    };
    peers[ANSWERER].onDataChannel(track);
    peers.forEach((peer, index) => {
      const opposite = 1 - index;
      const add = (candidate) => peers[opposite].addRemoteCandidate(candidate, '0');
      peer.onStateChange((state) => states[index].push([performance.now(), state]));
      peer.onLocalDescription((sdp, type) => {
        peers[opposite].setRemoteDescription(sdp.replace(/^a=candidate:.*\r\n/gm, ''), type);
        described[opposite] = true;
        held[index].splice(0).forEach(add);
        if (values.unreachable && opposite === OFFERER) {
          add(`candidate:9 1 UDP 2122262783 ${HOST} ${silentPort} typ host`);
        }
      });
      peer.onLocalCandidate((line) => {
        const fields = line.replace(/^a=/, '').split(' ');
        ends[index].peerPort ??= Number(fields[5]);
        fields[5] = ends[opposite].socket.address().port;
        if (described[opposite]) add(fields.join(' '));
        else held[index].push(fields.join(' '));
      });
    });
    track(peers[OFFERER].createDataChannel('unreliable', { unordered: true, maxRetransmits: 0 }));
    track(peers[OFFERER].createDataChannel('reliable'));
  });
  await opened;
  await sleep(Number(values.delay));
  const lostAt = performance.now();
  for (const end of ends) end.lost = ['both', end.name].includes(values.lost);
  const before = peers.map((peer) => peer.iceState());
  await sleep(Number(values.wait) * 1000);
  const noticed = states.map((list) => list.find(([, state]) => ENDED.includes(state)));
  return { before, after: noticed.map((entry) => (entry ? [entry[1], (entry[0] - lostAt) / 1000] : null)) };
}

const silent = await openSocket();
const results = await Promise.all(
  Array.from({ length: Number(values.pairs) }, () => lose(silent.address().port)),
);
for (const { before, after } of results) {
  const sides = NAMES.map((name, index) => {
    const [state, seconds] = after[index] ?? ['nothing in', Number(values.wait)];
    return `${name}: ICE ${before[index]} at the loss, ${state} ${seconds.toFixed(1)} s`;
  });
  console.log(sides.join('; '));
}
process.exit(0);
