"""Waiting for events, with deadlines, never for time."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the harness waits for what should come at once, in seconds.

    `scale` stretches the harness's own patience on a slow machine, and never a time that the
    specification names.
    """

    scale: float = 1.0

    @property
    def event(self) -> float:
        """For an event that follows without delay: a message on its way, an event to be told."""
        return 5.0 * self.scale

    @property
    def connect(self) -> float:
        """For a connection over loopback, which takes some 50 ms."""
        return 10.0 * self.scale

    @property
    def call(self) -> float:
        """For a call that does not wait for the network (driver protocol: 5 s)."""
        return 5.0 * self.scale

    @property
    def open(self) -> float:
        """For a client to attach to the router (driver protocol: 15 s)."""
        return 15.0 * self.scale

    @property
    def retransmission(self) -> float:
        """For a reliable message that was lost: SCTP waits 1 s, then 2, 4, 8 (RFC 9260 section 6.3)."""
        return 20.0 * self.scale

    @property
    def consent(self) -> float:
        """For a peer that vanished to be missed: 30 s of consent (RFC 7675), and what leads to its check."""
        return 36.0 + 5.0 * self.scale

    @property
    def scenario(self) -> float:
        """For a scenario whose own deadlines did not end it; the longest: a retransmission, then consent."""
        return 65.0 + 30.0 * self.scale

    @property
    def cleanup(self) -> float:
        """For tasks that were told to end to end."""
        return 5.0 * self.scale


async def together(*calls: Awaitable[object]) -> None:
    """Await all of `calls` at once, each to its end; then raise what the first of them raised, if any did."""
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
