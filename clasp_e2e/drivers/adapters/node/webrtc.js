/**
 * The WebRTC stack, by the environment variable CLASP_E2E_WEBRTC: `node-datachannel` (the default,
 * libdatachannel) or `@roamhq/wrtc` (libwebrtc).
 */

const STACKS = { 'node-datachannel': nodeDataChannel, '@roamhq/wrtc': roamhq };

export const stackName = process.env.CLASP_E2E_WEBRTC || 'node-datachannel';

/** A function that makes an RTCPeerConnection of a standard configuration. */
export async function loadStack() {
  if (!Object.hasOwn(STACKS, stackName)) {
    const known = Object.keys(STACKS).join(', ');
    throw new Error(`CLASP_E2E_WEBRTC=${stackName}: no such stack; there are ${known}`);
  }
  return STACKS[stackName]();
}

/** Milliseconds after which consent to send expires (RFC 7675, section 5.1). */
const CONSENT_TIMEOUT = 30000;

async function nodeDataChannel() {
  const { PeerConnection } = await import('node-datachannel');
  const { RTCPeerConnection, RTCError } = await import('node-datachannel/polyfill');
  // Its channels use this name without importing it, and would end the process upon an error.
  globalThis.RTCError ??= RTCError;

  class Connection extends RTCPeerConnection {
    #peer;
    #consent = null;
    #early = [];

    // libdatachannel lets consent expire only once ICE is `completed`. If the path is lost before, it
    // takes up to 41.5 s to notice (examples/late_loss.js).
    constructor({ iceServers, ...configuration }) {
      const peer = new PeerConnection('', { ...configuration, iceServers: iceServers.flatMap(serverUrls) });
      super({ ...configuration, iceServers, peerConnection: peer });
      this.#peer = peer;
      this.addEventListener('iceconnectionstatechange', () => {
        clearTimeout(this.#consent);
        if (this.iceConnectionState !== 'connected') return;
        this.#consent = setTimeout(() => {
          // The event of `completed` can be on its way yet.
          if (this.iceConnectionState === 'connected') this.close();
        }, CONSENT_TIMEOUT);
      });
    }

    /** The state as libdatachannel has it; its polyfill replaces `completed` by `connected`. */
    get iceConnectionState() {
      return this.#peer.iceState();
    }

    // libdatachannel hands the answer to ICE before it keeps the fingerprint in it. If ICE connects in
    // between, DTLS fails (examples/early_check.js). No check can arrive so early if the peer gets our
    // candidates after the answer.
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

  // The harness stays on the loopback address, which libdatachannel gathers only if told to.
  return (configuration) => new Connection({ ...configuration, bindAddress: '127.0.0.1' });
}

/** The URLs of an ICE server as libdatachannel takes them, with the credentials inside. */
function serverUrls({ urls, username, credential }) {
  return urls.map((url) => (username ? url.replace(':', `:${username}:${credential}@`) : url));
}

async function roamhq() {
  const { default: wrtc } = await import('@roamhq/wrtc');
  return (configuration) => new wrtc.RTCPeerConnection(configuration);
}
