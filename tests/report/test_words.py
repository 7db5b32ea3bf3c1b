"""The phrases that all report formats share: counts, and reasons why something was not judged."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from clasp_e2e.report.html import render_html
from clasp_e2e.report.markdown import render_markdown
from clasp_e2e.report.terminal import print_summary
from clasp_e2e.report.words import LevelCount, count_levels, not_judged
from clasp_e2e.results.planned_cases import Plan
from clasp_e2e.results.run_record import RequirementResult, Run
from clasp_e2e.spec.catalogue import Level, concerns

from .runs import CATALOGUE, ROLES, run_of, scenario

BLOCKED = run_of(
    scenario("CON-5", "failed", id="a::one[x]", replay="clasp-e2e run one"),
    scenario("CON-6", "blocked", blocked_by="CON-5"),
    scenario("EVT-1", "blocked", blocked_by="CON-5"),
    scenario("CON-1", "unobserved"),
    scenario("SND-9", "deviation"),
    scenario("SND-4", "error"),
)


def ours(run: Run) -> list[RequirementResult]:
    return [item for item in run.requirements if concerns(item.judges, run.judged_roles)]


def test_only_what_was_met_or_not_met_is_judged() -> None:
    must, should, _ = count_levels(ours(BLOCKED))
    assert must == LevelCount(Level.MUST, met=must.met, not_met=1, not_judged=4)
    assert should.not_met == 1
    assert must.judged == must.met + 1


def test_every_form_has_the_same_counts() -> None:
    must, should, _ = count_levels(ours(BLOCKED))
    text = io.StringIO()
    print_summary(BLOCKED, CATALOGUE, Console(file=text, width=110))
    assert f"MUST {must.met} of {must.judged}, SHOULD {should.met} of {should.judged}," in text.getvalue()
    assert f"| MUST | {must.met} of {must.judged} | {must.not_judged} |" in render_markdown(BLOCKED)
    row = "".join(f"<td>{number}</td>" for number in (must.met, must.not_met, must.not_judged))
    assert f'<th scope="row">MUST</th>{row}' in render_html(BLOCKED, {})


@given(
    st.lists(st.sampled_from(["passed", "failed", "blocked", "skipped", "error", "unobserved"]), max_size=9)
)
def test_counts_of_a_level_add_up(outcomes: list[str]) -> None:
    run = run_of(*(scenario(name, outcome) for name, outcome in zip(CATALOGUE, outcomes, strict=False)))
    for count in count_levels(ours(run)):
        assert count.judged + count.not_judged == sum(item.level == count.level for item in ours(run))


def test_blocked_requirement_names_the_case_that_was_not_met() -> None:
    (blocked,) = [each for each in not_judged(BLOCKED, ours(BLOCKED)) if each.blocking]
    assert (blocked.cause, blocked.names) == ("blocked by CON-5", "CON-6, EVT-1")
    assert blocked.blocking is not None
    assert blocked.blocking.id == "a::one[x]"
    text = io.StringIO()
    print_summary(BLOCKED, CATALOGUE, Console(file=text, width=80))
    assert (
        "  blocked by CON-5: CON-6, EVT-1\n    not met in a::one[x]\n    Repeat with clasp-e2e run one\n"
        in text.getvalue()
    )
    line = "(a::one\\[x\\], repeat with `clasp-e2e run one`): CON-6, EVT-1"
    assert f"- blocked by CON-5 {line}" in render_markdown(BLOCKED)
    assert "(a::one[x], repeat with <code>clasp-e2e run one</code>): CON-6, EVT-1" in render_html(BLOCKED, {})


def test_blocking_requirement_that_no_case_shows_as_failed_has_no_command() -> None:
    run = run_of(scenario("CON-6", "blocked", blocked_by="CON-5"))
    assert [each.blocking for each in not_judged(run, ours(run))] == [None]


def interrupted(*missing: str) -> Run:
    """A run of which `missing` had cases that did not run; no other case of theirs was chosen."""
    run = run_of()
    kept = [each for each in run.scenarios if each.requirements[0] not in missing]
    verdicts = {item.id: item for item in run_of(missing=tuple(missing)).requirements}
    requirements = [replace(verdicts[item.id], covered=True) for item in run.requirements]
    cases = {each.id: each.requirements for each in run.scenarios}
    return replace(
        run,
        scenarios=tuple(kept),
        requirements=tuple(requirements),
        missing=tuple(each.id for each in run.scenarios if each not in kept),
        plan=Plan(cases=cases, roles=dict.fromkeys(ROLES, "iut")),
        subset=True,
    )


def test_requirement_that_an_interrupted_run_did_not_reach_was_chosen() -> None:
    run = interrupted("CON-6", "SND-4")
    (cause,) = not_judged(run, ours(run))
    assert (cause.cause, cause.names) == ("not reached", "CON-6, SND-4")


def test_requirement_that_the_user_left_out_was_not_chosen() -> None:
    run = interrupted("CON-6", "SND-4")
    assert run.plan is not None
    left_out = replace(run, missing=tuple(case for case in run.missing if "CON-6" in case))
    causes = {each.cause: each.names for each in not_judged(left_out, ours(left_out))}
    assert causes == {"not reached": "CON-6", "not chosen": "SND-4"}


@pytest.mark.parametrize("many", [12, 13])
def test_many_requirements_that_were_not_chosen_are_a_number(many: int) -> None:
    names = [item.id for item in ours(run_of())][:many]
    run = replace(interrupted(*names), missing=())
    (cause,) = not_judged(run, ours(run))
    assert cause.cause == "not chosen"
    assert (cause.names == "13 requirements") is (many == 13)


def test_requirement_with_a_case_that_was_left_out_was_not_chosen() -> None:
    plan = Plan(
        cases={"a::cut[x]": ("EVT-4",)},
        left_out=("a::cut[x]",),
        lab_only={"test_move": ("EVT-4", "CON-11")},
        roles=dict.fromkeys(ROLES, "iut"),
    )
    run = replace(run_of(missing=("EVT-4", "CON-11")), plan=plan)
    requirements = [replace(item, covered=True) for item in ours(run)]
    found = {each.cause: each.requirements for each in not_judged(run, requirements)}
    assert found == {"not chosen": ("EVT-4",), "needs --network lab": ("CON-11",)}
