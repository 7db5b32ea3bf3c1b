"""From options to implementations, and messages about contradictory options."""

from __future__ import annotations

import sys

import pytest

from clasp_e2e.drivers import DriverFault
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import ExternalRouterDriver
from clasp_e2e.execution.selection import SelectionError, select

X, Y = "testbed.fakes:Honest", "testbed.fakes:FakeDriver"


def test_no_peer_option_judges_reference_in_all_roles() -> None:
    selection = select()
    assert selection.subjects.judged == {"offerer", "answerer", "router"}
    assert list(selection.drivers) == ["reference"]
    assert selection.router is selection.drivers["reference"]


def test_peer_is_judged_in_both_roles_opposite_reference() -> None:
    selection = select(peer=X)
    assert (selection.subjects.offerer, selection.subjects.answerer) == ("iut", "iut")
    assert selection.subjects.judged == {"offerer", "answerer"}
    assert isinstance(selection.drivers["reference"], ReferenceDriver)
    assert selection.specs["iut"] == X
    assert isinstance(selection.router, ReferenceDriver)


def test_unnamed_peers_get_different_labels() -> None:
    selection = select(offerer=X, answerer=Y)
    assert (selection.subjects.offerer, selection.subjects.answerer) == ("iut", "iut2")
    assert set(selection.drivers) == {"iut", "iut2", "reference"}


@pytest.mark.parametrize(
    ("option", "role"), [("offerer", "offerer"), ("answerer", "answerer"), ("router", "router")]
)
def test_implementation_named_for_one_role_is_judged_in_it(option: str, role: str) -> None:
    assert select(**{option: X}).subjects.judged == {role}


def test_implementation_that_is_peer_and_router_is_started_once() -> None:
    selection = select(peer=X, router=X)
    assert selection.router is selection.drivers["iut"]
    assert selection.subjects.judged == {"offerer", "answerer", "router"}


async def test_deadline_scale_reaches_drivers() -> None:
    silent = f"cmd:{sys.executable} -c 'import sys; sys.stdin.read()'"
    selection = select(peer=silent, router=f"{silent} router", deadline_scale=0.01)
    for driver in (selection.drivers["iut"], selection.router):
        with pytest.raises(DriverFault, match=r"no answer to initialize within 0\.15 s"):
            await driver.initialize()
        await driver.aclose()


def test_running_router_is_named_by_address() -> None:
    selection = select(router="ws://127.0.0.1:7330")
    assert isinstance(selection.router, ExternalRouterDriver)
    assert selection.subjects.router == "external"
    assert selection.specs["router external"] == "ws://127.0.0.1:7330"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"peer": "refrence"}, "did you mean 'reference'"),
        ({"offerer": "no_such_module_at_all:Driver"}, "cannot be imported"),
        ({"answerer": "testbed.fakes:Honst"}, "did you mean 'Honest'"),
        ({"router": "ftp-router"}, "ws:// or wss://"),
        ({"peer": "reference", "offerer": "reference"}, "leave out"),
        ({"peer": "reference", "answerer": "reference"}, "leave out"),
    ],
)
def test_contradictory_options_are_refused_with_advice(options: dict[str, str], says: str) -> None:
    with pytest.raises(SelectionError, match=says):
        select(**options)
