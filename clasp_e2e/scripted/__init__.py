"""Peers and routers that misbehave on purpose, so that the harness can prove itself."""

from clasp_e2e.scripted import (
    connecting,
    events,
    ice,
    resilience,
    routers,
    routing,
    sending,
    signaling,
    timeouts,
    trusting,
)
from clasp_e2e.scripted.mutant import MUTANTS, Mutant, PeerScript, RouterScript, mutant

__all__ = [
    "MUTANTS",
    "Mutant",
    "PeerScript",
    "RouterScript",
    "connecting",
    "events",
    "ice",
    "mutant",
    "resilience",
    "routers",
    "routing",
    "sending",
    "signaling",
    "timeouts",
    "trusting",
]
