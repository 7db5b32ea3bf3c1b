"""The report of a run, or of a matrix, as one self-contained HTML page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clasp_e2e.report.pages import render_page
from clasp_e2e.report.sequence import Diagram, diagram
from clasp_e2e.report.words import because, count_levels, not_judged, subject_line
from clasp_e2e.results.common_ground import convention_lines
from clasp_e2e.results.evidence import Seen
from clasp_e2e.results.matrix_results import Cell, Matrix
from clasp_e2e.results.outcome import Outcome, RequirementVerdict
from clasp_e2e.results.run_record import NOT_MET, RequirementResult, Run, ScenarioResult
from clasp_e2e.spec.catalogue import Level, concerns

_NOTHING: Seen = {}

_ROOM = 9000
"""Maximum number of rows drawn for passed cases: about 2 MiB, to limit the size of the page."""
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


def render_html(run: Run, seen: Seen, pages: Mapping[str, str] | None = None) -> str:
    """Return the page of a run: verdict, requirements by chapter, and the sequence of each case.

    `seen` holds the evidence of the cases to draw; `pages` holds, by case, the link to the page of the
    case. The same run gives the same bytes.
    """
    ours = [item for item in run.requirements if concerns(item.judges, run.judged_roles)]
    items = _items(ours, run.scenarios, seen)
    chapters: dict[str, list[_Item]] = {}
    for item in items:
        chapters.setdefault(item.requirement.chapter, []).append(item)
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


def render_matrix_html(matrix: Matrix, runs: Mapping[str, tuple[Run, Seen] | str]) -> str:
    """Return the page of a matrix: the table of its cells, the failures of each, and each requirement once.

    `runs` holds, by the cell's name, its run and evidence, or the reason why they cannot be read. Passed
    cases are not drawn; the report of the cell's own run has them.
    """
    cells: list[_CellView] = []
    requirements: dict[str, RequirementResult] = {}
    for number, cell in enumerate(matrix.cells, 1):
        found = runs.get(cell.name, (None, _NOTHING))
        run, seen = (None, _NOTHING) if isinstance(found, str) else found
        trouble = found if isinstance(found, str) else ""
        cells.append(_CellView(cell, f"cell-{number}", run, trouble, _of_cell(cell, run, seen)))
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
        pages={},
        cells=cells,
        requirements=[
            (item, [view for view in cells if item.id in (*view.cell.failed, *view.cell.deviations)])
            for item in requirements.values()
            if item.id in named
        ],
        met_everywhere=[name for name in requirements if name not in named],
    )


def _items(
    requirements: Iterable[RequirementResult], scenarios: Sequence[ScenarioResult], seen: Seen
) -> list[_Item]:
    shown: dict[str, str] = {}
    passed: dict[str, str] = {}
    room = _ROOM
    items: list[_Item] = []
    for requirement in sorted(requirements, key=lambda item: item.verdict not in _NOT_MET):
        cases: list[_Case] = []
        elsewhere: dict[str, tuple[str, ...]] = {}
        for scenario in scenarios:
            if requirement.id not in scenario.requirements:
                continue
            outcome = scenario.judgment(requirement.id)
            if outcome is Outcome.PASSED:
                place = passed.get(scenario.id, "")
                drawn = place or scenario.outcome is not Outcome.PASSED
                case = _case(scenario, outcome, _NOTHING if drawn else seen)
                room -= case.diagram.count if case.diagram else 0
                if room < 0 and case.diagram:
                    case = replace(case, diagram=None, trouble=_NO_ROOM)
                cases.append(replace(case, place=place))
                passed.setdefault(scenario.id, requirement.id)
            elif (place := shown.get(scenario.id)) is not None:
                elsewhere[place] = (*elsewhere.get(place, ()), f"{scenario.title} ({scenario.pairing})")
            else:
                cases.append(_case(scenario, outcome, seen))
                shown[scenario.id] = requirement.id
        items.append(_Item(requirement, cases, elsewhere))
    order = {requirement.id: number for number, requirement in enumerate(requirements)}
    return sorted(items, key=lambda item: order[item.requirement.id])


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
