"""Where your own calls go. What stands here is a stub: whatever it is sent comes back to it.

Each method is one call of your implementation: no waiting, no retry, no repair, no default filled in.
Raise `Refused` with your implementation's own words where it returns an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DESCRIPTION: dict[str, Any] = {
    # Take "stub" out once your implementation is behind this.
    "implementation": {"name": "my implementation", "version": "0.1.0", "language": "Python", "stub": True},
    "roles": ["peer"],
    # What it offers beyond the rest: turn, close, disconnect_peer, is_peer_connected, announce.
    "capabilities": ["close", "is_peer_connected"],
    "processes": "per_peer",
}


class Refused(Exception):
    """The implementation refused or failed a call; the text is its own."""


class Client:
    """One client. `raise_event` can be called at any time, also before `open` has returned."""

    def __init__(self, raise_event: Callable[[dict[str, Any]], None]) -> None:
        self.raise_event = raise_event
        self.connected: set[str] = set()
        self.mode = "prefer_p2p"

    async def open(self, url: str, name: str, p2p: dict[str, Any] | None, token: str | None = None) -> str:
        """Return the session id that the router gave. What is absent in `p2p` means your own default."""
        return "stub-session"

    async def connect_to_peer(self, target: str) -> None:
        """Return when your own call does; what comes of it is an event."""
        self.connected.add(target)
        self.raise_event({"type": "connected", "peer_session_id": target})

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> str:
        """Return "p2p" or "relay", as your own call says."""
        self.raise_event({"type": "data", "peer_session_id": target, "data": data, "reliable": reliable})
        return "p2p" if target in self.connected else "relay"

    async def set_p2p_routing_mode(self, mode: str) -> None:
        """Set "prefer_p2p", "p2p_only" or "server_only"."""
        self.mode = mode

    async def p2p_routing_mode(self) -> str:
        """Return the mode in force."""
        return self.mode

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection stands."""
        return target in self.connected

    async def close(self) -> None:
        """Close in your own orderly way."""
