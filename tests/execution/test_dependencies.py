"""The cases that a case waits for."""

from __future__ import annotations

from testbed.cases import CATALOGUE, case

from clasp_e2e.execution.dependencies import Dependencies
from clasp_e2e.execution.plan import Case
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED, Pairing
from clasp_e2e.scripted.mutant import PeerScript
from clasp_e2e.testbed import UnconnectedPair

PAIR, ALONE, OTHERS = Pairing("x", "y"), Pairing(offerer="x"), Pairing("x", "z")


async def body(unconnected: UnconnectedPair) -> None:
    pass


def among(*cases: Case) -> Dependencies:
    dependencies = Dependencies(CATALOGUE)
    for each in cases:
        dependencies.add(each)
    return dependencies


def test_case_waits_for_quick_cases_of_its_decisive_preconditions() -> None:
    connects = case(body, "CON-5", pairing=PAIR)
    attaches = case(body, "CON-1", pairing=ALONE)
    elsewhere = case(body, "CON-5", pairing=OTHERS)
    waits = case(body, "CON-6", pairing=PAIR, waits=True)
    rests = case(body, "SND-1", pairing=PAIR)
    dependencies = among(rests, waits, elsewhere, attaches, connects)
    assert {each.id for each in dependencies.awaited_by(rests)} == {connects.id, attaches.id}
    assert dependencies.awaited_by(attaches) == []


def test_case_opposite_a_script_waits_for_what_shows_the_common_ground() -> None:
    scripted = case(body, "SIG-3", pairing=Pairing("x", SCRIPTED), opposite=PeerScript)
    mixed, alone = Pairing("x", REFERENCE), Pairing("x", "x")
    carries = case(body, "CON-6", pairing=mixed)
    dependencies = among(scripted, carries, case(body, "CON-6", pairing=alone))
    assert dependencies.awaited_by(scripted) == [carries]
    (works,) = dependencies.of_the_kind_alone(scripted, "CON-6")
    assert works.pairing == alone


def test_lesser_precondition_delays_no_case_but_is_needed_to_resolve() -> None:
    lesser, rests = case(body, "RTE-9", pairing=PAIR), case(body, "RTE-10", pairing=PAIR)
    dependencies = among(lesser, rests)
    assert dependencies.awaited_by(rests) == []
    assert dependencies.needed_to_resolve(rests, None) == [lesser]


def test_case_of_single_implementation_is_explained_by_pair_with_it() -> None:
    offers, single = case(body, "CON-3", pairing=PAIR), case(body, "TMO-2", pairing=ALONE)
    dependencies = among(offers, single)
    assert dependencies.awaited_by(single) == []
    assert offers in dependencies.needed_to_resolve(single, "CON-3")


def test_decisive_cases_start_first_then_longest() -> None:
    cases = [case(body, "SND-1"), case(body, "TMO-2", waits=True), case(body, "EVT-4", slow=True)]
    cases.append(case(body, "CON-5"))
    dependencies = among(*cases)
    ordered = sorted(cases, key=dependencies.priority)
    assert [each.scenario.requirements[0] for each in ordered] == ["CON-5", "EVT-4", "TMO-2", "SND-1"]
