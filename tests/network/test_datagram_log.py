"""The log of a link keeps the first and the last datagrams, and says what the link did to each."""

from __future__ import annotations

import pytest

from clasp_e2e.network import Side, lost
from clasp_e2e.network.datagram_log import FIRST, LAST, DatagramLog, fate_in_words
from clasp_e2e.network.impairments import black


@pytest.mark.parametrize("count", [0, 1, FIRST, FIRST + LAST, FIRST + LAST + 9])
def test_log_keeps_the_beginning_and_the_end(count: int) -> None:
    log = DatagramLog()
    for n in range(count):
        log.note(n, Side.A, bytes(n), "")
    sizes = list(range(count))
    assert [len(each.data) for each in log.kept] == sizes[:FIRST] + sizes[FIRST:][-LAST:]
    assert log.count == count


@pytest.mark.parametrize(
    ("delays", "words"),
    [
        ((), "lost (10 % lost)"),
        ((0.0,), ""),
        ((0.25,), "delayed by 0.25 s"),
        ((0.0, 0.1), "doubled"),
        ((0.1, 0.2, 0.3), "delayed by 0.1 s, sent 3 times"),
    ],
)
def test_fate_is_put_in_words(delays: tuple[float, ...], words: str) -> None:
    assert fate_in_words(delays, lost(0.1, seed=1)) == words


def test_cut_link_is_the_doing_of_the_harness() -> None:
    assert fate_in_words((), black) == "lost (the harness has cut this way)"
    assert fate_in_words((), None) == "lost"
