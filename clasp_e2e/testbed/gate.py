"""A run from its plan to its exit status, however its cases are come by: by pytest, or in a matrix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from clasp_e2e.results.baseline import Baseline
from clasp_e2e.results.known import Known, Scope, expect_known, settle_known, unlisted
from clasp_e2e.results.outcome import Verdict
from clasp_e2e.results.recorder import Recorder
from clasp_e2e.results.verdict import FAILS, UNDECIDED, exit_status
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.bench import Bench
from clasp_e2e.testbed.pairing import Pairing, complete_pairings, pairings
from clasp_e2e.testbed.runner import Judged
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.selection import Selection


@dataclass
class Gate:
    """Who is judged in a run, what was planned, and the record of what came of it."""

    catalogue: Catalogue
    selection: Selection
    seed: int
    recorder: Recorder
    covered: set[str] = field(default_factory=set[str])
    """The requirements of all scenarios that were read."""
    pairings: dict[str, Pairing] = field(default_factory=dict[str, Pairing])
    """By scenario, in the order of `recorder.results`: who stood where."""
    planned: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By case, those included that were left out on purpose: the requirements."""
    baselines: tuple[Baseline, ...] = ()
    labels: frozenset[str] = frozenset()
    """The names of all drivers that are known, or take part."""
    known: Known | None = None
    """What the baselines make of a run that came to its end."""
    bench: Bench | None = None

    def plan(self, path: Path, scenario: Scenario) -> list[Pairing]:
        """Cast `scenario`, which stands in the file `path`; return a pairing for each case.

        Raises `UnknownRequirement`.
        """
        requirements = [self.catalogue.get(name) for name in scenario.requirements]
        self.covered.update(scenario.requirements)
        cast = pairings(scenario, requirements[0], self.selection.subjects)
        for pairing in cast:
            self.planned[case_id(path, scenario, pairing)] = scenario.requirements
        return cast

    def excuse(self, judged: Judged) -> Judged:
        """Return `judged`, as an expected failure if it is one that is known."""
        if not self.baselines:
            return judged
        return replace(judged, result=expect_known(self.baselines, judged.result, self.scope()))

    def scope(self, *, all_files: bool = False, subset: bool = True) -> Scope:
        """Return what this run was able to find out; `all_files` if every file of scenarios was read."""
        ran = {result.id for result in self.recorder.results}
        missing = [(case, names) for case, names in self.planned.items() if case not in ran]
        subjects = self.selection.subjects
        return Scope(
            labels=self.labels,
            today=datetime.now(UTC).date(),
            router=subjects.router,
            complete=complete_pairings(subjects) if all_files else frozenset(),
            left_out=frozenset(
                (name, case.partition("[")[2].rstrip("]")) for case, names in missing for name in names
            ),
            whole=not subset and not missing,
        )

    def finish(self, *, subset: bool, strict: bool, all_files: bool) -> int:
        """Reach the verdict of a run that came to its end and write it; return its exit status.

        `subset` is a part that the user chose on purpose. Called again with other baselines, it says
        what these make of the same results. Raises `ResultsError`.
        """
        recorder = self.recorder
        scope = self.scope(all_files=all_files, subset=subset)
        results = [unlisted(result) for result in recorder.results]
        self.known = known = settle_known(self.baselines, results, scope, self.catalogue)
        recorder.revise(known.results)
        run = recorder.finish(
            # Files that were not named were not read: what scenarios they hold is not known.
            covered=self.covered if all_files else None,
            subset=subset,
            strict=strict,
            complaints=known.complaints,
            notes=known.notes,
        )
        if run.complaints:
            return FAILS
        verdict = recorder.verdict_but_for_known()
        return exit_status(verdict, subset=subset, strict=strict, totals=run.totals)

    def break_off(self) -> int:
        """Return the exit status of a run that was ended early: what is known is a part of a run."""
        self.recorder.finish(covered=self.covered, subset=True)
        fails = self.recorder.verdict_but_for_known() is Verdict.NON_CONFORMANT
        return FAILS if fails else UNDECIDED


def case_id(path: Path, scenario: Scenario, pairing: Pairing) -> str:
    """Return the name of a case: `test_connecting::test_client_gets_a_session[node]`."""
    return f"{path.stem}::{scenario.name}[{pairing.id}]"


def place_of(scenario: Scenario, catalogue: Catalogue) -> tuple[int, int]:
    """Return where a scenario stands in a run: preconditions first, long waits last."""
    order = {requirement.id: place for place, requirement in enumerate(catalogue.ordered())}
    return (scenario.waits + scenario.slow, max(order[name] for name in scenario.requirements))
