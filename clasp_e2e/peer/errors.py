"""The errors of the reference peer.

    PeerError
    ├── RouterUnreachable     connect(): no session at the router
    ├── NotConnected          this client has no session (any more)
    ├── P2PNotConfigured      the client was built without a P2PConfig
        ├── PeerNotConnected      no direct connection, and no other path is allowed
    ├── PayloadTooLarge       more bytes than the path carries
    └── NegotiationError      the attempt failed before its offer left

Each message says what happened and what to do.
"""


class PeerError(Exception):
    """A call that the reference peer refused or could not complete."""


class RouterUnreachable(PeerError):
    """No session: the router was not reached, or did not send a WELCOME."""


class NotConnected(PeerError):
    """No session with the router: it was never established, was lost, or was closed."""


class P2PNotConfigured(PeerError):
    """A P2P call on a client that was built without a `P2PConfig`."""


class PeerNotConnected(PeerError):
    """No direct connection to the peer, while the routing mode allows no other path."""


class PayloadTooLarge(PeerError):
    """A payload that is larger than its path carries in one message."""


class NegotiationError(PeerError):
    """An attempt to connect that failed before its offer was published."""
