"""Each way in which a scenario can end, and its outcome."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path

import pytest
from testbed import fakes
from testbed.cases import asks_the_mode, case, judge, judged, judgments, opened_run
from testbed.fakes import FakeDriver, never, raises, refuses

from clasp_e2e.drivers import DriverFault, NotOffered
from clasp_e2e.p2p_types import Connected, RoutingMode
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed import (
    Blocked,
    SinglePeer,
    UnconnectedPair,
    Unobserved,
    expect,
    judging,
    random_payload,
    remark,
)
from clasp_e2e.testbed.expectations import EnvironmentFault
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.waiting import Patience

pytestmark = pytest.mark.usefixtures("watched")


async def test_met_requirement_passes() -> None:
    driver = FakeDriver()
    found = await judged(asks_the_mode, driver=driver)
    assert found.result.outcome is Outcome.PASSED
    assert (found.result.message, found.result.blocked_by) == ("", None)
    assert judgments(found) == {"RTE-1": "passed"}
    assert found.result.title == "The mode of a new client is PreferP2P."
    assert found.result.replay == "pytest this"
    assert all(peer.ended for peer in driver.peers.values())
    assert len(driver.peers) == 2


async def test_unmet_must_fails() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=fakes.is_wrong))
    assert found.result.outcome is Outcome.FAILED
    assert found.requirement == "RTE-1"
    assert found.expected == "the mode: PreferP2P"
    assert found.seen == "ServerOnly"
    assert "p2p_routing_mode returned ServerOnly" in found.tail


@pytest.mark.parametrize(("stands_still", "outcome"), [(0.2, Outcome.FAILED), (2.1, Outcome.ERROR)])
async def test_timeout_during_harness_stall_is_error(stands_still: float, outcome: Outcome) -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        pair = await unconnected.attach()
        asyncio.get_running_loop().call_soon(time.sleep, stands_still)
        await pair.offerer.wait_for(Connected)

    found = await judged(body)
    assert found.result.outcome is outcome
    assert ("stalled for 2." in found.result.message) == (outcome is Outcome.ERROR)
    assert "to receive Connected" in found.result.message


async def test_wrong_value_during_harness_stall_fails() -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        asyncio.get_running_loop().call_soon(time.sleep, 2.1)
        await asyncio.sleep(0)
        await asks_the_mode(unconnected)

    found = await judged(body, driver=FakeDriver(p2p_routing_mode=fakes.is_wrong))
    assert found.result.outcome is Outcome.FAILED


async def test_unmet_should_deviates() -> None:
    found = await judged(asks_the_mode, "RTE-10", driver=FakeDriver(p2p_routing_mode=fakes.is_wrong))
    assert found.result.outcome is Outcome.DEVIATION
    assert judgments(found) == {"RTE-10": "deviation"}


async def test_unmet_remark_passes() -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        remark("the payload goes framed")
        expect(1, "one").equals(2)

    found = await judged(body, "DIR-3")
    assert found.result.outcome is Outcome.PASSED
    assert found.result.remark == "the payload goes framed"


async def test_unexpected_refusal_is_unmet() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=refuses))
    assert found.result.outcome is Outcome.FAILED
    assert "it was refused: the address is in use" in found.result.message


async def test_scenario_with_failed_precondition_is_blocked() -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        with judging("SND-1"):
            pass
        with judging("SND-3"):
            expect(1, "one").equals(2)
        with judging("SND-6"):
            pass

    found = await judged(body, "SND-1", "SND-3", "SND-6")
    assert judgments(found) == {"SND-1": "passed", "SND-3": "failed", "SND-6": "blocked"}
    assert (found.result.outcome, found.result.blocked_by) == (Outcome.FAILED, "SND-3")


@pytest.mark.parametrize(
    ("error", "outcome", "says"),
    [
        (Blocked("CON-5", "no connection"), Outcome.BLOCKED, "blocked by CON-5: no connection"),
        (Unobserved("mDNS"), Outcome.UNOBSERVED, "mDNS"),
        (NotOffered("no close"), Outcome.NOT_OFFERED, "no close"),
        (DriverFault("a line that is not JSON"), Outcome.ERROR, "a line that is not JSON"),
        (EnvironmentFault("no candidates"), Outcome.ERROR, "no candidates"),
        (ZeroDivisionError("oh"), Outcome.ERROR, "the harness failed: "),
        (SystemExit(0), Outcome.ERROR, "SystemExit"),
        (asyncio.CancelledError(), Outcome.ERROR, "CancelledError"),
    ],
)
async def test_unobserved_scenario_is_no_failure(error: BaseException, outcome: Outcome, says: str) -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        raise error

    found = await judged(body, "RTE-1", "RTE-2")
    assert found.result.outcome is outcome
    assert says in found.result.message
    assert judgments(found) == {"RTE-1": outcome.value, "RTE-2": outcome.value}
    assert found.result.blocked_by == ("CON-5" if outcome is Outcome.BLOCKED else None)


async def test_judged_requirement_does_not_block_scenario() -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        raise Blocked("CON-5", "no connection")

    found = await judged(body, "CON-5")
    assert found.result.outcome is Outcome.FAILED
    assert found.seen == "no connection"


async def test_endless_scenario_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "scenario", 0.5)

    async def body(unconnected: UnconnectedPair) -> None:
        await never()

    async with asyncio.timeout(10):
        found = await judged(body)
    assert found.result.outcome is Outcome.ERROR
    assert "exceeded its overall timeout" in found.result.message


async def test_scenario_timeout_pauses_while_client_opens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Opening takes twice as long as the scenario may: in another language it queues for a process."""
    limit = 0.02
    monkeypatch.setattr(Patience, "scenario", limit)

    async def opens_late(_name: str) -> None:
        until = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(2 * limit, until.set_result, None)
        await until

    async with asyncio.timeout(10):
        found = await judged(asks_the_mode, driver=FakeDriver(open_peer=opens_late))
    assert found.result.outcome is Outcome.PASSED


