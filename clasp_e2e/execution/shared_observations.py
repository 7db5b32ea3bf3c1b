"""Cases that several runs have in common: observed once, and judged by each."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")


class SharedObservations(Generic[Seen]):
    """What was seen in cases that several runs have, for as long as one of them still needs it."""

    def __init__(self) -> None:
        self._uses: Counter[Hashable] = Counter()
        self._seen: dict[Hashable, asyncio.Future[Seen | None]] = {}

    def announce(self, case: Hashable) -> None:
        """Say that a run is going to ask for `case`, once."""
        self._uses[case] += 1

    async def seen(self, case: Hashable, observe: Callable[[], Awaitable[Seen]]) -> Seen:
        """Return what was seen in `case`, from `observe` if nobody has seen it, nor is about to.

        Whoever is the first to ask observes. If that one is cancelled, the next one does.
        """
        while (there := self._seen.get(case)) is not None:
            # Shielded: of many that wait, one may be cancelled.
            if (found := await asyncio.shield(there)) is not None:
                self._used(case)
                return found
        mine = self._seen[case] = asyncio.get_running_loop().create_future()
        try:
            found = await observe()
        except BaseException:
            del self._seen[case]
            mine.set_result(None)
            raise
        mine.set_result(found)
        self._used(case)
        return found

    def _used(self, case: Hashable) -> None:
        self._uses[case] -= 1
        if self._uses[case] <= 0:
            self._seen.pop(case, None)
