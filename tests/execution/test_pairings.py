"""Pairings: which implementations take part, and which role is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clasp_e2e.execution.pairings import Subjects, complete_pairings, judged_roles, pairings
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.scripted import PeerScript
from clasp_e2e.spec.catalogue import Requirement, load_catalogue
from clasp_e2e.testbed.scenario import Scenario, requirement, scenario_of

CATALOGUE = load_catalogue()
EITHER_PEER, ANSWERER_ONLY, OF_ROUTER = (CATALOGUE.get(name) for name in ("CON-5", "TMO-8", "RTR-1"))
SESSION = CATALOGUE.get("CON-1")
BESIDE_REFERENCE_ONLY = replace(EITHER_PEER, opposite=("reference",))
PEERS = frozenset({"offerer", "answerer"})


def scenario(world: str) -> Scenario:
    functions = {}
    exec(f"async def test_it({world}): ...", functions)
    found = scenario_of(requirement("CON-1")(functions["test_it"]))
    assert found is not None
    return found


def cast(world: str, judges: Requirement, subjects: Subjects) -> dict[str, str]:
    """The pairings' ids, each with the role that is looked at."""
    found = pairings(scenario(world), judges, subjects)
    return {pairing.id: pairing.subject for pairing in found}


def both(label: str) -> Subjects:
    return Subjects(offerer=label, answerer=label, judged=PEERS)


def test_requirements_of_these_tests_concern_expected_roles() -> None:
    assert judged_roles(EITHER_PEER) == PEERS
    assert judged_roles(ANSWERER_ONLY) == {"answerer"}
    assert judged_roles(OF_ROUTER) == {"router"}
    assert judged_roles(SESSION) == PEERS | {"router"}


def test_reference_alone_makes_one_pairing() -> None:
    assert cast("pair", EITHER_PEER, Subjects()) == {"reference-reference": "offerer"}
    assert list(cast("single", EITHER_PEER, Subjects())) == ["reference"]
    assert cast("router", OF_ROUTER, Subjects()) == {"router-reference": "offerer"}


@pytest.mark.parametrize("world", ["pair", "connected_pair", "unconnected"])
def test_peer_is_paired_with_itself_and_with_reference_in_both_roles(world: str) -> None:
    assert cast(world, EITHER_PEER, both("x")) == {
        "x-x": "offerer",
        "x-reference": "offerer",
        "reference-x": "answerer",
    }


def test_scenario_for_answerer_judges_answerer() -> None:
    assert cast("pair", ANSWERER_ONLY, both("x")) == {"x-x": "answerer", "reference-x": "answerer"}


def test_scenario_that_needs_reference_has_it_as_partner() -> None:
    assert cast("pair", BESIDE_REFERENCE_ONLY, both("x")) == {
        "x-reference": "offerer",
        "reference-x": "answerer",
    }
    assert cast("pair", BESIDE_REFERENCE_ONLY, Subjects()) == {"reference-reference": "offerer"}


@pytest.mark.parametrize(
    ("role", "pair", "single"),
    [
        ("offerer", {"x-reference": "offerer"}, {"x": "offerer"}),
        ("answerer", {"reference-x": "answerer"}, {"x": "answerer"}),
    ],
)
def test_peer_named_for_one_role_is_judged_in_that_role(
    role: str, pair: dict[str, str], single: dict[str, str]
) -> None:
    subjects = Subjects(**{role: "x"}, judged=frozenset({role}))
    assert cast("pair", EITHER_PEER, subjects) == pair
    assert cast("pair", BESIDE_REFERENCE_ONLY, subjects) == pair
    assert cast("single", EITHER_PEER, subjects) == single
    assert cast("router", OF_ROUTER, subjects) == {}


def test_offerer_is_not_judged_by_requirements_of_answerers() -> None:
    assert cast("pair", ANSWERER_ONLY, Subjects(offerer="x", judged=frozenset({"offerer"}))) == {}


def test_two_peers_are_paired_once_for_each_judged() -> None:
    subjects = Subjects(offerer="x", answerer="y", judged=PEERS)
    assert cast("pair", EITHER_PEER, subjects) == {"x-y": "offerer", "x-y-answering": "answerer"}
    assert cast("pair", BESIDE_REFERENCE_ONLY, subjects) == {
        "x-reference": "offerer",
        "reference-y": "answerer",
    }
    assert cast("single", EITHER_PEER, subjects) == {"x": "offerer", "y": "answerer"}


