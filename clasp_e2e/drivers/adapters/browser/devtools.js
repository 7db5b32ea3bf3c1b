/** The Chrome DevTools Protocol over a pair of pipes: JSON messages, each terminated by a zero byte. */

export class DevTools {
  #output;
  #calls = 0;
  #answers = new Map();
  #handlers = new Map();
  #pieces = [];

  /** `output` leads to the browser, `input` comes from it. */
  constructor(output, input) {
    this.#output = output;
    // The end of the browser is handled by its owner.
    output.on('error', () => {});
    input.on('data', (data) => this.#receive(data));
  }

  /** Call `method` of the browser, or of the session with one of its pages; return the result. */
  call(method, params = {}, sessionId = undefined) {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { method, resolve, reject });
      this.#output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Have `handler(params, sessionId)` called with each event `method`, in order. */
  on(method, handler) {
    this.#handlers.set(method, handler);
  }

  #receive(data) {
    let start = 0;
    for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, start)) {
      const message = Buffer.concat([...this.#pieces, data.subarray(start, end)]);
      this.#pieces = [];
      this.#take(JSON.parse(message.toString()));
      start = end + 1;
    }
    if (start < data.length) this.#pieces.push(data.subarray(start));
  }

  #take({ id, method, params, sessionId, result, error }) {
    if (id === undefined) {
      this.#handlers.get(method)?.(params, sessionId);
      return;
    }
    const pending = this.#answers.get(id);
    this.#answers.delete(id);
    if (error === undefined) pending.resolve(result);
    else pending.reject(new Error(`${pending.method}: ${error.message}`));
  }
}
