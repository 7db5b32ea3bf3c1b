"""The summary and the failure block are complete and fit a terminal."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from clasp_e2e.report.failure import render_failure, render_same_failure
from clasp_e2e.report.terminal import print_summary
from clasp_e2e.results.pairing import REFERENCE, Pairing
from clasp_e2e.results.run_record import Run

from .runs import CATALOGUE, run_of, scenario


def summary(run: Run, *, width: int = 100, results: Path | None = None) -> str:
    text = io.StringIO()
    print_summary(run, CATALOGUE, Console(file=text, width=width), results=results)
    return text.getvalue()


def test_conformant_run_begins_with_the_verdict() -> None:
    text = summary(run_of(), results=Path("reports/latest/results.json"))
    lines = text.strip().splitlines()
    assert lines[0] == "CONFORMANT"
    judged = "Judged as offerer and answerer: clasp-client 4.5.0 (Rust, driver cmd:adapter)"
    assert lines[2].strip() == judged
    levels = Counter(each.level.value for each in CATALOGUE.values() if set(each.judges) != {"router"})
    must, should = levels["must"], levels["should"]
    met = f"MUST {must} of {must}, SHOULD {should} of {should}, remarks 1 of 1"
    assert f"Requirements met, of those judged: {met}" in text
    assert lines[-1] == "Results: reports/latest/results.json"
    assert len(lines) <= 7
    assert "\x1b" not in text


def test_failures_show_their_sentence_and_what_was_seen() -> None:
    text = summary(run_of(scenario("RTE-8", "failed", message="expected a refusal; seen: relay\nmore")))
    assert text.strip().startswith("NOT CONFORMANT")
    assert "RTE-8  In P2POnly without a path, the call fails" in text
    assert "Only P2P, fail if" in text
    assert "         file::RTE-8[rust-reference]\n           expected a refusal; seen: relay\n" in text
    assert "more\n" not in text


@pytest.mark.parametrize(("requirement", "outcome"), [("RTE-8", "failed"), ("SND-9", "deviation")])
@pytest.mark.parametrize("width", [50, 80, 110])
def test_failed_requirement_has_its_cases_and_repeat_commands(
    requirement: str, outcome: str, width: int
) -> None:
    cases = [
        scenario(
            requirement,
            outcome,
            id=f"test_file::test_{n}[iut]",
            message="seen: something else",
            replay=f"clasp-e2e run 'test_file.py::test_{n}[iut]' --peer cmd:./a --seed 1 "
            + "--and-more " * 9,
        )
        for n in range(5)
    ]
    lines = summary(run_of(*cases), width=width).splitlines()
    for n in range(3):
        at = lines.index(f"         test_file::test_{n}[iut]")
        assert lines[at + 1] == "           seen: something else"
        assert lines[at + 2] == f"           Repeat with {cases[n].replay.strip()}"
    assert lines[at + 3] == "         and 2 more"


def test_new_failures_come_before_known_ones() -> None:
    cases = [
        scenario("CON-6", outcome, id=f"x::{n}[iut]", known_failure="Known." if n < 3 else None)
        for n, outcome in enumerate(["expected_failure"] * 3 + ["failed"])
    ]
    text = summary(run_of(*cases))
    assert text.index("x::3[iut]") < text.index("x::0[iut]")
    assert "x::2[iut]" not in text


def test_deviations_are_named_with_their_source() -> None:
    text = summary(run_of(scenario("SND-9", "deviation", message="seen: 2 before 1")))
    assert text.strip().startswith("CONFORMANT, WITH DEVIATIONS")
    assert "SHOULD (wire protocol documents, CLASP-Protocol.md" in " ".join(text.split())
    assert "seen: 2 before 1" in text


def test_requirements_not_judged_are_grouped_by_cause() -> None:
    run = run_of(
        scenario("CON-5", "failed"),
        scenario("EVT-1", "blocked", blocked_by="CON-5"),
        scenario("CON-6", "blocked", blocked_by="CON-5"),
        scenario("SIG-4", "unobserved"),
        scenario("EVT-8", "not_offered"),
        scenario("ICE-8", "not_offered"),
        scenario("TMO-1", "skipped"),
        missing=("ICE-3", "SND-4"),
    )
    lines = {" ".join(line.split()) for line in summary(run).splitlines()}
    assert "blocked by CON-5: CON-6, EVT-1" in lines
    assert "unobserved: SIG-4" in lines
    assert "not offered, needs is_peer_connected: EVT-8" in lines
    assert "not offered: ICE-8" in lines  # Another call, because the capability `turn` is declared.
    assert "skipped: TMO-1" in lines
    assert "no scenario yet: ICE-3, SND-4" in lines


def test_errors_are_shown_apart_from_failures() -> None:
    text = summary(run_of(scenario("CON-6", "error", message="the adapter died\nits last words")))
    assert text.strip().startswith("INCONCLUSIVE")
    assert "prevented a verdict on CON-6." in text
    assert "the adapter died" in text


def test_remarks_and_long_waits_are_shown() -> None:
    text = summary(
        run_of(scenario("DIR-3", "passed", remark="raw"), scenario("TMO-1", "passed", waited_s=30.04))
    )
    assert "DIR-3  raw" in text
    assert "30.0 s  A scenario of TMO-1 [in brackets] (rust-reference)" in text


def test_complaints_about_known_failures_have_their_own_lines() -> None:
    complaint = "known.toml, entry 1 (CON-6, *): unexpected pass: " + "a long way of saying so " * 9
    text = summary(replace(run_of(), complaints=(complaint,), notes=("one more",)))
    assert f"Known failures that do not match their list\n  {complaint.rstrip()}\n" in text
    assert "Known failures that this run could not check\n  one more\n" in text


def test_known_failure_is_shown_with_its_reason() -> None:
    known = scenario("CON-6", "expected_failure", message="seen: nothing", known_failure="Not built yet.")
    text = summary(run_of(known))
    assert "           seen: nothing\n           known: Not built yet.\n" in text
    assert "Every failure is a known one" in text
    assert "Every failure is a known one" not in summary(run_of(known, scenario("CON-5", "failed")))


def test_partial_run_names_the_missing_requirements() -> None:
    text = summary(run_of(scenario("TMO-1", "skipped")))
    assert text.strip().startswith("PARTIAL")
    assert "these were not judged: TMO-1." in text
    assert "in the chosen part of the scenarios" in summary(run_of(subset=True))


def test_another_catalogue_is_pointed_out() -> None:
    assert "another catalogue" in summary(replace(run_of(), catalogue="other"))
    assert "another catalogue" not in summary(run_of())


@pytest.mark.parametrize("width", [80, 110])
def test_summary_stays_within_the_width(width: int) -> None:
    run = run_of(
        *[scenario(name, "failed", message="seen: something that is rather long " * 3) for name in CATALOGUE]
    )
    assert all(len(line) <= width for line in summary(run, width=width).splitlines())


def test_terminal_gets_colours() -> None:
    text = io.StringIO()
    print_summary(
        run_of(), CATALOGUE, Console(file=text, force_terminal=True, color_system="standard", width=80)
    )
    assert "\x1b[1;32mCONFORMANT" in text.getvalue()


@pytest.mark.parametrize("markup", [True, False])
def test_summary_can_be_written_to_the_terminal_of_pytest(markup: bool) -> None:
    class Reporter:
        hasmarkup = markup
        written = ""

        def write_line(self, line: str) -> None:
            self.written += line + "\n"

    reporter = Reporter()
    print_summary(run_of(), CATALOGUE, reporter)
    assert "CONFORMANT" in reporter.written
    assert ("\x1b" in reporter.written) is markup


TAIL = "     +0.034 s  alice  calls send_p2p(bob)\n    +12.034 s  alice  send_p2p returned relay"


def test_failure_reads_from_the_requirement_to_the_command_that_repeats_it() -> None:
    failed = scenario(
        "RTE-8",
        "failed",
        title="P2POnly without a path: the call fails, and the payload leaves nowhere.",
        evidence="reports/latest/evidence/x.json",
        replay="pytest 'scenarios/test_routing.py::test_p2p_only[rust-reference]' --seed 7",
    )
    text = render_failure(
        failed,
        CATALOGUE.get("RTE-8"),
        expected="send_p2p to be refused with an error",
        seen="it returned relay",
        timeline_tail=TAIL,
    )
    assert text == (
        """\
