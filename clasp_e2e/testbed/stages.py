"""Attempts that the signaling proxies hold at a stage, and attempts that cross (glare).

The legs observe what each peer has sent and received, and hold frames back. Held frames keep their
order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from enum import Enum

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.network import Direction
from clasp_e2e.testbed.attached_client import Client, Failure
from clasp_e2e.testbed.expectations import Blocked, Unmet, Unobserved
from clasp_e2e.testbed.fixtures import PeerPair


class AttemptStage(Enum):
    """The stage of an attempt; the value describes it in a report."""

    OFFER_SENT = "the offer is at the router, and has not reached the answerer"
    OFFER_DELIVERED = "the offer has reached the answerer, and the answer has not reached the router"
    ANSWER_SENT = "the answer is at the router, and has not reached the offerer"
    ANSWER_DELIVERED = "the answer has reached the offerer"


class StagedAttempt:
    """The offerer's attempt to connect, held at a stage within an `async with` block.

    Blocked by CON-3 if the attempt does not reach the stage.
    """

    def __init__(self, pair: PeerPair, stage: AttemptStage, *, within: float) -> None:
        self._pair = pair
        self._stage = stage
        self._within = within
        self._task: asyncio.Task[Failure | None]

    async def __aenter__(self) -> StagedAttempt:
        """Start the attempt, and wait until it reaches its stage."""
        pair = self._pair
        holds: dict[AttemptStage, tuple[Client, Direction]] = {
            AttemptStage.OFFER_SENT: (pair.answerer, "down"),
            AttemptStage.OFFER_DELIVERED: (pair.answerer, "up"),
            AttemptStage.ANSWER_SENT: (pair.offerer, "down"),
        }
        if self._stage in holds:
            client, direction = holds[self._stage]
            client.leg.pause(direction)
        self._task = asyncio.create_task(pair.offerer.attempt_ends(pair.answerer, within=self._within))
        try:
            await self._arrived()
        except BaseException:
            await self._end()
            raise
        pair.testbed.timeline.note("harness", f"holds the attempt: {self._stage.value}")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release all held frames, and cancel an attempt whose result was not requested."""
        await self._end()

    async def _arrived(self) -> None:
        pair, stage = self._pair, self._stage
        if stage in (AttemptStage.OFFER_SENT, AttemptStage.OFFER_DELIVERED):
            await until_described(
                pair, pair.offerer, "offer", delivered=stage is AttemptStage.OFFER_DELIVERED
            )
        else:
            await until_described(
                pair, pair.answerer, "answer", delivered=stage is AttemptStage.ANSWER_DELIVERED
            )
        # A held leg shows only its first frame; the sender's leg shows that the router has all of them.
        if stage is AttemptStage.OFFER_SENT:
            await pair.offerer.all_is_written()
        elif stage is AttemptStage.ANSWER_SENT:
            await pair.answerer.all_is_written()

    def release(self) -> None:
        """Deliver all held frames to the clients that are still connected."""
        for client in self._pair:
            client.leg.resume("up")
            client.leg.resume("down")

    async def ended(self) -> Failure | None:
        """Release the attempt, and return how it failed, or None when Connected is received.

        Unmet if neither happens within the time limit of the attempt.
        """
        self.release()
        return await self._task

    async def failed(self) -> Failure:
        """Release the attempt, and return how it failed; unmet if it did not."""
        failure = await self.ended()
        if failure is None:
            raise Unmet("the attempt to fail", f"{self._pair.offerer.name} received Connected")
        return failure

    async def _end(self) -> None:
        self.release()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until_described(pair: PeerPair, author: Client, kind: str, *, delivered: bool) -> None:
    """Wait until the `offer` or `answer` of `author` was sent, or with `delivered`, until it was delivered.

    Blocked by CON-3 after the time limit for a connection.
    """

    def described() -> bool:
        return any(
            description.leg == author.name
            and description.facts.is_offer == (kind == "offer")
            and not (delivered and description.delivered_at is None)
            for description in pair.testbed.switchboard.descriptions
        )

    limit = pair.connect_limit
    if not await pair.testbed.switchboard.holds_within(described, limit):
        what = f"the {kind} of {author.name} to be {'delivered' if delivered else 'sent'}"
        raise Blocked("CON-3", f"timed out after {limit:g} s waiting for {what}")


class Glare:
    """Two peers that have called each other, each before it received the other's offer."""

    def __init__(self, pair: PeerPair) -> None:
        self._pair = pair
        self._answers_are_held = False

    def hold_answers(self) -> None:
        """Hold back all frames from the peers to the router until `release_answers`."""
        self._answers_are_held = True
        for client in self._pair:
            client.leg.pause("up")

    def release_answers(self) -> None:
        """Deliver the held frames of both peers, the subject's first."""
        for client in self._pair:
            client.leg.resume("up")

    async def deliver_offer_of(self, author: Client) -> None:
        """Deliver the offer of `author` to the other peer, and wait until that peer has read it."""
        receiver = next(client for client in self._pair if client is not author)
        receiver.leg.resume("down")
        await until_described(self._pair, author, "offer", delivered=True)
        if not self._answers_are_held:
            await receiver.all_is_written()

    def deliver_both_offers(self) -> None:
        """Deliver both offers at the same time."""
        for client in self._pair:
            client.leg.resume("down")


@asynccontextmanager
async def glare(pair: PeerPair) -> AsyncGenerator[Glare]:
    """Make both peers call each other; in the block, both offers are sent and neither is delivered.

    The block decides the order of delivery. Return when both calls have returned or were refused.
    Unobserved if a peer sends no offer while it receives nothing.
    """
    for client in pair:
        client.leg.pause("down")
    async with _calls((pair.offerer, pair.answerer), (pair.answerer, pair.offerer)):
        for client in pair:
            try:
                await until_described(pair, client, "offer", delivered=False)
            except Blocked as error:
                raise Unobserved(f"the two offers did not cross: {error.reason}") from None
        try:
            yield Glare(pair)
        finally:
            for client in pair:
                client.leg.resume("up")
                client.leg.resume("down")


async def call_behind_an_offer(pair: PeerPair, first: Client, second: Client) -> None:
    """Make `second` call `first` after it has received the offer of `first`, and before it answers."""
    second.leg.pause("up")
    async with _calls((first, second)):
        await until_described(pair, first, "offer", delivered=True)
        async with _calls((second, first)):
            # Calls to one peer start in the order of arrival (driver protocol).
            await second.p2p_routing_mode()
            second.leg.resume("up")


@asynccontextmanager
async def _calls(*calls: tuple[Client, Client]) -> AsyncGenerator[None]:
    """Make the first client of each pair call the second; await the calls after the block."""

    async def call(caller: Client, target: Client) -> None:
        with suppress(Refused):  # The effect of the call is judged, not its result.
            await caller.connect_to_peer(target)

    tasks = [asyncio.create_task(call(*one)) for one in calls]
    try:
        yield
        for task in tasks:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
