/** The driver protocol's lines: requests from standard input, answers and notifications out. */

import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

export class Lines {
  #output;

  /** Lines that leave by the file descriptor `fd`. */
  constructor(fd) {
    // Queued, and written by a thread of Node's pool: reading goes on where the harness does not read.
    this.#output = createWriteStream('', { fd });
    // The harness is gone: there is nobody left to answer.
    this.#output.on('error', () => process.exit(1));
  }

  send(message) {
    this.sendText(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** Send a message that is JSON text already. */
  sendText(text) {
    this.#output.write(`${text}\n`);
  }

  /** End the process, when all that was sent has been written. */
  exit() {
    this.#output.end(() => process.exit(0));
  }

  /**
   * Have `take(request)` called with each request; it is done when the answer has been sent. `end()`
   * comes once: after `shutdown`, or when the input is over without it.
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
