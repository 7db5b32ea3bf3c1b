/** The lines of the driver protocol: reads requests from standard input, writes answers and notifications. */

import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

export class Lines {
  #output;

  /** Lines that are written to the file descriptor `fd`. */
  constructor(fd) {
    // Queued, and written by a thread of Node's pool: reading continues while the harness does not read.
    this.#output = createWriteStream('', { fd });
    // The harness has ended.
    this.#output.on('error', () => process.exit(1));
  }

  send(message) {
    this.sendText(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** Send a message in the form of JSON text. */
  sendText(text) {
    this.#output.write(`${text}\n`);
  }

  /** Exit when all messages are written. */
  exit() {
    this.#output.end(() => process.exit(0));
  }

  /**
   * Have `take(request)` called with each request; it completes when the answer is sent. `end()` is called
   * once: after `shutdown`, or when the input ends without it.
   */
  read({ take, end }) {
    let ending = false;
    createInterface({ input: process.stdin, crlfDelay: Infinity })
      .on('line', async (line) => {
        let request;
        try {
          request = JSON.parse(line);
        } catch (error) {
          this.send({ id: null, error: { code: PARSE_ERROR, message: error.message } });
          return;
        }
        if (typeof request?.method !== 'string' || request.id === undefined) {
          this.send({ id: null, error: { code: INVALID_REQUEST, message: 'a request has an id and a method' } });
          return;
        }
        ending ||= request.method === 'shutdown';
        await take(request);
        if (request.method === 'shutdown') end();
      })
      .on('close', () => {
        if (!ending) end();
      });
  }
}
