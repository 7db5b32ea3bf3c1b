"""A run from its plan to its exit status, however its cases are come by: by pytest, or in a matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from clasp_e2e.execution.pairings import complete_pairings, pairings
from clasp_e2e.execution.run_context import Bench
from clasp_e2e.execution.runner import Judged
from clasp_e2e.execution.selection import Selection
from clasp_e2e.results.baseline import Baseline
from clasp_e2e.results.known_failures import Scope, expect_known
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.plan import Plan
from clasp_e2e.results.recorder import Recorder
from clasp_e2e.results.resolution import Resolution, resolve_run
from clasp_e2e.results.verdict import FAILS, UNDECIDED
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.scenario import Scenario


@dataclass
class Gate:
    """Who is judged in a run, what was planned, and the record of what came of it."""

    catalogue: Catalogue
    selection: Selection
    seed: int
    recorder: Recorder
    covered: set[str] = field(default_factory=set[str])
    """The requirements of all scenarios that were read."""
    read: set[str] = field(default_factory=set[str])
    """The names of the files that were read."""
    beside: set[str] = field(default_factory=set[str])
    """The names of all files in the same folders that may hold scenarios."""
    planned: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By case, those included that were left out on purpose: the requirements."""
    baselines: tuple[Baseline, ...] = ()
    labels: frozenset[str] = frozenset()
    """The names of all drivers that are known, or take part."""
    switches: tuple[str, ...] = ()
    """The options without a value that change what is run."""
    settled: Resolution | None = None
    """What a run that came to its end says."""
    bench: Bench | None = None
    _chosen: tuple[str, ...] | None = None
    """The cases that the user chose, in whatever shard; None before that is known."""
    _elsewhere: tuple[str, ...] = ()
    """Those of them that are another shard's."""

    def cast(self, path: Path, scenario: Scenario) -> list[Pairing]:
        """Cast `scenario`, which stands in the file `path`; return a pairing for each case.

        Raises `UnknownRequirement`.
        """
        requirements = [self.catalogue.get(name) for name in scenario.requirements]
        self.covered.update(scenario.requirements)
        if path.name not in self.read:
            self.read.add(path.name)
            self.beside.update(each.name for each in path.parent.glob("test_*.py"))
        cast = pairings(scenario, requirements[0], self.selection.subjects)
        for pairing in cast:
            self.planned[case_id(path, scenario, pairing)] = scenario.requirements
        return cast

    def choose(self, cases: Iterable[str]) -> None:
        """Note the cases that the user chose: those of all shards."""
        self._chosen = tuple(cases)

    def take(self, cases: Iterable[str], *, is_shard: bool) -> None:
        """Note the cases that are to run here; other chosen ones are another shard's, if this is one."""
        part = tuple(cases)
        if not is_shard:  # Whatever else leaves cases out does so on purpose.
            self._chosen = part
        self._elsewhere = tuple(sorted(set(self._chosen or ()).difference(part)))

    def plan(self, *, all_files: bool) -> Plan:
        """Return what is to run; `all_files` if every file of scenarios was read."""
        subjects = self.selection.subjects
        chosen = self.planned if self._chosen is None else self._chosen
        return Plan(
            cases=dict(sorted(self.planned.items())),
            left_out=tuple(sorted(self.planned.keys() - chosen)),
            elsewhere=self._elsewhere,
            covered=tuple(sorted(self.covered)),
            all_files=all_files,
            read=tuple(sorted(self.read)),
            beside=tuple(sorted(self.beside)),
            cast={role: getattr(subjects, role) for role in ("offerer", "answerer", "router")},
            labels=tuple(sorted(self.labels)),
            complete=tuple(sorted(complete_pairings(subjects))),
            switches=tuple(sorted(self.switches)),
        )

    def told(self) -> dict[str, Any]:
        """Return what a process that collects tells one that does not (xdist), as plain data."""
        return {
            "covered": sorted(self.covered),
            "planned": {case: list(names) for case, names in self.planned.items()},
            "chosen": self._chosen and list(self._chosen),
            "elsewhere": list(self._elsewhere),
            "read": sorted(self.read),
            "beside": sorted(self.beside),
        }

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take in what a process that collects has told."""
        self.covered.update(told["covered"])
        self.planned.update({case: tuple(names) for case, names in told["planned"].items()})
        self._chosen = told["chosen"] and tuple(told["chosen"])
        self._elsewhere = tuple(told["elsewhere"])
        self.read.update(told["read"])
        self.beside.update(told["beside"])

    def excuse(self, judged: Judged) -> Judged:
        """Return `judged`, as an expected failure if it is one that is known."""
        if not self.baselines:
            return judged
        scope = Scope(labels=self.labels, today=_today(), router=self.selection.subjects.router)
        return replace(judged, result=expect_known(self.baselines, judged.result, scope))

    def finish(self, *, subset: bool, strict: bool, all_files: bool) -> int:
        """Reach the verdict of a run that came to its end and write it; return its exit status.

        `subset` is a part that the user chose on purpose. Raises `ResultsError`.
        """
        draft = self.recorder.draft(self.plan(all_files=all_files), subset=subset, strict=strict)
        self.settled = resolve_run(draft, self.catalogue, self.baselines, _today())
        self.recorder.conclude(self.settled.run)
        return self.settled.status

    def break_off(self, *, all_files: bool) -> int:
        """Return the exit status of a run that was ended early: what is known is a part of a run."""
        draft = self.recorder.draft(self.plan(all_files=all_files), subset=True)
        settled = resolve_run(draft, self.catalogue, self.baselines, _today())
        self.recorder.conclude(settled.run)
        return FAILS if settled.status == FAILS else UNDECIDED


def case_id(path: Path, scenario: Scenario, pairing: Pairing) -> str:
    """Return the name of a case: `test_connecting::test_client_gets_a_session[node]`."""
    return f"{path.stem}::{scenario.name}[{pairing.id}]"


def place_of(scenario: Scenario, catalogue: Catalogue) -> tuple[int, int]:
    """Return where a scenario stands in a run: preconditions first, long waits last."""
    order = {requirement.id: place for place, requirement in enumerate(catalogue.ordered())}
    return (scenario.waits + scenario.slow, max(order[name] for name in scenario.requirements))


def _today() -> date:
    return datetime.now(UTC).date()
