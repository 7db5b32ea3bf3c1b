"""The page of the specification has each sentence, its verdict in each column, and its requirements."""

from __future__ import annotations

from collections import Counter
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from clasp_e2e.report.spec_page import Column, Proof, column_of, not_met_in, render_spec, verdicts_of
from clasp_e2e.results.matrix_results import Cell, State
from clasp_e2e.results.outcome import RequirementVerdict
from clasp_e2e.spec.catalogue import specification_text
from clasp_e2e.spec.page import load_exclusions

from .runs import CATALOGUE, run_of, scenario
from .test_html import Page, whole

PROOFS = {
    name: Proof([("M", "It breaks.")], [("V", "It differs.")], [("t.py::t", "A case.")]) for name in CATALOGUE
}
RUN = run_of(scenario("RTE-8", "failed"), scenario("EVT-8", "deviation"))
COLUMN = column_of("rust", [verdicts_of(RUN, RUN.judged_roles)])


def page_of(*columns: Column, page: str = "") -> str:
    return render_spec(page or specification_text(), CATALOGUE, load_exclusions(), columns, PROOFS)


def test_each_requirement_and_sentence_is_there_once() -> None:
    text = page_of(COLUMN)
    page = whole(text)
    assert set(CATALOGUE) <= set(page.ids)
    assert "CLASP supports <strong>true peer" in text
    assert "Only P2P, fail if unavailable" in text


def test_sentence_has_the_worst_verdict_of_its_requirements() -> None:
    text = page_of(COLUMN)
    place = text.index("Only P2P, fail if unavailable")
    assert "failed" in text[place : place + 200]
    assert 'data-verdict="deviation"' in text
    assert page_of().count("</span> met</span>") == 0


def test_sentence_of_which_a_part_was_not_judged_is_met_in_part() -> None:
    column = Column("rust", {"RTE-7": RequirementVerdict.PASS, "RTE-8": RequirementVerdict.UNTESTED})
    assert page_of(column).count('data-verdict="partly"') == 1


def test_columns_are_named_if_there_are_several() -> None:
    other = column_of("node", [{"RTE-8": RequirementVerdict.PASS}, {"RTE-8": RequirementVerdict.BLOCKED}])
    assert other.verdicts == {"RTE-8": RequirementVerdict.PASS}
    text = page_of(COLUMN, other)
    assert '<span class="column">node</span>' in text
    assert '<span class="column">' not in page_of(COLUMN)


def test_cell_without_its_run_shows_what_was_not_met() -> None:
    cell = Cell(
        offerer="a",
        answerer="a",
        router="r",
        state=State.JUDGED,
        failed=("SND-1",),
        deviations=("CON-8",),
        of_router=("RTR-1",),
    )
    assert not_met_in(cell, router=True) == {"RTR-1": RequirementVerdict.FAIL}
    assert not_met_in(cell, router=False) == {
        "SND-1": RequirementVerdict.FAIL,
        "CON-8": RequirementVerdict.DEVIATION,
    }


def test_sentence_that_nobody_judges_is_marked() -> None:
    text = page_of(page=specification_text() + "\nA peer is polite.\n")
    assert "Nobody judges this, and no exclusion names it: A peer is polite." in text


@cache
def tags_with(text: str) -> Counter[str]:
    return Page(page_of(Column(f"x{text}", {"SND-1": RequirementVerdict.PASS}))).tags


@settings(max_examples=20, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_characters="*`#\n\r"), min_size=1, max_size=40))
def test_texts_do_not_become_markup(text: str) -> None:
    assert tags_with(text) == tags_with("y")
