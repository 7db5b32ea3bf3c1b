"""The candidates that the link needs, and the report if a peer offers none."""

from __future__ import annotations

import pytest

from clasp_e2e import wire
from clasp_e2e.network import Switchboard
from clasp_e2e.testbed.expectations import EnvironmentFault
from clasp_e2e.testbed.usable_candidates import require_usable_candidates, without_ipv4

IPV4 = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host"
IPV6 = "a=candidate:2 1 udp 1 ::1 9 typ host"
TCP = "a=candidate:3 1 tcp 1 127.0.0.1 9 typ host tcptype passive"


def offering(*candidates: str) -> Switchboard:
    board = Switchboard()
    sdp = "\r\n".join(["v=0", "a=ice-ufrag:abcd", "a=setup:actpass", *candidates, ""])
    board.observe("alice", "up", wire.Publish("/clasp/p2p/signal/bob", {"type": "offer", "sdp": sdp}))
    return board


async def require(*candidates: str) -> None:
    require_usable_candidates(offering(*candidates), ["alice", "bob"])


@pytest.mark.parametrize("usable", [IPV4, IPV6])
async def test_one_usable_candidate_is_enough(usable: str) -> None:
    await require(TCP, usable)


async def test_peer_without_candidates_is_no_environment_error() -> None:
    await require()


async def test_candidates_that_link_cannot_carry_are_environment_error() -> None:
    with pytest.raises(EnvironmentFault, match=r"only host tcp 127\.0\.0\.1; the link"):
        await require(TCP)


@pytest.mark.parametrize(("candidates", "is_without"), [([IPV6], True), ([IPV6, IPV4], False), ([], False)])
async def test_peer_with_ipv6_alone_is_found(candidates: list[str], is_without: bool) -> None:
    assert bool(without_ipv4(offering(*candidates), ["alice", "bob"])) is is_without
