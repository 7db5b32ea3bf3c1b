/** The Node peer behind the driver protocol, version 1: JSON-RPC over standard input and output. */

import { Console } from 'node:console';
import { closeSync, createWriteStream, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

import { Calls } from './calls.js';
import { loadStack, stackName } from './webrtc.js';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/**
 * Where the protocol's lines go. A library that prints would break the protocol: file descriptor 1
 * is moved aside, and becomes standard error.
 */
function takeStandardOutput() {
  const output = openSync('/proc/self/fd/1', 'a');
  closeSync(1);
  openSync('/proc/self/fd/2', 'a'); // takes the lowest number that is free: 1
  globalThis.console = new Console(process.stderr);
  return createWriteStream('', { fd: output });
}

function implementation() {
  const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const versions = { ...manifest.dependencies, ...manifest.optionalDependencies };
  const parts = ['@clasp-to/core', stackName].map((name) => `${name} ${versions[name]}`);
  return {
    name: `clasp-e2e node peer on ${parts.join(' and ')}`,
    version: manifest.version,
    language: 'JavaScript',
  };
}

const output = takeStandardOutput();
// The harness is gone: there is nobody left to answer.
output.on('error', () => process.exit(1));

function send(message) {
  // Queued, and written by a thread of Node's pool: reading goes on where the harness does not read.
  output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

// @clasp-to/core takes the one of the platform, which Node has from version 22 on.
globalThis.WebSocket ??= WebSocket;

const calls = new Calls({
  implementation: implementation(),
  createConnection: await loadStack(),
  notify: (method, params) => send({ method, params }),
});

async function end() {
  await calls.closeAll();
  // The threads of the WebRTC stack would keep the process.
  output.end(() => process.exit(0));
}

createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', async (line) => {
    let request;
    try {
      request = JSON.parse(line);
    } catch (error) {
      send({ id: null, error: { code: PARSE_ERROR, message: error.message } });
      return;
    }
    if (typeof request?.method !== 'string' || request.id === undefined) {
      send({ id: null, error: { code: INVALID_REQUEST, message: 'a request has an id and a method' } });
      return;
    }
    send(await calls.answer(request));
    if (request.method === 'shutdown') await end();
  })
  .on('close', end);
