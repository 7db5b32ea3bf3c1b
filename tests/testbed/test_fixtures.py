"""The fixtures of scenarios: pairs, connected or not, and failed preconditions."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clasp_e2e import wire
from clasp_e2e.network import Switchboard
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed import (
    PeerPair,
    UnconnectedPair,
    Unmet,
    expect,
    expect_refusal,
    random_payload,
)
from clasp_e2e.testbed.altering import with_texts
from clasp_e2e.testbed.events import Inbox
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment

from .cases import HURRIED, judged
from .fakes import FakeDriver, refuses

pytestmark = pytest.mark.usefixtures("watched")


async def test_connected_pair_has_received_connected_twice() -> None:
    async def body(connected_pair: PeerPair) -> None:
        sender, receiver = connected_pair
        payload = random_payload()
        await sender.send_p2p(receiver, payload)
        expect((await receiver.receives(payload)).peer_session_id, "the sender").equals(sender.session_id)

    found = await judged(body, "SND-1")
    assert found.result.outcome is Outcome.PASSED, found.result.message


async def test_unconnected_pair_is_blocked_by_named_precondition() -> None:
    async def silent(*_: object) -> None:
        return

    async def body(connected_pair: PeerPair) -> None:
        raise AssertionError("there is no connection")

    for act in (silent, refuses):
        found = await judged(body, "SND-1", driver=FakeDriver(connect_to_peer=act))
        assert (found.result.outcome, found.result.blocked_by) == (Outcome.BLOCKED, "CON-5")


async def test_undeclared_capability_is_not_offered() -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        await (await unconnected.attach()).offerer.close()

    found = await judged(body, "EVT-7", driver=FakeDriver(capabilities=frozenset()))
    assert found.result.outcome is Outcome.NOT_OFFERED
    assert "'close'" in found.result.message


async def test_required_refusal_passes() -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        pair = await unconnected.attach(P2PConfig())
        await expect_refusal(pair.offerer.connect_to_peer("nobody"), "connecting to nobody")

    assert (await judged(body, "TMO-3")).result.outcome is Outcome.PASSED


def test_texts_are_changed_everywhere_in_value() -> None:
    value: wire.Value = {"sdp": "a", "list": ["b", 1, None], "map": {"key": "c"}, "bytes": b"d"}
    changed = {"sdp": "A", "list": ["B", 1, None], "map": {"key": "C"}, "bytes": b"d"}
    assert with_texts(value, str.upper) == changed


class Silent(Inbox):
    """A client that receives no event."""

    attempt_limit = 0.1

    @property
    def session_id(self) -> str:
        return f"session of {self.name}"


@pytest.mark.parametrize(
    ("candidates", "seen"),
    [
        ({"alice": "", "bob": ""}, "alice and bob offered no candidate"),
        ({"alice": "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", "bob": ""}, "bob offered no candidate"),
        (
            dict.fromkeys(("alice", "bob"), "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"),
            "0 records in 0 datagrams of alice, and 0 in 0 of bob",
        ),
    ],
)
async def test_unconnected_pair_names_peer_without_candidate(candidates: dict[str, str], seen: str) -> None:
    board = Switchboard()
    for sender, setup, receiver in (("alice", "actpass", "bob"), ("bob", "active", "alice")):
        sdp = f"v=0\r\na=ice-ufrag:{sender}\r\na=setup:{setup}\r\n{candidates[sender]}"
        message = wire.Publish(f"/clasp/p2p/signal/{receiver}", {"correlation_id": "c-1", "sdp": sdp})
        board.observe(sender, "up", message)
        board.rewrite_down(receiver, message, wire.encode(message))
    testbed: Any = SimpleNamespace(switchboard=board, patience=HURRIED)
    timeline = Timeline(asyncio.get_running_loop().time)
    alice, bob = (cast("Any", Silent(name, timeline, HURRIED)) for name in candidates)
    JUDGMENT.set(Judgment(("CON-5",), random.Random(0)))
    with pytest.raises(Unmet) as unmet:
        await PeerPair(testbed, alice, bob, "offerer", None).wait_until_established()
    assert unmet.value.seen == seen
    board.close()
