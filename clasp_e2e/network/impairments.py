"""Impairments of a link: loss, delay, reordering and duplication of datagrams, which can be combined.

An impairment returns the fates of a datagram: the delays, in seconds, with which copies of it are sent.
No delay is a loss, two are a duplication, and a delay greater than a later datagram's is a reordering.
Random decisions depend only on the seed, the direction and the index of the datagram, not on the size or
time of others: they are the same in each run with the same seed. Only `Bandwidth` considers size and time.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Datagram:
    """The properties of a datagram that an impairment can use."""

    sender: int
    """The sending side: 0 or 1."""
    index: int
    """Its index among the datagrams of this side since the impairment began, from 0."""
    size: int
    """Bytes of its UDP payload."""
    is_dtls: bool
    """Whether it contains DTLS records: everything of the connection except STUN."""
    at: float
    """When the link read it, in seconds of the loop's clock."""


Fates: TypeAlias = Sequence[float]
Impairment: TypeAlias = Callable[[Datagram], Fates]
"""The delays, in seconds, with which copies of the datagram are sent; empty means a loss."""

_LOST: Fates = ()
_PASSES: Fates = (0.0,)


@dataclass(frozen=True, slots=True)
class _Described:
    """An impairment with a description."""

    words: str
    fates: Impairment

    def __call__(self, datagram: Datagram) -> Fates:
        return self.fates(datagram)


def described(words: str, impairment: Impairment) -> Impairment:
    """Return the impairment with a description, such as `10 % lost`, which the timeline shows."""
    return _Described(words, impairment)


def in_words(impairment: Impairment) -> str:
    """Return the description of an impairment, if it has one."""
    if impairment is black:
        return "all lost"
    return (
        impairment.words if isinstance(impairment, _Described | Bandwidth) else "fates of the scenario's own"
    )


def _chance(seed: int, what: str, datagram: Datagram) -> float:
    """Return a number from 0 up to 1, the same for the same arguments."""
    key = f"{seed} {what} {int(datagram.sender)} {datagram.index}".encode()
    return int.from_bytes(blake2b(key, digest_size=7).digest(), "big") / (1 << 56)


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share:g} of all datagrams: give a number from 0 to 1")


def _check_delay(seconds: float) -> None:
    if seconds < 0:
        raise ValueError(f"a delay of {seconds:g} s: a datagram cannot arrive before it was sent")


def black(datagram: Datagram) -> Fates:  # noqa: ARG001
    """Drop the datagram."""
    return _LOST


def lost(share: float, *, seed: int) -> Impairment:
    """Return an impairment that loses the share `share` (0 to 1) of all datagrams.

    Raises `ValueError` for an invalid share.
    """
    _check_share(share)
    return described(
        f"{100 * share:g} % lost",
        lambda datagram: _LOST if _chance(seed, "lost", datagram) < share else _PASSES,
    )


def every_nth_lost(n: int) -> Impairment:
    """Return an impairment that loses the last of each `n` datagrams.

    Raises `ValueError` for an `n` below 1.
    """
    if n < 1:
        raise ValueError(f"one datagram in {n} cannot be lost: use 1 or more")
    return described(f"1 in {n} lost", lambda datagram: _LOST if datagram.index % n == n - 1 else _PASSES)


def lost_in_bursts(share: float, *, length: float, seed: int) -> Impairment:
    """Return an impairment that loses the share `share` (below 1) in bursts of `length` datagrams on average.

    Source: E. N. Gilbert, "Capacity of a Burst-Noise Channel", 1960: a chain of a good state, in which all
    pass, and a bad one, in which all are lost. Raises `ValueError` for an invalid share, or if bursts of this
    length cannot give it.
    """
    _check_share(share)
    ends = 1 / length if length >= 1 else 0.0
    begins = ends * share / (1 - share) if share < 1 else 2.0
    if not ends or begins > 1:
        raise ValueError(
            f"{100 * share:g} % cannot be lost in bursts of {length:g}: use longer ones, or `lost`"
        )
    states: dict[int, list[bool]] = {}

    def fates(datagram: Datagram) -> Fates:
        bad = states.setdefault(datagram.sender, [])
        while len(bad) <= datagram.index:
            chance = _chance(seed, "bursts", replace(datagram, index=len(bad)))
            before = bad[-1] if bad else _chance(seed, "first burst", datagram) < share
            bad.append(chance >= ends if before else chance < begins)
        return _LOST if bad[datagram.index] else _PASSES

    return described(f"{100 * share:g} % lost in bursts of {length:g}", fates)


