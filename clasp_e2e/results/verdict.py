"""The rules for the verdict on each requirement, the verdict of a run, and its exit status. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.run_record import NOT_MET, RequirementResult, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue, Level, Requirement, concerns

WORST_FIRST = (
    RequirementVerdict.FAIL,
    RequirementVerdict.ERROR,
    RequirementVerdict.DEVIATION,
    RequirementVerdict.UNOBSERVED,
    RequirementVerdict.BLOCKED,
    RequirementVerdict.NOT_OFFERED,
    RequirementVerdict.SKIPPED,
    RequirementVerdict.PASS,
    RequirementVerdict.NOT_JUDGED,
    RequirementVerdict.UNTESTED,
)
"""The precedence of verdicts. An error precedes a deviation, which would otherwise hide it."""

_JUDGED = frozenset({RequirementVerdict.PASS, RequirementVerdict.FAIL, RequirementVerdict.DEVIATION})


def requirement_results(
    catalogue: Catalogue,
    scenarios: Iterable[ScenarioResult],
    judged_roles: Collection[str],
    *,
    covered: Collection[str] | None = None,
) -> list[RequirementResult]:
    """Return the verdict on each requirement of the catalogue, over all scenarios and pairings.

    The worst verdict counts: a requirement passes if one scenario passed and none was worse. A failure
    outside the judged roles is an error. `covered` holds the ids that have a scenario in this harness,
    selected or not; None means all.
    """
    by_requirement: dict[str, list[ScenarioResult]] = {}
    for scenario in scenarios:
        for requirement_id in scenario.requirements:
            by_requirement.setdefault(catalogue.get(requirement_id).id, []).append(scenario)
    return [
        _combine(
            requirement,
            by_requirement.get(requirement.id, []),
            judged_roles,
            covered is None or requirement.id in covered,
        )
        for requirement in catalogue.values()
    ]


def _combine(
    requirement: Requirement,
    scenarios: Sequence[ScenarioResult],
    judged_roles: Collection[str],
    covered: bool,
) -> RequirementResult:
    verdicts = [verdict_in(requirement, scenario, judged_roles) for scenario in scenarios]
    verdict = min(verdicts, key=WORST_FIRST.index, default=RequirementVerdict.UNTESTED)
    causes = [
        scenario.blocked_by
        for scenario, each in zip(scenarios, verdicts, strict=True)
        if each is verdict is RequirementVerdict.BLOCKED and scenario.blocked_by
    ]
    return RequirementResult(
        id=requirement.id,
        level=requirement.level,
        source=requirement.source,
        quote=requirement.quote,
        statement=requirement.statement,
        verdict=verdict,
        scenarios=tuple(sorted({scenario.id for scenario in scenarios})),
        covered=covered or bool(scenarios),
        blocked_by=min(causes, default=None),
        chapter=requirement.chapter,
        section=requirement.section,
        reference=requirement.reference,
        source_text=requirement.source_text,
        judges=requirement.judges,
        capability=requirement.capability,
        remarks=tuple(sorted({scenario.remark for scenario in scenarios if scenario.remark})),
    )


def verdict_in(
    requirement: Requirement, scenario: ScenarioResult, judged_roles: Collection[str]
) -> RequirementVerdict:
    """Return the verdict of one scenario on one of its requirements."""
    outcome = scenario.judgment(requirement.id)
    ours = concerns(requirement.judges, judged_roles) and (
        not scenario.judged_roles or concerns(requirement.judges, scenario.judged_roles)
    )
    if not ours:
        failed = outcome in NOT_MET or outcome is Outcome.ERROR
        return RequirementVerdict.ERROR if failed else RequirementVerdict.UNTESTED
    if outcome in NOT_MET:
        return {
            Level.MUST: RequirementVerdict.FAIL,
            Level.SHOULD: RequirementVerdict.DEVIATION,
            Level.REMARK: RequirementVerdict.PASS,
        }[requirement.level]
    if outcome in (Outcome.PASSED, Outcome.UNEXPECTED_PASS):
        return RequirementVerdict.PASS
    if outcome is Outcome.UNSTABLE:  # Repetitions disagree: neither pass nor fail.
        return RequirementVerdict.UNOBSERVED
    return RequirementVerdict(outcome.value)


def run_verdict(
    requirements: Iterable[RequirementResult],
    subset: bool,
    judged_roles: Collection[str],
    capabilities: Collection[str],
) -> Verdict:
    """Return the verdict of the run on the implementation: the worst that applies.

    Only requirements of the judged roles count, but errors count in all roles. A MUST without a scenario
    in the harness, or under a capability that was not declared, is ignored. A subset is at best partial,
    because the results of the other scenarios are unknown.
    """
    results = list(requirements)
    ours = [result for result in results if concerns(result.judges, judged_roles)]
    musts = [result for result in ours if result.level == Level.MUST and not _ignored(result, capabilities)]
    verdicts = {result.verdict for result in ours}
    of_musts = {result.verdict for result in musts}
    if RequirementVerdict.FAIL in verdicts:
        return Verdict.NON_CONFORMANT
    if any(result.verdict is RequirementVerdict.ERROR for result in results):
        return Verdict.INCONCLUSIVE
    if RequirementVerdict.UNOBSERVED in of_musts or verdicts.isdisjoint(_JUDGED):
        return Verdict.INCONCLUSIVE
    if subset or not of_musts <= {RequirementVerdict.PASS}:
        return Verdict.PARTIAL
    if RequirementVerdict.DEVIATION in verdicts:
        return Verdict.CONFORMANT_WITH_DEVIATIONS
    return Verdict.CONFORMANT


def _ignored(result: RequirementResult, capabilities: Collection[str]) -> bool:
    """Return whether `conformant` does not depend on a MUST that was not judged."""
    if result.verdict is RequirementVerdict.UNTESTED and not result.covered:
        return True
    undeclared = result.capability is not None and result.capability not in capabilities
    return undeclared and result.verdict not in _JUDGED


def exit_status(
    verdict: Verdict, subset: bool = False, strict: bool = False, *, totals: Mapping[str, int] | None = None
) -> ExitStatus:
    """Return the exit status of a run: 0 conforms, 1 fails, 3 undecided.

    `verdict` is the verdict with known failures as passed. `totals` counts the scenarios by outcome: with
    it, `strict` fails a deviation whatever the verdict, and a known failure that passed fails.
    """
    count = totals or {}
    if count.get(Outcome.UNEXPECTED_PASS):
        return ExitStatus.FAILED
    deviates = (
        verdict is Verdict.CONFORMANT_WITH_DEVIATIONS if totals is None else count.get(Outcome.DEVIATION)
    )
    if strict and deviates:
        return ExitStatus.FAILED
    match verdict:
        case Verdict.CONFORMANT | Verdict.CONFORMANT_WITH_DEVIATIONS:
            return ExitStatus.OK
        case Verdict.NON_CONFORMANT:
            return ExitStatus.FAILED
        case Verdict.PARTIAL:
            return ExitStatus.OK if subset else ExitStatus.INCONCLUSIVE
        case Verdict.INCONCLUSIVE:
            return ExitStatus.INCONCLUSIVE
