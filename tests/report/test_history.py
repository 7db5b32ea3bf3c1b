"""The history is shown in text, Markdown and HTML, from the oldest version to the newest."""

from __future__ import annotations

from clasp_e2e.report.history_page import render_history_html
from clasp_e2e.report.history_text import history_lines, render_history_markdown
from clasp_e2e.results.version_history import JudgedVersion, judged_version

from .runs import CATALOGUE, run_of, scenario
from .test_html import whole


def history() -> list[JudgedVersion]:
    """SND-1 is broken in 1.1; CON-8 is mended in 1.1; RTE-4 is not met in any version."""
    odd = scenario("RTE-4", "failed", message="expected <x>; seen: y")
    return [
        judged_version(run_of(odd, scenario("CON-8", "deviation", message="m")), "1.0"),
        judged_version(run_of(odd, scenario("SND-1", "failed", message="why | not")), "1.1"),
    ]


def test_lines_name_the_first_bad_and_the_first_good_version() -> None:
    lines = list(history_lines(history(), CATALOGUE))
    assert lines[:3] == [
        "clasp-client, 2 versions: NOT CONFORMANT in 1.1",
        "Versions, from the oldest: 1.0, 1.1",
        "Verdicts: ✗✗",
    ]
    text = "\n".join(lines)
    assert "Not met any more\n  SND-1 MUST      ✓✗  first bad 1.1\n                  why | not\n" in text
    assert "Never met\n  RTE-4 MUST      ✗✗  bad in 1.0, the first judged\n" in text
    assert "Met now\n  CON-8 SHOULD    △✓  bad in 1.0, the first judged, first good 1.1\n" in text
    assert lines[-1].startswith("Requirements: 1 not met any more, 1 never met, 1 met now, ")


def test_markdown_has_a_row_for_each_version_and_each_change() -> None:
    text = render_history_markdown(history(), CATALOGUE)
    assert "| 1.1 | not conformant | 2 | 0 |\n| 1.0 | not conformant | 1 | 1 |" in text
    assert r"| SND-1 | MUST | ✓✗ | first bad 1.1 | why \| not |" in text


def test_page_is_whole_and_leads_from_the_table_to_the_reason() -> None:
    text = render_history_html(history(), CATALOGUE)
    page = whole(text)
    assert (page.tags["h1"], page.tags["main"]) == (1, 1)
    assert {"SND-1", "CON-8", "RTE-4"} <= set(page.ids)
    assert '<dt>1.0, 1.1</dt><dd class="message">expected &lt;x&gt;; seen: y</dd>' in text
    assert text == render_history_html(history(), CATALOGUE)


def test_requirement_that_the_catalogue_no_longer_has_is_shown() -> None:
    first, second = history()
    old = JudgedVersion(
        version="0.9",
        implementation=first.implementation,
        started=first.started,
        tool=first.tool,
        catalogue="",
        verdict=first.verdict,
        requirements={"OLD-1": first.requirements["RTE-4"]},
        reasons={"OLD-1": "gone"},
    )
    text = render_history_html([old, second], CATALOGUE)
    whole(text)
    assert "The requirements of this harness no longer include it." in text
    assert "| OLD-1 |  | ✗· |" in render_history_markdown([old, second], CATALOGUE)


def test_page_of_thirty_versions_is_small() -> None:
    failing = [scenario(name, "failed", message="expected x; seen: y " * 8) for name in list(CATALOGUE)[:40]]
    bad, good = judged_version(run_of(*failing), "bad"), judged_version(run_of(), "good")
    versions = [bad if number % 3 else good for number in range(30)]
    text = render_history_html(versions, CATALOGUE)
    assert text.count("bad") > 10
    assert len(text) < 1024 * 1024
