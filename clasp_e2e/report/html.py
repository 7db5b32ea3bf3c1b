"""The report of a run, or of a matrix, as one self-contained HTML page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from clasp_e2e.report.pages import render_page
from clasp_e2e.report.sequence import Diagram, diagram
from clasp_e2e.report.words import because, count_levels, not_judged, subject_line
from clasp_e2e.results.common_ground import convention_lines
from clasp_e2e.results.evidence import Seen
from clasp_e2e.results.matrix_results import Cell, Matrix
from clasp_e2e.results.outcome import Outcome, RequirementVerdict
from clasp_e2e.results.run_record import NOT_MET, RequirementResult, Run, ScenarioResult
from clasp_e2e.results.same_reason import by_cause
from clasp_e2e.spec.catalogue import Level, concerns

_NOTHING: Seen = {}
_FEW = 3
"""Maximum number of requirements of each kind in a cell of the table of a matrix."""

_ROOM_IF_MET, _ROOM = 2_000_000, 1_300_000
"""Maximum number of bytes of all that is drawn: if all was met, and otherwise (for a page under 2 MiB)."""
_ROW = 260
"""Number of bytes of a row in addition to its texts."""
_NO_ROOM = "it would make this page too large; the evidence contains it"
_NOT_MET = (RequirementVerdict.FAIL, RequirementVerdict.ERROR, RequirementVerdict.DEVIATION)


@dataclass(frozen=True, slots=True)
class _Case:
    """A scenario in a pairing, as the report shows it."""

    result: ScenarioResult
    outcome: Outcome
    """The outcome for the requirement under which it is shown."""
    diagram: Diagram | None = None
    stderr: Mapping[str, str] | None = None
    network: str = ""
    left_out: int = 0
    """The number of entries that its evidence omits."""
    trouble: str = ""
    """Why an expected diagram is missing."""
    packet_file: str = ""
    """The name of the file with its packets."""
    place: str = ""
    """The requirement under which it is drawn, if not this one."""
    same_in: Sequence[ScenarioResult] = ()
    """The cases of the scenario that show the same in other pairings."""

    @property
    def size(self) -> int:
        """About the number of bytes of what is drawn."""
        held = sum(map(len, (self.stderr or {}).values())) + len(self.network)
        return held + (_size(self.diagram) if self.diagram else 0)


@dataclass(frozen=True, slots=True)
class _Item:
    """A requirement with its cases. A case with several requirements is shown under the first only."""

    requirement: RequirementResult
    cases: Sequence[_Case]
    elsewhere: Mapping[str, tuple[str, ...]]
    """By the id of the requirement under which they are shown, the titles of the other cases."""


@dataclass(frozen=True, slots=True)
class _CellView:
    cell: Cell
    anchor: str
    run: Run | None
    trouble: str
    """Why its run is not shown."""
    cases: Sequence[tuple[str, Sequence[_Case]]]
    """The failed cases by requirement id; the first of each has its diagram."""
    pages: Mapping[str, str]
    """By case: the link to its page."""

    def page_of(self, requirement: str) -> str:
        """Return the link to the page of the first case that shows what became of a requirement."""
        cases = dict(self.cases).get(requirement, ())
        pages = (self.pages[each.result.id] for each in cases if each.result.id in self.pages)
        return next(pages, f"#{self.anchor}")


def render_html(run: Run, seen: Seen, pages: Mapping[str, str] | None = None) -> str:
    """Return the page of a run: verdict, requirements by chapter, and the sequence of each case.

    `seen` holds the evidence of the cases to draw; `pages` holds, by case, the link to the page of the
    case. The same run gives the same bytes.
    """
    ours = [item for item in run.requirements if concerns(item.judges, run.judged_roles)]
    items = _items(ours, run.scenarios, seen)
    chapters: dict[str, list[_Item]] = {}
    for item in items:
        is_met = item.requirement.verdict not in _NOT_MET
        chapters.setdefault(item.requirement.chapter if is_met else "Not met", []).append(item)
    return render_page(
        "run.html.j2",
        run=run,
        pages=pages or {},
        because=because(run, ours),
        subjects=subject_line(run),
        counts=[count for count in count_levels(ours) if count.level is not Level.REMARK],
        chapters=chapters,
        items=items,
        others=[item for item in run.requirements if item not in ours],
        conventions=convention_lines(run.scenarios),
        not_judged=not_judged(run, ours),
        errors=[each for each in run.scenarios if each.outcome is Outcome.ERROR],
    )


def render_matrix_html(
    matrix: Matrix,
    runs: Mapping[str, tuple[Run, Seen] | str],
    pages: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the page of a matrix: the table of its cells, the failures of each, and each requirement once.

    `runs` holds, by the cell's name, its run and evidence, or the reason why they cannot be read; `pages`
    holds, by the cell's name and by case, the link to the page of the case. Passed cases are not drawn; the
    report of the cell's own run has them.
    """
    cells: list[_CellView] = []
    requirements: dict[str, RequirementResult] = {}
    for number, cell in enumerate(matrix.cells, 1):
        found = runs.get(cell.name, (None, _NOTHING))
        run, seen = (None, _NOTHING) if isinstance(found, str) else found
        trouble = found if isinstance(found, str) else ""
        links = (pages or {}).get(cell.name, {})
        cells.append(_CellView(cell, f"cell-{number}", run, trouble, _of_cell(cell, run, seen), links))
        for item in run.requirements if run else ():
            requirements.setdefault(item.id, item)
    named = {
        name
        for cell in matrix.cells
        for name in (*cell.failed, *cell.deviations, *cell.of_router, *cell.undecided)
    }
    return render_page(
        "matrix.html.j2",
        matrix=matrix,
        few=_FEW,
        cells=cells,
        requirements=[
            (item, [view for view in cells if item.id in (*view.cell.failed, *view.cell.deviations)])
            for item in requirements.values()
            if item.id in named
        ],
        met_everywhere=[name for name in requirements if name not in named],
    )


