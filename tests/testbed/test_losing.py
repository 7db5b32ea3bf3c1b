"""What is told of sends over a bad link, without a network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clasp_e2e.model import Data
from clasp_e2e.network import Conditions, Side, every_nth_lost, lost, reordered
from clasp_e2e.network.impairments import Datagram, Impairment
from clasp_e2e.testbed.losing import LARGE, SMALL, Flow, Unlucky

OVERHEADS = range(29 + 28, 37 + 32 + 1)
"""Bytes around a payload: a DTLS record with its header, SCTP's header and that of a chunk."""
MTU = 1280


def flow(sent: list[bytes], arrived: list[bytes]) -> Flow:
    events = [Data("session", data, reliable=True) for data in arrived]
    receiver: Any = SimpleNamespace(
        data=lambda: events, received=lambda data: [event for event in events if event.data == data]
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
def test_a_flow_tells_gaps_repeats_and_order(
    arrived: list[bytes], missing: int, repeated: int, order: list[int]
) -> None:
    told = flow([b"a", b"b", b"c"], arrived)
    assert (told.missing, told.repeated, told.order) == (missing, repeated, order)


@pytest.mark.parametrize("overhead", OVERHEADS)
def test_the_size_of_a_datagram_tells_a_large_message(overhead: int) -> None:
    """A datagram as large as `LARGE` holds a large message, and a large message makes one."""
    bundle = MTU // SMALL
    while bundle * (SMALL + 16) + overhead - 16 > MTU:
        bundle -= 1
    assert bundle * (SMALL + 16) + overhead - 16 < LARGE <= LARGE + overhead
    assert LARGE + overhead + SMALL + 16 > MTU


def test_the_large_ones_meet_their_fate_and_nothing_else_does() -> None:
    conditions = Conditions()
    pair: Any = SimpleNamespace(link=conditions, subject="alice", side=lambda _: Side.B)
    Unlucky(pair)
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
def test_the_weather_of_the_scenarios_touches_what_either_side_sends(
    impairment: Impairment, datagrams: int
) -> None:
    """A message of `LARGE` bytes is a datagram at least: with these seeds none of them goes unharmed."""
    for side in Side:
        fates = [impairment(Datagram(side, index, LARGE, True, 0.0)) for index in range(datagrams)]
        assert any(list(each) != [0.0] for each in fates)
