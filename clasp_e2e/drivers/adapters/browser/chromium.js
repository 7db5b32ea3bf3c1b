/**
 * A Chromium of one's own, with one page.
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
  '--no-sandbox', // It cannot be had as root, nor in many a container; the only page is ours.
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
  // Nothing that a peer has no use for.
  '--disable-breakpad',
  '--disable-gpu',
  '--log-level=3', // Otherwise it complains, line upon line, that there is no desktop.
];

export class Chromium {
  #profile;
  #url;
  #onGone;
  #exited;
  #devTools;
  #session;

  /**
   * Start `program` with the new directory `profile`, on the page at `url`. `onGone(words)` is told if
   * it ends unasked.
   */
  constructor(program, profile, url, onGone) {
    this.#url = url;
    this.#profile = profile;
    this.#onGone = onGone;
    mkdirSync(profile, { recursive: true });
    // As an app: the controls of a window are pages too, and cost a quarter of the start. The headless
    // shell has neither windows nor apps, and another way to be silent.
    const page = /headless.shell/.test(basename(program)) ? ['--enable-logging=none', url] : [`--app=${url}`];
    const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, ...page], {
      // What it keeps at home, or beside its profile, is to go with the profile.
      env: {
        ...process.env,
        HOME: profile,
        XDG_CONFIG_HOME: profile,
        XDG_CACHE_HOME: profile,
        TMPDIR: profile,
      },
      stdio: ['ignore', 2, 2, 'pipe', 'pipe'],
    });
    child.on('error', (error) => this.#onGone(`the browser cannot be started: ${error.message}`));
    child.on('exit', (status, signal) => {
      this.#onGone(`the browser ended by itself, with ${signal ?? `status ${status}`}`);
    });
    this.#exited = once(child, 'exit');
    this.#devTools = new DevTools(child.stdio[3], child.stdio[4]);
  }

  /** What it calls itself, such as `Chrome/156.0.8078.79`. */
  async product() {
    return (await this.#devTools.call('Browser.getVersion')).product;
  }

  /**
   * Done when the page has loaded. There, the function `tell` hands a text to `onTold`; `onConsole`
   * gets what it writes to its console, and its uncaught errors.
   */
  async open({ onTold, onConsole }) {
    const { targetInfos } = await this.#devTools.call('Target.getTargets');
    const { targetId } = targetInfos.find(({ type }) => type === 'page');
    const attached = await this.#devTools.call('Target.attachToTarget', { targetId, flatten: true });
    this.#session = attached.sessionId;
    this.#devTools.on('Runtime.bindingCalled', ({ payload }) => onTold(payload));
    this.#devTools.on('Runtime.consoleAPICalled', ({ args }) => onConsole(args.map(inWords).join(' ')));
    this.#devTools.on('Runtime.exceptionThrown', ({ exceptionDetails }) => {
      onConsole(`uncaught: ${inWords(exceptionDetails.exception)}`);
    });
    this.#devTools.on('Inspector.targetCrashed', () => this.#onGone('the page crashed'));
    // The page is empty before it is ours; a context is told also if it is older than the question.
    const arrived = new Promise((resolve) => {
      this.#devTools.on('Runtime.executionContextCreated', ({ context }) => {
        if (context.origin === new URL(this.#url).origin) resolve();
      });
    });
    await this.#ask('Inspector.enable');
    await this.#ask('Runtime.enable');
    await this.#ask('Runtime.addBinding', { name: 'tell' });
    await arrived;
    await this.evaluate(`new Promise((resolve) => {
      if (document.readyState === 'complete') resolve();
      else addEventListener('load', resolve);
    })`);
  }

  /** Evaluate `expression` in the page, and await it if it is a promise. Starts in order of the calls. */
  async evaluate(expression) {
    const { exceptionDetails } = await this.#ask('Runtime.evaluate', { expression, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(inWords(exceptionDetails.exception));
  }

  /** Close it, and remove its profile, and the directory around that if it was the last. */
  async close() {
    this.#onGone = () => {};
    this.#devTools.call('Browser.close');
    await this.#exited;
    rmSync(this.#profile, { recursive: true, force: true });
    try {
      rmdirSync(dirname(this.#profile));
    } catch {
      // There are others yet.
    }
  }

  #ask(method, params) {
    return this.#devTools.call(method, params, this.#session);
  }
}

/** A value of the page, as DevTools describes it. */
function inWords({ value, description, type }) {
  return String(value ?? description ?? type);
}