class _Detail(IntEnum):
    """How much is drawn of the cases that did not pass, so that the page is not too large."""

    ALL = 0
    FIRST = 1
    """The first case of each requirement in full, of the others the end."""
    BRIEF = 2
    """The end of the first case of each requirement."""
    NONE = 3


def _items(
    requirements: Sequence[RequirementResult], scenarios: Sequence[ScenarioResult], seen: Seen
) -> list[_Item]:
    """Return the requirements with their cases, those that were not met first."""
    ordered = sorted(requirements, key=_place)
    items: list[_Item] = []
    used = 0
    for detail in _Detail:
        items = _not_passed(ordered, scenarios, seen, detail)
        used = sum(case.size for item in items for case in item.cases)
        if used <= _ROOM or detail is _Detail.NONE:
            break
    room = (_ROOM if any(_place(each) < len(_NOT_MET) for each in requirements) else _ROOM_IF_MET) - used
    return _with_passed(items, scenarios, seen, room)


def _place(item: RequirementResult) -> int:
    return _NOT_MET.index(item.verdict) if item.verdict in _NOT_MET else len(_NOT_MET)


def _not_passed(
    requirements: Iterable[RequirementResult],
    scenarios: Sequence[ScenarioResult],
    seen: Seen,
    detail: _Detail,
) -> list[_Item]:
    """Return the requirements with the cases that did not pass, each under the first that it judges."""
    shown: dict[str, str] = {}
    items: list[_Item] = []
    for requirement in requirements:
        cases: list[_Case] = []
        elsewhere: dict[str, tuple[str, ...]] = {}
        name = requirement.id
        judging = [each for each in scenarios if name in each.requirements]
        # A reader begins with the first: one that failed shows more than one without a verdict.
        judging.sort(key=lambda each: each.judgment(name) not in NOT_MET)
        for scenario, *others in by_cause(
            (each for each in judging if each.judgment(name) is not Outcome.PASSED), name
        ):
            if (place := shown.get(scenario.id)) is not None:
                pairings = ", ".join(each.pairing for each in (scenario, *others))
                elsewhere[place] = (*elsewhere.get(place, ()), f"{scenario.title} ({pairings})")
                continue
            brief = detail >= _Detail.BRIEF or (detail is _Detail.FIRST and bool(cases))
            leave_out = detail is _Detail.NONE or (detail is _Detail.BRIEF and bool(cases))
            case = _case(scenario, scenario.judgment(name), seen, brief=brief)
            if leave_out and case.diagram:
                case = replace(case, diagram=None, trouble=_NO_ROOM)
            cases.append(replace(case, same_in=others))
            shown.update(dict.fromkeys((each.id for each in (scenario, *others)), name))
        items.append(_Item(requirement, cases, elsewhere))
    return items


def _with_passed(
    items: Iterable[_Item], scenarios: Sequence[ScenarioResult], seen: Seen, room: int
) -> list[_Item]:
    """Return the requirements with the cases that passed too; each is drawn once, if there is room."""
    drawn: dict[str, str] = {}
    complete: list[_Item] = []
    for item in items:
        name = item.requirement.id
        cases = list(item.cases)
        for scenario in scenarios:
            if name not in scenario.requirements or scenario.judgment(name) is not Outcome.PASSED:
                continue
            place = drawn.get(scenario.id, "")
            is_drawn = place or scenario.outcome is not Outcome.PASSED
            case = _case(scenario, Outcome.PASSED, _NOTHING if is_drawn else seen)
            room -= case.size
            if room < 0 and case.diagram:
                case = replace(case, diagram=None, trouble=_NO_ROOM)
            cases.append(replace(case, place=place))
            drawn.setdefault(scenario.id, name)
        complete.append(replace(item, cases=cases))
    return complete


def _size(drawn: Diagram) -> int:
    rows = (*drawn.before, *drawn.after, *drawn.routine)
    return sum(_ROW + len(row.what) + len(row.decoded) + len(row.dump) for row in rows)


def _case(scenario: ScenarioResult, outcome: Outcome, seen: Seen, *, brief: bool = False) -> _Case:
    document = seen.get(scenario.id)
    if document is None:
        return _Case(scenario, outcome)
    if isinstance(document, str):
        return _Case(scenario, outcome, trouble=document)
    # The failure that blocks it has the full diagram.
    brief = brief or outcome is Outcome.BLOCKED
    return _Case(
        scenario,
        outcome,
        diagram(document.get("timeline", ()), brief=brief),
        None if brief else document.get("stderr"),
        "" if brief or outcome is Outcome.PASSED else _network(document.get("network")),
        document.get("pruned", {}).get("left_out", 0),
        packet_file="" if brief else document.get("packet_file", ""),
    )


def _network(facts: object) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False) if facts else ""


def _of_cell(cell: Cell, run: Run | None, seen: Seen) -> list[tuple[str, list[_Case]]]:
    if run is None:
        return []
    found: list[tuple[str, list[_Case]]] = []
    drawn: set[str] = set()
    for name in (*cell.failed, *cell.deviations, *cell.undecided):
        cases: list[_Case] = []
        for scenario in run.scenarios:
            if name not in scenario.requirements:
                continue
            outcome = scenario.judgment(name)
            if outcome in NOT_MET or outcome in (Outcome.ERROR, Outcome.UNOBSERVED):
                first = not cases and scenario.id not in drawn
                drawn |= {scenario.id} if first else set()
                cases.append(_case(scenario, outcome, seen if first else {}, brief=True))
        found.append((name, cases))
    return found