def test_router_is_judged_without_peers() -> None:
    subjects = Subjects(router="r", judged=frozenset({"router"}))
    assert cast("router", OF_ROUTER, subjects) == {"router-r": "offerer"}
    assert cast("router", SESSION, subjects) == {"router-r": "offerer"}
    for world in ("pair", "single"):
        assert cast(world, SESSION, subjects) == {}


def test_failure_in_other_pairing_applies_if_its_participants_take_part() -> None:
    pair, swapped = Pairing(offerer="x", answerer="reference"), Pairing(offerer="reference", answerer="x")
    assert pair.includes(pair)
    assert not pair.includes(swapped)
    assert pair.includes(Pairing(offerer="x"))
    assert pair.includes(Pairing(answerer="reference"))
    assert not pair.includes(Pairing(offerer="y"))
    assert pair.includes(Pairing(router="reference"))
    assert not Pairing(router="r").includes(pair)


SELECTIONS = [
    both("x"),
    Subjects(offerer="x", judged=frozenset({"offerer"})),
    Subjects(answerer="x", judged=frozenset({"answerer"})),
    Subjects(offerer="x", answerer="y", judged=PEERS),
    Subjects(offerer="y", answerer="x", judged=PEERS),
    Subjects(offerer="x", judged=PEERS),
    Subjects(answerer="x", judged=PEERS),
    Subjects(router="x", judged=frozenset({"router"})),
    replace(both("x"), router="x", judged=PEERS | {"router"}),
    Subjects(),
]


def cases(subjects: Subjects) -> set[tuple[str, str, str, str]]:
    """What a run can hold: world, requirement, pairing, and the role looked at where there are two."""
    return {
        (world, each.id, pairing, role if world == "pair" else "")
        for world in ("pair", "single", "router")
        for each in CATALOGUE.values()
        for pairing, role in cast(world, each, subjects).items()
    }


@pytest.mark.parametrize("subjects", SELECTIONS)
def test_complete_pairing_has_every_case_of_other_runs(subjects: Subjects) -> None:
    complete, own = complete_pairings(subjects), cases(subjects)
    for other in SELECTIONS:
        # Cases that judge the reference in addition are not required of the others.
        judges_reference = any(getattr(other, role) == "reference" for role in other.judged & PEERS)
        if not judges_reference:
            assert {case for case in cases(other) if case[2] in complete} <= own


def test_pairings_are_complete_if_all_roles_are_judged() -> None:
    scripted = {"x-scripted", "scripted-x"}
    assert complete_pairings(both("x")) == {"x", "x-x", "x-reference", "reference-x", *scripted}
    two = Subjects(offerer="x", answerer="y", judged=PEERS)
    assert complete_pairings(two) == {"x-y", "x-y-answering", "x-scripted", "scripted-y"}
    beside_reference = Subjects(answerer="x", judged=PEERS)
    assert complete_pairings(beside_reference) == {"reference-scripted", "scripted-x"}
    assert complete_pairings(Subjects(router="x", judged=frozenset({"router"}))) == {"router-x"}


def test_scripted_partner_is_paired_in_both_roles() -> None:
    found = pairings(replace(scenario("pair"), opposite=PeerScript), EITHER_PEER, both("x"))
    assert {pairing.id: pairing.subject for pairing in found} == {
        "x-scripted": "offerer",
        "scripted-x": "answerer",
    }
    assert {pairing.id for pairing in found} <= complete_pairings(both("x"))
    (single,) = pairings(
        replace(scenario("pair"), opposite=PeerScript),
        EITHER_PEER,
        Subjects("x", "y", judged=frozenset({"answerer"})),
    )
    assert (single.offerer, single.answerer, single.subject) == ("scripted", "y", "answerer")


def test_scenario_may_judge_one_role() -> None:
    found = pairings(replace(scenario("pair"), role="answerer"), EITHER_PEER, both("x"))
    assert {pairing.id: pairing.subject for pairing in found} == {
        "x-x": "answerer",
        "reference-x": "answerer",
    }
    assert pairings(replace(scenario("pair"), role="offerer"), ANSWERER_ONLY, both("x")) == []


def test_failure_opposite_reference_applies_to_scripted_reference() -> None:
    scripted = Pairing(offerer="x", answerer="scripted")
    assert scripted.includes(Pairing(offerer="x", answerer="reference"))
    assert not scripted.includes(Pairing(offerer="reference", answerer="x"))
    assert not scripted.includes(Pairing(offerer="x", answerer="x"))
    assert not Pairing(offerer="x", answerer="reference").includes(scripted)
