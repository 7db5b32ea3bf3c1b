/** WebDriver BiDi (W3C): JSON messages over a WebSocket. */

import { once } from 'node:events';
import WebSocket from 'ws';

export class BiDi {
  #socket;
  #calls = 0;
  #answers = new Map();
  #handlers = new Map();

  /** Return a connection to the browser at `address`. */
  static async connect(address) {
    const socket = new WebSocket(address, { perMessageDeflate: false, maxPayload: 0 });
    await once(socket, 'open');
    // The end of the browser is handled by its owner.
    socket.on('error', () => {});
    return new BiDi(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())));
  }

  /** Call `method` of the browser; return the result. */
  call(method, params) {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { method, resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Have `handler(params)` called with each event `method`, in order. */
  on(method, handler) {
    this.#handlers.set(method, handler);
  }

  #take({ type, id, method, params, result, error, message }) {
    if (type === 'event') {
      this.#handlers.get(method)?.(params);
      return;
    }
    const pending = this.#answers.get(id);
    this.#answers.delete(id);
    if (type === 'success') pending.resolve(result);
    else pending.reject(new Error(`${pending.method}: ${error}: ${message}`));
  }
}
