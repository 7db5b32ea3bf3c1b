/** A call that a peer refused or failed; the message says why, and what to do about it. */
export class P2PError extends Error {}
