"""The TURN server of a scenario is the requested one, and ends with it."""

from __future__ import annotations

import shutil
import ssl
from functools import partial

import pytest

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.pairings import Subjects
from clasp_e2e.execution.run_session import open_run
from clasp_e2e.network import Coturn
from clasp_e2e.network.coturn import PROGRAM
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, Pairing
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed import UnconnectedPair, attach_with_turn
from clasp_e2e.testbed.expectations import EnvironmentFault
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Testbed
from clasp_e2e.testbed.waiting import Patience

from .cases import case, judge, plan_of


def new_testbed(*, coturn: bool) -> Testbed:
    return Testbed(RouterSource(None, None), Timeline(lambda: 0.0), Patience(), coturn=coturn)


@pytest.mark.parametrize("coturn", [False, True])
async def test_turn_server_is_the_requested_one(coturn: bool) -> None:
    if coturn and not shutil.which(PROGRAM):
        pytest.skip("coturn is not installed")
    bed = new_testbed(coturn=coturn)
    server = await bed.open_turn_server({"alice": "secret"})
    try:
        assert isinstance(server, Coturn) is coturn
        assert server.url.startswith("turn:127.0.0.1:")
    finally:
        assert await bed.close() == []


async def test_missing_coturn_is_environment_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    bed = new_testbed(coturn=True)
    with pytest.raises(EnvironmentFault, match=r"coturn is not installed.*embedded"):
        await bed.open_turn_server({"alice": "secret"})
    assert await bed.close() == []


async def relay_over_tls(unconnected: UnconnectedPair) -> None:
    """The only path is a TURN server that the subject reaches by TLS."""
    await (await attach_with_turn(unconnected, over="tls")).exchange_through_the_relay()


async def test_refused_certificate_is_unobserved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clasp_e2e.peer.webrtc.client_context", ssl.create_default_context)
    monkeypatch.setattr("clasp_e2e.testbed.relayed.P2PConfig", partial(P2PConfig, connection_timeout_secs=3))
    drivers = {"x": ReferenceDriver(), REFERENCE: ReferenceDriver()}
    subjects = Subjects(offerer="x", answerer=REFERENCE, judged=frozenset({"offerer"}))
    to_judge = case(relay_over_tls, "ICE-13", pairing=Pairing(offerer="x", answerer=REFERENCE))
    async with open_run(plan_of(drivers, ReferenceDriver(), subjects=subjects, patience=Patience())) as run:
        result = (await judge(run, to_judge)).result
    assert result.outcome is Outcome.UNOBSERVED, result
    assert "alice refused the certificate of the TURN server" in result.message
