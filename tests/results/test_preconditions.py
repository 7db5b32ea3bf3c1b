"""One cause, one failure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.preconditions import (
    blocks_all_dependents,
    broken_precondition,
    failed_precondition,
    resolve_all,
)
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.spec import load_catalogue

CATALOGUE = load_catalogue()
PAIR, OTHER = Pairing(offerer="x", answerer="x"), Pairing(offerer="x", answerer="reference")
ROUTER = Pairing(router="reference")


def finished(
    name: str, outcome: Outcome, *, blocked_by: str | None = None, pairing: Pairing = PAIR, **fields
) -> ScenarioResult:
    return ScenarioResult(
        id=f"test::{name}[{pairing.id}]",
        title=name,
        requirements=(name,),
        pairing=pairing.id,
        outcome=outcome,
        blocked_by=blocked_by,
        judgments={name: outcome},
        cast=pairing,
        **fields,
    )


def cause_of(name: str, *found: ScenarioResult, pairing: Pairing = PAIR) -> str | None:
    cause = broken_precondition(CATALOGUE, f"test::{name}[{pairing.id}]", (name,), pairing, found)
    return None if cause is None else cause.requirement


def test_the_preconditions_that_these_tests_rest_on() -> None:
    assert CATALOGUE.get("CON-6").precondition == ("EVT-1",)
    assert [needed.id for needed in CATALOGUE.preconditions_of("EVT-1")][-1:] == ["CON-5"]
    assert {"CON-3", "CON-4", "RTR-1"} <= {needed.id for needed in CATALOGUE.preconditions_of("CON-6")}


def test_a_ground_that_failed_is_the_cause_and_one_that_stands_is_none() -> None:
    assert cause_of("CON-6", finished("EVT-1", Outcome.FAILED)) == "EVT-1"
    assert cause_of("CON-6", finished("CON-4", Outcome.FAILED)) == "CON-4"
    for outcome in (Outcome.PASSED, Outcome.ERROR, Outcome.UNOBSERVED, Outcome.NOT_OFFERED):
        assert cause_of("CON-6", finished("EVT-1", outcome)) is None


def test_a_ground_that_was_itself_blocked_hands_on_its_cause() -> None:
    blocked = finished("EVT-1", Outcome.BLOCKED, blocked_by="CON-3")
    assert cause_of("CON-6", blocked, finished("CON-3", Outcome.FAILED)) == "CON-3"
    assert cause_of("CON-6", blocked, finished("CON-3", Outcome.PASSED)) is None


def test_what_failed_in_another_pairing_is_no_cause_and_what_failed_in_the_router_is() -> None:
    assert cause_of("CON-6", finished("EVT-1", Outcome.FAILED, pairing=OTHER)) is None
    assert cause_of("CON-6", finished("RTR-1", Outcome.FAILED, pairing=ROUTER)) == "RTR-1"


def test_what_stands_on_nothing_that_failed_is_left_alone() -> None:
    assert cause_of("CON-1", finished("CON-6", Outcome.FAILED)) is None


def test_only_without_a_connection_that_carries_data_is_there_no_use_in_trying() -> None:
    assert all(
        blocks_all_dependents(CATALOGUE, cause) for cause in ("RTR-1", "CON-3", "CON-5", "EVT-1", "CON-6")
    )
    assert not any(
        blocks_all_dependents(CATALOGUE, cause) for cause in ("SND-3", "RTE-9", "EVT-3", "EVT-2", "TMO-2")
    )


def test_a_quick_ground_that_failed_leaves_nothing_to_try_and_a_later_or_waiting_one_does() -> None:
    def lost(name: str, *found: ScenarioResult) -> str | None:
        return failed_precondition(CATALOGUE, f"test::{name}[{PAIR.id}]", (name,), PAIR, found)

    assert lost("SND-1", finished("CON-6", Outcome.FAILED)) == "CON-6"
    assert lost("SND-1", finished("CON-6", Outcome.FAILED, waits=True)) is None
    assert lost("SND-1", finished("CON-6", Outcome.FAILED, pairing=OTHER)) is None
    assert lost("SND-1", finished("CON-6", Outcome.BLOCKED, blocked_by="CON-5")) is None
    assert lost("CON-5", finished("CON-6", Outcome.FAILED)) is None


def test_what_would_not_have_been_tried_says_nothing_but_an_error_stays_one() -> None:
    ground = finished("CON-6", Outcome.FAILED)
    passed = finished("SND-1", Outcome.PASSED, remark="framed")
    ran = resolve_all(CATALOGUE, [passed, ground, finished("SND-4", Outcome.ERROR)])
    assert {each.title: each.outcome for each in ran} == {
        "CON-6": Outcome.FAILED,
        "SND-1": Outcome.BLOCKED,
        "SND-4": Outcome.ERROR,
    }
    (blocked,) = [each for each in ran if each.title == "SND-1"]
    assert (blocked.blocked_by, blocked.remark) == ("CON-6", None)
    assert blocked.judgments == {"SND-1": Outcome.BLOCKED}
    assert blocked.as_observed() == passed


@given(st.permutations(["RTR-1", "CON-3", "CON-4", "CON-5", "EVT-1", "CON-6", "SND-1"]))
def test_whatever_the_order_one_failure_is_left_and_it_is_the_ground_of_all(order: list[str]) -> None:
    found = [finished(name, Outcome.FAILED) for name in order]
    results = resolve_all(CATALOGUE, found)
    assert results == resolve_all(CATALOGUE, reversed(found))
    assert [result.title for result in results if result.outcome is Outcome.FAILED] == ["RTR-1"]
    assert {result.blocked_by for result in results if result.outcome is Outcome.BLOCKED} == {"RTR-1"}
    assert resolve_all(CATALOGUE, results) == results


def test_settling_keeps_what_did_not_fail_in_the_order_of_a_run() -> None:
    passed, failed = finished("CON-6", Outcome.PASSED), finished("EVT-1", Outcome.FAILED, waits=True)
    assert resolve_all(CATALOGUE, [failed, passed]) == [passed, failed]
