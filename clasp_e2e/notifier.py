"""Waiting until a condition holds, without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Notifier:
    """A condition variable for the tasks of one event loop.

    Unlike `asyncio.Condition`, it has no lock, and `notify` can be called from a callback and before the
    loop runs.
    """

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def notify(self) -> None:
        """Make every waiting task evaluate its condition again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, condition: Callable[[], T | None], timeout: float | None = None) -> T:
        """Return the first true value of `condition`, which is evaluated now and after each `notify`.

        Raises `TimeoutError` after `timeout` seconds, and any exception of `condition`.
        """
        async with asyncio.timeout(timeout):
            while not (value := condition()):
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter
            return value

    async def holds_within(self, condition: Callable[[], object], timeout: float) -> bool:
        """Return whether `condition` becomes true within `timeout` seconds."""
        try:
            await self.wait_until(condition, timeout)
        except TimeoutError:
            return False
        return True
