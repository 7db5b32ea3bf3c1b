from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.network import (
    Bandwidth,
    Datagram,
    Impairment,
    Side,
    black,
    combined,
    delayed,
    duplicated,
    every_nth_lost,
    lost,
    lost_in_bursts,
    parse_trace,
    reordered,
    replayed,
    where,
)

MANY = 2000

SEEDED: list[Callable[[int], Impairment]] = [
    lambda seed: lost(0.3, seed=seed),
    lambda seed: lost_in_bursts(0.3, length=4, seed=seed),
    lambda seed: reordered(0.3, by=0.02, seed=seed),
    lambda seed: duplicated(0.3, by=0.01, seed=seed),
    lambda seed: delayed(0.01, jitter=0.005, seed=seed),
    lambda seed: combined(lost(0.2, seed=seed), reordered(0.2, by=1.0, seed=seed)),
]

impairments = st.one_of(
    st.builds(lost, st.floats(0, 1), seed=st.integers(0, 99)),
    st.builds(reordered, st.floats(0, 1), by=st.floats(0, 1), seed=st.integers(0, 99)),
    st.builds(duplicated, st.floats(0, 1), by=st.floats(0, 1), seed=st.integers(0, 99)),
    st.builds(delayed, st.floats(0, 1), jitter=st.floats(0, 1), seed=st.integers(0, 99)),
    st.builds(every_nth_lost, st.integers(1, 9)),
)


def datagram(index: int = 0, *, sender: int = Side.A, size: int = 100, at: float = 0.0) -> Datagram:
    return Datagram(sender, index, size, is_dtls=True, at=at)


def fates(impairment: Impairment, count: int = MANY, sender: int = Side.A) -> list[tuple[float, ...]]:
    return [tuple(impairment(datagram(index, sender=sender))) for index in range(count)]


@pytest.mark.parametrize("make", SEEDED)
def test_decision_depends_on_seed_direction_and_place_alone(make: Callable[[int], Impairment]) -> None:
    once = fates(make(7), count := 200)
    assert [tuple(make(7)(datagram(index))) for index in reversed(range(count))][::-1] == once
    assert fates(make(8), count) != once
    assert fates(make(7), count, sender=Side.B) != once


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
def test_share_is_met_over_many_datagrams(share: float) -> None:
    deviation = 4 * (MANY * share * (1 - share)) ** 0.5
    for seed in range(5):
        assert abs(fates(lost(share, seed=seed)).count(()) - MANY * share) < deviation
        assert abs(fates(reordered(share, by=1.0, seed=seed)).count((1.0,)) - MANY * share) < deviation
        assert abs(fates(duplicated(share, seed=seed)).count((0.0, 0.0)) - MANY * share) < deviation


def test_shares_of_nothing_and_of_all() -> None:
    assert fates(lost(0.0, seed=1), 50) == [(0.0,)] * 50
    assert fates(lost(1.0, seed=1), 50) == fates(black, 50) == [()] * 50


@given(st.integers(1, 50), st.integers(0, 10))
def test_one_in_n_is_lost_of_each_n(n: int, rounds: int) -> None:
    assert fates(every_nth_lost(n), n * rounds).count(()) == rounds


@given(st.floats(0, 10), st.floats(0, 10), st.integers())
def test_delay_lies_between_its_bounds(seconds: float, jitter: float, seed: int) -> None:
    for (delay,) in fates(delayed(seconds, jitter=jitter, seed=seed), 20):
        assert seconds <= delay <= seconds + jitter


@given(impairments, impairments)
def test_combined_delays_add_up_and_copies_multiply(one: Impairment, other: Impairment) -> None:
    for index in range(20):
        first, second = one(datagram(index)), other(datagram(index))
        both = combined(one, other)(datagram(index))
        assert len(both) == len(first) * len(second)
        assert sorted(both) == sorted(a + b for a in first for b in second)


@given(impairments)
def test_combined_with_nothing_changes_nothing(impairment: Impairment) -> None:
    assert fates(combined(impairment), 20) == fates(impairment, 20)
    assert fates(combined(), 20) == [(0.0,)] * 20
    assert fates(combined(impairment, black), 20) == [()] * 20


