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

async function nodeDataChannel() {
  const { RTCPeerConnection, RTCError } = await import('node-datachannel/polyfill');
  // Its channels use this name without importing it, and would end the process upon an error.
  globalThis.RTCError ??= RTCError;

  class Connection extends RTCPeerConnection {
    // libdatachannel checks checksums of the last algorithm named, but expects SHA-256 where ICE
    // connected before it had read the answer: with several named, 1 handshake in 30 fails. Any one
    // of them may be checked (RFC 8122, section 5).
    setRemoteDescription({ type, sdp }) {
      const others = /^a=fingerprint:(?!sha-256 ).*\r?\n/gim;
      const usable = /^a=fingerprint:sha-256 /im.test(sdp) ? sdp.replace(others, '') : sdp;
      return super.setRemoteDescription({ type, sdp: usable });
    }
  }

  // The harness stays on the loopback address, which libdatachannel gathers only if told to.
  return (configuration) => new Connection({ ...configuration, bindAddress: '127.0.0.1' });
}

async function roamhq() {
  const { default: wrtc } = await import('@roamhq/wrtc');
  return (configuration) => new wrtc.RTCPeerConnection(configuration);
}
