"""The errors of the reference peer.

    PeerError
    ├── RouterUnreachable     connect(): no session at the router
    ├── NotConnected          this client has no session (any more)
    ├── P2PNotConfigured      the client was built without a P2PConfig
    ├── PeerNotConnected      no direct connection, and no other way is allowed
    ├── PayloadTooLarge       more bytes than the path carries
    └── NegotiationError      the attempt failed before its offer left

Each says what happened and what to do next.
"""


class PeerError(Exception):
    """A call that the reference peer refused or could not complete."""


class RouterUnreachable(PeerError):
    """No session: the router was not reached, or did not welcome this client."""


class NotConnected(PeerError):
    """No session with the router: it was never there, was lost, or was closed."""


class P2PNotConfigured(PeerError):
    """A P2P call on a client that was built without a `P2PConfig`."""


class PeerNotConnected(PeerError):
    """No direct connection to the peer, where the routing mode allows no other path."""


class PayloadTooLarge(PeerError):
    """A payload larger than its path carries in one message."""


class NegotiationError(PeerError):
    """An attempt to connect that failed before its offer was on its way."""