def test_condition_chooses_the_datagrams() -> None:
    large = where(lambda datagram: datagram.size > 500, black)
    assert list(large(datagram(size=501))) == []
    assert list(large(datagram(size=500))) == [0.0]


arrivals = st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 1500)), min_size=1, max_size=60)


@given(arrivals, st.floats(1000, 1e6), st.integers(1500, 100_000))
def test_bandwidth_is_never_exceeded_and_its_queue_is_bounded(
    sent: list[tuple[float, int]], rate: float, queue: int
) -> None:
    """What passed in any time is what fits into it; none waits longer than a full queue takes."""
    narrow = Bandwidth(rate, queue=queue)
    now, left = 0.0, [(0.0, 0)]
    waiting: list[tuple[float, int]] = []
    for gap, size in sent:
        now += gap
        waiting = [(leaves, bytes_) for leaves, bytes_ in waiting if leaves > now]
        passed = narrow(datagram(size=size, at=now))
        if not passed:
            assert sum(bytes_ for _, bytes_ in waiting) + size > queue - 1e-6 * queue
            continue
        (delay,) = passed
        assert size / rate <= delay * (1 + 1e-9) + 1e-9
        assert delay <= queue / rate * (1 + 1e-9) + 1e-9
        waiting.append((now + delay, size))
        left.append((now + delay, size))
    for (before, _), (after, size) in itertools.pairwise(left):
        assert after - before >= size / rate * (1 - 1e-6) - 1e-9 or before == 0.0


def test_bandwidth_is_each_directions_own() -> None:
    narrow = Bandwidth(1000, queue=1000)
    assert narrow(datagram(size=1000)) == (1.0,)
    assert narrow(datagram(size=1000)) == ()
    assert narrow(datagram(size=1000, sender=Side.B)) == (1.0,)


@pytest.mark.parametrize(
    "make",
    [
        lambda: lost(1.1, seed=0),
        lambda: lost(float("nan"), seed=0),
        lambda: duplicated(-0.1, seed=0),
        lambda: reordered(0.1, by=-1, seed=0),
        lambda: delayed(-1),
        lambda: every_nth_lost(0),
        lambda: Bandwidth(0),
        lambda: Bandwidth(1, queue=0),
    ],
)
def test_impossible_arguments_are_refused(make: Callable[[], Impairment]) -> None:
    with pytest.raises(ValueError, match=r"give|must|cannot"):
        make()


@pytest.mark.parametrize("length", [1.5, 4.0, 10.0])
def test_bursts_have_their_share_and_length(length: float) -> None:
    count = 40_000
    lost_ones = [not each for each in fates(lost_in_bursts(0.1, length=length, seed=3), count)]
    bursts = [len(list(group)) for is_lost, group in itertools.groupby(lost_ones) if is_lost]
    assert abs(sum(bursts) / count - 0.1) < 0.02
    assert abs(sum(bursts) / len(bursts) - length) < 0.15 * length


@pytest.mark.parametrize(("share", "length"), [(1.0, 4), (0.5, 0.5), (0.9, 2), (-0.1, 2)])
def test_impossible_bursts_are_refused(share: float, length: float) -> None:
    with pytest.raises(ValueError, match=f"{100 * share:g} %|a share of"):
        lost_in_bursts(share, length=length, seed=1)


@given(st.lists(st.none() | st.floats(0, 10), min_size=1), st.integers(0, 500))
def test_trace_is_repeated_for_each_side(trace: list[float | None], index: int) -> None:
    expected = trace[index % len(trace)]
    for side in Side:
        assert tuple(replayed(trace)(datagram(index, sender=side))) == (
            () if expected is None else (expected,)
        )


@given(st.lists(st.none() | st.integers(0, 10_000)))
def test_written_trace_is_read(trace: list[int | None]) -> None:
    text = "# a comment\n\n" + "".join("lost\n" if each is None else f"{each}\n" for each in trace)
    assert parse_trace(text) == [None if each is None else each / 1000 for each in trace]


@pytest.mark.parametrize("text", ["1\nfast", "1\n-2", "1\nnan", "1\ninf"])
def test_wrong_line_of_trace_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="line 2 of the trace"):
        parse_trace(text)


def test_empty_trace_is_refused() -> None:
    with pytest.raises(ValueError, match="without datagrams"):
        replayed([])
