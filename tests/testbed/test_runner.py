"""Every way in which a scenario can end, and what it is then said to have shown."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e.drivers import DriverFault, NotOffered, Refused
from clasp_e2e.model import Connected, P2PConfig, RoutingMode
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.spec import load_catalogue
from clasp_e2e.testbed import (
    Blocked,
    Pair,
    Sides,
    Unmet,
    Unobserved,
    expect,
    expect_refusal,
    judging,
    random_payload,
    remark,
    requirement,
)
from clasp_e2e.testbed.bench import Bench, Case
from clasp_e2e.testbed.expectations import EnvironmentFault
from clasp_e2e.testbed.ownership import watch
from clasp_e2e.testbed.pairing import Pairing, Subjects
from clasp_e2e.testbed.runner import Judged, judge, settle
from clasp_e2e.testbed.scenario import scenario_of
from clasp_e2e.testbed.waiting import Patience

from . import fakes
from .fakes import FakeDriver, never, raises, refuses

CATALOGUE = load_catalogue()
HURRIED = Patience(0.02)
PAIRING = Pairing(offerer="x", answerer="x")
Body = Callable[[Any], Awaitable[None]]


@pytest.fixture(autouse=True)
async def watched() -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    watch(loop)
    yield
    loop.set_task_factory(before)
    fakes.clear_away()


async def open_bench(driver: FakeDriver, **options: Any) -> Bench:
    subjects = Subjects(offerer="x", answerer="x", judged=frozenset({"offerer", "answerer"}))
    bench = Bench(CATALOGUE, subjects, {"x": driver}, FakeDriver(), patience=HURRIED, **options)
    await bench.open()
    return bench


def case(body: Body, *ids: str, pairing: Pairing = PAIRING) -> Case:
    scenario = scenario_of(requirement(*(ids or ("RTE-1",)))(body))
    assert scenario is not None
    return Case(f"test_{'_'.join(ids)}::{scenario.name}[{pairing.id}]", scenario, pairing, "pytest this")


async def judged(body: Body, *ids: str, driver: FakeDriver | None = None) -> Judged:
    """What becomes of a scenario that judges `ids`, with a driver that does all right if none is given."""
    return await judge(await open_bench(driver or FakeDriver()), case(body, *ids))


def judgments(of: Judged) -> dict[str, str]:
    return {name: str(outcome) for name, outcome in of.result.judgments.items()}


async def asks_the_mode(sides: Sides) -> None:
    """The mode of a new client is PreferP2P."""
    pair = await sides.attach()
    expect(await pair.offerer.p2p_routing_mode(), "the mode").equals(RoutingMode.PREFER_P2P)


async def test_what_is_met_passes() -> None:
    driver = FakeDriver()
    found = await judged(asks_the_mode, driver=driver)
    assert found.result.outcome is Outcome.PASSED
    assert (found.result.message, found.result.blocked_by) == ("", None)
    assert judgments(found) == {"RTE-1": "passed"}
    assert found.result.title == "The mode of a new client is PreferP2P."
    assert found.result.replay == "pytest this"
    assert all(peer.ended for peer in driver.peers.values())
    assert len(driver.peers) == 2


async def test_a_must_that_is_not_met_fails() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=fakes.is_wrong))
    assert found.result.outcome is Outcome.FAILED
    assert found.requirement == "RTE-1"
    assert found.expected == "the mode: RoutingMode.PREFER_P2P"
    assert found.seen == "RoutingMode.SERVER_ONLY"
    assert "p2p_routing_mode returned server_only" in found.tail


async def test_a_should_that_is_not_met_deviates() -> None:
    found = await judged(asks_the_mode, "RTE-10", driver=FakeDriver(p2p_routing_mode=fakes.is_wrong))
    assert found.result.outcome is Outcome.DEVIATION
    assert judgments(found) == {"RTE-10": "deviation"}


async def test_a_remark_condemns_nobody() -> None:
    async def body(sides: Sides) -> None:
        remark("the payload goes framed")
        expect(1, "one").equals(2)

    found = await judged(body, "DIR-3")
    assert found.result.outcome is Outcome.PASSED
    assert found.result.remark == "the payload goes framed"


async def test_a_call_that_is_refused_without_need_is_not_met() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=refuses))
    assert found.result.outcome is Outcome.FAILED
    assert "it was refused: the address is in use" in found.result.message


async def test_what_was_not_reached_is_blocked_by_what_failed() -> None:
    async def body(sides: Sides) -> None:
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
async def test_without_a_verdict_nobody_is_condemned(
    error: BaseException, outcome: Outcome, says: str
) -> None:
    async def body(sides: Sides) -> None:
        raise error

    found = await judged(body, "RTE-1", "RTE-2")
    assert found.result.outcome is outcome
    assert says in found.result.message
    assert judgments(found) == {"RTE-1": outcome.value, "RTE-2": outcome.value}
    assert found.result.blocked_by == ("CON-5" if outcome is Outcome.BLOCKED else None)


async def test_what_the_scenario_itself_judges_cannot_block_it() -> None:
    async def body(sides: Sides) -> None:
        raise Blocked("CON-5", "no connection")

    found = await judged(body, "CON-5")
    assert found.result.outcome is Outcome.FAILED
    assert found.seen == "no connection"


async def test_a_call_that_hangs_is_the_adapter_s_fault_within_its_deadline() -> None:
    async with asyncio.timeout(5):
        found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=never))
    assert found.result.outcome is Outcome.ERROR
    assert found.result.message.startswith("x: p2p_routing_mode() did not return within 0.1 s.")
    assert judgments(found) == {"RTE-1": "error"}


async def test_a_peer_that_never_opens_is_its_driver_s_fault() -> None:
    async with asyncio.timeout(5):
        found = await judged(asks_the_mode, driver=FakeDriver(open_peer=never))
    assert found.result.outcome is Outcome.ERROR
    assert "x: peer.open did not return" in found.result.message


@pytest.mark.parametrize("call", ["open_peer", "p2p_routing_mode", "kill"])
@pytest.mark.parametrize(
    ("act", "what"), [(raises, "RuntimeError: out of cheese"), (fakes.exits, "SystemExit: 7")]
)
async def test_a_driver_that_raises_what_it_may_not_is_named(call: str, act: Body, what: str) -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(**{call: act}))
    assert found.result.outcome is Outcome.ERROR
    assert f"raised {what}" in found.result.message
    assert "fakes.py" in found.result.message
    assert "x" in found.result.message.partition(":")[0]


async def test_a_time_out_of_the_implementation_s_own_is_not_ours() -> None:
    async def times_out(_: object) -> None:
        raise TimeoutError("its own")

    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=times_out))
    assert "raised TimeoutError: its own" in found.result.message


async def test_a_peer_that_cannot_attach_blocks_what_needs_it() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(open_peer=refuses))
    assert (found.result.outcome, found.result.blocked_by) == (Outcome.BLOCKED, "CON-1")


async def test_where_one_peer_cannot_attach_the_other_is_ended_all_the_same() -> None:
    refused = asyncio.Event()

    async def refuses_alice(name: str) -> None:
        if name == "alice":
            refused.set()
            raise Refused("no room")
        await refused.wait()
        for _ in range(5):
            await asyncio.sleep(0)

    driver = FakeDriver(open_peer=refuses_alice)
    found = await judged(asks_the_mode, driver=driver)
    assert (found.result.outcome, found.result.message) == (
        Outcome.BLOCKED,
        "blocked by CON-1: x could not attach to the router: no room",
    )
    (bob,) = driver.peers.values()
    assert bob.ended


async def test_a_router_that_does_not_start_condemns_no_peer() -> None:
    for act, says in [(refuses, "could not be started: the address is in use"), (raises, "out of cheese")]:
        bench = await open_bench(FakeDriver())
        assert bench.routers is not None
        bench.routers = replace(bench.routers, driver=FakeDriver(open_router=act))
        found = await judge(bench, case(asks_the_mode))
        assert found.result.outcome is Outcome.ERROR
        assert says in found.result.message


async def test_an_adapter_that_dies_beside_a_call_is_an_error_though_all_went_well() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=fakes.breaks_down))
    assert found.result.outcome is Outcome.ERROR
    assert "alice: the adapter ended with status 3" in found.result.message


async def test_nobody_waits_for_an_adapter_that_is_dead() -> None:
    async def dies(peer: fakes.FakePeer, target: str) -> None:
        peer.break_down("the adapter ended with status 3")

    async def body(sides: Sides) -> None:
        pair = await sides.attach()
        await pair.offerer.connect_to_peer(pair.answerer)
        await pair.offerer.is_told(Connected, pair.answerer, within=60)

    async with asyncio.timeout(5):
        found = await judged(body, driver=FakeDriver(connect_to_peer=dies))
    assert found.result.outcome is Outcome.ERROR


async def test_a_scenario_without_an_end_is_ended() -> None:
    async def body(sides: Sides) -> None:
        await never()

    async with asyncio.timeout(10):
        found = await judged(body)
    assert found.result.outcome is Outcome.ERROR
    assert "ran out of time" in found.result.message


@pytest.mark.parametrize("what", ["a_socket", "a_task"])
async def test_what_a_scenario_leaves_behind_is_an_error(what: str) -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=getattr(fakes, f"leaks_{what}")))
    assert found.result.outcome is Outcome.ERROR
    assert {"a_socket": "socket still open", "a_task": "task still running: forgotten"}[
        what
    ] in found.result.message


async def test_what_was_said_before_an_unclean_end_is_kept() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=fakes.is_wrong, kill=never))
    assert found.result.outcome is Outcome.ERROR
    assert "alice (x): its end did not return" in found.result.message
    assert "before that: failed expected the mode" in found.result.message


async def test_a_scenario_answers_only_for_its_own_leftovers() -> None:
    bench = await open_bench(FakeDriver(p2p_routing_mode=fakes.leaks_a_socket))

    async def other(sides: Sides) -> None:
        await (await sides.attach()).offerer.set_p2p_routing_mode(RoutingMode.P2P_ONLY)

    leaky, tidy = await asyncio.gather(judge(bench, case(asks_the_mode)), judge(bench, case(other)))
    assert (leaky.result.outcome, tidy.result.outcome) == (Outcome.ERROR, Outcome.PASSED)


async def test_a_run_that_ends_early_leaves_nothing_of_a_scenario_under_way() -> None:
    driver, under_way = FakeDriver(), asyncio.Event()

    async def body(sides: Sides) -> None:
        await sides.attach()
        under_way.set()
        await never()

    running = asyncio.create_task(judge(await open_bench(driver), case(body)))
    await under_way.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(driver.peers) == 2
    assert all(peer.ended for peer in driver.peers.values())


async def test_each_scenario_has_its_payloads_by_the_seed_and_its_name() -> None:
    seen: list[bytes] = []

    async def one(sides: Sides) -> None:
        seen.append(random_payload(8))

    async def two(sides: Sides) -> None:
        seen.append(random_payload(8))

    for seed, body in [(1, one), (1, one), (2, one), (1, two)]:
        await judge(await open_bench(FakeDriver(), seed=seed), case(body))
    assert seen[0] == seen[1] == random.Random("1/test_::one[x-x]").randbytes(8)
    assert len(set(seen)) == 3


async def test_evidence_is_kept_of_every_ending(tmp_path: Path) -> None:
    for driver, outcome in [(FakeDriver(), "passed"), (FakeDriver(p2p_routing_mode=raises), "error")]:
        found = await judge(await open_bench(driver, evidence=tmp_path), case(asks_the_mode))
        assert found.result.evidence is not None
        document = json.loads(Path(found.result.evidence).read_text())  # noqa: ASYNC240
        assert document["scenario"]["outcome"] == outcome
        assert any("calls p2p_routing_mode()" in entry["what"] for entry in document["timeline"])


async def test_a_connected_pair_has_both_told() -> None:
    async def body(connected_pair: Pair) -> None:
        sender, receiver = connected_pair
        payload = random_payload()
        await sender.send_p2p(receiver, payload)
        expect((await receiver.receives(payload)).peer_session_id, "the sender").equals(sender.session_id)

    found = await judged(body, "SND-1")
    assert found.result.outcome is Outcome.PASSED, found.result.message


async def test_a_pair_that_does_not_connect_blocks_and_names_the_ground() -> None:
    async def silent(*_: object) -> None:
        return

    async def body(connected_pair: Pair) -> None:
        raise AssertionError("there is no connection")

    for act in (silent, refuses):
        found = await judged(body, "SND-1", driver=FakeDriver(connect_to_peer=act))
        assert (found.result.outcome, found.result.blocked_by) == (Outcome.BLOCKED, "CON-5")


async def test_what_is_not_declared_is_not_offered() -> None:
    async def body(sides: Sides) -> None:
        await (await sides.attach()).offerer.close()

    found = await judged(body, "EVT-7", driver=FakeDriver(capabilities=frozenset()))
    assert found.result.outcome is Outcome.NOT_OFFERED
    assert "'close'" in found.result.message


async def test_a_refusal_that_is_required_passes() -> None:
    async def body(sides: Sides) -> None:
        pair = await sides.attach(P2PConfig())
        await expect_refusal(pair.offerer.connect_to_peer("nobody"), "connecting to nobody")

    assert (await judged(body, "TMO-3")).result.outcome is Outcome.PASSED


async def unmet(sides: Sides) -> None:
    raise Unmet("this", "that")


async def met(sides: Sides) -> None:
    return


async def test_what_stands_on_what_failed_is_not_even_run() -> None:
    bench = await open_bench(FakeDriver())
    settle(bench, case(unmet, "CON-5"), await judge(bench, case(unmet, "CON-5")))
    found = await judge(bench, case(unmet, "SND-1"))
    assert (found.result.outcome, found.result.blocked_by) == (Outcome.BLOCKED, "CON-5")
    assert found.result.duration_s == 0


async def test_what_failed_while_its_ground_failed_is_blocked_in_the_end() -> None:
    bench = await open_bench(FakeDriver())
    early = await judge(bench, case(unmet, "SND-1"))
    assert early.result.outcome is Outcome.FAILED
    settle(bench, case(unmet, "CON-5"), await judge(bench, case(unmet, "CON-5")))
    found = settle(bench, case(unmet, "SND-1"), early)
    assert (found.result.outcome, found.result.blocked_by) == (Outcome.BLOCKED, "CON-5")
    assert judgments(found) == {"SND-1": "blocked"}
    assert found.result.message.startswith("CON-5 failed; so: expected this")
