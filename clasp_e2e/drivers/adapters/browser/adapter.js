/**
 * The adapter of peers in a browser, for the driver protocol, version 1. Peers run in pages of
 * Chromium or Firefox; this process forwards the lines, and exits if the browser does.
 *
 * Arguments: `chromium` or `firefox`, the path of its program, and a directory in which its profile is created
 * and removed.
 */

import { join } from 'node:path';

import { Lines } from './lines.js';
import { servePages } from './pages.js';

const BROWSERS = {
  chromium: async () => (await import('./chromium.js')).Chromium,
  firefox: async () => (await import('./firefox.js')).Firefox,
};

const [kind, program, profiles] = process.argv.slice(2);
if (!Object.hasOwn(BROWSERS, kind) || profiles === undefined) fail('usage: adapter.js chromium|firefox PROGRAM PROFILES');

function fail(message) {
  console.error(message);
  process.exit(1);
}

process.on('unhandledRejection', (error) => fail(`the adapter itself failed: ${error.stack}`));

/** Maximum number of pages that are kept after their peer is closed, to answer later calls. */
const KEPT = 16;

const lines = new Lines(1);
const url = `${await servePages()}/page.html`;
const Browser = await BROWSERS[kind]();
const browser = new Browser(program, join(profiles, String(process.pid)), (reason) => {
  fail(`${program}: ${reason}`);
});

async function openPage() {
  const page = await browser.openPage(url, {
    onText: (text) => lines.sendText(text),
    onConsole: (text) => console.error(text),
  });
  await page.evaluate(`import('/page.mjs').then(async ({ start }) => {
    globalThis.peer = await start(${JSON.stringify(product)}, sendLine);
  })`);
  return page;
}

const product = await browser.product();
/** Promises of pages, by handle. */
const pages = new Map();
/** The handles of closed peers, in order. */
const closed = new Set();
/** A page without a peer: it answers requests that concern no peer, and becomes the page of the next peer. */
let spare = openPage();

function pageFor({ method, params }) {
  if (browser.peersSharePage) return spare;
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
    if (browser.peersSharePage) return;
    if (method === 'peer.close' ? succeeded : method === 'peer.open' && !succeeded) await retire(params.peer);
  },
  // Without closing connections: other peers see these peers vanish.
  end: async () => {
    await browser.kill();
    lines.exit();
  },
});
