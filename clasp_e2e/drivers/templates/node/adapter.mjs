// The driver protocol, version 1, around `implementation.mjs`. Nothing here needs to change.

import { Console } from "node:console";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { Client, description, Refused } from "./implementation.mjs";

const REFUSED = 1000;
const NOT_OFFERED = -32601;
const INTERNAL_ERROR = -32603;

// Only messages may go to standard output: output of libraries goes to standard error. If native code
// prints, run sh -c 'exec node adapter.mjs 3>&1 1>&2', and replace 1 by 3 here. Unlike process.stdout on
// a pipe, this socket writes without blocking.
const output = new Socket({ fd: 1, readable: false, writable: true });
process.stdout.write = process.stderr.write.bind(process.stderr);
globalThis.console = new Console(process.stderr);

const clients = new Map();

// The arguments of each call of a peer, and the name of its result.
const calls = {
  connect_to_peer: [["target"], null],
  send_p2p: [["target", "data", "reliable"], "result"],
  set_p2p_routing_mode: [["mode"], null],
  p2p_routing_mode: [[], "mode"],
  is_peer_connected: [["target"], "connected"],
  disconnect_peer: [["target"], null],
  close: [[], null],
};

function send(message) {
  output.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
}

async function open(handle, { url, name, token, p2p }) {
  const client = new Client((event) => {
    const sent = event.data === undefined ? event : { ...event, data: Buffer.from(event.data).toString("base64") };
    send({ method: "peer.event", params: { peer: handle, event: sent } });
  });
  clients.set(handle, client);
  return { session_id: await client.open(url, name, token, p2p) };
}

// Each call of the protocol immediately starts one call of the implementation.
async function call(method, params) {
  if (method === "initialize") return { protocol: 1, ...description };
  if (method === "shutdown") return {};
  if (method === "peer.open") return open(params.peer, params);
  const name = method.startsWith("peer.") ? method.slice("peer.".length) : "";
  if (!Object.hasOwn(calls, name) || typeof Client.prototype[name] !== "function") {
    throw Object.assign(new Error(`${method} is not offered`), { code: NOT_OFFERED });
  }
  const [names, result] = calls[name];
  const values = names.map((key) => (key === "data" ? Buffer.from(params.data, "base64") : params[key]));
  const returned = await clients.get(params.peer)[name](...values);
  return result === null ? {} : { [result]: returned };
}

// Make a call, and send its result or error.
async function answer({ id, method, params = {} }) {
  try {
    send({ id, result: await call(method, params) });
  } catch (error) {
    const code = error instanceof Refused ? REFUSED : error?.code === NOT_OFFERED ? NOT_OFFERED : INTERNAL_ERROR;
    if (code === INTERNAL_ERROR) console.error(error);
    send({ id, error: { code, message: error instanceof Error ? error.message : String(error) } });
  }
}

async function leave() {
  await Promise.allSettled([...clients.values()].map((client) => client.close?.()));
  output.end(() => process.exit(0));
}

// The harness has ended.
output.on("error", () => process.exit(0));

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on("line", (line) => {
  const request = JSON.parse(line);
  const answered = answer(request);
  if (request.method === "shutdown") answered.then(leave);
});
lines.on("close", leave);
