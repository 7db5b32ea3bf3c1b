"""The effect of a baseline on a run: expected failures, complaints, and what it never changes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report.runs import scenario

from clasp_e2e.results.baseline import Baseline, KnownFailure
from clasp_e2e.results.known_failures import (
    AppliedBaselines,
    Scope,
    apply_baselines,
    expect_known,
    treat_known_as_passed,
)
from clasp_e2e.results.outcome import Outcome, Verdict
from clasp_e2e.results.run_record import ScenarioResult, totals
from clasp_e2e.results.verdict import exit_status, requirement_results, run_verdict
from clasp_e2e.spec.catalogue import Catalogue

TODAY = date(2026, 7, 1)
WHOLE = Scope(
    labels=frozenset({"node", "reference", "rust"}),
    today=TODAY,
    router="reference",
    complete=frozenset({"node", "node-node", "node-reference", "reference-node"}),
    whole=True,
)
PART = replace(WHOLE, whole=False)
SILENCE = "expected Connected; seen: nothing"


def result(
    requirement: str,
    outcome: str,
    pairing: str = "node-node",
    *,
    name: str = "test_it",
    message: str = "",
    **fields,
) -> ScenarioResult:
    fields = {"judgments": {requirement: Outcome(outcome)}} | fields
    message = message or (SILENCE if outcome in ("failed", "deviation") else "")
    case = f"test_file::{name}[{pairing}]"
    return scenario(requirement, outcome, id=case, pairing=pairing, message=message, **fields)


def known(requirement: str = "M-1", pairing: str = "node-node", **fields) -> KnownFailure:
    defaults = {"reason": "It was never built.", "seen": "seen: nothing", "where": "here"}
    return KnownFailure(requirement=requirement, pairing=pairing, **(defaults | fields))


def listing(*entries: KnownFailure, owners: Sequence[str] = ("node",)) -> Baseline:
    return Baseline("here", entries, frozenset(owners))


def treated(
    catalogue: Catalogue, entries: Sequence[KnownFailure], *results: ScenarioResult, scope: Scope = WHOLE
) -> AppliedBaselines:
    return apply_baselines([listing(*entries)], results, scope, catalogue)


def outcomes(found: AppliedBaselines) -> list[str]:
    return [each.outcome.value for each in found.results]


def test_failure_that_is_listed_is_expected_and_keeps_its_reason(small: Catalogue) -> None:
    for level in ("failed", "deviation"):
        found = treated(small, [known()], result("M-1", level))
        assert (outcomes(found), found.complaints) == (["expected_failure"], ())
        assert found.results[0].known_failure == "It was never built."
        assert found.results[0].judgment("M-1") is Outcome.EXPECTED_FAILURE


def test_line_breaks_in_a_message_do_not_matter(small: Catalogue) -> None:
    found = treated(small, [known()], result("M-1", "failed", message="expected much;\n  seen:\n nothing"))
    assert outcomes(found) == ["expected_failure"]


def test_failure_for_another_reason_stays_a_failure_with_a_complaint(small: Catalogue) -> None:
    found = treated(small, [known()], result("M-1", "failed", message="expected A; seen: B"))
    assert outcomes(found) == ["failed"]
    (complaint,) = found.complaints
    assert "another reason" in complaint
    assert "test_file::test_it[node-node] failed" in complaint
    assert "'seen: nothing' is not found in 'expected A; seen: B'" in complaint


def test_two_entries_of_one_requirement_are_checked_separately(small: Catalogue) -> None:
    entries = [known(), known(seen="seen: B", where="there")]
    both = [result("M-1", "failed"), result("M-1", "failed", name="test_b", message="seen: B")]
    assert treated(small, entries, *both).complaints == ()
    found = treated(small, entries, both[0])
    (complaint,) = found.complaints
    assert complaint.startswith("there: stale: what it describes was not observed")
    assert treated(small, entries, both[0], scope=PART).complaints == ()
    unknown = treated(small, entries, result("M-1", "failed", message="seen: C"))
    assert len(unknown.complaints) == 1


def test_listed_requirement_that_is_met_is_an_unexpected_pass(small: Catalogue) -> None:
    found = treated(small, [known()], result("M-1", "passed"), result("M-1", "passed", "node-reference"))
    assert outcomes(found) == ["unexpected_pass", "passed"]
    (complaint,) = found.complaints
    assert complaint == "here: unexpected pass: M-1 is met in node-node now; delete the entry"


def test_requirement_that_fails_in_one_scenario_may_pass_in_another(small: Catalogue) -> None:
    found = treated(small, [known()], result("M-1", "failed"), result("M-1", "passed", name="test_other"))
    assert (outcomes(found), found.complaints) == (["expected_failure", "passed"], ())


def test_pass_proves_nothing_while_another_scenario_did_not_run(small: Catalogue) -> None:
    passed = result("M-1", "passed", name="test_other")
    chosen = replace(PART, left_out=frozenset({("M-1", "node-node")}))
    for scope in (chosen, replace(PART, complete=frozenset())):
        found = treated(small, [known()], passed, scope=scope)
        assert (outcomes(found), found.complaints) == (["passed"], ())
        assert "a run of all cases shows" in found.notes[0]
        exact = treated(small, [known(scenario="test_other")], passed, scope=scope)
        assert outcomes(exact) == ["unexpected_pass"]


@pytest.mark.parametrize("outcome", ["blocked", "unobserved", "error"])
def test_undecided_result_is_neither_a_pass_nor_stale(small: Catalogue, outcome: str) -> None:
    found = treated(small, [known()], result("M-1", outcome), result("M-1", "passed", name="test_other"))
    assert (outcomes(found), found.complaints, found.notes) == ([outcome, "passed"], (), ())


def test_entry_for_every_pairing_is_true_in_each(small: Catalogue) -> None:
    entries = [known(pairing="*")]
    failed = [result("M-1", "failed"), result("M-1", "failed", "node-reference")]
    assert outcomes(treated(small, entries, *failed)) == ["expected_failure"] * 2
    found = treated(small, entries, failed[0], result("M-1", "passed", "node-reference"))
    assert outcomes(found) == ["expected_failure", "unexpected_pass"]
    assert "name the pairings in which it still fails" in found.complaints[0]


def test_entry_does_not_excuse_another_implementation(small: Catalogue) -> None:
    others = [result("M-1", "failed", "reference-reference"), result("M-1", "failed", "rust-reference")]
    assert outcomes(treated(small, [known(pairing="*")], *others, scope=PART)) == [
        "failed",
        "failed",
    ]
    own = treated(small, [known(pairing="*")], result("M-1", "failed", "rust-node-answering"), scope=PART)
    assert outcomes(own) == ["expected_failure"]


def test_entry_for_one_router_holds_over_that_alone(small: Catalogue) -> None:
    entries = [known(router="rust")]
    assert outcomes(treated(small, entries, result("M-1", "failed"))) == ["failed"]
    over_rust = replace(WHOLE, router="rust")
    assert outcomes(treated(small, entries, result("M-1", "failed"), scope=over_rust)) == ["expected_failure"]
    assert treated(small, entries, result("M-1", "passed")).complaints == ()
    assert treated(small, entries).complaints == ()


@pytest.mark.parametrize(
    ("entry", "stale"),
    [
        (known("M-2"), True),
        (known("M-2", "node-reference"), True),
        (known("M-2", "*"), True),
        (known("M-1", scenario="test_gone"), True),
        (known("T-1"), True),  # Not offered: it cannot fail.
        (known("R-1", "node-node"), True),
        (known("R-1", "router-node"), False),  # The router is not judged in this run,
        (known("R-1", "*"), False),
        (known("M-2", "node-rust"), False),  # nor what they do together,
        (known("M-2", router="rust"), False),  # nor over that router.
    ],
)
def test_entry_that_a_whole_run_did_not_touch_is_stale(
    small: Catalogue, entry: KnownFailure, stale: bool
) -> None:
    ran = [result("M-1", "failed"), result("T-1", "not_offered")]
    complaints = treated(small, [known(), entry], *ran).complaints
    assert [each.partition(": ")[2][:5] for each in complaints] == (["stale"] if stale else [])
    assert treated(small, [known(), entry], *ran, scope=PART).complaints == ()


def test_entry_expires_after_its_day_and_then_excuses_nothing(small: Catalogue) -> None:
    last_day = treated(small, [known(expires=TODAY)], result("M-1", "failed"))
    assert (outcomes(last_day), last_day.complaints) == (["expected_failure"], ())
    found = treated(small, [known(expires=date(2026, 6, 30))], result("M-1", "failed"))
    assert outcomes(found) == ["failed"]
    assert "here: expired on 2026-06-30" in found.complaints[0]
    assert len(found.complaints) == 1


def test_intermittent_entry_excuses_its_failure_and_is_not_stale_when_met(
    small: Catalogue,
) -> None:
    comes_and_goes = known(intermittent=True)
    failed = treated(small, [comes_and_goes], result("M-1", "failed"))
    assert (outcomes(failed), failed.complaints) == (["expected_failure"], ())
    met = treated(small, [comes_and_goes], result("M-1", "passed"))
    assert (outcomes(met), met.complaints, met.spent) == (["passed"], (), ())
    [complaint] = treated(
        small, [comes_and_goes], result("M-1", "failed", message="expected A; seen: B")
    ).complaints
    assert "another reason" in complaint
    [complaint] = treated(small, [comes_and_goes]).complaints
    assert "stale" in complaint


def test_pass_with_another_implementation_does_not_contradict_an_entry_for_any_pairing(
    small: Catalogue,
) -> None:
    mixed = replace(WHOLE, complete=WHOLE.complete | {"node-rust", "rust-node-answering"})
    failed = result("M-1", "failed")
    for pairing in ("node-rust", "rust-node-answering"):
        passed = result("M-1", "passed", pairing)
        found = treated(small, [known(pairing="*")], failed, passed, scope=mixed)
        assert (outcomes(found), found.complaints) == (["expected_failure", "passed"], ())
        named = treated(small, [known(pairing=pairing)], failed, passed, scope=mixed)
        assert "unexpected pass" in named.complaints[0]
    opposite_the_reference = result("M-1", "passed", "node-reference")
    assert treated(small, [known(pairing="*")], failed, opposite_the_reference).complaints


def test_case_blocked_by_a_known_failure_fails_nothing(small: Catalogue) -> None:
    blocked = result("M-2", "blocked", blocked_by="S-1", judgments={"M-2": Outcome.BLOCKED})
    rest = [result(name, "passed") for name in ("M-1", "S-2", "N-1")]
    for listed, status in (([known("S-1")], 0), ([], 3)):
        found = treated(small, listed, result("S-1", "deviation"), blocked, *rest)
        assert found.results[1].outcome is Outcome.BLOCKED
        assert status_of(small, found) == status


def test_known_failure_hides_nothing_that_was_not_decided(small: Catalogue) -> None:
    rest = [result(name, "passed") for name in ("S-1", "S-2", "N-1")]
    for outcome in ("unobserved", "not_offered"):
        found = treated(small, [known()], result("M-1", "failed"), result("M-2", outcome), *rest)
        assert status_of(small, found) == 3


def status_of(catalogue: Catalogue, found: AppliedBaselines, *, strict: bool = False) -> int:
    """The exit status, as the gate has it."""
    if found.complaints:
        return 1
    roles = ("offerer", "answerer")
    results = requirement_results(catalogue, treat_known_as_passed(found.results), roles)
    counted = totals(each.outcome for each in found.results)
    return exit_status(run_verdict(results, False, roles, ()), strict=strict, totals=counted)


# Laws.

RESULTS = st.lists(
    st.builds(
        result,
        st.sampled_from(["M-1", "M-2", "S-1", "S-2", "N-1", "T-1"]),
        st.sampled_from([each.value for each in Outcome if "expected" not in each.value]),
        st.sampled_from(["node-node", "node-reference", "reference-node", "node", "reference-reference"]),
        name=st.sampled_from(["test_a", "test_b"]),
        message=st.sampled_from(["", "expected A; seen: B"]),
    ),
    max_size=9,
    unique_by=lambda each: each.id,
)
ENTRIES = st.lists(
    st.builds(
        known,
        st.sampled_from(["M-1", "M-2", "S-1", "R-1"]),
        st.sampled_from(["*", "node-node", "node-reference", "node-rust", "router-node"]),
        seen=st.sampled_from(["seen: nothing", "seen: B", "seen: C"]),
        expires=st.sampled_from([None, date(2026, 1, 1), date(2027, 1, 1)]),
        scenario=st.sampled_from([None, "test_a", "test_gone"]),
        router=st.sampled_from([None, None, "rust"]),
        intermittent=st.booleans(),
    ),
    max_size=4,
)
SCOPES = st.sampled_from([WHOLE, PART, replace(PART, complete=frozenset()), replace(WHOLE, router="rust")])
CHANGES = {
    ("failed", "expected_failure"),
    ("deviation", "expected_failure"),
    ("passed", "unexpected_pass"),
}
law = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@law
@given(RESULTS, SCOPES)
def test_without_entries_nothing_changes(small: Catalogue, results, scope: Scope) -> None:
    assert treated(small, [], *results, scope=scope) == AppliedBaselines(tuple(results))
    assert treat_known_as_passed(results) == results


@law
@given(RESULTS, ENTRIES, SCOPES)
def test_only_what_is_listed_changes_and_only_in_two_ways(small: Catalogue, results, entries, scope) -> None:
    found = treated(small, entries, *results, scope=scope)
    for before, after in zip(results, found.results, strict=True):
        if before != after:
            assert (before.outcome.value, after.outcome.value) in CHANGES
            about = [each for each in entries if each.requirement in before.requirements]
            assert {"*", before.pairing} & {each.pairing for each in about}
            assert "node" in before.pairing
    if Outcome.UNEXPECTED_PASS in {each.outcome for each in found.results}:
        assert found.complaints


@law
@given(RESULTS, ENTRIES, SCOPES)
def test_second_time_changes_nothing_more(small: Catalogue, results, entries, scope: Scope) -> None:
    once = treated(small, entries, *results, scope=scope)
    assert treated(small, entries, *once.results, scope=scope) == once


@law
@given(RESULTS, ENTRIES, SCOPES)
def test_one_after_the_other_and_all_together_are_the_same(small: Catalogue, results, entries, scope) -> None:
    live = [expect_known([listing(*entries)], each, scope) for each in results]
    assert treated(small, entries, *live, scope=scope) == treated(small, entries, *results, scope=scope)


@law
@given(RESULTS, ENTRIES, SCOPES, st.randoms())
def test_order_of_the_results_does_not_matter(
    small: Catalogue, results, entries, scope: Scope, rng: random.Random
) -> None:
    shuffled = list(results)
    rng.shuffle(shuffled)
    one, other = (treated(small, entries, *order, scope=scope) for order in (results, shuffled))
    assert {each.id: each.outcome for each in one.results} == {
        each.id: each.outcome for each in other.results
    }
    assert sorted(one.complaints) == sorted(other.complaints)


@law
@given(RESULTS, st.booleans())
def test_failure_that_is_known_counts_for_the_gate_as_if_it_were_met(
    small: Catalogue, results, strict: bool
) -> None:
    rest = [each for each in results if each.requirements != ("M-1",)]
    met = treated(small, [], *rest, result("M-1", "passed"))
    failed = treated(small, [known()], *rest, result("M-1", "failed"))
    assert status_of(small, failed, strict=strict) == status_of(small, met, strict=strict)
    verdict = run_verdict(requirement_results(small, failed.results, ("offerer",)), False, ("offerer",), ())
    assert verdict is Verdict.NON_CONFORMANT
