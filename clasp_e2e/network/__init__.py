"""What lies between peers and can break: the signaling proxy, the UDP link, the STUN server."""

from __future__ import annotations

from clasp_e2e.network.attempts import Attempt, Description, Pair
from clasp_e2e.network.conditions import Conditions, Impairment, Side, black, lossy
from clasp_e2e.network.link import Address, Counters, UdpLink
from clasp_e2e.network.session_description import Candidate, SessionDescription
from clasp_e2e.network.signaling_proxy import Direction, FrameCounter, Hooks, SignalingProxy
from clasp_e2e.network.stun_probe import ask_stun
from clasp_e2e.network.stun_server import StunRequest, StunServer
from clasp_e2e.network.switchboard import Switchboard

__all__ = [
    "Address",
    "Attempt",
    "Candidate",
    "Conditions",
    "Counters",
    "Description",
    "Direction",
    "FrameCounter",
    "Hooks",
    "Impairment",
    "Pair",
    "SessionDescription",
    "Side",
    "SignalingProxy",
    "StunRequest",
    "StunServer",
    "Switchboard",
    "UdpLink",
    "ask_stun",
    "black",
    "lossy",
]
