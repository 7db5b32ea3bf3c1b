"""Transfers of many payloads: what is sent, and the conclusions from what arrives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from clasp_e2e.p2p_types import Data, SendResult
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.events import Inbox
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment, Refused, Unmet, current_judgment
from clasp_e2e.testbed.lossy_transfer import Flow
from clasp_e2e.testbed.payload_samples import each_byte_at_both_ends, samples
from clasp_e2e.testbed.transfers import altered, arrivals, expect_unchanged, transfer_burst
from clasp_e2e.testbed.waiting import Patience


@pytest.fixture(autouse=True)
def judgment() -> None:
    JUDGMENT.set(Judgment(("SND-1",), random.Random(1)))


class Sender:
    """A client whose messages arrive as `change` makes them; it refuses the first `refusals` sends."""

    name = "alice"

    def __init__(
        self,
        receiver: Inbox,
        change: Callable[[bytes], Iterable[bytes]] = lambda data: (data,),
        refusals: int = 0,
    ) -> None:
        self._receiver = receiver
        self._change = change
        self._refusals = refusals

    async def send_p2p(self, _: object, data: bytes) -> SendResult:
        if self._refusals:
            self._refusals -= 1
            raise Refused("the buffer is full")
        for each in self._change(data):
            self._receiver.sink(Data("session", each, reliable=True))
        return SendResult.P2P


def inbox() -> Any:
    return Inbox("bob", Timeline(asyncio.get_running_loop().time), Patience(0.02))


def test_payloads_begin_and_end_with_each_byte_once() -> None:
    payloads = each_byte_at_both_ends().values()
    assert {data[0] for data in payloads} == {data[-1] for data in payloads} == set(range(256))


def test_samples_differ() -> None:
    payloads = samples().values()
    assert len(set(payloads)) == len(payloads)
    assert all(payloads)


async def test_unchanged_payloads_are_accepted() -> None:
    bob = inbox()
    sender: Any = Sender(bob)
    await expect_unchanged(sender, bob, samples())


def stripped(data: bytes) -> Iterable[bytes]:
    return (data.removesuffix(b"\0"),)


def lost(data: bytes) -> Iterable[bytes]:
    return () if data == b"null" else (data,)


def repeated(data: bytes) -> Iterable[bytes]:
    return (data,) * (2 if data == b"null" else 1)


def with_keep_alive(data: bytes) -> Iterable[bytes]:
    return (b"alive", data)


async def test_messages_of_an_implementations_own_are_accepted() -> None:
    bob = inbox()
    sender: Any = Sender(bob, with_keep_alive)
    await expect_unchanged(sender, bob, samples())


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        ([b"one", b"two", b"own"], set[bytes]()),
        ([b"one", b"own", b"own"], set[bytes]()),
        ([b"one", b"twO"], {b"twO"}),
    ],
)
def test_altered_payload_is_told_from_messages_of_its_own(arrived: list[bytes], expected: set[bytes]) -> None:
    current_judgment().sent.update({b"one", b"two"})
    assert altered([Data("session", data, reliable=False) for data in arrived], [b"one", b"two"]) == expected


async def test_payload_is_preferred_to_a_message_before_it() -> None:
    bob = inbox()
    bob.sink(Data("session", b"alive", reliable=True))
    asyncio.get_running_loop().call_soon(bob.sink, Data("session", b"payload", reliable=True))
    assert (await bob.receives(b"payload")).data == b"payload"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (stripped, r"a NUL at the end .* 0 times; something else .*: 6 b"),
        (lost, r"JSON null .* 0 times$"),
        (repeated, r"JSON null .* 2 times$"),
    ],
)
async def test_changed_lost_or_repeated_payload_is_named(
    change: Callable[[bytes], Iterable[bytes]], seen: str
) -> None:
    bob = inbox()
    sender: Any = Sender(bob, change)
    payloads = {name: data for name, data in samples().items() if name in ("a NUL at the end", "JSON null")}
    with pytest.raises(Unmet, match=seen):
        await expect_unchanged(sender, bob, payloads)


async def test_refused_sends_of_burst_are_repeated() -> None:
    bob = inbox()
    sender: Any = Sender(bob, refusals=5)
    sent = [bytes([number]) for number in range(10)]
    await transfer_burst(Flow(sender, bob, sent), 5.0)
    assert arrivals(bob, sent) == [1] * 10


async def test_send_refused_although_buffer_is_empty_is_unmet() -> None:
    bob = inbox()
    sender: Any = Sender(bob, refusals=10**6)
    with pytest.raises(Unmet, match="the buffer is full"):
        await transfer_burst(Flow(sender, bob, [b"a"]), 0.05)


async def test_payloads_that_keep_arriving_are_awaited() -> None:
    bob, payloads = inbox(), [bytes([n]) for n in range(9)]

    async def arrive() -> None:
        for payload in payloads:
            await asyncio.sleep(0.05)
            bob.sink(Data("session", payload, reliable=True))

    arriving = asyncio.create_task(arrive())
    assert await bob.receives_all(payloads, within=0.3)
    await arriving
    assert not await bob.receives_all([*payloads, b"lost"], within=0.01)
