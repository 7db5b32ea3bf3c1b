"""The harness's own signaling client, with a router that ends its session."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from clasp_e2e import wire
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.run_session import open_run
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.router import CloseConnection, Deliver, Effect
from clasp_e2e.scripted.variant import Variant
from clasp_e2e.scripted.variants.router_delivery import WrapsAll
from clasp_e2e.scripted.variants.router_messages import PingsItsClients
from clasp_e2e.scripted.variants.router_transport import CombinesFrames
from clasp_e2e.testbed import RouterClients, SignalingClient, SinglePeer

from .cases import Body, case, plan_of
from .fakes import FakeDriver

pytestmark = pytest.mark.usefixtures("watched")


def ends_every_session(effect: Effect) -> Iterable[Effect]:
    yield effect
    if isinstance(effect, Deliver) and isinstance(effect.message, wire.Welcome):
        yield CloseConnection(effect.connection, 1008, "no harness here")


async def sends_when_cut_off(client: SignalingClient) -> None:
    await client._reader  # The router's close has arrived.
    await client.signal(client.session_id, {})


async def of_a_judged_router(router: RouterClients) -> None:
    await sends_when_cut_off(await router.client("alice"))


async def of_a_judged_peer(single: SinglePeer) -> None:
    await sends_when_cut_off(await single.signaling_client())


@pytest.mark.parametrize(
    ("body", "pairing", "outcome"),
    [
        (of_a_judged_router, Pairing(router="reference"), Outcome.FAILED),
        (of_a_judged_peer, Pairing(offerer="x"), Outcome.UNOBSERVED),
    ],
)
async def test_session_ended_by_router_is_outcome(body: Body, pairing: Pairing, outcome: Outcome) -> None:
    router = ReferenceDriver(router_script=lambda: ends_every_session)
    async with open_run(plan_of({"x": FakeDriver()}, router)) as run:
        found = await run.judge_alone(case(body, "RTR-1", pairing=pairing))
    assert found.result.outcome is outcome, found.result.message
    assert "the router closed" in found.result.message
    assert "no harness here" in found.result.message


async def puts_messages_together(router: RouterClients) -> None:
    client = await router.client("alice")
    received = [type(message) for message in client.received]
    assert received[:2] == [wire.Welcome, wire.Snapshot]
    assert wire.Bundle not in received
    await client.mark(client.session_id, "one")
    await client.mark(client.session_id, "two")
    assert await client.gets_all(["one", "two"], unless=lambda: client.is_refused) == ["one", "two"]
    assert not client.is_refused
    await client.mark("nobody", "three")
    await client.gets(wire.Error)
    assert client.is_refused


@pytest.mark.parametrize("variant", [CombinesFrames, WrapsAll, PingsItsClients], ids=lambda each: each.name)
async def test_messages_are_read_from_bundles_and_shared_frames(
    variant: Variant,
) -> None:
    async with open_run(plan_of({"x": FakeDriver()}, variant())) as run:
        pairing = Pairing(router="reference")
        found = await run.judge_alone(case(puts_messages_together, "RTR-1", pairing=pairing))
    assert found.result.outcome is Outcome.PASSED, found.result.message
