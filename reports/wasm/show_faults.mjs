/**
 * Show the faults of clasp-wasm that are on this page's list, in Chromium, without clasp-e2e and without a router.
 *
 * Arguments: the directory with `clasp_wasm.js` and `clasp_wasm_bg.wasm`, and the program of Chromium.
 *
 *     node show_faults.mjs "$(clasp-e2e build-adapter wasm)" chromium-headless-shell
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [module, program] = process.argv.slice(2);
const FILES = {
  '/': ['text/html', '<script type="module" src="start.mjs"></script>'],
  '/start.mjs': [
    'text/javascript',
    `import { run } from './faults.mjs';
    const body = await run().catch((error) => String(error?.stack ?? error));
    fetch('/result', { method: 'POST', body });`,
  ],
  '/faults.mjs': ['text/javascript', readFileSync(new URL('faults.mjs', import.meta.url))],
  '/clasp_wasm.js': ['text/javascript', readFileSync(join(module, 'clasp_wasm.js'))],
  '/clasp_wasm_bg.wasm': ['application/wasm', readFileSync(join(module, 'clasp_wasm_bg.wasm'))],
};

const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    for await (const text of request.setEncoding('utf8')) process.stdout.write(text);
    process.stdout.write('\n');
    browser.kill('SIGKILL');
    await once(browser, 'exit');
    rmSync(profile, { recursive: true });
    process.exit(0);
  }
  const [type, content] = FILES[request.url] ?? ['text/plain', ''];
  response.writeHead(200, { 'content-type': type }).end(content);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const profile = mkdtempSync(join(tmpdir(), 'faults-'));
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', `--user-data-dir=${profile}`];
// Addresses instead of names that end in .local, and no requests of the browser itself.
flags.push('--disable-features=WebRtcHideLocalIpsWithMdns', '--disable-background-networking');
const address = `http://127.0.0.1:${server.address().port}/`;
const browser = spawn(program, [...flags, address], { stdio: ['ignore', 'ignore', 'ignore'] });
