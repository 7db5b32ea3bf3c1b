/**
 * Connect two connections of the Node adapter's WebRTC stack, advance the clock by the time of consent
 * (30 s, RFC 7675), and print the number of the offerer's candidates before the answer, its ICE state
 * before the clock is advanced and its connection state after.
 *
 * Arguments: the URL of the adapter's webrtc.js, and the ICE state to wait for. To remain `connected`,
 * the offerer gets a second candidate, at which nobody answers: that delays its nomination by 2 s.
 */

import dgram from 'node:dgram';
import { once } from 'node:events';
import { mock } from 'node:test';

const [url, awaited] = process.argv.slice(2);
const { loadStack } = await import(url);
const createConnection = await loadStack();
const silent = dgram.createSocket('udp4').bind(0, '127.0.0.1');
await once(silent, 'listening');
mock.timers.enable({ apis: ['setTimeout'] });

const [offerer, answerer] = [createConnection({ iceServers: [] }), createConnection({ iceServers: [] })];
const candidates = { ofOfferer: [], ofAnswerer: [] };
offerer.onicecandidate = ({ candidate }) => candidates.ofOfferer.push(candidate);
answerer.onicecandidate = ({ candidate }) => candidates.ofAnswerer.push(candidate);
const channel = offerer.createDataChannel('test');
const opened = once(channel, 'open');

const gathered = (connection, list) => (list.length > 0 ? null : once(connection, 'icecandidate'));
const offer = await offerer.createOffer();
await answerer.setRemoteDescription(offer);
const answer = await answerer.createAnswer();
await gathered(answerer, candidates.ofAnswerer);
const early = candidates.ofOfferer.length;
await offerer.setRemoteDescription(answer);
await gathered(offerer, candidates.ofOfferer);
if (awaited === 'connected') {
  const unreachable = `candidate:9 1 UDP 2122262783 127.0.0.1 ${silent.address().port} typ host`;
  await offerer.addIceCandidate({ candidate: unreachable, sdpMLineIndex: 0 });
}
for (const { candidate } of candidates.ofAnswerer) {
  await offerer.addIceCandidate({ candidate, sdpMLineIndex: 0 });
}
for (const { candidate } of candidates.ofOfferer) {
  await answerer.addIceCandidate({ candidate, sdpMLineIndex: 0 });
}
await opened;
// An answerer that is not `completed` yet would close the connection.
for (const connection of awaited === 'completed' ? [offerer, answerer] : [offerer]) {
  while (connection.iceConnectionState !== awaited) await once(connection, 'iceconnectionstatechange');
}
const before = offerer.iceConnectionState;
mock.timers.tick(30000);
if (awaited === 'connected') await once(offerer, 'connectionstatechange');
console.log(early, before, offerer.connectionState);
process.exit(0);
