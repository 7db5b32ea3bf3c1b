/**
 * The signals and announcements of peers, and the addresses to which they are published.
 *
 * Source: the reference implementation of CLASP; the public documents do not specify signaling.
 */

export const ANNOUNCE_ADDRESS = '/clasp/p2p/announce';

/** Return the address of signals to `session`. */
export const signalAddress = (session) => `/clasp/p2p/signal/${session}`;

/** Return the address of relayed payloads to `session`: an ordinary one, which any CLASP router supports. */
export const relayAddress = (session) => `/clasp/p2p/relay/${session}`;

const OWN_FIELD = {
  offer: 'sdp',
  answer: 'sdp',
  ice_candidate: 'candidate',
  connected: null,
  disconnected: null,
};

/** Return whether `id` can be a session id: one segment of an address. */
export const isSessionId = (id) => typeof id === 'string' && id !== '';

/** Return whether `value` is a well-formed signal. */
export function isSignal(value) {
  if (!isMap(value) || !isSessionId(value.from) || !isText(value.correlation_id)) return false;
  if (!Object.hasOwn(OWN_FIELD, value.type)) return false;
  const own = OWN_FIELD[value.type];
  if (own !== null && !isText(value[own])) return false;
  return own !== 'sdp' || describesDataChannel(value.sdp);
}

/** Return the announcement in `value` as `{peer_session_id, features}`, or null if there is none. */
export function readAnnouncement(value) {
  if (!isMap(value) || value.p2p_capable !== true || !isSessionId(value.session_id)) return null;
  const features = value.features ?? [];
  if (!Array.isArray(features) || !features.every(isText)) return null;
  return { peer_session_id: value.session_id, features };
}

/** Return the relayed payload in `value` as `{peer_session_id, data, reliable}`, or null if there is none. */
export function readRelayed(value) {
  if (!isMap(value) || !isText(value.from) || !(value.data instanceof Uint8Array)) return null;
  if (typeof value.reliable !== 'boolean') return null;
  return { peer_session_id: value.from, data: value.data, reliable: value.reliable };
}

/** Return whether `sdp` has what a DataChannel needs (RFC 8839, section 5.4; RFC 8841, section 5). */
function describesDataChannel(sdp) {
  return (
    sdp.startsWith('v=0') &&
    /^m=application .*SCTP/m.test(sdp) &&
    ['ice-ufrag', 'ice-pwd', 'fingerprint'].every((name) => new RegExp(`^a=${name}:\\S`, 'm').test(sdp))
  );
}

const isText = (value) => typeof value === 'string';
const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
