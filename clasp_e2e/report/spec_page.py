"""The P2P page with the verdict of each sentence, for one run or for several implementations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clasp_e2e.report.pages import render_page
from clasp_e2e.results.matrix_results import Cell
from clasp_e2e.results.outcome import RequirementVerdict
from clasp_e2e.results.run_record import Run
from clasp_e2e.spec.catalogue import Catalogue, Requirement, concerns
from clasp_e2e.spec.page import Exclusion, JudgedPassage, Passage, PassageKind, judge_page

_WORST_FIRST = (
    RequirementVerdict.FAIL,
    RequirementVerdict.ERROR,
    RequirementVerdict.DEVIATION,
    RequirementVerdict.PASS,
    RequirementVerdict.BLOCKED,
    RequirementVerdict.UNOBSERVED,
    RequirementVerdict.NOT_JUDGED,
    RequirementVerdict.NOT_OFFERED,
    RequirementVerdict.SKIPPED,
    RequirementVerdict.UNTESTED,
)
_PARTLY = "partly"
_ORDER = ("fail", "error", "deviation", _PARTLY, *(each.value for each in _WORST_FIRST[3:]))
"""The verdicts of a sentence, the worst first."""
_INCOMPLETE, _EXCLUDED, _ELSEWHERE = "incomplete", "excluded", "elsewhere"


_NOWHERE = Passage(PassageKind.PROSE, "", "", 0)


@dataclass(frozen=True, slots=True)
class Column:
    """What the runs say of one implementation."""

    name: str
    verdicts: Mapping[str, RequirementVerdict]
    """By requirement, if the implementation was judged in a role that the requirement concerns."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that the checks of a requirement find faults, and only faults; each a name and a text."""

    mutants: Sequence[tuple[str, str]] = ()
    variants: Sequence[tuple[str, str]] = ()
    scenarios: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A passage of the page, with a verdict for each column."""

    judged: JudgedPassage
    anchor: str
    verdicts: tuple[str, ...]
    verdict: str
    """The worst one, by which the filter of the page finds it."""


def verdicts_of(run: Run, roles: Sequence[str]) -> Mapping[str, RequirementVerdict]:
    """Return the verdict of each requirement that concerns `roles`."""
    return {item.id: item.verdict for item in run.requirements if concerns(item.judges, roles)}


def not_met_in(cell: Cell, *, router: bool) -> Mapping[str, RequirementVerdict]:
    """Return what a cell without its run shows of its peers, or its router: what was not met."""
    if router:
        return dict.fromkeys(cell.of_router, RequirementVerdict.FAIL)
    return dict.fromkeys(cell.deviations, RequirementVerdict.DEVIATION) | dict.fromkeys(
        cell.failed, RequirementVerdict.FAIL
    )


def column_of(name: str, found: Iterable[Mapping[str, RequirementVerdict]]) -> Column:
    """Return the column of an implementation: of its runs, the worst verdict of each requirement."""
    verdicts: dict[str, list[RequirementVerdict]] = {}
    for each in found:
        for requirement_id, verdict in each.items():
            verdicts.setdefault(requirement_id, []).append(verdict)
    return Column(name, {requirement_id: _worst(each) for requirement_id, each in verdicts.items()})


def render_spec(
    page: str,
    catalogue: Catalogue,
    exclusions: Sequence[Exclusion],
    columns: Sequence[Column],
    proofs: Mapping[str, Proof],
) -> str:
    """Return the HTML page of the specification `page`; without columns it has no verdicts."""
    sections: dict[str, list[_Sentence]] = {}
    for number, judged in enumerate(judge_page(page, catalogue, exclusions), 1):
        sentences = sections.setdefault(judged.passage.section, [])
        if judged.passage.kind is not PassageKind.HEADING:
            sentences.append(_sentence(judged, f"s{number}", columns))
    everything = [each for sentences in sections.values() for each in sentences]
    quoted = {each.id for sentence in everything for each in sentence.judged.requirements}
    others = [each for each in catalogue.values() if each.id not in quoted]
    return render_page(
        "spec.html.j2",
        sections=sections,
        columns=columns,
        proofs=proofs,
        judged=[each for each in everything if each.judged.requirements],
        excluded=[each for each in everything if each.verdict == _EXCLUDED],
        elsewhere=[each for each in everything if each.verdict == _ELSEWHERE],
        others=[(each, _sentence(JudgedPassage(_NOWHERE, (each,), (), ""), "", columns)) for each in others],
        choices=sorted({each.verdict for each in everything} - {""}),
        anchors=_anchors(everything),
    )


def _sentence(judged: JudgedPassage, anchor: str, columns: Sequence[Column]) -> _Sentence:
    if not (judged.requirements or judged.exclusions or judged.rest):
        return _Sentence(judged, anchor, (), "")
    if judged.rest:
        return _Sentence(judged, anchor, (), _INCOMPLETE)
    if not judged.requirements:
        elsewhere = any(each.judged_by for each in judged.exclusions)
        return _Sentence(judged, anchor, (), _ELSEWHERE if elsewhere else _EXCLUDED)
    verdicts = tuple(_of_column(judged.requirements, column) for column in columns)
    shown = sorted(filter(None, verdicts), key=_ORDER.index)
    return _Sentence(judged, anchor, verdicts, shown[0] if shown else "")


def _of_column(requirements: Sequence[Requirement], column: Column) -> str:
    """Return the verdict of a sentence: the worst of its requirements, or nothing if none concerns it.

    It is met in part if a requirement was met and another one was not judged.
    """
    verdicts = [column.verdicts[each.id] for each in requirements if each.id in column.verdicts]
    if not verdicts:
        return ""
    worst = _worst(verdicts)
    return _PARTLY if worst is RequirementVerdict.PASS and set(verdicts) != {worst} else worst.value


def _worst(verdicts: Sequence[RequirementVerdict]) -> RequirementVerdict:
    return min(verdicts, key=_WORST_FIRST.index)


def _anchors(sentences: Iterable[_Sentence]) -> dict[str, str]:
    """Return the anchor of the first sentence that quotes each requirement."""
    found: dict[str, str] = {}
    for sentence in sentences:
        for each in sentence.judged.requirements:
            found.setdefault(each.id, sentence.anchor)
    return found
