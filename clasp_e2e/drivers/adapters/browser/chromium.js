/**
 * A Chromium of one's own, and its pages.
 *
 * It stays in the process group of whoever starts it: a peer that is killed takes its browser along
 * before that could say farewell, as in a crash. Automation libraries give the browser a group of
 * its own, and it parts in an orderly way when they are killed.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import { DevTools } from './devtools.js';

const FLAGS = [
  '--headless',
  '--no-sandbox', // It cannot be had as root, nor in many a container; the only pages are ours.
  '--remote-debugging-pipe',
  // Candidates with addresses: names ending in .local would be asked for on the network.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  // No request of its own to anybody, and no questions.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  '--password-store=basic',
  // No page is in the background: each is a peer whose timers count.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // A page opens faster in a process that is there; with one process for all, its main thread is the limit.
  '--renderer-process-limit=8',
  // Nothing that a peer has no use for.
  '--disable-breakpad',
  '--disable-gpu',
  '--log-level=3', // Otherwise it complains, line upon line, that there is no desktop.
];

export class Chromium {
  #profile;
  #onGone;
  #child;
  #exited;
  #devTools;
  #pages = new Map();

  /** Start `program` with the new directory `profile`. `onGone(words)` is called if it ends unasked. */
  constructor(program, profile, onGone) {
    this.#profile = profile;
    this.#onGone = onGone;
    mkdirSync(profile, { recursive: true });
    // Without a window, whose controls are pages too. The headless shell has no windows, and another way
    // to be silent.
    const mode = /headless.shell/.test(basename(program)) ? '--enable-logging=none' : '--no-startup-window';
    this.#child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, mode], {
      // What it keeps at home, or next to its profile, is to go with the profile.
      env: {
        ...process.env,
        HOME: profile,
        XDG_CONFIG_HOME: profile,
        XDG_CACHE_HOME: profile,
        TMPDIR: profile,
      },
      stdio: ['ignore', 2, 2, 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => this.#onGone(`the browser cannot be started: ${error.message}`));
    this.#child.on('exit', (status, signal) => {
      this.#onGone(`the browser ended by itself, with ${signal ?? `status ${status}`}`);
    });
    this.#exited = once(this.#child, 'exit');
    this.#devTools = new DevTools(this.#child.stdio[3], this.#child.stdio[4]);
    this.#route('Runtime.bindingCalled', (page, { payload }) => page.onText(payload));
    this.#route('Runtime.consoleAPICalled', (page, { args }) => page.onConsole(args.map(inWords).join(' ')));
    this.#route('Runtime.exceptionThrown', (page, { exceptionDetails }) => {
      page.onConsole(`uncaught: ${inWords(exceptionDetails.exception)}`);
    });
    this.#route('Runtime.executionContextCreated', (page, { context }) => page.onContext(context));
    // Its peer would seem to be silent, and the others may share its process: all of them have failed.
    this.#route('Inspector.targetCrashed', () => this.#onGone('a page crashed'));
  }

  /** What it calls itself, such as `Chrome/156.0.8078.79`. */
  async product() {
    return (await this.#devTools.call('Browser.getVersion')).product;
  }

  /**
   * A new page at `url`, once it has loaded. There, the function `tell` hands a text to `onText`;
   * `onConsole` gets what it writes to its console, and its uncaught errors.
   */
  async openPage(url, { onText, onConsole }) {
    const { targetId } = await this.#devTools.call('Target.createTarget', { url });
    const { sessionId } = await this.#devTools.call('Target.attachToTarget', { targetId, flatten: true });
    const ask = (method, params) => this.#devTools.call(method, params, sessionId);
    // The page is empty before it is ours; a context is reported also if it is older than the question.
    const arrived = new Promise((resolve) => {
      const onContext = ({ origin }) => origin === new URL(url).origin && resolve();
      this.#pages.set(sessionId, { onText, onConsole, onContext });
    });
    await Promise.all([
      ask('Inspector.enable'),
      ask('Runtime.enable'),
      ask('Runtime.addBinding', { name: 'tell' }),
    ]);
    await arrived;
    const page = new Page(ask, async () => {
      await this.#devTools.call('Target.closeTarget', { targetId });
      this.#pages.delete(sessionId);
    });
    await page.evaluate(`new Promise((resolve) => {
      if (document.readyState === 'complete') resolve();
      else addEventListener('load', resolve);
    })`);
    return page;
  }

  /** Kill it, and remove its profile, and the directory around that if it was the last. */
  async kill() {
    this.#onGone = () => {};
    this.#child.kill('SIGKILL');
    await this.#exited;
    try {
      rmSync(this.#profile, { recursive: true, force: true });
      rmdirSync(dirname(this.#profile));
    } catch {
      // There are others yet, or a child of the browser has still written. The harness removes the rest.
    }
  }

  #route(method, handler) {
    this.#devTools.on(method, (params, sessionId) => {
      const page = this.#pages.get(sessionId);
      if (page !== undefined) handler(page, params);
    });
  }
}

/** A page of the browser. */
class Page {
  #ask;
  #close;

  constructor(ask, close) {
    this.#ask = ask;
    this.#close = close;
  }

  /**
   * The value of `expression`, evaluated in the page, and awaited if it is a promise. Starts in order
   * of the calls.
   */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.#ask('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(inWords(exceptionDetails.exception));
    return result.value;
  }

  close() {
    return this.#close();
  }
}

/** A value of the page, as DevTools describes it. */
function inWords({ value, description, type }) {
  return String(value ?? description ?? type);
}
