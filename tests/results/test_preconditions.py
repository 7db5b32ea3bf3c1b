"""One cause, one failure: what blocks a case."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from report.runs import scenario

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.preconditions import (
    blocks_all_dependents,
    failed_precondition,
    resolve_all,
    unexplained_blocks,
)
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.catalogue import load_catalogue

CATALOGUE = load_catalogue()
PAIR, OTHER = Pairing(offerer="x", answerer="x"), Pairing(offerer="x", answerer="reference")
ROUTER = Pairing(router="reference")


def finished(
    name: str, outcome: Outcome, *, blocked_by: str | None = None, pairing: Pairing = PAIR, **fields
) -> ScenarioResult:
    fields |= {"id": f"test::{name}[{pairing.id}]", "title": name, "blocked_by": blocked_by}
    return scenario(name, outcome, pairing=pairing.id, judgments={name: outcome}, roles=pairing, **fields)


def cause_of(name: str, *found: ScenarioResult, pairing: Pairing = PAIR) -> str | None:
    """What blocks a case of `name` that failed."""
    failed = finished(name, Outcome.FAILED, pairing=pairing)
    return next(each for each in resolve_all(CATALOGUE, [*found, failed]) if each.id == failed.id).blocked_by


def test_preconditions_that_these_tests_rest_on() -> None:
    assert CATALOGUE.get("CON-6").precondition == ("EVT-1",)
    assert [needed.id for needed in CATALOGUE.preconditions_of("EVT-1")][-1:] == ["CON-5"]
    assert {"CON-3", "CON-4", "RTR-1"} <= {needed.id for needed in CATALOGUE.preconditions_of("CON-6")}


def test_failed_precondition_is_the_cause_and_a_met_one_is_none() -> None:
    assert cause_of("CON-6", finished("EVT-1", Outcome.FAILED)) == "EVT-1"
    assert cause_of("CON-6", finished("CON-4", Outcome.FAILED)) == "CON-4"
    for outcome in (Outcome.PASSED, Outcome.ERROR, Outcome.UNOBSERVED, Outcome.NOT_OFFERED):
        assert cause_of("CON-6", finished("EVT-1", outcome)) is None


def test_blocked_precondition_hands_on_its_cause_if_that_is_shown() -> None:
    blocked = finished("EVT-1", Outcome.BLOCKED, blocked_by="CON-3")
    assert cause_of("CON-6", blocked, finished("CON-3", Outcome.FAILED)) == "CON-3"
    assert cause_of("CON-6", blocked, finished("CON-3", Outcome.PASSED)) is None


def test_failure_in_another_pairing_is_no_cause_and_one_in_the_router_is() -> None:
    assert cause_of("CON-6", finished("EVT-1", Outcome.FAILED, pairing=OTHER)) is None
    assert cause_of("CON-6", finished("RTR-1", Outcome.FAILED, pairing=ROUTER)) == "RTR-1"


def test_case_whose_preconditions_are_met_has_no_cause() -> None:
    assert cause_of("CON-1", finished("CON-6", Outcome.FAILED)) is None


def test_only_what_a_connection_rests_on_blocks_all_dependents() -> None:
    assert all(
        blocks_all_dependents(CATALOGUE, cause) for cause in ("RTR-1", "CON-3", "CON-5", "EVT-1", "CON-6")
    )
    assert not any(
        blocks_all_dependents(CATALOGUE, cause) for cause in ("SND-3", "RTE-9", "EVT-3", "EVT-2", "TMO-2")
    )


def test_quick_precondition_that_failed_leaves_nothing_to_try() -> None:
    def lost(name: str, *found: ScenarioResult) -> str | None:
        return failed_precondition(CATALOGUE, f"test::{name}[{PAIR.id}]", (name,), PAIR, found)

    assert lost("SND-1", finished("CON-6", Outcome.FAILED)) == "CON-6"
    assert lost("SND-1", finished("CON-6", Outcome.FAILED, waits=True)) is None
    assert lost("SND-1", finished("CON-6", Outcome.FAILED, pairing=OTHER)) is None
    assert lost("SND-1", finished("CON-6", Outcome.BLOCKED, blocked_by="CON-5")) is None
    assert lost("CON-5", finished("CON-6", Outcome.FAILED)) is None


def test_case_that_would_not_have_been_tried_is_blocked_unless_it_is_an_error() -> None:
    cause = finished("CON-6", Outcome.FAILED)
    passed = finished("SND-1", Outcome.PASSED, remark="framed")
    ran = resolve_all(CATALOGUE, [passed, cause, finished("SND-4", Outcome.ERROR)])
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
def test_one_failure_is_left_in_any_order(order: list[str]) -> None:
    found = [finished(name, Outcome.FAILED) for name in order]
    results = resolve_all(CATALOGUE, found)
    assert results == resolve_all(CATALOGUE, reversed(found))
    assert [result.title for result in results if result.outcome is Outcome.FAILED] == ["RTR-1"]
    assert {result.blocked_by for result in results if result.outcome is Outcome.BLOCKED} == {"RTR-1"}
    assert resolve_all(CATALOGUE, results) == results


def test_resolving_keeps_passed_cases_in_the_order_of_a_run() -> None:
    passed, failed = finished("CON-6", Outcome.PASSED), finished("EVT-1", Outcome.FAILED, waits=True)
    assert resolve_all(CATALOGUE, [failed, passed]) == [passed, failed]


def sees_missing(name: str, missing: str, **fields) -> ScenarioResult:
    """A case that saw a precondition missing."""
    return finished(
        name,
        Outcome.BLOCKED,
        blocked_by=missing,
        message=f"blocked by {missing}: expected relayed Data; seen: nothing",
        **fields,
    )


def resolved(*results: ScenarioResult) -> dict[str, ScenarioResult]:
    return {each.title: each for each in resolve_all(CATALOGUE, results)}


def test_case_is_not_blocked_by_a_requirement_that_is_met() -> None:
    met = finished("RTE-3", Outcome.PASSED, replay="clasp-e2e run test::RTE-3")
    blocked = sees_missing("SND-3", "RTE-3")
    found = resolved(met, blocked)["SND-3"]
    assert (found.outcome, found.blocked_by, found.blocked_by_case) == (Outcome.UNOBSERVED, None, None)
    assert found.judgments == {"SND-3": Outcome.UNOBSERVED}
    assert found.message == (
        "The precondition RTE-3 did not hold in this case (expected relayed Data; seen: nothing), although"
        " RTE-3 is met where it is judged (test::RTE-3[x-x]); what this scenario judges could not be"
        " observed. Repeat that case with: clasp-e2e run test::RTE-3"
    )
    assert found.as_observed() == blocked


def test_case_is_not_blocked_by_a_requirement_that_nothing_shows_as_not_met() -> None:
    for judging, reason in (
        ([], "no case of this run judges RTE-3 in this pairing"),
        ([finished("RTE-3", Outcome.FAILED, pairing=OTHER)], "no case of this run judges RTE-3"),
        ([finished("RTE-3", Outcome.NOT_OFFERED)], r"not met (test::RTE-3[x-x]: not offered)"),
    ):
        found = resolved(*judging, sees_missing("SND-3", "RTE-3"))["SND-3"]
        assert (found.outcome, found.blocked_by) == (Outcome.UNOBSERVED, None)
        assert reason in found.message


def test_blocked_case_names_the_case_that_shows_its_cause() -> None:
    found = resolved(finished("RTE-3", Outcome.FAILED), sees_missing("SND-3", "RTE-3"))["SND-3"]
    assert (found.outcome, found.blocked_by) == (Outcome.BLOCKED, "RTE-3")
    assert found.blocked_by_case == "test::RTE-3[x-x]"
    assert found.message.startswith("RTE-3 is not met (test::RTE-3[x-x]); in this case: blocked by RTE-3: ")


def test_case_blocked_by_a_blocked_requirement_names_the_cause_of_that() -> None:
    results = (
        finished("EVT-3", Outcome.FAILED),
        sees_missing("RTE-3", "EVT-3"),
        sees_missing("SND-3", "RTE-3"),
    )
    assert {each.blocked_by for each in resolved(*results).values()} == {"EVT-3", None}
    assert resolved(*results)["SND-3"].blocked_by_case == "test::EVT-3[x-x]"
    # Each says that the other is missing: neither is shown as not met.
    circle = resolved(sees_missing("RTE-3", "SND-3"), sees_missing("SND-3", "RTE-3"))
    assert {each.outcome for each in circle.values()} == {Outcome.UNOBSERVED}


def test_case_that_stopped_at_its_first_requirement_blocks_the_others_itself() -> None:
    judgments = {"SND-3": Outcome.FAILED, "SND-4": Outcome.BLOCKED}
    failed = finished("SND-3", Outcome.FAILED, blocked_by="SND-3")
    result = replace(failed, requirements=("SND-3", "SND-4"), judgments=judgments)
    (found,) = resolve_all(CATALOGUE, [result])
    assert (found.outcome, found.judgments) == (result.outcome, result.judgments)
    assert (found.blocked_by, found.blocked_by_case) == ("SND-3", result.id)


NAMES = ("RTR-1", "CON-3", "CON-5", "EVT-1", "CON-6", "SND-1", "SND-3", "RTE-3", "RTE-9", "EVT-3", "TMO-2")
PAIRINGS = (PAIR, OTHER, ROUTER, Pairing(offerer="x"), Pairing(offerer="scripted", answerer="x"))


@st.composite
def any_results(draw: st.DrawFn) -> list[ScenarioResult]:
    """Results as no run could have them, too: every outcome and judgment, blocked by anything."""
    results: list[ScenarioResult] = []
    for number in range(draw(st.integers(1, 9))):
        names = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)))
        pairing = draw(st.sampled_from(PAIRINGS))
        outcomes = st.sampled_from(Outcome)
        results.append(
            scenario(
                names[0],
                draw(outcomes),
                id=f"test::{number}[{pairing.id}]",
                requirements=names,
                pairing=pairing.id,
                blocked_by=draw(st.none() | st.sampled_from(NAMES)),
                judgments=draw(st.dictionaries(st.sampled_from(names), outcomes)),
                waits=draw(st.booleans()),
                roles=draw(st.sampled_from([pairing, pairing, pairing, None])),
            )
        )
    return results


@settings(max_examples=100, deadline=None)
@given(any_results())
def test_case_is_blocked_only_by_what_a_case_shows_as_not_met(results: list[ScenarioResult]) -> None:
    found = {each.id: each for each in resolve_all(CATALOGUE, results)}
    assert unexplained_blocks(list(found.values())) == []
    for each in found.values():
        if Outcome.BLOCKED not in (each.outcome, *each.judgments.values()):
            continue
        assert each.blocked_by is not None
        assert each.blocked_by_case is not None
        shown_by = found[each.blocked_by_case]
        assert shown_by.judgment(each.blocked_by) in NOT_MET
        if shown_by is not each:
            assert each.roles is not None
            assert shown_by.roles is not None
            assert each.roles.includes(shown_by.roles)


@settings(max_examples=50, deadline=None)
@given(any_results())
def test_resolving_depends_on_what_was_observed_alone(results: list[ScenarioResult]) -> None:
    found = resolve_all(CATALOGUE, results)
    assert resolve_all(CATALOGUE, found) == found == resolve_all(CATALOGUE, reversed(results))
    observed = {each.id: each for each in results}
    assert all(each.as_observed() == observed[each.id] for each in found)
