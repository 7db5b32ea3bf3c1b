"""Observations that several runs share are made once, and repeated if the observing run is cancelled."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.execution.shared_observations import SharedObservations


class Cases:
    """Cases to observe: each when it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.released = asyncio.Event()

    def observe(self, name: str):
        async def observed() -> str:
            self.begun.append(name)
            await self.released.wait()
            return name.upper()

        return observed


async def turn() -> None:
    passed = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(passed.set_result, None)
    await passed


@given(asked=st.lists(st.sampled_from("abc"), max_size=9))
def test_case_is_observed_once_for_all_who_wait(asked: list[str]) -> None:
    async def run() -> None:
        sharing, cases = SharedObservations[str](), Cases()
        for name in asked:
            sharing.announce(name)
        asking = [asyncio.create_task(sharing.seen(name, cases.observe(name))) for name in asked]
        await turn()
        cases.released.set()
        assert await asyncio.gather(*asking) == [name.upper() for name in asked]
        assert sorted(cases.begun) == sorted(set(asked))
        assert sharing._seen == {}

    asyncio.run(run())


async def test_observation_is_kept_for_later_requests() -> None:
    sharing, cases = SharedObservations[str](), Cases()
    cases.released.set()
    sharing.announce("a")
    sharing.announce("a")
    assert [await sharing.seen("a", cases.observe("a")) for _ in range(2)] == ["A", "A"]
    assert cases.begun == ["a"]


async def test_another_waiter_observes_if_observer_is_cancelled() -> None:
    sharing, cases = SharedObservations[str](), Cases()
    first, second = (asyncio.create_task(sharing.seen("a", cases.observe("a"))) for _ in range(2))
    await turn()
    first.cancel()
    await asyncio.wait([first])
    cases.released.set()
    assert await second == "A"
    assert cases.begun == ["a", "a"]


async def test_cancelled_waiter_does_not_affect_others() -> None:
    sharing, cases = SharedObservations[str](), Cases()
    first, second, third = (asyncio.create_task(sharing.seen("a", cases.observe("a"))) for _ in range(3))
    await turn()
    second.cancel()
    await asyncio.wait([second])
    cases.released.set()
    assert (await first, await third) == ("A", "A")


async def test_failed_observation_is_repeated_by_next_waiter() -> None:
    sharing = SharedObservations[str]()

    async def fails() -> str:
        raise RuntimeError("broken")

    async def works() -> str:
        return "A"

    with pytest.raises(RuntimeError, match="broken"):
        await sharing.seen("a", fails)
    assert await sharing.seen("a", works) == "A"
