"""An attempt brought to a stage and held there, and two attempts that cross: by the signaling proxies.

All of it is seen and done from outside: what has left a peer, what was handed to one, what is held back
between. A frame that is held keeps its place, so what an implementation sent first arrives first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from types import TracebackType

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.network import Direction
from clasp_e2e.testbed.attached_client import Client, Failure
from clasp_e2e.testbed.expectations import Blocked, Unmet, Unobserved
from clasp_e2e.testbed.fixtures import PeerPair


class AttemptStage(Enum):
    """How far an attempt has come, in the words of a report."""

    OFFER_SENT = "the offer was handed to the router, and has not reached the answerer"
    OFFER_DELIVERED = "the offer was handed to the answerer, and nothing of its answer is at the router"
    ANSWER_SENT = "the answer was handed to the router, and has not reached the offerer"
    ANSWER_DELIVERED = "the answer was handed to the offerer"


class StagedAttempt:
    """The offerer's attempt to connect, held at a stage. Use as `async with`; entered, it is there.

    Blocked by CON-3 if the attempt does not come so far. The holds end with the block.
    """

    def __init__(self, pair: PeerPair, stage: AttemptStage, *, within: float) -> None:
        self._pair = pair
        self._stage = stage
        self._within = within
        self._task: asyncio.Task[Failure | None]

    async def __aenter__(self) -> StagedAttempt:
        """Begin the attempt, and return when it is at its stage."""
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

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of everything; an attempt that nobody asked about is given up."""
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
        # A leg that is held shows its first frame alone: that the router has it is known from the other.
        if stage is AttemptStage.OFFER_SENT:
            await pair.offerer.all_is_written()
        elif stage is AttemptStage.ANSWER_SENT:
            await pair.answerer.all_is_written()

    def release(self) -> None:
        """Hand on what is held back, to those who are still there."""
        for client in self._pair:
            client.leg.resume("up")
            client.leg.resume("down")

    async def ended(self) -> Failure | None:
        """Release, and return how the attempt failed, or None where Connected was told.

        Unmet if neither came in the time that the attempt was given.
        """
        self.release()
        return await self._task

    async def failed(self) -> Failure:
        """Release, and return how the attempt failed; unmet where it did not."""
        failure = await self.ended()
        if failure is None:
            raise Unmet("the attempt to fail", "Connected was told")
        return failure

    async def _end(self) -> None:
        self.release()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until_described(pair: PeerPair, author: Client, kind: str, *, delivered: bool) -> None:
    """Wait until the `offer` or `answer` of `author` has left it, or was handed to the other.

    Blocked by CON-3 if that does not happen in the time that a connection takes.
    """

    def described() -> bool:
        return any(
            description.leg == author.name
            and description.facts.is_offer == (kind == "offer")
            and not (delivered and description.delivered_at is None)
            for description in pair.testbed.switchboard.descriptions
        )

    limit = pair.patience.connect
    if not await pair.testbed.switchboard.holds_within(described, limit):
        what = f"the {kind} of {author.name} to {'arrive' if delivered else 'leave'}"
        raise Blocked("CON-3", f"{limit:g} s were too few for {what}")


class Glare:
    """Two peers that have called each other, each before it could know of the other's call."""

    def __init__(self, pair: PeerPair) -> None:
        self._pair = pair
        self._answers_are_held = False

    def hold_answers(self) -> None:
        """Keep what the peers write from now on between them and the router, until `release_answers`."""
        self._answers_are_held = True
        for client in self._pair:
            client.leg.pause("up")

    def release_answers(self) -> None:
        """Hand on what the peers wrote meanwhile, the offerer's first."""
        for client in self._pair:
            client.leg.resume("up")

    async def deliver_offer_of(self, author: Client) -> None:
        """Hand the offer of `author` to the other, and return when that one has read it."""
        receiver = next(client for client in self._pair if client is not author)
        receiver.leg.resume("down")
        await until_described(self._pair, author, "offer", delivered=True)
        if not self._answers_are_held:
            await receiver.all_is_written()

    def deliver_both_offers(self) -> None:
        """Let both offers go at the same moment."""
        for client in self._pair:
            client.leg.resume("down")


@asynccontextmanager
async def glare(pair: PeerPair) -> AsyncGenerator[Glare]:
    """Have both call each other; in the block, both offers have left and neither was delivered.

    The block says in which order they are. Ends when both calls have returned, or were refused.
    Unobserved where a side makes no offer while nothing reaches it.
    """
    for client in pair:
        client.leg.pause("down")
    async with _calls((pair.offerer, pair.answerer), (pair.answerer, pair.offerer)):
        for client in pair:
            try:
                await until_described(pair, client, "offer", delivered=False)
            except Blocked as error:
                raise Unobserved(f"no two offers could be made to cross: {error.reason}") from None
        try:
            yield Glare(pair)
        finally:
            for client in pair:
                client.leg.resume("up")
                client.leg.resume("down")


async def call_behind_an_offer(pair: PeerPair, first: Client, second: Client) -> None:
    """Have `second` call `first` when it has the offer of `first`, and its answer has not left."""
    second.leg.pause("up")
    async with _calls((first, second)):
        await until_described(pair, first, "offer", delivered=True)
        async with _calls((second, first)):
            # Calls on one peer are started in the order of arrival (driver protocol).
            await second.p2p_routing_mode()
            second.leg.resume("up")


@asynccontextmanager
async def _calls(*calls: tuple[Client, Client]) -> AsyncGenerator[None]:
    """Have each first call its second; the block's end awaits the calls, and takes a refusal."""

    async def call(caller: Client, target: Client) -> None:
        with suppress(Refused):  # What comes of it is judged, not the answer.
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
