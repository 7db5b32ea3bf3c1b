"""Every sentence of the P2P page is judged, or excluded with a reason that is still true."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.spec.catalogue import load_catalogue, specification_text
from clasp_e2e.spec.page import Exclusion, PassageKind, judge_page, load_exclusions, out_of_date, passages

CATALOGUE, PAGE, EXCLUSIONS = load_catalogue(), specification_text(), load_exclusions()


def test_every_sentence_is_judged_or_excluded() -> None:
    assert out_of_date(PAGE, CATALOGUE, EXCLUSIONS) == []


def test_exclusion_names_only_what_no_requirement_quotes() -> None:
    for judged in judge_page(PAGE, CATALOGUE, ()):
        if judged.requirements and not judged.rest:
            others = judge_page(PAGE, CATALOGUE, EXCLUSIONS)
            assert [each.exclusions for each in others if each.passage == judged.passage] == [()]


def test_exclusion_has_a_reason_and_other_requirements_of_the_page() -> None:
    for each in EXCLUSIONS:
        assert each.reason.strip().endswith(".")
        assert all(CATALOGUE[name].quote for name in each.judged_by)


def test_every_word_of_the_page_is_in_a_passage() -> None:
    body = PAGE.split("---\n", 2)[2]
    rest = [*body]
    for each in passages(PAGE):
        start = each.start - (len(PAGE) - len(body))
        assert body[start : start + len(each.text)] == each.text
        rest[start : start + len(each.text)] = " " * len(each.text)
    assert re.findall(r"\w+", re.sub(r"^\d+\.|^```\w*", "", "".join(rest), flags=re.MULTILINE)) == []


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_changed_sentence_is_out_of_date(place: int) -> None:
    words = [
        each
        for each in passages(PAGE)
        if each.kind is not PassageKind.HEADING and re.search(r"\w", each.text)
    ]
    changed = words[place % len(words)]
    page = PAGE[: changed.start] + "Something else." + PAGE[changed.end :]
    wrong = out_of_date(page, CATALOGUE, EXCLUSIONS)
    assert any("no longer says" in line for line in wrong)
    assert any('no exclusion names "Something else."' in line for line in wrong)


def test_new_sentence_that_nobody_judges_is_named() -> None:
    page = PAGE.replace(
        "\n### Configuration", "\nA peer is polite. See (e.g. that) below.\n\n### Configuration"
    )
    assert out_of_date(page, CATALOGUE, EXCLUSIONS) == [
        f'section "Architecture": no requirement judges and no exclusion names "{each}"'
        for each in ("A peer is polite.", "See (e.g. that) below.")
    ]


def test_reworded_sentence_is_named_with_all_its_requirements_and_what_it_is_now() -> None:
    first, *_ = out_of_date(PAGE.replace("30 seconds", "20 seconds"), CATALOGUE, EXCLUSIONS)
    assert first.startswith('TMO-1, TMO-3, TMO-4, TMO-5, TMO-8: section "Connection Timeout" no longer says')
    assert "perhaps now" in first
    assert "20 seconds" in first


def test_stale_and_unknown_entries_are_named() -> None:
    stale = replace(EXCLUSIONS[0], texts=("was there once",), judged_by=("CON-99",))
    wrong = out_of_date(PAGE, CATALOGUE, [*EXCLUSIONS, stale])
    assert len(wrong) == 2
    assert 'no longer says "was there once"' in wrong[0]
    assert wrong[1] == "an exclusion names CON-99, which is not in the catalogue"


def test_tables_lists_and_code_are_read() -> None:
    page = "## A\n| a | b |\n|---|---|\n| c | d |\n1. One. Two.\n```rust\n    let x; // why\n```\n"
    assert [(each.kind, each.prefix, each.text) for each in passages(page)] == [
        (PassageKind.HEADING, "", "A"),
        (PassageKind.PROSE, "", "| a | b |"),
        (PassageKind.PROSE, "", "| c | d |"),
        (PassageKind.ITEM, "1. ", "One."),
        (PassageKind.ITEM, "", "Two."),
        (PassageKind.CODE, "    ", "let x; // why"),
    ]


@given(st.text(alphabet="ab.! -#|`*1\n", max_size=80))
def test_passages_are_in_order_and_verbatim(page: str) -> None:
    end = 0
    for each in passages(page):
        assert each.start >= end
        assert page[each.start : each.end] == each.text
        end = each.end


def test_part_of_a_sentence_can_be_excluded() -> None:
    exclusion = Exclusion(section="A", texts=("two",), reason="It is.", judged_by=())
    (_, judged) = judge_page("## A\none two three\n", CATALOGUE, [exclusion])
    assert (judged.exclusions, judged.rest) == ((exclusion,), "one  three")
