"""The difference between two results, in Markdown and as lines of text."""

from collections.abc import Iterator

from clasp_e2e.report.markdown import code, plain, table
from clasp_e2e.report.words import OF_VERDICT
from clasp_e2e.results.difference import CaseChange, ChangeKind, RequirementChange, ResultsDifference

TITLES = {
    ChangeKind.BROKEN: "Broken",
    ChangeKind.OTHER_REASON: "Not met, for another reason",
    ChangeKind.LOST: "No longer judged",
    ChangeKind.UNSTABLE: "Unstable",
    ChangeKind.MENDED: "Mended",
    ChangeKind.JUDGED: "Judged and met now",
    ChangeKind.NEW: "New",
    ChangeKind.GONE: "Gone",
}
_FEW = 8
"""Maximum number of cases of a change that are shown; of more, the number is given."""
_BRIEF = (ChangeKind.NEW, ChangeKind.GONE, ChangeKind.JUDGED)
"""Changes of which only the ids are given."""


def difference_lines(difference: ResultsDifference) -> Iterator[str]:
    """Yield the lines for a terminal, the worst changes first."""
    yield f"Old: {difference.old.name}, {_verdicts(difference, new=False)}"
    yield f"New: {difference.new.name}, {_verdicts(difference, new=True)}"
    yield from difference.notes
    for change in ChangeKind:
        requirements = [each for each in difference.requirements if each.change is change]
        cases = [each for each in difference.cases if each.change is change]
        if not requirements and not cases:
            continue
        yield ""
        yield f"{TITLES[change]}: {_count(len(requirements), 'requirement')}, {_count(len(cases), 'case')}"
        if change in _BRIEF:
            yield f"  {_names(requirements, cases)}"
            continue
        for requirement in requirements:
            yield f"  {_requirement(requirement)}"
        for case in cases[:_FEW]:
            yield from (f"  {line}" for line in _case(case))
        if len(cases) > _FEW:
            yield f"  and {len(cases) - _FEW} cases more"
    yield ""
    yield summary(difference)


def render_difference_markdown(difference: ResultsDifference) -> str:
    """Return a summary for a pull request, the worst changes first."""
    parts = [f"## CLASP P2P: {plain(summary(difference))}"]
    rows = [
        (
            plain(cell) or "run",
            *(
                OF_VERDICT[verdict].lower() if (verdict := results.verdicts.get(cell)) else "none"
                for results in (difference.old, difference.new)
            ),
        )
        for cell in dict.fromkeys([*difference.old.verdicts, *difference.new.verdicts])
    ]
    shown = [row for row in rows if row[1] != row[2]] if len(rows) > 1 else rows
    if shown:
        parts.append(table(("Verdict", plain(difference.old.name), plain(difference.new.name)), shown))
    if difference.notes:
        parts.append("\n".join(f"- {plain(note)}" for note in difference.notes))
    for change in ChangeKind:
        requirements = [each for each in difference.requirements if each.change is change]
        cases = [each for each in difference.cases if each.change is change]
        if not requirements and not cases:
            continue
        parts.append(f"### {TITLES[change]}")
        if change in _BRIEF:
            parts.append(plain(_names(requirements, cases)))
            continue
        lines = [
            f"- **{each.id}** {plain(_requirement(each).removeprefix(each.id))}" for each in requirements
        ]
        for case in cases[:_FEW]:
            first, *rest = _case(case)
            again = f"\n  {code(case.replay)}" if case.replay and change is not ChangeKind.MENDED else ""
            lines.append(f"- {plain(first)}" + "".join(f"\n  {plain(line)}" for line in rest[:2]) + again)
        if len(cases) > _FEW:
            lines.append(f"- and {len(cases) - _FEW} cases more")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def summary(difference: ResultsDifference) -> str:
    """Return the number of cases of each change in one line."""
    counts = [
        f"{sum(each.change is change for each in difference.cases)} {TITLES[change].lower()}"
        for change in ChangeKind
        if any(each.change is change for each in difference.cases)
    ]
    if not counts and difference.requirements:
        counts = [_count(len(difference.requirements), "requirement") + " changed"]
    return ", ".join([*counts, f"{difference.unchanged} unchanged"] if counts else ["no difference"])


def _verdicts(difference: ResultsDifference, *, new: bool) -> str:
    results = difference.new if new else difference.old
    verdicts = [verdict for verdict in results.verdicts.values() if verdict is not None]
    counted = {OF_VERDICT[each]: verdicts.count(each) for each in verdicts}
    if len(verdicts) == 1:
        return f"{next(iter(counted))} ({results.started})"
    return f"{', '.join(f'{count} {name}' for name, count in counted.items())} ({results.started})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def _names(requirements: list[RequirementChange], cases: list[CaseChange]) -> str:
    names = [f"{each.id} ({each.cell})" if each.cell else each.id for each in requirements]
    names += [case.id for case in cases[:_FEW]] + ["…"] * (len(cases) > _FEW)
    return ", ".join(names)


def _requirement(change: RequirementChange) -> str:
    before, now = (verdict.value if verdict else "absent" for verdict in (change.before, change.now))
    where = f" in {change.cell}" if change.cell else ""
    level = f" ({change.level.upper()})" if change.level else ""
    return f"{change.id}{level}{where}: {before} → {now}. {change.statement}".rstrip()


def _case(change: CaseChange) -> Iterator[str]:
    before, now = (outcome.value if outcome else "absent" for outcome in (change.before, change.now))
    yield f"{' '.join(change.requirements)}, {change.id}: {before} → {now}"
    if change.change is ChangeKind.OTHER_REASON:
        yield f"before: {change.reason_before}"
    if change.reason_now:
        yield f"now: {change.reason_now}"
    elif change.reason_before:
        yield f"before: {change.reason_before}"
    if change.replay and change.change is not ChangeKind.MENDED:
        yield f"Repeat with {change.replay}"
