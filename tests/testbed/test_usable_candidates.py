"""The candidates that the link needs, and the report if a peer offers none."""

from __future__ import annotations

from typing import Any

import pytest

from clasp_e2e import wire
from clasp_e2e.network import Switchboard
from clasp_e2e.p2p_types import Connected
from clasp_e2e.testbed.expectations import EnvironmentFault
from clasp_e2e.testbed.usable_candidates import (
    bypassing_the_link,
    require_usable_candidates,
    without_ipv4,
)

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


class ConnectedClient:
    """A client that was told of its connection, or was not."""

    is_attached = True

    def __init__(self, name: str, *, is_told: bool) -> None:
        self.name = name
        self._events = [Connected("its peer")] if is_told else []

    def events(self, *_: object) -> list[Connected]:
        return self._events


@pytest.mark.parametrize(
    ("is_told", "is_cut", "is_read", "bypasses"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),
        (True, True, True, False),
    ],
)
async def test_connection_that_the_link_cannot_change_is_found(
    is_told: bool, is_cut: bool, is_read: bool, bypasses: bool
) -> None:
    board = Switchboard()
    if is_cut:
        board.conditions("alice", "bob").cut()
    if is_read:
        for name, other, kind in (("alice", "bob", "offer"), ("bob", "alice", "answer")):
            setup = "actpass" if kind == "offer" else "active"
            credentials = [f"a=ice-ufrag:{name}", "a=ice-pwd:secret", f"a=setup:{setup}"]
            sdp = "\r\n".join(["v=0", *credentials, IPV4, ""])
            signal = {"type": kind, "from": name, "sdp": sdp}
            message = wire.Publish(f"/clasp/p2p/signal/{other}", signal)
            board.observe(name, "up", message)
            board.rewrite_down(other, message, wire.encode(message))
    clients: Any = [ConnectedClient(name, is_told=is_told) for name in ("alice", "bob")]
    assert (bypassing_the_link(board, clients) is not None) == bypasses
    board.close()
