"""Known failures: apply baselines to the results of a run, and check the baselines. Pure.

A failure that matches an entry is expected. Any other difference from the baseline is a complaint and
fails the run: an outdated list excuses too much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from clasp_e2e.results.baseline import ANY, Baseline, BaselineError, KnownFailure
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.preconditions import MET
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue, concerns

_FAILED = frozenset({Outcome.FAILED, Outcome.DEVIATION, Outcome.EXPECTED_FAILURE})
_NOT_JUDGED = frozenset({Outcome.NOT_OFFERED, Outcome.SKIPPED})
_LONGEST = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The part of the scenarios that a run covers, which limits what it can say about a baseline."""

    labels: frozenset[str]
    """The names of all drivers that are known or take part."""
    today: date
    router: str = ""
    """The label of the router of all pairings."""
    complete: frozenset[str] = frozenset()
    """The pairings for which this run includes every scenario."""
    left_out: frozenset[tuple[str, str]] = frozenset()
    """Requirement and pairing of each planned case that did not run."""
    whole: bool = False
    """Whether nothing was left out."""
    other_runs: frozenset[str] = frozenset()
    """The scenarios that only another run includes, which is extended or in the lab."""


@dataclass(frozen=True, slots=True)
class AppliedBaselines:
    """The results after applying the baselines, complaints about these, and open questions (`notes`)."""

    results: tuple[ScenarioResult, ...]
    complaints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    spent: tuple[Spent, ...] = ()
    """The entries to delete or narrow."""


@dataclass(frozen=True, slots=True)
class Spent:
    """An entry of a baseline that no longer applies, at least in some of its pairings."""

    entry: KnownFailure
    still: tuple[str, ...] = ()
    """The pairings in which it still applies, and which it should name."""


def check_pairings(baseline: Baseline, labels: Collection[str], *, own: bool) -> None:
    """Raise `BaselineError` for an entry whose pairing no run can have.

    `own` is for a baseline in the folder of an adapter: its entries are about that implementation.
    """
    for entry in baseline.entries:
        if entry.pairing == ANY:
            continue
        who = _participants(entry.pairing, labels)
        if not who:
            raise BaselineError(
                f"{entry.where}: there is no pairing {entry.pairing!r}; write it as in a test's id, with"
                f" the names of drivers, which here are {', '.join(sorted(labels))}"
            )
        if own and baseline.owners.isdisjoint({*who, entry.router}):
            owners = " or ".join(sorted(baseline.owners))
            raise BaselineError(
                f"{entry.where}: {owners} has no part in {entry.pairing!r}, and this is its baseline;"
                " move the entry to the baseline of the implementation that fails"
            )


def expect_known(baselines: Iterable[Baseline], result: ScenarioResult, scope: Scope) -> ScenarioResult:
    """Return `result`, marked as an expected failure if an entry explains it."""
    for requirement in result.requirements:
        if not _failed(result, requirement):
            continue
        for entry in _entries(baselines, result, requirement, scope):
            if entry.explains(result.message):
                judgments = {**result.judgments, requirement: Outcome.EXPECTED_FAILURE}
                return result.revised(
                    outcome=Outcome.EXPECTED_FAILURE,
                    judgments=judgments,
                    known_failure=entry.reason,
                )
    return result


def apply_baselines(
    baselines: Sequence[Baseline], results: Iterable[ScenarioResult], scope: Scope, catalogue: Catalogue
) -> AppliedBaselines:
    """Apply the baselines to all resolved results of a run."""
    known = [expect_known(baselines, result, scope) for result in results]
    review = _Review(baselines, known, scope, catalogue)
    for baseline in baselines:
        for entry in baseline.entries:
            review.check(baseline, entry)
    revised = [_unexpected(result, review.passes.get(result.id, ())) for result in known]
    return AppliedBaselines(
        tuple(revised), tuple(review.complaints), tuple(review.notes), tuple(review.spent)
    )