Scenario    P2POnly without a path: the call fails, and the payload leaves nowhere.
            in the pairing rust-reference
Required    RTE-8, MUST (specification, section "Rust Client API")
            "client.set_p2p_routing_mode(RoutingMode::P2POnly);    // Only P2P, fail if unavailable"
            In P2POnly without a path, the call fails, and the payload reaches neither the router
            nor the peer.
Expected    send_p2p to be refused with an error
Seen        it returned relay
Timeline     +0.034 s  alice  calls send_p2p(bob)
            +12.034 s  alice  send_p2p returned relay
Evidence    reports/latest/evidence/x.json
Packets     reports/latest/evidence/x.pcapng
Repeat with pytest 'scenarios/test_routing.py::test_p2p_only[rust-reference]' --seed 7"""
    )


def test_same_failure_in_another_pairing_says_only_what_differs() -> None:
    first = scenario("RTE-8", "failed", message="expected a refusal; seen: Relay")
    roles = Pairing(offerer=REFERENCE, answerer="rust")
    second = replace(first, pairing="reference-rust", roles=roles, evidence="x.json", replay="again")
    assert render_same_failure(second, before=first, requirement_id="RTE-8").splitlines() == [
        "Scenario    as in rust-reference, now in the pairing reference-rust (alice is the reference, bob",
        "            rust)",
        "Required    RTE-8, as above",
        "Message     expected a refusal; seen: Relay",
        "Evidence    x.json",
        "Packets     x.pcapng",
        "Repeat with again",
    ]


def test_error_is_described_as_no_verdict() -> None:
    error = scenario("CON-6", "error", message="the adapter died\n  its last words")
    text = render_failure(error, CATALOGUE.get("CON-6"), expected="", seen="")
    assert "not a verdict on the implementation" in " ".join(text.split())
    assert "Message     the adapter died\n              its last words" in text
    assert "Expected" not in text
    assert "Timeline" not in text


def test_source_without_a_quote_is_summarised() -> None:
    deviation = scenario("SEC-1", "deviation")
    text = render_failure(deviation, CATALOGUE.get("SEC-1"), expected="no connection", seen="one")
    assert "SEC-1, SHOULD (standard, RFC 8122, section 5)" in text
    assert "An endpoint whose partner presents a certificate" in text


def test_prose_stays_within_a_hundred_columns() -> None:
    long = "a sentence that goes on " * 20
    for name, requirement in CATALOGUE.items():
        text = render_failure(scenario(name, "failed"), requirement, expected=long, seen=long)
        assert max(len(line) for line in text.splitlines()) <= 100
