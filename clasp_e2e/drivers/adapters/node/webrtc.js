/**
 * The WebRTC stacks of the adapter: `node-datachannel` (the default, libdatachannel), `@roamhq/wrtc`
 * (libwebrtc) and `werift` (TypeScript).
 */

const STACKS = { 'node-datachannel': nodeDataChannel, '@roamhq/wrtc': roamhq, werift };

export const DEFAULT_STACK = 'node-datachannel';

/** Whether this process is on a host of the lab, which has an interface. */
const IN_LAB = process.env.CLASP_E2E_NETWORK === 'lab';

/** Return a function that makes an RTCPeerConnection of the stack `name` from a standard configuration. */
export async function loadStack(name = DEFAULT_STACK) {
  if (!Object.hasOwn(STACKS, name)) {
    throw new Error(`${name}: no such stack; it must be one of ${Object.keys(STACKS).join(', ')}`);
  }
  return STACKS[name]();
}

/** Milliseconds after which consent to send expires (RFC 7675, section 5.1). */
const CONSENT_TIMEOUT = 30000;

async function nodeDataChannel() {
  const { PeerConnection } = await import('node-datachannel');
  const { RTCPeerConnection, RTCError } = await import('node-datachannel/polyfill');
  // The polyfill uses this name without importing it, so an error of a channel would end the process.
  globalThis.RTCError ??= RTCError;

  class Connection extends RTCPeerConnection {
    #peer;
    #consent = null;
    #early = [];

    // libdatachannel lets consent expire only once ICE is `completed`. If the path is lost before, it
    // takes up to 41.5 s to notice (reports/node/late_loss.js).
    constructor({ iceServers, ...configuration }) {
      const peer = new PeerConnection('', { ...configuration, iceServers: iceServers.flatMap(serverUrls) });
      super({ ...configuration, iceServers, peerConnection: peer });
      this.#peer = peer;
      this.addEventListener('iceconnectionstatechange', () => {
        clearTimeout(this.#consent);
        if (this.iceConnectionState !== 'connected') return;
        this.#consent = setTimeout(() => {
          // The event of `completed` may not have arrived yet.
          if (this.iceConnectionState === 'connected') this.close();
        }, CONSENT_TIMEOUT);
      });
    }

    /** The state of libdatachannel; its polyfill replaces `completed` by `connected`. */
    get iceConnectionState() {
      return this.#peer.iceState();
    }

    // libdatachannel passes the answer to ICE before it stores its fingerprint. If ICE connects in between,
    // DTLS fails (reports/node/early_check.js). No check arrives that early if our candidates are sent after
    // the answer.
    dispatchEvent(event) {
      if (event.type !== 'icecandidate' || this.#early === null) return super.dispatchEvent(event);
      this.#early.push(event);
      return true;
    }

    async setRemoteDescription(description) {
      await super.setRemoteDescription(description);
      const early = this.#early ?? [];
      this.#early = null;
      for (const event of early) super.dispatchEvent(event);
    }

    close() {
      clearTimeout(this.#consent);
      super.close();
    }
  }

  // libdatachannel gathers the loopback address only if it is bound to it.
  const binding = IN_LAB ? {} : { bindAddress: '127.0.0.1' };
  return (configuration) => new Connection({ ...configuration, ...binding });
}

/** Return the URLs of an ICE server in the form of libdatachannel, which includes the credentials. */
function serverUrls({ urls, username, credential }) {
  if (!username) return urls;
  const user = [username, credential].map(encodeURIComponent).join(':');
  return urls.map((url) => url.replace(':', () => `:${user}@`));
}

async function roamhq() {
  const { default: wrtc } = await import('@roamhq/wrtc');
  return (configuration) => new wrtc.RTCPeerConnection(configuration);
}

async function werift() {
  const { RTCPeerConnection } = await import('werift');
  // It does not gather the loopback address by itself.
  const options = IN_LAB ? {} : { iceAdditionalHostAddresses: ['127.0.0.1'] };
  return (configuration) => new RTCPeerConnection({ ...configuration, ...options });
}
