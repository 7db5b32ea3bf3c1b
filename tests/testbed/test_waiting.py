"""The deadlines of the harness."""

from __future__ import annotations

from clasp_e2e.testbed.waiting import Patience


def test_deadline_scale_applies_to_harness_not_to_specification() -> None:
    one, four = Patience(), Patience(4)
    for name in ("event", "call", "open", "retransmission", "cleanup"):
        assert getattr(four, name) == 4 * getattr(one, name)
    assert (one.attempt(30), four.attempt(30)) == (33, 42)
    assert one.consent > 36
    assert four.consent - one.consent == 3 * one.event
