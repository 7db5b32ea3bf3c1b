/**
 * The process of a browser, and its profile.
 *
 * The browser stays in the process group of the adapter, so that both are killed together and the browser
 * closes no connections, as in a crash. Automation libraries start it in its own process group, and it
 * closes its connections when they are killed.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

export class BrowserProcess {
  #profile;
  #onGone;
  #child;
  #exited;

  /** Start `program` with the directory `profile`. `onGone(reason)` is called if it ends by itself. */
  constructor(program, options, { profile, stdio, onGone }) {
    this.#profile = profile;
    this.#onGone = onGone;
    this.#child = spawn(program, options, {
      // So that all its files are removed with the profile.
      env: {
        ...process.env,
        HOME: profile,
        XDG_CONFIG_HOME: profile,
        XDG_CACHE_HOME: profile,
        TMPDIR: profile,
      },
      stdio,
    });
    this.#child.on('error', (error) => this.fail(`the browser cannot be started: ${error.message}`));
    this.#child.on('exit', (status, signal) => {
      this.fail(`the browser ended by itself, with ${signal ?? `status ${status}`}`);
    });
    this.#exited = once(this.#child, 'exit');
  }

  get stdio() {
    return this.#child.stdio;
  }

  /** Report that the browser is unusable, unless it is being killed. */
  fail(reason) {
    this.#onGone(reason);
  }

  /** Kill the browser; remove its profile, and the directory of profiles if it is empty. */
  async kill() {
    this.#onGone = () => {};
    this.#child.kill('SIGKILL');
    await this.#exited;
    try {
      rmSync(this.#profile, { recursive: true, force: true });
      rmdirSync(dirname(this.#profile));
    } catch {
      // There are other profiles, or a child of the browser still writes. The harness removes the rest.
    }
  }
}
