"""The types of the specification: configuration, routing modes, send results, events.

Source: the P2P page of the CLASP documentation, "Rust Client API". The string values are those of
the driver protocol, version 1; in-process and stdio drivers share them.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class RoutingMode(Enum):
    """The way in which `send_p2p` chooses its path."""

    PREFER_P2P = "prefer_p2p"
    """Try P2P, fall back to relay. The default."""
    P2P_ONLY = "p2p_only"
    """Only P2P, fail if unavailable."""
    SERVER_ONLY = "server_only"
    """Always use relay."""

    def __str__(self) -> str:
        return {"prefer_p2p": "PreferP2P", "p2p_only": "P2POnly", "server_only": "ServerOnly"}[self.value]


class SendResult(Enum):
    """The path of a send, as the implementation reports it."""

    P2P = "p2p"
    RELAY = "relay"

    def __str__(self) -> str:
        return {"p2p": "P2P", "relay": "Relay"}[self.value]


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A TURN server and its credentials."""

    url: str
    username: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class P2PConfig:
    """The configuration of a client. `None` means the implementation's own default.

    `ice_servers` is empty by default: with its own default, an implementation would use a public server.
    """

    ice_servers: tuple[str, ...] = ()
    turn_servers: tuple[TurnServer, ...] | None = None
    connection_timeout_secs: int | None = None
    """Seconds until an attempt without a connection fails (specification: 30)."""
    max_retries: int | None = None
    auto_fallback: bool | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """The direct connection to `peer_session_id` is established."""

    peer_session_id: str


@dataclass(frozen=True, slots=True)
class Data:
    """Data for the application, from a DataChannel or by relay.

    `peer_session_id` and `reliable` are `None` if the implementation's relay callback does not provide them.
    """

    peer_session_id: str | None
    data: bytes
    reliable: bool | None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """An established connection has ended."""

    peer_session_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """An attempt to connect has failed."""

    peer_session_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerAnnounced:
    """Another client has announced that it supports P2P (not in the specification)."""

    peer_session_id: str
    features: tuple[str, ...] = ()


P2PEvent: TypeAlias = Connected | Data | Disconnected | ConnectionFailed | PeerAnnounced
