/** The Node peer behind the driver protocol, version 1: JSON-RPC over standard input and output. */

import { Console } from 'node:console';
import { closeSync, openSync, readFileSync } from 'node:fs';
import WebSocket from 'ws';

import { Calls } from './calls.js';
import { Lines } from './lines.js';
import { loadStack, stackName } from './webrtc.js';

/**
 * Where the protocol's lines go. A library that prints would break the protocol: file descriptor 1
 * is moved aside, and becomes standard error.
 */
function takeStandardOutput() {
  const output = openSync('/proc/self/fd/1', 'a');
  closeSync(1);
  openSync('/proc/self/fd/2', 'a'); // takes the lowest number that is free: 1
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

// @clasp-to/core takes the one of the platform, which Node has from version 22 on.
globalThis.WebSocket ??= WebSocket;

const calls = new Calls({
  implementation: implementation(),
  createConnection: await loadStack(),
  notify: (method, params) => lines.send({ method, params }),
  processes: 'per_peer',
});

lines.read({
  take: async (request) => lines.send(await calls.answer(request)),
  // No farewells: whoever is connected sees a peer that vanishes. By an explicit exit, since the
  // threads of the WebRTC stack would keep the process.
  end: () => lines.exit(),
});
