/** An HTTP server for the page and its modules, on the loopback address, which is a trusted origin. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { extname } from 'node:path';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serve the files of this folder; return the base URL. */
export async function servePages() {
  const server = createServer(async ({ url }, response) => {
    // Parsing resolves `..`, so that only files in this folder can be requested.
    const { pathname } = new URL(url, 'http://localhost');
    const type = TYPES[extname(pathname)];
    try {
      if (type === undefined) throw new Error('unsupported file type');
      const content = await readFile(new URL(`.${pathname}`, import.meta.url));
      response.writeHead(200, { 'content-type': type }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}
