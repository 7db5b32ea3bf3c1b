/** The peer in its page: requests come in by `take`, and what there is to say leaves by `tell`. */

import { Calls } from './calls.js';

/** Begin; `tell(text)` is the adapter's: it sends a line, and keeps the order. */
export function start(implementation, tell) {
  const send = (message) => tell(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const calls = new Calls({
    implementation,
    createConnection: (configuration) => new RTCPeerConnection(configuration),
    notify: (method, params) => send({ method, params }),
    processes: 'shared',
  });
  return {
    /** Make the call that `request` asks for, and send its answer; whether it succeeded. */
    async take(request) {
      const answer = await calls.answer(request);
      send(answer);
      return answer.error === undefined;
    },
  };
}
