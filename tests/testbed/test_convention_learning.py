"""The conventions of peers are learned from the wire, and a partner that uses them works."""

from __future__ import annotations

import asyncio

import pytest

from clasp_e2e.drivers.interface import Driver
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.p2p_types import P2PConfig, RoutingMode
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.scripted.mutant import PeerScript
from clasp_e2e.scripted.variants import Variant, payload_variants, relay_variants, signal_variants
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.convention_learning import LearnedConventions, learn_conventions, partner_with
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience

pytestmark = pytest.mark.timeout(60)


async def participant(label: str, driver: Driver) -> Participant:
    return Participant(driver, SubjectInfo(label, await driver.initialize()))


def new_testbed() -> Testbed:
    timeline = Timeline(asyncio.get_running_loop().time)
    return Testbed(RouterSource(ReferenceDriver(), None), timeline, Patience(0.5))


async def learned(driver: Driver) -> LearnedConventions:
    subject, reference = await participant("iut", driver), await participant(REFERENCE, ReferenceDriver())
    return await learn_conventions(subject, reference, new_testbed())


async def test_reference_has_no_conventions_to_adopt() -> None:
    assert await learned(ReferenceDriver()) == LearnedConventions({}, {}, are_own=False)


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        (signal_variants.CompressesItsSignals, "none was read"),
        (payload_variants.NumbersItsMessages, "from message to message"),
    ],
)
async def test_reason_is_given_if_a_convention_is_not_known(variant: Variant, reason: str) -> None:
    found = await learned(variant())
    assert not found.adopted
    assert reason in found.reasons["offerer"]
    assert reason in found.reasons["answerer"]


@pytest.mark.parametrize("variant", [relay_variants.RelaysByItsOwnAddress, relay_variants.RelaysAsJson])
async def test_partner_relays_as_it_has_learned(variant: Variant) -> None:
    conventions = (await learned(variant())).adopted["offerer"]
    assert conventions.names == ("relay",)
    reference = await participant(REFERENCE, ReferenceDriver())
    testbed = new_testbed()
    try:
        await testbed.open()
        peer = await testbed.open_client("alice", await participant("iut", variant()), P2PConfig())
        partner = await testbed.open_client(
            "bob", partner_with(PeerScript, conventions, reference), P2PConfig()
        )
        for sender, receiver in ((peer, partner), (partner, peer)):
            await sender.peer.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
            await sender.peer.send_p2p(receiver.session_id, b"to be relayed", True)
            assert await receiver.receives_all([b"to be relayed"], within=5)
            assert receiver.data()[-1].peer_session_id == sender.session_id
    finally:
        await testbed.close()