def treat_known_as_passed(results: Sequence[ScenarioResult]) -> list[ScenarioResult]:
    """Return the results with known failures, and the cases that they block, as passed.

    These results determine the exit status, never the verdict of the run.
    """
    failing = {name for result in results for name in _names(result, Outcome.FAILED, Outcome.DEVIATION)}
    known = {name for result in results for name in _names(result, Outcome.EXPECTED_FAILURE)} - failing

    def met(result: ScenarioResult) -> ScenarioResult:
        excused = {Outcome.EXPECTED_FAILURE}
        if result.blocked_by in known:
            excused.add(Outcome.BLOCKED)
        judgments = {
            name: Outcome.PASSED if outcome in excused else outcome
            for name, outcome in result.judgments.items()
        }
        outcome = Outcome.PASSED if result.outcome in excused else result.outcome
        return replace(result, outcome=outcome, judgments=judgments)

    return [met(result) for result in results]


class _Review:
    """A check of the entries of the baselines, one after the other."""

    def __init__(
        self,
        baselines: Sequence[Baseline],
        results: Sequence[ScenarioResult],
        scope: Scope,
        catalogue: Catalogue,
    ) -> None:
        self.complaints: list[str] = []
        self.notes: list[str] = []
        self.spent: list[Spent] = []
        self.passes: dict[str, set[str]] = {}
        """By case: the requirements that are met although they are listed."""
        self._baselines = baselines
        self._results = results
        self._scope = scope
        self._catalogue = catalogue
        self._reported: set[tuple[str, str]] = set()
        self._stale = False
        """Whether the current entry should be deleted."""
        self._met_in: set[str] = set()
        """The pairings in which its requirement is met."""

    def check(self, baseline: Baseline, entry: KnownFailure) -> None:
        if _expired(entry, self._scope):
            self.complaints.append(
                f"{entry.where}: expired on {entry.expires} and no longer applies; check the failure"
                " again, then give a new date or delete the entry"
            )
            self.spent.append(Spent(entry))
            return
        self._stale, self._met_in = False, set[str]()
        pairings: dict[str, list[ScenarioResult]] = {}
        for result in self._results:
            if result.outcome not in _NOT_JUDGED and _covers(baseline, entry, result, self._scope):
                pairings.setdefault(result.pairing, []).append(result)
        if not pairings:
            self._untouched(baseline, entry)
        failed = [r for group in pairings.values() for r in group if _failed(r, entry.requirement)]
        used = any(entry.explains(result.message) for result in failed)
        for pairing, group in pairings.items():
            self._in_pairing(baseline, entry, pairing, group, used)
        still = tuple(sorted(pairings.keys() - self._met_in))
        is_fully_judged = entry.pairing != ANY or self._all_ran(entry)
        if self._stale or (self._met_in and is_fully_judged):
            self.spent.append(Spent(entry, () if self._stale else still))

    def _in_pairing(
        self,
        baseline: Baseline,
        entry: KnownFailure,
        pairing: str,
        group: Sequence[ScenarioResult],
        used: bool,
    ) -> None:
        name = entry.requirement
        failed = [result for result in group if _failed(result, name)]
        for result in failed:
            if not self._explained(result, name):
                self._another_reason(entry, result)
        if entry.intermittent:
            return
        if failed:
            if not used and all(self._explained(result, name) for result in failed) and self._all_ran(entry):
                self._stale = True
                self.complaints.append(
                    f"{entry.where}: stale: what it describes was not observed, and other entries explain"
                    f" how {name} fails in {pairing}; delete this one"
                )
        elif self._is_mixed(baseline, entry, pairing):
            return
        elif all(result.judgment(name) in MET for result in group):
            self._met(entry, pairing, group)

    def _is_mixed(self, baseline: Baseline, entry: KnownFailure, pairing: str) -> bool:
        """Return whether another implementation takes part, which may be the one that was judged.

        A pass there does not contradict an entry that does not name the pairing.
        """
        others = {*_participants(pairing, self._scope.labels)} - baseline.owners - {REFERENCE, SCRIPTED}
        return entry.pairing == ANY and bool(others)

    def _met(self, entry: KnownFailure, pairing: str, group: Sequence[ScenarioResult]) -> None:
        name = entry.requirement
        all_ran = pairing in self._scope.complete and (name, pairing) not in self._scope.left_out
        if not all_ran and entry.scenario is None:
            self.notes.append(
                f"{entry.where}: {name} was met in the cases of {pairing} that ran; a run of all cases shows"
                " whether to delete the entry"
            )
            return
        self._met_in.add(pairing)
        for result in group:
            self.passes.setdefault(result.id, set()).add(name)
        advice = "name the pairings in which it still fails, or delete" if entry.pairing == ANY else "delete"
        self.complaints.append(
            f"{entry.where}: unexpected pass: {name} is met in {pairing} now; {advice} the entry"
        )

    def _another_reason(self, entry: KnownFailure, result: ScenarioResult) -> None:
        if (result.id, entry.requirement) not in self._reported:
            self._reported.add((result.id, entry.requirement))
            message = " ".join(result.message.split())
            seen = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
            self.complaints.append(
                f"{entry.where}: another reason: {result.id} failed, but not as described there:"
                f" {entry.seen!r} is not found in {seen!r}; fix it, or add an entry for this failure"
            )

    def _untouched(self, baseline: Baseline, entry: KnownFailure) -> None:
        if self._all_ran(entry) and self._would_be_judged(baseline, entry):
            where = "any pairing" if entry.pairing == ANY else entry.pairing
            scenario = f" by {entry.scenario}" if entry.scenario else ""
            self._stale = True
            self.complaints.append(
                f"{entry.where}: stale: a complete run did not judge {entry.requirement}{scenario} in"
                f" {where}; delete the entry, or correct what it names"
            )

    def _all_ran(self, entry: KnownFailure) -> bool:
        is_here = self._scope.whole and entry.scenario not in self._scope.other_runs
        return is_here and entry.router in (None, self._scope.router)

    def _would_be_judged(self, baseline: Baseline, entry: KnownFailure) -> bool:
        """Return whether this run includes every scenario that could judge `entry`."""
        complete = self._scope.complete
        if entry.pairing != ANY:
            return entry.pairing in complete
        judges = self._catalogue.get(entry.requirement).judges
        return any(
            (f"{owner}-{owner}" in complete and concerns(judges, ("peer",)))
            or (f"router-{owner}" in complete and concerns(judges, ("router",)))
            for owner in baseline.owners
        )

    def _explained(self, result: ScenarioResult, requirement: str) -> bool:
        entries = _entries(self._baselines, result, requirement, self._scope)
        return any(entry.explains(result.message) for entry in entries)


