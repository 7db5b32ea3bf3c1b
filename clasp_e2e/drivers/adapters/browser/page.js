/** The peer in its page: it receives requests by `take`, and sends answers and notifications by `sendLine`. */

import { Calls } from './calls.js';

/** Start the peer; `sendLine(text)` passes a line to the adapter, in order. */
export function start(implementation, sendLine) {
  const send = (message) => sendLine(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const calls = new Calls({
    implementation,
    createConnection: (configuration) => new RTCPeerConnection(configuration),
    notify: (method, params) => send({ method, params }),
    processes: 'shared',
  });
  return {
    /** Make the call of `request` and send its answer; return whether it succeeded. */
    async take(request) {
      const answer = await calls.answer(request);
      send(answer);
      return answer.error === undefined;
    },
  };
}
