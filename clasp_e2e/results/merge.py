"""Merge runs of parts of the scenarios into the run of them all. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clasp_e2e.results.documents import encode
from clasp_e2e.results.planned_cases import Plan, Shard
from clasp_e2e.results.resolution import (
    CannotResolve,
    Resolution,
    baselines_of,
    day_of,
    resolvable_plan,
    resolve_run,
)
from clasp_e2e.results.run_record import Run, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue


class MergeError(ValueError):
    """Runs that are not parts of one run; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """A run to merge, and the name that the user gave it."""

    name: str
    run: Run
    plan: Plan


@dataclass(frozen=True, slots=True)
class Merged:
    """The run of all parts, and the source of each of its results."""

    resolved: Resolution
    sources: Mapping[str, str]
    """By case, the name of the part."""


def merge_runs(named: Sequence[tuple[str, Run]], catalogue: Catalogue, command: str) -> Merged:
    """Merge `named`, runs with their names, into one run; their order does not matter.

    The run is partial if a case has no result in any part. Its seed is that of the first part. Raises
    `MergeError` if the parts have different implementations, versions, options or known failures, or if a
    case has two outcomes.
    """
    parts = sorted((_part(name, run, catalogue) for name, run in named), key=_age)
    for part in parts[1:]:
        _check(parts[0], part)
    chosen: dict[str, tuple[Part, ScenarioResult]] = {}
    for part in parts:
        for result in part.run.scenarios:
            found = part, result.as_observed()
            chosen[result.id] = _one_of(chosen.get(result.id, found), found)
    started = [part.run for part in parts if part.run.subjects] or [parts[0].run]
    plan = _plan(parts)
    run = replace(
        started[0],
        started=parts[0].run.started,
        duration_s=round(sum(part.run.duration_s for part in parts), 3),
        command=command,
        seed=parts[0].run.seed,
        platform="; ".join(dict.fromkeys(part.run.platform for part in parts)),
        scenarios=tuple(result for _, result in chosen.values()),
        subset=bool(plan.left_out) or not plan.all_files,
        shards=tuple(shard for part in parts for shard in part.run.shards or (_shard(part.run),)),
        plan=plan,
    )
    today = max(day_of(part.run) for part in parts)
    resolved = resolve_run(run, catalogue, baselines_of(plan, catalogue), today)
    return Merged(resolved, {case: part.name for case, (part, _) in chosen.items()})


def _part(name: str, run: Run, catalogue: Catalogue) -> Part:
    try:
        return Part(name, run, resolvable_plan(run, catalogue))
    except CannotResolve as error:
        raise MergeError(f"{name}: {error}") from None


def _age(part: Part) -> tuple[object, ...]:
    run = part.run
    return run.started, run.command, run.seed, run.platform, [result.id for result in run.scenarios]


def _check(first: Part, other: Part) -> None:
    """Raise `MergeError` if the two cannot be parts of one run."""
    facts: dict[str, Callable[[Part], object]] = {
        "versions of the harness": lambda part: " ".join(part.run.tool.values()),
        "judged roles": lambda part: " and ".join(part.run.judged_roles),
        "labels in the roles": lambda part: ", ".join(map(" ".join, sorted(part.plan.roles.items()))),
        "options": lambda part: " ".join((*part.plan.switches, *["strict"] * part.run.strict)) or "none",
        "known failures": lambda part: [(each.owners, each.text) for each in part.plan.known],
    }
    if first.run.subjects and other.run.subjects:  # Without a start, they are unknown.
        facts["implementations"] = lambda part: ", ".join(
            f"{role} {subject.name} {subject.version} ({subject.language})"
            for role, subject in sorted(part.run.subjects.items())
        )
        facts["capabilities"] = lambda part: " ".join(part.run.capabilities) or "none"
    for what, fact in facts.items():
        if (one := fact(first)) != (two := fact(other)):
            values = f": {one}, and {two}" if isinstance(one, str) else ""
            raise MergeError(
                f"{first.name} and {other.name} are not parts of one run: they have different {what}{values};"
                " run all parts with the same options"
            )


def _one_of(
    one: tuple[Part, ScenarioResult], other: tuple[Part, ScenarioResult]
) -> tuple[Part, ScenarioResult]:
    """Return one of two results of a case, whatever their order. Raises `MergeError` if they differ."""
    (first, before), (second, now) = one, other
    if (before.outcome, before.judgments) != (now.outcome, now.judgments):
        raise MergeError(
            f"{before.id}: {before.outcome.value} in {first.name}, and {now.outcome.value} in"
            f" {second.name}; a case belongs to one part: leave one of the two out"
        )
    return min(one, other, key=lambda each: encode(each[1]))


def _plan(parts: Sequence[Part]) -> Plan:
    plans = [part.plan for part in parts]
    cases = {case: names for plan in plans for case, names in plan.cases.items()}
    chosen = {case for plan in plans for case in plan.chosen}
    read, siblings = _union(plan.read for plan in plans), _union(plan.sibling_files for plan in plans)
    return replace(
        plans[0],
        cases=dict(sorted(cases.items())),
        left_out=tuple(sorted(cases.keys() - chosen)),
        elsewhere=(),
        extended={name: ids for plan in plans for name, ids in sorted(plan.extended.items())},
        lab_only={name: ids for plan in plans for name, ids in sorted(plan.lab_only.items())},
        covered=_union(plan.covered for plan in plans),
        all_files=any(plan.all_files for plan in plans) or set(siblings) <= set(read),
        read=read,
        sibling_files=siblings,
        labels=_union(plan.labels for plan in plans),
    )


def _union(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({name for each in names for name in each}))


def _shard(run: Run) -> Shard:
    return Shard(run.command, run.seed, run.started, run.duration_s, run.platform, len(run.scenarios))
