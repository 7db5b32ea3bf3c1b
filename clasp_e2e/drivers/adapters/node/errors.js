/** What a peer refuses, or could not do; the message says why, and what to do about it. */
export class P2PError extends Error {}
