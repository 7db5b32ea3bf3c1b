/** The page and its bundle over HTTP on the loopback address, which is an origin that is trusted. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { extname } from 'node:path';

const TYPES = { '.html': 'text/html', '.mjs': 'text/javascript' };

/** Serve the files of this folder; the address they are at. */
export async function servePages() {
  const server = createServer(async ({ url }, response) => {
    // Parsing resolves `..`, so that nothing above this folder can be asked for.
    const { pathname } = new URL(url, 'http://localhost');
    const type = TYPES[extname(pathname)];
    try {
      if (type === undefined) throw new Error('no such kind of file');
      const content = await readFile(new URL(`.${pathname}`, import.meta.url));
      response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}
