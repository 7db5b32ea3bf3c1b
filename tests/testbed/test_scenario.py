"""What makes a function a scenario, and what is refused."""

from __future__ import annotations

import inspect

import pytest

from clasp_e2e.scripted import PeerScript
from clasp_e2e.testbed.scenario import FIXTURES, requirement, scenario_of


@pytest.mark.parametrize("world", sorted(FIXTURES))
def test_scenario_names_its_fixture_by_parameter(world: str) -> None:
    functions = {}
    exec(f"async def test_it({world}):\n    '''The title.\n\n    More.\n    '''", functions)
    test = requirement("CON-5", "SND-1")(functions["test_it"])
    scenario = scenario_of(test)
    assert scenario is not None
    assert (scenario.world, scenario.participants) == (world, FIXTURES[world])
    assert scenario.requirements == ("CON-5", "SND-1")
    assert (scenario.name, scenario.title) == ("test_it", "The title.")
    assert list(inspect.signature(test).parameters) == ["case"]


def test_slow_scenario_waits() -> None:
    async def test_it(pair): ...

    for options, expected in [
        ({}, (False, False)),
        ({"waits": True}, (True, False)),
        ({"slow": True}, (True, True)),
        ({"extended": True}, (True, True)),
    ]:
        scenario = scenario_of(requirement("CON-5", **options)(test_it))
        assert scenario is not None
        assert (scenario.waits, scenario.slow) == expected


async def no_fixture(): ...
async def unknown_fixture(peer): ...
async def two_fixtures(pair, single): ...


@pytest.mark.parametrize("function", [no_fixture, unknown_fixture, two_fixtures])
def test_scenario_has_one_fixture_that_exists(function) -> None:
    with pytest.raises(TypeError, match=rf"{function.__name__}: a scenario must have one .*connected_pair"):
        requirement("CON-5")(function)


def test_scenario_needs_requirement() -> None:
    async def test_it(pair): ...

    with pytest.raises(TypeError, match="at least one requirement"):
        requirement()(test_it)


def test_other_functions_are_no_scenarios() -> None:
    assert scenario_of(no_fixture) is None
    assert scenario_of(None) is None


def test_scripted_partner_needs_pair() -> None:
    async def test_it(single): ...

    with pytest.raises(TypeError, match="test_it: a scripted partner needs a pair, not single"):
        requirement("CON-5", opposite=PeerScript)(test_it)