def _entries(
    baselines: Iterable[Baseline], result: ScenarioResult, requirement: str, scope: Scope
) -> Iterator[KnownFailure]:
    """Yield the valid entries about a requirement in a result."""
    for baseline in baselines:
        for entry in baseline.entries:
            about = entry.requirement == requirement and _covers(baseline, entry, result, scope)
            if about and not _expired(entry, scope):
                yield entry


def _covers(baseline: Baseline, entry: KnownFailure, result: ScenarioResult, scope: Scope) -> bool:
    name = result.id.partition("::")[2].partition("[")[0]
    return (
        entry.requirement in result.requirements
        and entry.pairing in (ANY, result.pairing)
        and entry.scenario in (None, name)
        and entry.router in (None, scope.router)
        and not baseline.owners.isdisjoint({*_participants(result.pairing, scope.labels), entry.router})
    )


def _expired(entry: KnownFailure, scope: Scope) -> bool:
    return entry.expires is not None and entry.expires < scope.today


def _failed(result: ScenarioResult, requirement: str) -> bool:
    return result.outcome in _FAILED and result.judgment(requirement) in NOT_MET


def _names(result: ScenarioResult, *outcomes: Outcome) -> Iterator[str]:
    return (name for name in result.requirements if result.judgment(name) in outcomes)


def _unexpected(result: ScenarioResult, requirements: Collection[str]) -> ScenarioResult:
    if not requirements:
        return result
    judgments = {**result.judgments, **dict.fromkeys(requirements, Outcome.UNEXPECTED_PASS)}
    outcome = Outcome.UNEXPECTED_PASS if result.outcome is Outcome.PASSED else result.outcome
    return result.revised(outcome=outcome, judgments=judgments)


def _participants(pairing: str, labels: Collection[str]) -> tuple[str, ...]:
    """Return the labels in a pairing, or none if it is invalid; a label may contain a hyphen."""
    if pairing.startswith("router-") and pairing.removeprefix("router-") in labels:
        return (pairing.removeprefix("router-"),)
    name = pairing.removesuffix("-answering")
    if name in labels:
        return (name,)
    for place, character in enumerate(name):
        if character == "-" and name[:place] in labels and name[place + 1 :] in labels:
            return (name[:place], name[place + 1 :])
    return ()