def replayed(trace: Sequence[float | None]) -> Impairment:
    """Return an impairment that gives the datagrams of each side, in turn, the delays in `trace` (seconds).

    None is a loss. The trace starts again at its end. Raises `ValueError` for an empty or a negative one.
    """
    if not trace:
        raise ValueError("a trace without datagrams: give at least one delay, or None for a loss")
    for delay in trace:
        _check_delay(delay or 0.0)
    fates = [_LOST if delay is None else (delay,) for delay in trace]
    missing = 100 * list(trace).count(None) / len(trace)
    return described(
        f"a trace of {len(trace)} datagrams, {missing:.3g} % lost",
        lambda datagram: fates[datagram.index % len(fates)],
    )


def parse_trace(text: str) -> list[float | None]:
    """Return the trace in `text`, for `replayed`.

    Each line is the delay of a datagram in milliseconds, or `lost`; empty lines and those that begin with #
    are ignored. Raises `ValueError`, which names the line.
    """
    trace: list[float | None] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        try:
            trace.append(None if word == "lost" else float(word) / 1000)
        except ValueError:
            raise ValueError(f"line {number} of the trace, {word!r}: write milliseconds, or `lost`") from None
        if not 0 <= (trace[-1] or 0.0) < math.inf:
            raise ValueError(f"line {number} of the trace, {word!r}: a delay is a number from 0")
    return trace


def delayed(seconds: float, *, jitter: float = 0.0, seed: int = 0) -> Impairment:
    """Return an impairment that delays every datagram by `seconds` plus up to `jitter` (seconds).

    Jitter causes reordering. Raises `ValueError` for a negative time.
    """
    _check_delay(seconds)
    _check_delay(jitter)
    if not jitter:
        fates = (seconds,)
        return described(f"delayed by {seconds:g} s", lambda _: fates)
    return described(
        f"delayed by {seconds:g} to {seconds + jitter:g} s",
        lambda datagram: (seconds + jitter * _chance(seed, "jitter", datagram),),
    )


def reordered(share: float, *, by: float, seed: int) -> Impairment:
    """Return an impairment that delays the share `share` (0 to 1) by `by` seconds: later ones overtake it.

    Raises `ValueError` for an invalid share or time.
    """
    _check_share(share)
    _check_delay(by)
    held = (by,)
    return described(
        f"{100 * share:g} % held back for {by:g} s",
        lambda datagram: held if _chance(seed, "reordered", datagram) < share else _PASSES,
    )


def duplicated(share: float, *, seed: int, by: float = 0.0) -> Impairment:
    """Return an impairment that duplicates the share `share` (0 to 1); the copy is `by` seconds later.

    Raises `ValueError` for an invalid share or time.
    """
    _check_share(share)
    _check_delay(by)
    twice = (0.0, by)
    return described(
        f"{100 * share:g} % doubled",
        lambda datagram: twice if _chance(seed, "duplicated", datagram) < share else _PASSES,
    )


def combined(*impairments: Impairment) -> Impairment:
    """Return an impairment that applies all of `impairments`: delays add up, copies multiply.

    Two of the same kind need different seeds, or they affect the same datagrams.
    """

    def fates(datagram: Datagram) -> Fates:
        delays = _PASSES
        for impairment in impairments:
            if not delays:
                break
            delays = tuple(one + more for more in impairment(datagram) for one in delays)
        return delays

    return described(", ".join(map(in_words, impairments)) or "none", fates)


def where(condition: Callable[[Datagram], bool], impairment: Impairment) -> Impairment:
    """Return an impairment that applies `impairment` to those datagrams for which `condition` is true."""
    return described(
        f"of some, {in_words(impairment)}",
        lambda datagram: impairment(datagram) if condition(datagram) else _PASSES,
    )


class Bandwidth:
    """An impairment that passes `rate` bytes per second in each direction, with a limited queue.

    A datagram leaves after all earlier ones; it is lost if the `queue` bytes that may wait have no room
    for it. IP and UDP headers are not counted. Raises `ValueError` if the rate or the queue is not above 0.
    """

    def __init__(self, rate: float, *, queue: int = 64 * 1024) -> None:
        if rate <= 0 or queue <= 0:
            raise ValueError(f"{rate:g} bytes/s behind a queue of {queue}: both must be above 0")
        self.rate = rate
        self.queue = queue
        self.words = f"{rate:g} bytes/s"
        self._free_at = [float("-inf"), float("-inf")]

    def __call__(self, datagram: Datagram) -> Fates:
        """Return the delay until `datagram` has left, or no delay if it is lost."""
        begins = max(datagram.at, self._free_at[datagram.sender])
        waiting = (begins - datagram.at) * self.rate
        if waiting + datagram.size > self.queue:
            return _LOST
        self._free_at[datagram.sender] = begins + datagram.size / self.rate
        return (self._free_at[datagram.sender] - datagram.at,)
