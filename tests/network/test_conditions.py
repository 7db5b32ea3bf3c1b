"""Each change of conditions is described, with its direction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clasp_e2e.network import (
    Bandwidth,
    Conditions,
    Nat,
    Side,
    Switchboard,
    black,
    combined,
    delayed,
    described,
    duplicated,
    every_nth_lost,
    in_words,
    lost,
    reordered,
    where,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda link: link.cut(), "cuts alice ⇄ bob"),
        (lambda link: link.cut(Side.A), "cuts alice → bob"),
        (lambda link: link.heal(Side.B), "heals bob → alice"),
        (lambda link: link.impair(lost(0.1, seed=1)), "puts alice ⇄ bob under: 10 % lost"),
        (lambda link: link.put_behind(Nat.SYMMETRIC, Side.B), "puts bob behind NAT: symmetric"),
        (lambda link: link.put_behind(Nat.FULL_CONE), "puts alice and bob behind NAT: full cone"),
        (lambda link: link.put_behind(None, Side.A), "takes away the NAT before alice"),
        (
            lambda link: link.delay_first(Side.B, 0.5),
            "holds the first data bob → alice back for 0.5 s on each new link",
        ),
        (lambda link: link.relay_only(), "lets only relay candidates pass alice ⇄ bob"),
    ],
)
async def test_change_is_reported(change: Callable[[Conditions], None], words: str) -> None:
    changes: list[str] = []
    change(Switchboard(changes.append).conditions("alice", "bob"))
    assert changes == [words]


@pytest.mark.parametrize(
    ("impairment", "words"),
    [
        (black, "all lost"),
        (every_nth_lost(100), "1 in 100 lost"),
        (delayed(0.05), "delayed by 0.05 s"),
        (delayed(0.05, jitter=0.05), "delayed by 0.05 to 0.1 s"),
        (reordered(0.2, by=0.03, seed=1), "20 % held back for 0.03 s"),
        (combined(lost(0.01, seed=1), duplicated(0.5, seed=2)), "1 % lost, 50 % doubled"),
        (where(lambda datagram: datagram.is_dtls, black), "of some, all lost"),
        (Bandwidth(12_500), "12500 bytes/s"),
        (described("the weather of May", black), "the weather of May"),
        (lambda _: (0.0,), "fates of the scenario's own"),
    ],
)
def test_impairment_has_a_description(impairment, words: str) -> None:
    assert in_words(impairment) == words
