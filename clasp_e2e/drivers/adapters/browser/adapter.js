/**
 * Peers in a browser behind the driver protocol, version 1. All of a peer runs in a page of Chromium, which
 * it has for itself; this process carries the lines, and ends if its browser does.
 *
 * Arguments: the program that is Chromium, and a directory in which its profile is made and removed.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Chromium } from './chromium.js';
import { Lines } from './lines.js';
import { servePages } from './pages.js';

const [program, profiles] = process.argv.slice(2);
if (profiles === undefined) fail('usage: adapter.js CHROMIUM PROFILES');

function fail(words) {
  console.error(words);
  process.exit(1);
}

process.on('unhandledRejection', (error) => fail(`the adapter's own failure: ${error.stack}`));

/** What the page is to say of itself. */
function implementation(product) {
  const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const core = `@clasp-to/core ${manifest.dependencies['@clasp-to/core']}`;
  return {
    name: `clasp-e2e browser peer on ${core} and ${product.replace('/', ' ')}`,
    version: manifest.version,
    language: 'JavaScript',
  };
}

/** Maximum number of pages that stay after their peer was closed, for calls that are made nevertheless. */
const KEPT = 16;

const lines = new Lines(1);
const url = `${await servePages()}/page.html`;
const browser = new Chromium(program, join(profiles, String(process.pid)), (words) => fail(`${program}: ${words}`));

async function openPage() {
  const page = await browser.openPage(url, {
    onText: (text) => lines.sendText(text),
    onConsole: (words) => console.error(words),
  });
  await page.evaluate(`import('/page.mjs').then(({ start }) => {
    globalThis.peer = start(${JSON.stringify(description)}, tell);
  })`);
  return page;
}

const description = implementation(await browser.product());
/** By handle, each a promise. */
const pages = new Map();
/** The handles of those that were closed, in that order. */
const closed = new Set();
/** One that no peer has: it answers what concerns no peer, and becomes the page of the next. */
let spare = openPage();

function pageFor({ method, params }) {
  if (method === 'peer.open') {
    pages.set(params?.peer, spare ?? openPage());
    spare = null;
  }
  return pages.get(params?.peer) ?? (spare ??= openPage());
}

async function retire(handle) {
  closed.add(handle);
  if (closed.size <= KEPT) return;
  const [oldest] = closed;
  closed.delete(oldest);
  const page = await pages.get(oldest);
  pages.delete(oldest);
  await page.close();
}

lines.read({
  take: async (request) => {
    const { id, method, params } = request;
    if (method === 'shutdown') {
      lines.send({ id, result: {} });
      return;
    }
    const page = await pageFor(request);
    const succeeded = await page.evaluate(`peer.take(${JSON.stringify(request)})`);
    if (method === 'peer.close' ? succeeded : method === 'peer.open' && !succeeded) await retire(params.peer);
  },
  // No farewells: whoever is connected sees a peer that vanishes.
  end: async () => {
    await browser.kill();
    lines.exit();
  },
});
