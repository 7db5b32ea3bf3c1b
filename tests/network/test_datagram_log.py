"""The log of a link keeps the first and the last datagrams, and says what the link did to each."""

from __future__ import annotations

import pytest

from clasp_e2e.network import Side
from clasp_e2e.network.datagram_log import FIRST, LAST, DatagramLog, fate_in_words


@pytest.mark.parametrize("count", [0, 1, FIRST, FIRST + LAST, FIRST + LAST + 9])
def test_log_keeps_the_beginning_and_the_end(count: int) -> None:
    log = DatagramLog()
    for n in range(count):
        log.note(n, Side.A, bytes(n), "")
    sizes = list(range(count))
    assert [each.size for each in log.kept] == sizes[:FIRST] + sizes[FIRST:][-LAST:]
    assert log.count == count


@pytest.mark.parametrize(
    ("delays", "words"),
    [
        ((), "lost"),
        ((0.0,), ""),
        ((0.25,), "delayed by 0.25 s"),
        ((0.0, 0.1), "doubled"),
        ((0.1, 0.2, 0.3), "delayed by 0.1 s, sent 3 times"),
    ],
)
def test_fate_is_put_in_words(delays: tuple[float, ...], words: str) -> None:
    assert fate_in_words(delays) == words
