/** A Chromium process and its pages. */

import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';

import { BrowserProcess } from './browser_process.js';
import { DevTools } from './devtools.js';

const FLAGS = [
  '--headless',
  '--no-sandbox', // A sandbox is not available as root or in many containers; all pages are our own.
  '--remote-debugging-pipe',
  // Candidates with addresses: names that end in .local would be resolved on the network.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  // No network requests by the browser itself, and no prompts.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  '--password-store=basic',
  // Each page is a peer, whose timers must not be throttled.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // A page opens faster in an existing process, but the main thread of a single process would be the limit.
  '--renderer-process-limit=8',
  // Not needed by peers.
  '--disable-breakpad',
  '--disable-gpu',
  '--log-level=3', // Otherwise it logs many warnings about the missing desktop.
];

export class Chromium {
  /** Whether one page holds all peers, or each has its own. */
  peersSharePage = false;
  #process;
  #devTools;
  #pages = new Map();

  /** Start `program` with the new directory `profile`. `onGone(reason)` is called if it ends by itself. */
  constructor(program, profile, onGone) {
    mkdirSync(profile, { recursive: true });
    // Without a window, whose controls are pages too. The headless shell has no windows, and another option
    // for its log.
    const mode = /headless.shell/.test(basename(program)) ? '--enable-logging=none' : '--no-startup-window';
    this.#process = new BrowserProcess(program, [...FLAGS, `--user-data-dir=${profile}`, mode], {
      profile,
      stdio: ['ignore', 2, 2, 'pipe', 'pipe'],
      onGone,
    });
    this.#devTools = new DevTools(...this.#process.stdio.slice(3));
    this.#route('Runtime.bindingCalled', (page, { payload }) => page.onText(payload));
    this.#route('Runtime.consoleAPICalled', (page, { args }) => page.onConsole(args.map(describe).join(' ')));
    this.#route('Runtime.exceptionThrown', (page, { exceptionDetails }) => {
      page.onConsole(`uncaught: ${describe(exceptionDetails.exception)}`);
    });
    this.#route('Runtime.executionContextCreated', (page, { context }) => page.onContext(context));
    // Its peer would be silent, and others may share its process: the whole adapter fails.
    this.#route('Inspector.targetCrashed', () => this.#process.fail('a page crashed'));
  }

  /** Return its name and version, such as `Chrome/156.0.8078.79`. */
  async product() {
    return (await this.#devTools.call('Browser.getVersion')).product;
  }

  /**
   * Open a page at `url`; return it when it has loaded. The function `sendLine` in the page passes a text
   * to `onText`; `onConsole` receives the page's console output and uncaught errors.
   */
  async openPage(url, { onText, onConsole }) {
    const { targetId } = await this.#devTools.call('Target.createTarget', { url });
    const { sessionId } = await this.#devTools.call('Target.attachToTarget', { targetId, flatten: true });
    const call = (method, params) => this.#devTools.call(method, params, sessionId);
    // The page is empty at first. `Runtime.enable` also reports contexts that already exist.
    const arrived = new Promise((resolve) => {
      const onContext = ({ origin }) => origin === new URL(url).origin && resolve();
      this.#pages.set(sessionId, { onText, onConsole, onContext });
    });
    await Promise.all([
      call('Inspector.enable'),
      call('Runtime.enable'),
      call('Runtime.addBinding', { name: 'sendLine' }),
    ]);
    await arrived;
    const page = new Page(call, async () => {
      await this.#devTools.call('Target.closeTarget', { targetId });
      this.#pages.delete(sessionId);
    });
    await page.evaluate(`new Promise((resolve) => {
      if (document.readyState === 'complete') resolve();
      else addEventListener('load', resolve);
    })`);
    return page;
  }

  /** Kill the browser, and remove its profile. */
  kill() {
    return this.#process.kill();
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
  #call;
  #close;

  constructor(call, close) {
    this.#call = call;
    this.#close = close;
  }

  /**
   * Evaluate `expression` in the page, await it if it is a promise, and return its value. Evaluations start
   * in the order of the calls.
   */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(describe(exceptionDetails.exception));
    return result.value;
  }

  close() {
    return this.#close();
  }
}

/** Return a text for a value in the page. */
function describe({ value, description, type }) {
  return String(value ?? description ?? type);
}
