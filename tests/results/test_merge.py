"""Merging: the merged result does not depend on how a run was divided."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clasp_e2e.results.documents import from_plain, to_plain
from clasp_e2e.results.merge import MergeError, merge_runs
from clasp_e2e.results.outcome import Outcome, Verdict
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.planned_cases import KnownList, Plan
from clasp_e2e.results.preconditions import failed_precondition, run_order
from clasp_e2e.results.resolution import Resolution, baselines_of, resolve_run
from clasp_e2e.results.run_record import Run, ScenarioResult, Subject
from clasp_e2e.spec.catalogue import Level, load_catalogue

CATALOGUE = load_catalogue()
GROUND = ("RTR-1", "CON-3", "CON-5", "EVT-1", "CON-6")
NAMES = (*GROUND, "SND-1", "SND-3", "SND-9", "RTE-9", "EVT-3", "CON-8")
CAST = {"offerer": "x", "answerer": "x", "router": "reference"}
TODAY = date(2026, 1, 1)
KNOWN = """
[[known]]
requirement = "SND-1"
pairing = "*"
reason = "It was never built."
seen = "nothing"
"""
PAIRINGS = (
    Pairing(offerer="x", answerer="x"),
    Pairing(offerer="x", answerer="reference"),
    Pairing(offerer="x", answerer="scripted"),
)


def case(names: Sequence[str], pairing: Pairing, outcome: str, number: int, *, waits: bool) -> ScenarioResult:
    """What a case says when it is tried: the first of its requirements is what it is about."""
    if names[0].startswith("RTR"):
        pairing = Pairing(router="reference")
    if outcome == "failed" and CATALOGUE.get(names[0]).level is not Level.MUST:
        outcome = "deviation"
    kind = Outcome(outcome)
    judgments = dict.fromkeys(names, kind if kind is Outcome.PASSED else Outcome.BLOCKED)
    return ScenarioResult(
        id=f"test_a::test_{number}[{pairing.id}]",
        title=f"{number}",
        requirements=tuple(names),
        pairing=pairing.id,
        outcome=kind,
        blocked_by="EVT-1" if kind is Outcome.BLOCKED else names[0] if len(names) > 1 else None,
        message="" if kind is Outcome.PASSED else "expected much; seen: nothing",
        judgments=judgments | {names[0]: kind},
        judged_roles=(),
        remark="framed" if kind is Outcome.PASSED else None,
        waits=waits,
        roles=pairing,
    )


cases = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
        st.sampled_from(PAIRINGS),
        st.sampled_from(
            ["passed"] * 3 + ["failed"] * 3 + ["blocked", "unobserved", "not_offered", "skipped"]
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
).map(
    lambda found: [
        case(names, pairing, outcome, number, waits=waits)
        for number, (names, pairing, outcome, waits) in enumerate(found)
    ]
)


def ran(tried: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    """What one process makes of cases: in their order, and without those that there is no use in trying."""
    finished: list[ScenarioResult] = []
    for each in sorted(tried, key=run_order(CATALOGUE)):
        assert each.roles is not None
        cause = failed_precondition(CATALOGUE, each.id, each.requirements, each.roles, finished)
        if cause is not None:
            blocked = dict.fromkeys(each.requirements, Outcome.BLOCKED)
            each = replace(
                each,
                outcome=Outcome.BLOCKED,
                blocked_by=cause,
                judgments=blocked,
                message=f"{cause} failed",
                remark=None,
            )
        finished.append(each)
    return finished


def run_of(
    results: Iterable[ScenarioResult], every: Iterable[ScenarioResult], *, part: bool = False, **fields
) -> Resolution:
    """The run in which `results` came about, of a harness that has `every` case."""
    results, every = list(results), list(every)
    ids = {each.id for each in results}
    plan = Plan(
        cases={each.id: each.requirements for each in every},
        elsewhere=tuple(each.id for each in every if each.id not in ids),
        covered=tuple(sorted({name for each in every for name in each.requirements})),
        all_files=True,
        roles=CAST,
        labels=("reference", "scripted", "x"),
        complete=tuple(pairing.id for pairing in PAIRINGS),
        known=(KnownList("known.toml", ("x",), KNOWN),),
    )
    defaults = {
        "tool": {"name": "clasp-e2e", "version": "0"},
        "catalogue": CATALOGUE.hash,
        "started": "2026-01-01T00:00:00+00:00",
        "duration_s": 1,
        "command": "run",
        "seed": 1,
        "platform": "Linux",
        "subjects": {"offerer": Subject("x", "1", "C", "cmd:x")},
        "verdict": Verdict.PARTIAL,
        "requirements": (),
        "judged_roles": ("answerer", "offerer", "router"),
        "scenarios": tuple(results),
        "subset": part,
        "plan": plan,
    }
    run = Run(**(defaults | fields))
    assert run.plan is not None
    return resolve_run(run, CATALOGUE, baselines_of(run.plan, CATALOGUE), TODAY)


def conclusions(of: Resolution) -> object:
    """All that a run says. What a case was seen to do is known only where it was tried."""
    scenarios = [replace(each, message="", observed=None) for each in of.run.scenarios]
    known = [(each.entry, each.still) for each in of.known.spent]
    run = of.run
    return (
        of.status,
        (run.verdict, run.totals, run.complaints, run.notes, run.missing, run.subset),
        run.requirements,
        scenarios,
        known,
    )


def merged(*runs: Run) -> Resolution:
    return merge_runs(
        [(f"shard {number}", run) for number, run in enumerate(runs, 1)], CATALOGUE, "m"
    ).resolved


@given(cases, st.integers(1, 4), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_merged_parts_equal_the_whole_run(
    tried: list[ScenarioResult], count: int, chance: random.Random
) -> None:
    parts: list[list[ScenarioResult]] = [[] for _ in range(count)]
    for each in tried:
        chance.choice(parts).append(each)
    chance.shuffle(parts)
    whole = run_of(ran(tried), tried)
    shards = [run_of(ran(part), tried, part=True).run for part in parts]
    assert conclusions(merged(*shards)) == conclusions(whole)
    # As it does through the file, and when some of the parts are merged first.
    some = merged(*(from_plain(Run, to_plain(shard)) for shard in shards[1:] or shards))
    assert conclusions(merged(some.run, shards[0])) == conclusions(whole)


FOUR = [case((name,), PAIRINGS[0], "passed", number, waits=False) for number, name in enumerate(NAMES[1:5])]


def shards(**of_the_second: object) -> tuple[Run, Run]:
    return (
        run_of(FOUR[:2], FOUR, part=True).run,
        replace(run_of(FOUR[2:], FOUR, part=True).run, **of_the_second),
    )


def test_case_without_a_result_in_any_part_leaves_the_run_partial() -> None:
    found = merged(run_of(FOUR[:3], FOUR, part=True).run)
    assert (found.run.verdict, found.status) == (Verdict.PARTIAL, 3)
    assert found.run.missing == (FOUR[3].id,)
    assert not found.run.subset


def test_case_left_out_of_all_parts_is_not_missing() -> None:
    one, other = shards()
    assert one.plan is not None
    assert other.plan is not None
    every = {**one.plan.cases, "test_a::test_more[x-x]": ("CON-9",)}
    plans = [
        replace(each.plan, cases=every, left_out=("test_a::test_more[x-x]",))
        for each in (one, other)
        if each.plan is not None
    ]
    found = merged(replace(one, plan=plans[0]), replace(other, plan=plans[1]))
    assert (found.run.missing, found.run.subset, found.status) == ((), True, 0)


@pytest.mark.parametrize("read", [("test_b.py",), ()])
def test_parts_by_file_are_the_whole_when_every_file_was_read(read: tuple[str, ...]) -> None:
    one, other = (
        replace(
            each,
            plan=replace(each.plan, all_files=False, read=names, sibling_files=("test_a.py", "test_b.py")),
        )
        for each, names in zip(shards(), (("test_a.py",), read), strict=True)
        if each.plan is not None
    )
    assert merged(one, other).run.subset is (read == ())


def test_each_part_is_named_and_the_seed_is_that_of_the_first() -> None:
    one, other = shards(seed=2, command="run 2", started="2026-01-01T00:00:09+00:00")
    run = merged(other, one).run
    assert (run.seed, run.started, run.duration_s) == (1, one.started, 2)
    assert [(each.command, each.seed, each.scenarios) for each in run.shards] == [
        ("run", 1, 2),
        ("run 2", 2, 2),
    ]
    assert from_plain(Run, to_plain(run)) == run


@pytest.mark.parametrize(
    ("differs", "words"),
    [
        (
            {"subjects": {"offerer": Subject("x", "2", "C", "cmd:x")}},
            "different implementations: offerer x 1 (C)",
        ),
        ({"tool": {"name": "clasp-e2e", "version": "1"}}, "different versions of the harness"),
        ({"judged_roles": ("offerer",)}, "different judged roles"),
        ({"capabilities": ("turn",)}, "different capabilities: none, and turn"),
        ({"strict": True}, "different options: none, and strict"),
        ({"catalogue": "abc"}, "judged by another catalogue"),
        ({"plan": None}, "contain no plan"),
        (
            {"scenarios": (replace(FOUR[0], outcome=Outcome.FAILED),)},
            "failed in shard 2, and passed in shard 1",
        ),
    ],
)
def test_parts_of_different_runs_are_refused(differs: dict[str, object], words: str) -> None:
    with pytest.raises(MergeError, match=words.replace("(", r"\(").replace(")", r"\)")):
        merged(*shards(**differs))


def test_other_switches_and_other_known_failures_are_refused() -> None:
    one, other = shards()
    assert other.plan is not None
    for plan, words in (
        (replace(other.plan, switches=("coturn",)), "different options: none, and coturn"),
        (replace(other.plan, known=()), "different known failures"),
    ):
        with pytest.raises(MergeError, match=words):
            merged(one, replace(other, plan=plan))
