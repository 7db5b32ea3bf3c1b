"""Cases that several runs share: observed once, and judged by each run."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")


class SharedObservations(Generic[Seen]):
    """The observations of cases that several runs share, kept while a run still needs them."""

    def __init__(self) -> None:
        self._uses: Counter[Hashable] = Counter()
        self._seen: dict[Hashable, asyncio.Future[Seen | None]] = {}

    def announce(self, case: Hashable) -> None:
        """Announce that a run will request `case` once."""
        self._uses[case] += 1

    async def seen(self, case: Hashable, observe: Callable[[], Awaitable[Seen]]) -> Seen:
        """Return the observation of `case`.

        The first caller runs `observe`; if it is cancelled, the next caller does.
        """
        while (pending := self._seen.get(case)) is not None:
            # Shielded, because one of several waiting callers may be cancelled.
            if (found := await asyncio.shield(pending)) is not None:
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
