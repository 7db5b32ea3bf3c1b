from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clasp_e2e.drivers.interface import CAPABILITIES
from clasp_e2e.modelbased.generation import MOST_FAILING, possible, scripts
from clasp_e2e.modelbased.prediction import LONGEST_CUT, Model, Sent, Status, Way
from clasp_e2e.modelbased.steps import (
    Attach,
    AwaitCalls,
    ClosePeer,
    Connect,
    Cut,
    Disconnect,
    Heal,
    Kill,
    Quiesce,
    Script,
    Send,
    SetMode,
    Step,
)
from clasp_e2e.p2p_types import RoutingMode

SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

P2P, RELAY, REFUSED = Way.P2P, Way.RELAY, Way.REFUSED
PREFER, ONLY, SERVER = RoutingMode.PREFER_P2P, RoutingMode.P2P_ONLY, RoutingMode.SERVER_ONLY

SEND = Send("alice", "bob", 1000, True)
CONNECTED = (Connect("alice", "bob"), Quiesce())
CUT = Cut("alice", "bob")


def after(*steps: Step) -> Model:
    model = Model(CAPABILITIES)
    for step in (Attach("alice"), Attach("bob"), *steps):
        assert model.allows(step), step
        model.take(step)
    return model


def sent(*steps: Step, then: tuple[Step, ...] = ()) -> Sent:
    """The send after `steps`, widened by what comes while it is under way."""
    model = after(*steps)
    found = model.take(SEND)
    assert found is not None
    for step in then:
        model.take(step)
    return found


@pytest.mark.parametrize(
    ("steps", "ways", "requirement"),
    [
        ((), {P2P, RELAY}, "RTE-4"),
        ((CUT,), {RELAY}, "RTE-4"),
        ((CUT, *CONNECTED), {RELAY}, "RTE-6"),
        (CONNECTED, {P2P}, "RTE-3"),
        ((*CONNECTED, CUT), {P2P, RELAY}, "RTE-3"),
        ((SetMode("alice", ONLY), AwaitCalls()), {P2P, REFUSED}, "RTE-8"),
        ((SetMode("alice", ONLY), AwaitCalls(), CUT), {REFUSED}, "RTE-8"),
        ((*CONNECTED, SetMode("alice", ONLY), AwaitCalls()), {P2P}, "RTE-7"),
        ((*CONNECTED, SetMode("alice", SERVER), AwaitCalls()), {RELAY}, "RTE-9"),
        ((*CONNECTED, SetMode("alice", SERVER)), {P2P, RELAY}, "RTE-9"),
        ((*CONNECTED, SetMode("bob", SERVER), AwaitCalls()), {P2P}, "RTE-3"),
        ((*CONNECTED, Connect("bob", "alice"), Quiesce()), {P2P}, "CON-9"),
        ((*CONNECTED, Disconnect("bob", "alice"), Quiesce()), {P2P, RELAY}, "RTE-4"),
        ((*CONNECTED, Disconnect("bob", "alice")), {P2P, RELAY}, "RTE-4"),
        ((Connect("bob", "alice"),), {P2P, RELAY}, "RTE-4"),
    ],
)
def test_send_has_the_ways_and_the_requirement_of_its_situation(
    steps: tuple[Step, ...], ways: set[Way], requirement: str
) -> None:
    found = sent(*steps)
    assert found.ways == ways
    assert found.requirement == requirement


def test_after_a_second_change_of_mode_it_is_the_change_that_did_not_hold() -> None:
    changes = (SetMode("alice", SERVER), AwaitCalls(), SetMode("alice", PREFER), AwaitCalls())
    found = sent(*CONNECTED, *changes)
    assert (found.ways, found.requirement) == ({P2P}, "RTE-10")


def test_later_steps_widen_the_ways_of_a_call_in_progress() -> None:
    assert sent(*CONNECTED, then=(SetMode("alice", SERVER),)).ways == {P2P, RELAY}
    assert sent(*CONNECTED, then=(AwaitCalls(), SetMode("alice", SERVER))).ways == {P2P}


def test_loss_is_excused_by_what_happened_to_the_connection() -> None:
    assert sent(*CONNECTED).kept
    assert not sent(*CONNECTED, then=(Disconnect("bob", "alice"),)).kept
    assert not sent(*CONNECTED, then=(AwaitCalls(), Kill("bob"))).kept
    assert sent(*CONNECTED, then=(CUT,)).black


def test_data_sent_into_a_cut_link_must_arrive_later() -> None:
    model = after(*CONNECTED, CUT, SEND, Quiesce())
    assert len(model.open) == 1
    for step in (Heal("alice", "bob"), Quiesce()):
        model.take(step)
    assert model.open == []


def test_peer_that_closes_ends_what_was_between_and_one_that_is_killed_leaves_it_open() -> None:
    closed = after(*CONNECTED, ClosePeer("bob"), Quiesce()).between("alice", "bob")
    killed = after(*CONNECTED, Kill("bob"), Quiesce()).between("alice", "bob")
    assert (closed.status, killed.status) == (Status.IDLE, Status.UNSURE)


@pytest.mark.parametrize(
    ("steps", "step"),
    [
        ((), Attach("alice")),
        ((), Heal("alice", "bob")),
        ((), Disconnect("alice", "bob")),
        ((), Connect("alice", "carol")),
        ((Kill("bob"),), ClosePeer("alice")),
        ((Kill("bob"),), SetMode("bob", ONLY)),
        ((SetMode("alice", ONLY),), SetMode("alice", SERVER)),
        ((SetMode("alice", ONLY),), Kill("alice")),
        ((*CONNECTED, CUT), Disconnect("alice", "bob")),
        ((*CONNECTED, CUT), Connect("alice", "bob")),
        ((Connect("alice", "bob"),), CUT),
    ],
)
def test_unpredictable_step_is_not_allowed(steps: tuple[Step, ...], step: Step) -> None:
    assert not after(*steps).allows(step)


def test_undeclared_capability_is_not_called() -> None:
    intents = [*CONNECTED, Disconnect("alice", "bob"), Quiesce(), ClosePeer("bob")]
    kinds = {type(step) for step in possible(intents, frozenset())}
    assert kinds.isdisjoint({Disconnect, ClosePeer})
    assert {Disconnect, ClosePeer} <= {type(step) for step in possible(intents, CAPABILITIES)}


@SOME
@given(scripts(CAPABILITIES))
def test_script_is_possible_step_by_step_and_leaves_no_connection_cut(script: Script) -> None:
    model = Model(CAPABILITIES)
    failing = 0
    for step in script:
        assert model.allows(step)
        failing += isinstance(step, Connect) and model.would_fail(step)
        model.take(step)
        for _, _, between in model.pairs():
            assert not (
                between.cut and between.status is Status.CONNECTED and between.cut_for > LONGEST_CUT + 1
            )
    assert failing <= MOST_FAILING
    model.take(Quiesce())
    assert model.open == []


@SOME
@given(scripts(CAPABILITIES), st.data())
def test_script_without_any_of_its_steps_is_a_script(script: Script, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(script), max_size=len(script)))
    rest = [step for step, keep in zip(script, kept, strict=True) if keep]
    shorter = possible(rest, CAPABILITIES)
    model = Model(CAPABILITIES)
    for step in shorter:
        assert model.allows(step)
        model.take(step)


@SOME
@given(scripts(CAPABILITIES))
def test_every_send_has_a_way_to_go(script: Script) -> None:
    model = Model(CAPABILITIES)
    for step in script:
        found = model.take(step)
        assert found is None or found.ways
