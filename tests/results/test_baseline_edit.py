from __future__ import annotations

import re
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from report.runs import scenario

from clasp_e2e.results.baseline import Baseline, parse_baseline
from clasp_e2e.results.baseline_edit import extend, new_entries, shrink
from clasp_e2e.results.known_failures import Spent
from clasp_e2e.results.message_patterns import pattern
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.spec.catalogue import load_catalogue

TEXT = """\
# Kept by us.

[[known]]
requirement = "CON-8"
pairing = "iut-iut"  # both of a kind
reason = "Glare."
seen = 'seen: 2'

# About the modes:
[[known]]
requirement = "RTE-2"
pairing = "*"
reason = "It forgets."
seen = 'seen: server'
"""


CATALOGUE = load_catalogue()


def read(text: str) -> Baseline:
    return parse_baseline(text, "x.toml", ["iut"], CATALOGUE)


def listed(text: str) -> list[tuple[str, str]]:
    return [(entry.requirement, entry.pairing) for entry in read(text).entries]


def failed(outcome: Outcome = Outcome.FAILED, message: str = "expected a; seen: b") -> ScenarioResult:
    return scenario("RTE-1", outcome, pairing="iut-iut", message=message, judgments={"RTE-1": outcome})


def test_spent_entry_is_removed_and_comments_are_kept() -> None:
    first, second = read(TEXT).entries
    left = shrink(TEXT, [Spent(first)])
    assert listed(left) == [("RTE-2", "*")]
    assert "# Kept by us." in left
    assert listed(shrink(TEXT, [Spent(second)])) == [("CON-8", "iut-iut")]
    assert "# both of a kind" in shrink(TEXT, [Spent(second)])
    assert listed(shrink(TEXT, [Spent(first), Spent(second)])) == []


def test_entry_that_holds_in_some_pairings_names_them() -> None:
    _, second = read(TEXT).entries
    left = shrink(TEXT, [Spent(second, ("iut-reference", "reference-iut"))])
    assert listed(left) == [("CON-8", "iut-iut"), ("RTE-2", "iut-reference"), ("RTE-2", "reference-iut")]
    assert read(left).entries[2].reason == "It forgets."


def test_with_nothing_spent_not_a_byte_changes() -> None:
    assert shrink(TEXT, []) == TEXT


def test_failure_is_listed_once_with_its_reason() -> None:
    text = extend(TEXT, new_entries([failed(), failed()], 'it says "b"', strict=False))
    assert listed(text) == [*listed(TEXT), ("RTE-1", "iut-iut")]
    added = read(text).entries[-1]
    assert added.reason == 'it says "b"'
    assert added.explains(failed().message)
    assert not added.explains("expected a; seen: c")


def test_deviation_is_listed_only_where_it_fails_the_gate() -> None:
    assert new_entries([failed(Outcome.DEVIATION)], "r", strict=False) == []
    assert len(new_entries([failed(Outcome.DEVIATION)], "r", strict=True)) == 1


def test_known_and_blocked_results_are_not_listed() -> None:
    for outcome in (Outcome.EXPECTED_FAILURE, Outcome.BLOCKED, Outcome.ERROR, Outcome.PASSED):
        assert new_entries([failed(outcome)], "r", strict=True) == []


def test_values_that_change_between_runs_are_generalised() -> None:
    one, other = (
        f"expected Connected; seen: {number} of Connected (after {time} s) from {session}"
        for number, time, session in (
            (2, 0.11, "fdb21242-3e7b-4cb3-abd7-203e55441737"),
            (13, 3.9, "0db21242-3e7b-4cb3-abd7-203e55441737"),
        )
    )
    assert re.search(pattern(one), other)
    assert not re.search(pattern(one), "expected Connected; seen: nothing")


@settings(deadline=None)
@given(st.text(min_size=1).filter(str.strip))
def test_pattern_finds_what_it_was_made_from(seen: str) -> None:
    message = f"expected something; seen: {seen}"
    assert re.search(pattern(message), " ".join(message.split()))


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), max_size=3))
def test_written_entries_are_read_again(reasons: Iterable[str]) -> None:
    text = ""
    for number, reason in enumerate(reasons):
        text = extend(text, new_entries([failed(message=f"seen: x{'y' * number}")], reason, strict=False))
    assert [entry.reason for entry in read(text).entries] == list(reasons)
