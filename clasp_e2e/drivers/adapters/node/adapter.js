/**
 * The adapter of the Node peer, for the driver protocol, version 1, over standard input and output.
 *
 * Argument: the name of the WebRTC stack, unless it is the default.
 */

import { Console } from 'node:console';
import { closeSync, openSync, readFileSync } from 'node:fs';
import WebSocket from 'ws';

import { Calls } from './calls.js';
import { Lines } from './lines.js';
import { DEFAULT_STACK, loadStack } from './webrtc.js';

const stackName = process.argv[2] ?? DEFAULT_STACK;

/**
 * Return a file descriptor for the protocol's lines, and redirect descriptor 1 to standard error: output
 * of libraries would violate the protocol.
 */
function takeStandardOutput() {
  const output = openSync('/proc/self/fd/1', 'a');
  closeSync(1);
  openSync('/proc/self/fd/2', 'a'); // gets the lowest free number: 1
  globalThis.console = new Console(process.stderr);
  return output;
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

const lines = new Lines(takeStandardOutput());

// @clasp-to/core uses the platform's WebSocket, which Node has since version 22.
globalThis.WebSocket ??= WebSocket;

const calls = new Calls({
  implementation: implementation(),
  createConnection: await loadStack(stackName),
  notify: (method, params) => lines.send({ method, params }),
  processes: 'shared',
});

lines.read({
  take: async (request) => lines.send(await calls.answer(request)),
  // Without closing connections: other peers see this one vanish. The exit is explicit because the
  // threads of the WebRTC stack keep the process running.
  end: () => lines.exit(),
});
