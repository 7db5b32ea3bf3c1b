"""Sends that an implementation may hold up: because the link is down, or because its buffer is full."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.p2p_types import SendResult
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.fixtures import PeerPair

T = TypeVar("T")

REPEAT = 0.5
"""Seconds after which a refused send is repeated, if no datagram of its sender is seen before."""


async def send_in_turn(
    pair: PeerPair, sender: Client, payloads: Iterable[bytes], *, reliable: bool = True
) -> list[SendResult]:
    """Send `payloads` to the other peer, one after the other, and return the results of the calls.

    A send may be refused while the buffer of its channel is full: repeat it when the buffer may have room,
    until a retransmission would have emptied it. Raises `Refused`.
    """
    return [await _send_when_possible(pair, sender, payload, reliable=reliable) for payload in payloads]


async def _send_when_possible(
    pair: PeerPair, sender: Client, payload: bytes, *, reliable: bool
) -> SendResult:
    receiver, board, loop = pair.other(sender), pair.testbed.switchboard, asyncio.get_running_loop()

    def sent() -> int:
        there, _ = board.traffic(sender.name, receiver.name)
        return there.datagrams + there.dropped_datagrams

    deadline = loop.time() + pair.patience.retransmission
    while True:
        before = sent()
        try:
            return await sender.send_p2p(receiver, payload, reliable=reliable)
        except Refused:
            if loop.time() >= deadline:
                raise
        await board.holds_within(lambda before=before: sent() > before, REPEAT)


@asynccontextmanager
async def meanwhile(call: Coroutine[object, object, T]) -> AsyncGenerator[asyncio.Task[T]]:
    """Run `call` in parallel with the block, and await it after the block.

    An exception of either ends the other.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks.create_task(call)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
