"""What a scenario is made of: its worlds, its clients, and the ways to say what is required.

Scenarios import from here and from `clasp_e2e.model`, and from nowhere else.
"""

from clasp_e2e.drivers.interface import NotOffered, Refused
from clasp_e2e.network import (
    Bandwidth,
    Datagram,
    Impairment,
    Nat,
    SessionDescription,
    StunServer,
    combined,
    delayed,
    duplicated,
    every_nth_lost,
    lost,
    reordered,
    where,
)
from clasp_e2e.scripted import partners
from clasp_e2e.testbed.altering import altering_texts
from clasp_e2e.testbed.attacked_router import AttackedRouter
from clasp_e2e.testbed.beside import (
    all_has_come_or_is_lost,
    carries_data_directly,
    connects,
    prompt_partner,
    subject_lives_on,
)
from clasp_e2e.testbed.client import Client, Failure
from clasp_e2e.testbed.expectations import (
    Blocked,
    Unmet,
    Unobserved,
    expect,
    expect_refusal,
    ground,
    judging,
    random_payload,
    remark,
    show,
)
from clasp_e2e.testbed.losing import Unlucky, exchange_under
from clasp_e2e.testbed.relayed import attach_with_turn
from clasp_e2e.testbed.scenario import requirement
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.stages import Stage, StagedAttempt, call_behind_an_offer, glare
from clasp_e2e.testbed.testbed import holds_sdp
from clasp_e2e.testbed.trickling import Trickle
from clasp_e2e.testbed.waiting import together
from clasp_e2e.testbed.worlds import Alone, Pair, Path, RouterWorld, Sides

__all__ = [
    "Alone",
    "AttackedRouter",
    "Bandwidth",
    "Blocked",
    "Client",
    "Datagram",
    "Failure",
    "Impairment",
    "Nat",
    "NotOffered",
    "Pair",
    "Path",
    "Refused",
    "RouterWorld",
    "SessionDescription",
    "Sides",
    "SignalingClient",
    "Stage",
    "StagedAttempt",
    "StunServer",
    "Trickle",
    "Unlucky",
    "Unmet",
    "Unobserved",
    "all_has_come_or_is_lost",
    "altering_texts",
    "attach_with_turn",
    "call_behind_an_offer",
    "carries_data_directly",
    "combined",
    "connects",
    "delayed",
    "duplicated",
    "every_nth_lost",
    "exchange_under",
    "expect",
    "expect_refusal",
    "glare",
    "ground",
    "holds_sdp",
    "judging",
    "lost",
    "partners",
    "prompt_partner",
    "random_payload",
    "remark",
    "reordered",
    "requirement",
    "show",
    "subject_lives_on",
    "together",
    "where",
]
