/**
 * The peer in a browser behind the driver protocol, version 1. All of it runs in a page of Chromium;
 * this process carries the lines, and ends if its browser does.
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

const lines = new Lines(1);
const profile = join(profiles, String(process.pid));
const browser = new Chromium(program, profile, `${await servePages()}/page.html`, (words) => {
  fail(`${program}: ${words}`);
});
await browser.open({
  onTold: (text) => lines.sendText(text),
  onConsole: (words) => console.error(words),
});
const description = implementation(await browser.product());
await browser.evaluate(`import('/page.js').then(({ start }) => {
  globalThis.peers = start(${JSON.stringify(description)}, tell);
})`);

lines.read({
  take: (request) => browser.evaluate(`peers.take(${JSON.stringify(request)})`),
  end: async () => {
    await browser.evaluate('peers.closeAll()');
    await browser.close();
    lines.exit();
  },
});
