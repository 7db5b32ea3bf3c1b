"""The Markdown summary has the verdict, each failure with its sentence, and the command that repeats it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.report.markdown import render_markdown

from .runs import CATALOGUE, run_of, scenario


def test_verdict_is_first_and_followed_by_the_implementations() -> None:
    lines = render_markdown(run_of()).splitlines()
    assert lines[0] == "## CLASP P2P: conformant"
    assert any(line.startswith("- Judged as offerer and answerer: clasp-client 4.5.0") for line in lines)


def test_failure_has_its_sentence_what_was_seen_and_its_command() -> None:
    text = render_markdown(
        run_of(scenario("RTE-8", "failed", message="expected x; seen: y\nmore", replay="pytest 'a[b]'"))
    )
    assert "### Failed" in text
    assert f"**RTE-8** {CATALOGUE.get('RTE-8').statement}" in text
    assert "> " in text
    assert "rust-reference: expected x; seen: y" in text
    assert "`pytest 'a[b]'`" in text
    assert "more" not in text


def test_known_failure_has_its_reason() -> None:
    known = scenario("SND-1", "expected_failure", message="m", known_failure="It is known to.")
    assert "Known: It is known to." in render_markdown(run_of(known))


def test_errors_complaints_and_what_was_not_judged_are_named() -> None:
    run = run_of(
        scenario("SND-1", "error", message="the adapter died"),
        scenario("SND-2", "blocked", blocked_by="CON-6"),
    )
    text = render_markdown(replace(run, complaints=("known.toml: stale",)))
    assert "### Errors of the harness, a driver or the environment" in text
    assert "the adapter died" in text
    assert "blocked by CON-6: SND-2" in text
    assert "known.toml: stale" in text


@given(message=st.text(max_size=60))
def test_texts_of_a_run_do_not_become_markup(message: str) -> None:
    text = render_markdown(run_of(scenario("SND-1", "failed", message=f"x{message}")))
    (line,) = (line for line in text.splitlines() if line.startswith("- rust-reference: "))
    unescaped = line.replace("\\\\", "").replace("\\<", "").replace("\\|", "").replace("\\`", "")
    assert not set("<|`") & set(unescaped)
