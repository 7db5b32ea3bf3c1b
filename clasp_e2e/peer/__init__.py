"""The reference peer: the P2P API of CLASP on aiortc, around a pure negotiation core."""

from __future__ import annotations

from clasp_e2e.peer.client import Clasp, ClaspBuilder, EventCallback
from clasp_e2e.peer.core import PeerCore
from clasp_e2e.peer.effects import Effect, Script
from clasp_e2e.peer.errors import (
    NegotiationError,
    NotConnected,
    P2PNotConfigured,
    PayloadTooLarge,
    PeerError,
    PeerNotConnected,
    RouterUnreachable,
)

__all__ = [
    "Clasp",
    "ClaspBuilder",
    "Effect",
    "EventCallback",
    "NegotiationError",
    "NotConnected",
    "P2PNotConfigured",
    "PayloadTooLarge",
    "PeerCore",
    "PeerError",
    "PeerNotConnected",
    "RouterUnreachable",
    "Script",
]
