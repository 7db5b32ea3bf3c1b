/**
 * The WebRTC stack, by the environment variable CLASP_E2E_WEBRTC: `node-datachannel` (the default,
 * libdatachannel) or `@roamhq/wrtc` (libwebrtc).
 */

const STACKS = { 'node-datachannel': nodeDataChannel, '@roamhq/wrtc': roamhq };

export const stackName = process.env.CLASP_E2E_WEBRTC || 'node-datachannel';

/** A function that makes an RTCPeerConnection of a standard configuration. */
export async function loadStack() {
  if (!Object.hasOwn(STACKS, stackName)) {
    throw new Error(`CLASP_E2E_WEBRTC=${stackName}: no such stack; there are ${Object.keys(STACKS).join(', ')}`);
  }
  return STACKS[stackName]();
}

async function nodeDataChannel() {
  const { RTCPeerConnection, RTCError } = await import('node-datachannel/polyfill');
  // Its channels use this name without importing it, and would end the process upon an error.
  globalThis.RTCError ??= RTCError;
  // The harness stays on the loopback address, which libdatachannel gathers only if told to.
  return (configuration) => new RTCPeerConnection({ ...configuration, bindAddress: '127.0.0.1' });
}

async function roamhq() {
  const { default: wrtc } = await import('@roamhq/wrtc');
  return (configuration) => new wrtc.RTCPeerConnection(configuration);
}
