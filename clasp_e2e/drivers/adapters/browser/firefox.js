/** A Firefox process and its pages. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { BiDi } from './bidi.js';
import { BrowserProcess } from './browser_process.js';

const PREFERENCES = {
  // Candidates with addresses: names that end in .local would be resolved on the network.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Candidates with the loopback address, which is used only if the page may use a camera: without, the
  // address of the default route is the only one. In the lab, the host of the peer has an interface.
  'media.peerconnection.ice.loopback': process.env.CLASP_E2E_NETWORK !== 'lab',
  'permissions.default.camera': 1,
  'permissions.default.microphone': 1,
  // Few processes: a start takes half the processor time.
  'browser.newtab.preload': false,
  'browser.newtabpage.enabled': false,
  'dom.ipc.processCount': 1,
  'dom.ipc.processPrelaunch.enabled': false,
  'extensions.webextensions.remote': false,
  'fission.autostart': false,
  'layers.gpu-process.enabled': false,
  'media.rdd-process.enabled': false,
  'media.utility-process.enabled': false,
  // The page holds peers, whose timers must not be throttled; in a hidden page they are by a second otherwise.
  'dom.min_background_timeout_value_without_budget_throttling': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
  'dom.ipc.processPriorityManager.enabled': false,
  // Many peers connect, some of them right after another's failure.
  'network.websocket.delay-failed-reconnects': false,
  'network.websocket.max-connections': 2000,
  // No network requests by the browser itself, and no prompts.
  'app.normandy.enabled': false,
  'app.shield.optoutstudies.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.backup.enabled': false,
  'browser.region.network.url': '',
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.search.update': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.connection.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'geo.provider.testing': true,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.trr.mode': 5,
  'network.proxy.type': 0,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
};

export class Firefox {
  /** Whether one page holds all peers, or each has its own. Opening a page takes longer than in Chromium. */
  peersSharePage = true;
  #process;
  #bidi;
  #ready;
  #pages = new Map();

  /** Start `program` with the new directory `profile`. `onGone(reason)` is called if it ends by itself. */
  constructor(program, profile, onGone) {
    mkdirSync(profile, { recursive: true });
    const lines = Object.entries(PREFERENCES).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    const options = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'];
    this.#process = new BrowserProcess(program, options, { profile, stdio: ['ignore', 2, 'pipe'], onGone });
    this.#ready = this.#connect();
  }

  /** Return its name and version, such as `firefox/153.8.0`. */
  async product() {
    const { browserName, browserVersion } = (await this.#ready).capabilities;
    return `${browserName.replace(/^f/, 'F')}/${browserVersion}`;
  }

  /**
   * Open a page at `url`; return it when it has loaded. The function `sendLine` in the page passes a text
   * to `onText`; `onConsole` receives the page's console output and uncaught errors.
   */
  async openPage(url, { onText, onConsole }) {
    await this.#ready;
    const { context } = await this.#bidi.call('browsingContext.create', { type: 'tab', background: true });
    this.#pages.set(context, { onText, onConsole });
    await this.#bidi.call('browsingContext.navigate', { context, url, wait: 'complete' });
    const page = new Page(this.#bidi, context, async () => {
      await this.#bidi.call('browsingContext.close', { context });
      this.#pages.delete(context);
    });
    await page.call('(sendLine) => { globalThis.sendLine = sendLine; }', [
      { type: 'channel', value: { channel: 'lines' } },
    ]);
    return page;
  }

  /** Kill the browser, and remove its profile. */
  kill() {
    return this.#process.kill();
  }

  async #connect() {
    this.#bidi = await BiDi.connect(await this.#address());
    this.#bidi.on('script.message', ({ source, data }) => this.#pages.get(source.context)?.onText(data.value));
    this.#bidi.on('log.entryAdded', ({ source, text }) => this.#pages.get(source.context)?.onConsole(text));
    const session = await this.#bidi.call('session.new', { capabilities: {} });
    await this.#bidi.call('session.subscribe', { events: ['script.message', 'log.entryAdded'] });
    return session;
  }

  /** Return the address at which the browser listens, which it writes to standard error. */
  #address() {
    return new Promise((resolve) => {
      createInterface({ input: this.#process.stdio[2] }).on('line', (line) => {
        const [, address] = /^WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
        if (address === undefined) console.error(line);
        else resolve(`${address}/session`);
      });
    });
  }
}

/** A page of the browser. */
class Page {
  #bidi;
  #target;
  #close;

  constructor(bidi, context, close) {
    this.#bidi = bidi;
    this.#target = { context };
    this.#close = close;
  }

  /**
   * Evaluate `expression` in the page, await it if it is a promise, and return its value. Evaluations start
   * in the order of the calls.
   */
  async evaluate(expression) {
    return this.#result('script.evaluate', { expression });
  }

  /** Call a function in the page with arguments in the form of the protocol. */
  call(functionDeclaration, args) {
    return this.#result('script.callFunction', { functionDeclaration, arguments: args });
  }

  close() {
    return this.#close();
  }

  async #result(method, params) {
    const found = await this.#bidi.call(method, { ...params, target: this.#target, awaitPromise: true });
    if (found.type === 'exception') throw new Error(found.exceptionDetails.text);
    return found.result.value;
  }
}
