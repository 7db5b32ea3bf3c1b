"""The TURN server of a scenario is the requested one, and ends with it."""

from __future__ import annotations

import shutil

import pytest

from clasp_e2e.network import Coturn
from clasp_e2e.network.coturn import PROGRAM
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.expectations import EnvironmentFault
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Testbed
from clasp_e2e.testbed.waiting import Patience


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
