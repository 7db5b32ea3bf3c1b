/** The Chrome DevTools Protocol over a pair of pipes: JSON, each message ended by a zero byte. */

export class DevTools {
  #output;
  #asked = 0;
  #answers = new Map();
  #handlers = new Map();
  #pieces = [];

  /** `output` goes to the browser, `input` comes from it. */
  constructor(output, input) {
    this.#output = output;
    // Whoever started the browser sees it end.
    output.on('error', () => {});
    input.on('data', (data) => this.#receive(data));
  }

  /** The result of `method`, of the browser itself or of a session with one of its pages. */
  call(method, params = {}, sessionId = undefined) {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { method, resolve, reject });
      this.#output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Have `handler(params, sessionId)` called with each event `method`, in their order. */
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
    const asked = this.#answers.get(id);
    this.#answers.delete(id);
    if (error === undefined) asked.resolve(result);
    else asked.reject(new Error(`${asked.method}: ${error.message}`));
  }
}
