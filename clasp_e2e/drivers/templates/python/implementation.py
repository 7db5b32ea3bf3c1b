"""Replace this stub, which returns what is sent to it, by calls of your implementation.

Each method is one call of your implementation: it does not wait, retry, repair or fill in defaults.
If your implementation returns an error, raise `Refused` with its message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DESCRIPTION: dict[str, Any] = {
    # Remove "stub" when the methods below call your implementation.
    "implementation": {"name": "my implementation", "version": "0.1.0", "language": "Python", "stub": True},
    "roles": ["peer"],
    # Its optional calls and features: turn, close, disconnect_peer, is_peer_connected, announce.
    "capabilities": ["close", "is_peer_connected"],
    "processes": "per_peer",
}


class Refused(Exception):
    """A call that the implementation refused or failed, with the implementation's message."""


class Client:
    """A client. `raise_event` can be called at any time, also before `open` returns."""

    def __init__(self, raise_event: Callable[[dict[str, Any]], None]) -> None:
        self.raise_event = raise_event
        self.connected: set[str] = set()
        self.mode = "prefer_p2p"

    async def open(self, url: str, name: str, p2p: dict[str, Any] | None, token: str | None = None) -> str:
        """Return the session id from the router. Use your own defaults for keys that are absent in `p2p`."""
        return "stub-session"

    async def connect_to_peer(self, target: str) -> None:
        """Return when your own call does; report its outcome as an event."""
        self.connected.add(target)
        self.raise_event({"type": "connected", "peer_session_id": target})

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> str:
        """Return the path that your own call reports, "p2p" or "relay"."""
        self.raise_event({"type": "data", "peer_session_id": target, "data": data, "reliable": reliable})
        return "p2p" if target in self.connected else "relay"

    async def set_p2p_routing_mode(self, mode: str) -> None:
        """Set "prefer_p2p", "p2p_only" or "server_only"."""
        self.mode = mode

    async def p2p_routing_mode(self) -> str:
        """Return the current mode."""
        return self.mode

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection is established."""
        return target in self.connected

    async def close(self) -> None:
        """Close the client."""
