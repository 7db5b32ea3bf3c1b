/** The peer in its page: it receives requests by `take`, and sends answers and notifications by `sendLine`. */

import { Calls } from './calls.js';
import { dependencies, version } from './package.json';

/** Start the peer in the browser `product`; `sendLine(text)` passes a line to the adapter, in order. */
export function start(product, sendLine) {
  const send = (message) => sendLine(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const calls = new Calls({
    implementation: {
      name: `clasp-e2e browser peer on @clasp-to/core ${dependencies['@clasp-to/core']} and ${product.replace('/', ' ')}`,
      version,
      language: 'JavaScript',
    },
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
