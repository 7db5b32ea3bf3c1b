"""Transfers of many payloads over one connection, judged by name."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.p2p_types import Data, SendResult
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import (
    Undelivered,
    Unmet,
    current_judgment,
    precondition,
    random_payload,
    show,
)
from clasp_e2e.testbed.lossy_transfer import Flow
from clasp_e2e.testbed.waiting import together

BATCH = 32
"""Sends at once. A send may return only when it is acknowledged, and may be refused if a buffer is full."""

PACE = 8
"""Unreliable sends at once."""

ALL_AFTER = 2.0
"""Seconds to wait for payloads that are missing when a later one has arrived, and others that nobody sent."""

REFUSED_S = 2.0
"""Seconds for which a refused send is repeated."""

RETRY = 0.1
"""Seconds until a refused send is repeated although nothing has arrived in the meantime."""


async def expect_unchanged(sender: Client, receiver: Client, payloads: Mapping[str, bytes]) -> None:
    """Send `payloads` reliably; require each to arrive once and unchanged, in any order."""
    remaining = iter(payloads.items())
    while batch := dict(islice(remaining, BATCH)):
        since = len(receiver.data())
        await together(*(_send(sender, receiver, name, data) for name, data in batch.items()))
        marker = random_payload(32)
        await _send(sender, receiver, "that marks the end", marker)
        await receiver.receives_count(since + len(batch) + 1)
        await receiver.receives(marker)
        if unsent(receiver.data()[since:]):  # They may be messages of the implementation's own.
            await receiver.receives_all(batch.values(), within=ALL_AFTER)
        arrived = Counter(event.data for event in receiver.data()[since:])
        unknown = [show(data) for data in arrived if data not in {*batch.values(), marker}]
        for name, data in batch.items():
            if arrived[data] != 1:
                seen = f"it arrived {arrived[data]} times"
                others = f"; something else arrived: {', '.join(unknown[:6])}" if unknown else ""
                kind = Unmet if arrived[data] or unknown else Undelivered
                raise kind(f"the payload {name} ({show(data)}) to arrive once and unchanged", seen + others)


def unsent(received: Iterable[Data]) -> set[bytes]:
    """Return the contents of `received` that nobody sent."""
    return {event.data for event in received} - current_judgment().sent


def altered(received: Sequence[Data], sent: Collection[bytes]) -> set[bytes]:
    """Return the contents of `received` to which payloads of `sent` may have been altered.

    An implementation may send messages of its own on its channels, such as keep-alive ones, that another
    reports as Data. Such messages are repeated, or arrive although no payload is missing.
    """
    counts = Counter(event.data for event in received)
    if counts.keys() >= set(sent):
        return set()
    return {data for data in unsent(received) if counts[data] == 1}


async def _send(sender: Client, receiver: Client, name: str, data: bytes) -> None:
    """Send `data`; repeat a refused send for a while, because the buffer of the channel may be full."""
    now = asyncio.get_running_loop().time
    deadline = now() + REFUSED_S
    while True:
        try:
            await sender.send_p2p(receiver, data)
            return
        except Refused as refusal:
            if now() >= deadline:
                expected = f"the payload {name} ({show(data)}) to be sent"
                raise Unmet(expected, f"it was refused: {refusal}") from refusal
        await receiver.receives_count(len(receiver.data()) + 1, within=RETRY)


async def send_unreliably(sender: Client, receiver: Client, payloads: Iterable[bytes]) -> list[SendResult]:
    """Send `payloads` unreliably, and return the results; all that can arrive has arrived then.

    Reliable messages pace the sends, so that no buffer overflows. Blocked by CON-6 if one does not arrive.
    """
    results: list[SendResult] = []
    remaining = iter(payloads)
    while batch := [*islice(remaining, PACE)]:
        results += await together(*(sender.send_p2p(receiver, data, reliable=False) for data in batch))
        await _pass(sender, receiver)
    return results


async def _pass(sender: Client, receiver: Client) -> None:
    marker = random_payload(32)
    with precondition("CON-6"):
        await sender.send_p2p(receiver, marker)
        await receiver.receives(marker)


async def transfer_burst(flow: Flow, quiet: float) -> None:
    """Send all of `flow` reliably, up to `BATCH` sends at once, repeat those that are refused, and await all.

    Return when all have arrived, or nothing has for `quiet` seconds. Unmet if a send is refused then.
    """
    remaining = iter(flow.sent)

    async def send_some() -> None:
        for payload in remaining:
            await _send_repeatedly(flow, payload, quiet)

    await together(*(send_some() for _ in range(BATCH)))
    while missing := flow.missing:
        count = len(flow.receiver.data())
        arrived = await flow.receiver.receives_count(count + missing, within=quiet)
        if not arrived and len(flow.receiver.data()) == count:
            break


async def _send_repeatedly(flow: Flow, payload: bytes, quiet: float) -> None:
    clock = asyncio.get_running_loop().time
    arrived, deadline = 0, clock() + quiet
    while True:
        try:
            await flow.sender.send_p2p(flow.receiver, payload)
        except Refused as refusal:
            if (now_arrived := len(flow.receiver.data())) > arrived:
                arrived, deadline = now_arrived, clock() + quiet
            elif clock() >= deadline:
                expected = f"{flow.sender.name} to send again when what it has sent has arrived"
                raise Unmet(expected, f"its sends are refused: {refusal}") from refusal
            await flow.receiver.receives_count(now_arrived + 1, within=RETRY)
        else:
            return


def arrivals(receiver: Client, payloads: Sequence[bytes]) -> list[int]:
    """Return how often each of `payloads` has arrived."""
    counts = Counter(event.data for event in receiver.data())
    return [counts[payload] for payload in payloads]
