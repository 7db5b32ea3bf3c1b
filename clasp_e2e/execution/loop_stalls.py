"""Noticing that the harness stood still: what then came too late says nothing of who was judged."""

from __future__ import annotations

import asyncio

from clasp_e2e.testbed.waiting import Patience

_BEAT = 0.1
_SHORTEST = 0.5
"""Seconds that the event loop has to stand still for it to count: less takes no wait its time."""
_PART = 0.4
"""Of the shortest wait there is (`Patience.event`), so much is too much."""


class Stalls:
    """How long the event loop has stood still, in seconds, since this was made; to be ended with `end`."""

    def __init__(self, patience: Patience) -> None:
        self.lost = 0.0
        self._limit = _PART * Patience(max(1.0, patience.scale)).event
        self._loop = asyncio.get_running_loop()
        self._listen()

    def end(self) -> None:
        """Listen no more."""
        self._timer.cancel()

    def excuse(self, error: BaseException) -> str | None:
        """Return what there is to say if `error` comes of a wait in vain while the harness stood still."""
        if self.lost < self._limit or not _is_of_a_wait(error):
            return None
        return (
            f"the harness itself stood still for {self.lost:.1f} s, and may have missed what it awaited: this"
            " machine has too much to do, or something that runs in the harness's process blocks its event"
            " loop. Run it with less beside it, or with more patience (--deadline-scale)"
        )

    def _listen(self) -> None:
        self._due = self._loop.time() + _BEAT
        self._timer = self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        late = self._loop.time() - self._due
        if late >= _SHORTEST:
            self.lost += late
        self._listen()


def _is_of_a_wait(error: BaseException | None) -> bool:
    """Return whether `error` was raised for a deadline that passed."""
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__ or error.__context__
    return False