@pytest.mark.parametrize("what", ["a_socket", "a_task"])
async def test_leak_of_scenario_is_error(what: str) -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=getattr(fakes, f"leaks_{what}")))
    assert found.result.outcome is Outcome.ERROR
    assert {"a_socket": "socket still open", "a_task": "task still running: forgotten"}[
        what
    ] in found.result.message


async def test_remarks_before_unclean_end_are_kept() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=fakes.is_wrong, kill=never))
    assert found.result.outcome is Outcome.ERROR
    assert "alice (x): closing did not return" in found.result.message
    assert "before that: failed expected the mode" in found.result.message


async def test_scenario_is_charged_with_own_leaks_only() -> None:
    run = await opened_run(FakeDriver(p2p_routing_mode=fakes.leaks_a_socket))

    async def other(unconnected: UnconnectedPair) -> None:
        await (await unconnected.attach()).offerer.set_p2p_routing_mode(RoutingMode.P2P_ONLY)

    leaky, tidy = await asyncio.gather(judge(run, case(asks_the_mode)), judge(run, case(other)))
    assert (leaky.result.outcome, tidy.result.outcome) == (Outcome.ERROR, Outcome.PASSED)


async def test_cancelled_run_closes_active_scenario() -> None:
    driver, under_way = FakeDriver(), asyncio.Event()

    async def body(unconnected: UnconnectedPair) -> None:
        await unconnected.attach()
        under_way.set()
        await never()

    running = asyncio.create_task(judge(await opened_run(driver), case(body)))
    await under_way.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(driver.peers) == 2
    assert all(peer.ended for peer in driver.peers.values())


async def test_payloads_follow_from_seed_and_scenario_name() -> None:
    seen: list[bytes] = []

    async def one(unconnected: UnconnectedPair) -> None:
        seen.append(random_payload(8))

    async def two(unconnected: UnconnectedPair) -> None:
        seen.append(random_payload(8))

    for seed, body in [(1, one), (1, one), (2, one), (1, two)]:
        await judge(await opened_run(FakeDriver(), seed=seed), case(body))
    assert seen[0] == seen[1] == random.Random("1/test_::one[x-x]").randbytes(8)
    assert len(set(seen)) == 3


async def test_evidence_is_kept_for_every_outcome(tmp_path: Path) -> None:
    for driver, outcome in [(FakeDriver(), "passed"), (FakeDriver(p2p_routing_mode=raises), "error")]:
        found = await judge(await opened_run(driver, directory=tmp_path), case(asks_the_mode))
        assert found.result.evidence is not None
        document = json.loads(Path(found.result.evidence).read_text())  # noqa: ASYNC240
        assert document["scenario"]["outcome"] == outcome
        assert any("calls p2p_routing_mode()" in entry["what"] for entry in document["timeline"])


async def test_router_that_breaks_during_call_is_error_of_its_case() -> None:
    class Router(fakes.FakeRouter):
        fault = None

    run, router = await opened_run(FakeDriver()), Router()
    run.context.routers = RouterSource(FakeDriver(), router)

    async def breaks(single: SinglePeer) -> None:
        router.fault = "it exited with status 3"  # pyright: ignore[reportAttributeAccessIssue]

    found = await judge(run, case(breaks))
    assert found.result.outcome is Outcome.ERROR
    assert "the router: it exited with status 3" in found.result.message


@pytest.mark.parametrize("awaits", [True, False])
async def test_refusal_by_router_excuses_only_what_does_not_come(*, awaits: bool) -> None:
    async def body(unconnected: UnconnectedPair) -> None:
        pair = await unconnected.attach()
        pair.offerer.leg.refusals.append("ERROR 429: too many messages")
        if awaits:
            await pair.offerer.receives(b"relayed")
        expect(2, "times that the payload arrived").equals(1)

    found = await judged(body, "SND-11")
    assert found.result.outcome is (Outcome.UNOBSERVED if awaits else Outcome.DEVIATION)
    assert ("the router did not take what alice sent: ERROR 429" in found.result.message) == awaits
