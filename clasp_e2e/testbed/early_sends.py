"""Sends that start before, while and right after two peers connect, and what becomes of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.p2p_types import Connected, Disconnected, RoutingMode, SendResult
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Blocked, Undelivered, Unmet, Unobserved, random_payload, show
from clasp_e2e.testbed.fixtures import PeerPair
from clasp_e2e.testbed.payload_path import Path
from clasp_e2e.testbed.stages import AttemptStage, StagedAttempt
from clasp_e2e.testbed.transfers import arrivals

LARGE, SMALL = 16_000, 1_000
"""Bytes of a reliable and of an unreliable payload."""
MOST = 30
"""Sends of one client from the arrival of the answer until it has received Connected."""


@dataclass
class EarlySend:
    """A send, and its result; the result None means that it was refused."""

    sender: Client
    payload: bytes
    reliable: bool
    when: str
    result: SendResult | None = None

    def __str__(self) -> str:
        return f"{self.call}, which returned {self.result or 'an error'}"

    @property
    def call(self) -> str:
        """The call in words."""
        kind = "reliable" if self.reliable else "unreliable"
        return f"the {kind} send of {self.sender.name} {self.when} ({show(self.payload)})"


class EarlySends:
    """All sends of a pair until shortly after it is connected.

    Each call has its own task, since it may block until the peers are connected; `async with` ends the tasks.
    """

    def __init__(self, pair: PeerPair) -> None:
        self.sends: list[EarlySend] = []
        self._pair = pair
        self._tasks: list[asyncio.Task[None]] = []
        self._calls: dict[asyncio.Task[None], EarlySend] = {}
        self._direct = {client: pair.sent_directly(client, pair.other(client)) for client in pair}
        self._routed = {client: client.leg.up.bytes for client in pair}

    async def __aenter__(self) -> EarlySends:
        """Return these sends."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel the calls that have not returned."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start(self, sender: Client, when: str, count: int = 2) -> None:
        """Start `count` reliable and as many unreliable sends; return when the calls have started."""
        for _ in range(count):
            for reliable in (True, False):
                self._start(sender, when, LARGE if reliable else SMALL, reliable=reliable)
        # Calls to one peer start in the order of arrival (driver protocol).
        await sender.p2p_routing_mode()

    def _start(self, sender: Client, when: str, size: int, *, reliable: bool) -> asyncio.Task[None]:
        send = EarlySend(sender, random_payload(size), reliable, when)
        self.sends.append(send)
        task = asyncio.create_task(self._send(send))
        self._tasks.append(task)
        self._calls[task] = send
        return task

    async def _send(self, send: EarlySend) -> None:
        receiver = self._pair.other(send.sender)
        with suppress(Refused):
            send.result = await send.sender.send_p2p(receiver, send.payload, reliable=send.reliable)

    async def while_connecting(self) -> None:
        """Send before and during an attempt of the offerer, until Connected, and right after it.

        Blocked by CON-5 or EVT-1 if the peers do not connect. Return when all calls have returned.
        """
        pair = self._pair
        await self.start(pair.offerer, "before connect_to_peer")
        async with StagedAttempt(pair, AttemptStage.ANSWER_SENT, within=pair.connect_limit) as attempt:
            for client in pair:
                await self.start(client, "while the answer is held back")
            attempt.release()
            self._tasks += [asyncio.create_task(self._until_connected(client)) for client in pair]
            if (failure := await attempt.ended()) is not None:
                raise Blocked("CON-5", f"the attempt failed: {failure.reason}")
        await pair.both_connected()
        await self._all_return()

    async def _until_connected(self, client: Client) -> None:
        other = self._pair.other(client)
        for number in range(MOST):
            if client.events(Connected, other):
                break
            await self._start(client, "while connecting", SMALL, reliable=number % 2 == 0)
            await client.all_is_written()
        await client.wait_for(Connected, other, within=self._pair.connect_limit)
        await self.start(client, "right after Connected")

    async def _all_return(self) -> None:
        """Wait for all calls; unmet if one has not returned although the peers have long been connected."""
        clock, limit = asyncio.get_running_loop().time, self._pair.patience.retransmission
        deadline = clock() + limit
        while pending := [task for task in self._tasks if not task.done()]:
            done, _ = await asyncio.wait(pending, timeout=deadline - clock())
            if not done:
                waiting = next(send for task, send in self._calls.items() if not task.done())
                expected = f"{waiting.call} to return within {limit:g} s of Connected"
                raise Unmet(expected, "it has not returned")
        for task in self._tasks:
            task.result()

    async def expect_true_results(self) -> None:
        """Require what was accepted to arrive, once, by the path of its result.

        A refused send may arrive, too, and an unreliable one may be lost. Unobserved if a send did not arrive
        and a connection ended.
        """
        for send in self.sends:
            if send.result is not None and send.reliable:
                await self._expect_arrival(send)
        for client in self._pair:
            await client.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
        await self._pair.drain()
        for send in self.sends:
            (times,) = arrivals(self._pair.other(send.sender), [send.payload])
            if times > 1:
                raise Unmet(f"{send}, to arrive once", f"it arrived {times} times")
        for client in self._pair:
            self.path(client).carried(
                direct=self._bytes(client, SendResult.P2P), routed=self._bytes(client, SendResult.RELAY)
            )

    async def _expect_arrival(self, send: EarlySend) -> None:
        receiver = self._pair.other(send.sender)
        if await receiver.receives_all([send.payload], within=self._pair.patience.event):
            return
        if any(client.events(Disconnected) for client in self._pair):
            raise Unobserved(f"{send}, did not arrive, but a connection ended")
        raise Undelivered(f"{send}, to arrive", f"{receiver.name} did not receive it")

    def _bytes(self, sender: Client, result: SendResult) -> int:
        """Return the size of the reliable payloads of `sender` whose send returned `result`."""
        return sum(
            len(send.payload)
            for send in self.sends
            if send.sender is sender and send.reliable and send.result is result
        )

    def path(self, sender: Client) -> Path:
        """Return what has left `sender` since before the attempt, handshakes and signals included."""
        direct = self._pair.sent_directly(sender, self._pair.other(sender)) - self._direct[sender]
        routed = sender.leg.up.bytes - self._routed[sender]
        return Path(LARGE, direct, routed, self._pair.is_connected_unseen)
