"""Analysis of sends on a lossy link, without a network."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

from clasp_e2e.network import Conditions, Side, every_nth_lost, lost, reordered
from clasp_e2e.network.impairments import Datagram, Impairment
from clasp_e2e.notifier import Notifier
from clasp_e2e.p2p_types import Data, SendResult
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.events import Inbox
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment, Unobserved
from clasp_e2e.testbed.lossy_transfer import LARGE, SMALL, Flow, SelectiveLoss
from clasp_e2e.testbed.waiting import Patience

OVERHEADS = range(29 + 28, 37 + 32 + 1)
"""Bytes around a payload: a DTLS record with its header, SCTP's header and that of a chunk."""
MTU = 1280


def flow(sent: list[bytes], arrived: list[bytes]) -> Flow:
    events = [Data("session", data, reliable=True) for data in arrived]
    receiver: Any = SimpleNamespace(
        data=lambda: events, events_with=lambda data: [event for event in events if event.data == data]
    )
    return Flow(receiver, receiver, sent)


@pytest.mark.parametrize(
    ("arrived", "missing", "repeated", "order"),
    [
        ([b"a", b"b", b"c"], 0, 0, [0, 1, 2]),
        ([b"a", b"c"], 1, 0, [0, 2]),
        ([b"a", b"b", b"a", b"c"], 0, 1, [0, 1, 2]),
        ([b"b", b"x", b"c", b"a"], 0, 0, [1, 2, 0]),
        ([], 3, 0, []),
    ],
)
def test_sequence_reports_gaps_repeats_and_order(
    arrived: list[bytes], missing: int, repeated: int, order: list[int]
) -> None:
    told = flow([b"a", b"b", b"c"], arrived)
    assert (told.missing, told.repeated, told.order) == (missing, repeated, order)


@pytest.mark.parametrize("overhead", OVERHEADS)
def test_datagram_size_identifies_large_message(overhead: int) -> None:
    """A datagram as large as `LARGE` holds a large message, and a large message makes one."""
    bundle = MTU // SMALL
    while bundle * (SMALL + 16) + overhead - 16 > MTU:
        bundle -= 1
    assert bundle * (SMALL + 16) + overhead - 16 < LARGE <= LARGE + overhead
    assert LARGE + overhead + SMALL + 16 > MTU


def test_impairment_affects_only_large_messages() -> None:
    conditions = Conditions()
    pair: Any = SimpleNamespace(link=conditions, subject="alice", side=lambda _: Side.B)
    SelectiveLoss(pair)
    decide = conditions.impairment(Side.B)
    assert decide is not None
    assert conditions.impairment(Side.A) is None
    for size, is_dtls, fates in ((LARGE, True, []), (LARGE - 1, True, [0.0]), (LARGE, False, [0.0])):
        assert list(decide(Datagram(Side.B, 0, size, is_dtls, 0.0))) == fates


@pytest.mark.parametrize(
    ("impairment", "datagrams"),
    [
        (every_nth_lost(100), 120),
        (lost(0.1, seed=10), 60),
        (lost(0.3, seed=30), 20),
        (reordered(0.2, by=0.03, seed=20), 60),
    ],
)
def test_impairments_of_scenarios_affect_both_directions(impairment: Impairment, datagrams: int) -> None:
    """A message of `LARGE` bytes is a datagram at least: with these seeds none of them goes unharmed."""
    for side in Side:
        fates = [impairment(Datagram(side, index, LARGE, True, 0.0)) for index in range(datagrams)]
        assert any(list(each) != [0.0] for each in fates)


class Sender:
    """A client whose SCTP sends the first `in_pieces` messages in two datagrams, the others in one."""

    name = "alice"

    def __init__(self, conditions: Conditions, changes: Notifier, receiver: Inbox, in_pieces: int) -> None:
        self.sent: list[bytes] = []
        self._conditions, self._changes, self._receiver = conditions, changes, receiver
        self._in_pieces = in_pieces

    async def send_p2p(self, _: object, data: bytes, *, reliable: bool) -> SendResult:
        self.sent.append(data)
        pieces = 2 if len(self.sent) <= self._in_pieces else 1
        decide = self._conditions.impairment(Side.A)
        assert decide is not None
        fates = [
            decide(Datagram(Side.A, 0, len(data) // pieces + OVERHEADS[0], True, 0.0)) for _ in range(pieces)
        ]
        self._changes.notify()
        if all(fates):
            asyncio.get_running_loop().call_soon(self._receiver.sink, Data("session", data, reliable))
        return SendResult.P2P


def lossy_pair(in_pieces: int, patience: Patience) -> Any:
    conditions, changes = Conditions(), Notifier()
    receiver = Inbox("bob", Timeline(asyncio.get_running_loop().time), patience)
    return SimpleNamespace(
        link=conditions,
        side=lambda _: Side.A,
        subject=Sender(conditions, changes, receiver, in_pieces),
        partner=receiver,
        patience=patience,
        testbed=SimpleNamespace(switchboard=changes),
    )


@pytest.fixture
def _judgment() -> Generator[None]:
    token = JUDGMENT.set(Judgment(("SND-7",), random.Random(1)))
    yield
    JUDGMENT.reset(token)


@pytest.mark.usefixtures("_judgment")
@pytest.mark.parametrize("reliable", [False, True])
async def test_large_message_that_passes_in_pieces_is_replaced_by_the_next(reliable: bool) -> None:
    pair = lossy_pair(2, Patience())
    lost_one = await SelectiveLoss(pair).send_large(reliable=reliable)
    assert lost_one == pair.subject.sent[2]
    assert not pair.partner.events_with(lost_one)
    assert [event.data for event in pair.partner.data()] == pair.subject.sent[:2]


@pytest.mark.usefixtures("_judgment")
async def test_large_messages_that_all_pass_in_pieces_are_unobserved() -> None:
    with pytest.raises(Unobserved, match="a whole message of 1000 bytes from alice"):
        await SelectiveLoss(lossy_pair(sys.maxsize, Patience(0.005))).send_large(reliable=False)
