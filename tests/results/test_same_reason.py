"""Failures are the same one if they differ only in what a run or a pairing generates."""

from __future__ import annotations

import pytest
from report.runs import scenario

from clasp_e2e.results.same_reason import by_cause, same_reason

ID = "0b9e8c1e-1f2a-4c64-9a53-6c3a2b1d4e5f"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("seen: 3 bytes\nlog", "seen: 70 bytes\nanother log", True),
        (f"Connected ({ID}) is missing", "Connected (other-id) is missing", True),
        ("seen: nothing", "seen: a relay", False),
        ("", "seen: a relay", False),
    ],
)
def test_numbers_and_ids_make_no_other_reason(one: str, other: str, same: bool) -> None:
    assert same_reason(one, other) is same_reason(other, one) is same


def test_cause_is_one_in_several_pairings_of_a_scenario() -> None:
    def case(name: str, pairing: str, message: str, outcome: str = "failed"):
        return scenario("SND-1", outcome, id=f"f::{name}[{pairing}]", pairing=pairing, message=message)

    cases = [
        case("one", "a-a", "alice sent 1 byte"),
        case("one", "a-b", "bob sent 22 bytes"),
        case("two", "a-b", "bob sent 22 bytes"),
        case("one", "b-a", "bob sent nothing"),
        case("one", "c-c", "alice sent 1 byte", "expected_failure"),
    ]
    assert by_cause(cases, "SND-1") == [cases[:2], cases[2:3], cases[3:4], cases[4:]]
