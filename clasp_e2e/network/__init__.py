"""What lies between peers and can break: the signaling proxy, the UDP link, STUN and TURN servers."""

from __future__ import annotations

from clasp_e2e.network.attempts import Attempt, Description, Pair
from clasp_e2e.network.conditions import Conditions
from clasp_e2e.network.coturn import Coturn, CoturnFailed
from clasp_e2e.network.impairments import (
    Bandwidth,
    Datagram,
    Impairment,
    black,
    combined,
    delayed,
    described,
    duplicated,
    every_nth_lost,
    in_words,
    lost,
    reordered,
    where,
)
from clasp_e2e.network.link import Counters, UdpLink
from clasp_e2e.network.nat import Nat
from clasp_e2e.network.session_description import Candidate, SessionDescription
from clasp_e2e.network.side import Side
from clasp_e2e.network.signaling_proxy import Direction, FrameCounter, Hooks, SignalingProxy
from clasp_e2e.network.stun_probe import ask_stun
from clasp_e2e.network.stun_server import StunRequest, StunServer
from clasp_e2e.network.switchboard import Switchboard
from clasp_e2e.network.turn_allocations import Allocation, Allocations
from clasp_e2e.network.turn_server import EmbeddedTurnServer, TurnServer
from clasp_e2e.network.udp_socket import Address

__all__ = [
    "Address",
    "Allocation",
    "Allocations",
    "Attempt",
    "Bandwidth",
    "Candidate",
    "Conditions",
    "Coturn",
    "CoturnFailed",
    "Counters",
    "Datagram",
    "Description",
    "Direction",
    "EmbeddedTurnServer",
    "FrameCounter",
    "Hooks",
    "Impairment",
    "Nat",
    "Pair",
    "SessionDescription",
    "Side",
    "SignalingProxy",
    "StunRequest",
    "StunServer",
    "Switchboard",
    "TurnServer",
    "UdpLink",
    "ask_stun",
    "black",
    "combined",
    "delayed",
    "described",
    "duplicated",
    "every_nth_lost",
    "in_words",
    "lost",
    "reordered",
    "where",
]
