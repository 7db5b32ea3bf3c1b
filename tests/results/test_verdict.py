"""The rules from outcomes to an exit status, as laws and as examples."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report import runs

from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.run_record import ScenarioResult, totals
from clasp_e2e.results.verdict import (
    WORST_FIRST,
    exit_status,
    requirement_results,
    run_verdict,
)
from clasp_e2e.spec.catalogue import Catalogue, UnknownRequirement

PEERS = ("offerer", "answerer")
ALL_MET = {"M-1": "passed", "M-2": "passed", "S-1": "passed", "S-2": "passed", "N-1": "passed"}


def scenario(requirement: str, outcome: Outcome | str, n: int = 0, **fields) -> ScenarioResult:
    return runs.scenario(requirement, outcome, id=f"{requirement.lower()}-{n}", **fields)


def verdict(
    catalogue: Catalogue,
    scenarios: list[ScenarioResult],
    *,
    subset: bool = False,
    roles=PEERS,
    capabilities=(),
    covered=None,
) -> Verdict:
    results = requirement_results(catalogue, scenarios, roles, covered=covered)
    return run_verdict(results, subset, roles, capabilities)


def of(catalogue: Catalogue, requirement_id: str, scenarios: list[ScenarioResult], roles=PEERS):
    return {r.id: r for r in requirement_results(catalogue, scenarios, roles)}[requirement_id]


def run_of(**changes: str) -> list[ScenarioResult]:
    """A run in which all was met, but for what `changes` says: `M_1="failed"`; None leaves it out."""
    outcomes = ALL_MET | {key.replace("_", "-"): value for key, value in changes.items()}
    return [scenario(key, value) for key, value in outcomes.items() if value]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "conformant"),
        ({"S_1": "deviation"}, "conformant_with_deviations"),
        ({"S_1": "failed"}, "conformant_with_deviations"),
        ({"S_1": "expected_failure"}, "conformant_with_deviations"),
        ({"N_1": "failed"}, "conformant"),
        ({"M_1": "failed"}, "non_conformant"),
        ({"M_1": "deviation"}, "non_conformant"),
        ({"M_1": "expected_failure"}, "non_conformant"),
        ({"M_1": "unexpected_pass"}, "conformant"),
        ({"M_1": "failed", "M_2": "blocked"}, "non_conformant"),
        ({"M_1": "failed", "M_2": "error"}, "non_conformant"),
        ({"M_1": "failed", "M_2": "unobserved"}, "non_conformant"),
        ({"M_1": "error"}, "inconclusive"),
        ({"S_1": "error"}, "inconclusive"),
        ({"S_1": "error", "S_2": "deviation"}, "inconclusive"),
        ({"M_1": "unobserved"}, "inconclusive"),
        ({"S_1": "unobserved"}, "conformant"),
        ({"M_1": "not_offered"}, "partial"),
        ({"M_1": "skipped"}, "partial"),
        ({"M_1": "blocked"}, "partial"),
        ({"M_1": ""}, "partial"),
        ({"S_1": "not_offered", "S_2": ""}, "conformant"),
        ({"T_1": "failed"}, "non_conformant"),
        ({"T_1": "not_offered"}, "conformant"),
        ({"T_1": "blocked"}, "conformant"),
        (dict.fromkeys(("M_1", "M_2", "S_1", "S_2", "N_1"), ""), "inconclusive"),
        (dict.fromkeys(("M_1", "M_2", "S_1", "S_2", "N_1"), "skipped"), "inconclusive"),
    ],
)
def test_verdict_of_a_run(small: Catalogue, changes: dict[str, str], expected: str) -> None:
    assert verdict(small, run_of(**changes)).value == expected


def test_requirement_of_a_declared_capability_counts(small: Catalogue) -> None:
    assert verdict(small, run_of(T_1="not_offered"), capabilities={"turn"}) is Verdict.PARTIAL
    assert verdict(small, run_of(T_1="passed"), capabilities={"turn"}) is Verdict.CONFORMANT


def test_must_without_a_scenario_in_the_harness_is_named_and_prevents_nothing(small: Catalogue) -> None:
    results = requirement_results(small, run_of(M_2=""), PEERS, covered={"M-1", "S-1"})
    m2 = next(result for result in results if result.id == "M-2")
    assert (m2.verdict, m2.covered, m2.scenarios) == (RequirementVerdict.UNTESTED, False, ())
    assert run_verdict(results, False, PEERS, ()) is Verdict.CONFORMANT


def test_must_that_was_not_chosen_is_untested_and_covered(small: Catalogue) -> None:
    results = requirement_results(small, run_of(M_2=""), PEERS, covered={"M-1", "M-2"})
    m2 = next(result for result in results if result.id == "M-2")
    assert (m2.verdict, m2.covered) == (RequirementVerdict.UNTESTED, True)
    assert run_verdict(results, True, PEERS, ()) is Verdict.PARTIAL


def test_subset_is_at_best_partial(small: Catalogue) -> None:
    assert verdict(small, run_of(), subset=True) is Verdict.PARTIAL
    assert verdict(small, run_of(M_1="failed"), subset=True) is Verdict.NON_CONFORMANT


def test_only_the_judged_roles_count(small: Catalogue) -> None:
    router_only = [scenario("R-1", "passed")]
    assert verdict(small, router_only, roles=("router",)) is Verdict.CONFORMANT
    assert verdict(small, router_only, roles=PEERS) is Verdict.INCONCLUSIVE
    assert verdict(small, [*run_of(), scenario("R-1", "skipped")]) is Verdict.CONFORMANT


def test_failure_outside_the_judged_roles_is_an_error(small: Catalogue) -> None:
    router_failed = [*run_of(), scenario("R-1", "failed")]
    assert of(small, "R-1", router_failed).verdict is RequirementVerdict.ERROR
    assert verdict(small, router_failed) is Verdict.INCONCLUSIVE
    reference_failed = [*run_of(), scenario("M-1", "failed", 1, judged_roles=("router",))]
    assert of(small, "M-1", reference_failed).verdict is RequirementVerdict.ERROR


def test_pairings_of_a_requirement_are_combined_worst_first(small: Catalogue) -> None:
    for n, worse in enumerate(WORST_FIRST[:-2]):
        for better in WORST_FIRST[n + 1 : -1]:
            outcomes = [{"pass": "passed", "fail": "failed"}.get(v.value, v.value) for v in (worse, better)]
            found = of(small, "S-1", [scenario("S-1", each, i) for i, each in enumerate(outcomes)])
            expected = RequirementVerdict.DEVIATION if worse is RequirementVerdict.FAIL else worse
            if "failed" in outcomes and "error" in outcomes:
                expected = RequirementVerdict.ERROR
            assert found.verdict is expected, outcomes


@pytest.mark.parametrize(("outcome", "passed"), [("failed", "pass"), ("error", "error")])
def test_scenario_judges_each_of_its_requirements(small: Catalogue, outcome: str, passed: str) -> None:
    """An error of the scenario hides a pass, but not a failure."""
    judgments = {"M-1": Outcome.PASSED, "M-2": Outcome.FAILED}
    both = scenario("M-1", outcome, requirements=("M-1", "M-2"), judgments=judgments)
    assert of(small, "M-1", [both]).verdict == passed
    assert of(small, "M-2", [both]).verdict is RequirementVerdict.FAIL


def test_blocking_requirement_is_named(small: Catalogue) -> None:
    found = of(small, "M-2", [scenario("M-2", "blocked", blocked_by="M-1"), scenario("M-2", "passed", 1)])
    assert (found.verdict, found.blocked_by) == (RequirementVerdict.BLOCKED, "M-1")
    assert of(small, "M-2", [scenario("M-2", "failed", blocked_by="M-1")]).blocked_by is None


def test_remarks_are_kept(small: Catalogue) -> None:
    found = of(
        small, "N-1", [scenario("N-1", "passed", remark="raw"), scenario("N-1", "passed", 1, remark="raw")]
    )
    assert found.remarks == ("raw",)


def test_scenario_of_an_unknown_requirement_is_refused(small: Catalogue) -> None:
    with pytest.raises(UnknownRequirement):
        requirement_results(small, [scenario("M-9", "passed")], PEERS)


RUNS = st.lists(
    st.builds(
        scenario,
        st.sampled_from(["M-1", "M-2", "S-1", "S-2", "N-1", "T-1", "R-1"]),
        st.sampled_from(Outcome),
        st.integers(0, 99),
    ),
    max_size=14,
)
law = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
CONFORMS = (Verdict.CONFORMANT, Verdict.CONFORMANT_WITH_DEVIATIONS)


@law
@given(RUNS, st.booleans())
def test_failed_must_is_never_conformant_and_nothing_undoes_it(small: Catalogue, run, subset: bool) -> None:
    assert verdict(small, [*run, scenario("M-1", "failed")], subset=subset) is Verdict.NON_CONFORMANT


@law
@given(RUNS)
def test_conformant_means_that_every_must_passed_and_nothing_erred(small: Catalogue, run) -> None:
    if verdict(small, run) in CONFORMS:
        results = {r.id: r.verdict for r in requirement_results(small, run, PEERS)}
        assert results["M-1"] is results["M-2"] is RequirementVerdict.PASS
        assert RequirementVerdict.ERROR not in results.values()


@law
@given(RUNS, st.randoms(), st.booleans())
def test_order_does_not_matter(small: Catalogue, run, rng: random.Random, subset: bool) -> None:
    shuffled = list(run)
    rng.shuffle(shuffled)
    assert requirement_results(small, run, PEERS) == requirement_results(small, shuffled, PEERS)
    assert verdict(small, run, subset=subset) is verdict(small, shuffled, subset=subset)


@law
@given(RUNS, st.sampled_from(["M-1", "S-1", "R-1"]))
def test_another_error_never_makes_a_run_conformant(small: Catalogue, run, where: str) -> None:
    assert verdict(small, [*run, scenario(where, "error")]) not in CONFORMS


@law
@given(RUNS)
def test_pass_more_never_makes_anything_worse(small: Catalogue, run) -> None:
    before = {r.id: WORST_FIRST.index(r.verdict) for r in requirement_results(small, run, PEERS)}
    more = [*run, scenario("M-1", "passed", 100)]
    after = {r.id: WORST_FIRST.index(r.verdict) for r in requirement_results(small, more, PEERS)}
    # Where nothing was judged, a pass is the first word.
    unjudged = WORST_FIRST.index(RequirementVerdict.NOT_JUDGED)
    assert all(after[name] >= place for name, place in before.items() if place < unjudged)


@pytest.mark.parametrize(
    ("verdict_of_run", "subset", "strict", "status"),
    [
        ("conformant", False, False, 0),
        ("conformant", False, True, 0),
        ("conformant_with_deviations", False, False, 0),
        ("conformant_with_deviations", False, True, 1),
        ("non_conformant", False, False, 1),
        ("non_conformant", True, False, 1),
        ("partial", True, False, 0),
        ("partial", False, False, 3),
        ("inconclusive", False, False, 3),
        ("inconclusive", True, False, 3),
    ],
)
def test_exit_status(verdict_of_run: str, subset: bool, strict: bool, status: int) -> None:
    assert exit_status(Verdict(verdict_of_run), subset, strict) == status


@pytest.mark.parametrize(
    ("verdict_of_run", "outcomes", "strict", "status"),
    [
        ("partial", {"deviation": 1, "passed": 3}, True, 1),
        ("partial", {"deviation": 1, "passed": 3}, False, 0),
        ("conformant", {"passed": 3, "unexpected_pass": 1}, False, 1),
        ("partial", {"expected_failure": 1, "passed": 3}, False, 0),
        ("non_conformant", {"expected_failure": 1, "failed": 1}, False, 1),
        ("non_conformant", {"expected_failure": 1, "error": 1}, False, 1),
        ("conformant_with_deviations", {"expected_failure": 1}, True, 0),
        ("conformant_with_deviations", {"deviation": 1}, True, 1),
    ],
)
def test_exit_status_depends_on_outcomes_too(
    verdict_of_run: str, outcomes: dict[str, int], strict: bool, status: int
) -> None:
    assert exit_status(Verdict(verdict_of_run), True, strict, totals=outcomes) == status


def test_totals_name_every_outcome() -> None:
    counted = totals([Outcome.PASSED, Outcome.PASSED, Outcome.ERROR])
    assert counted == dict.fromkeys(map(str, Outcome), 0) | {"passed": 2, "error": 1}
