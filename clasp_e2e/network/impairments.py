"""The weather between two peers: what can become of a datagram, in words that combine.

An impairment gives a datagram its fates: the delays, in seconds, with which copies of it go on. None
is a loss, two a duplication, a delay greater than that of a later datagram a reordering. Whatever
is left to chance is decided by seed, direction and the datagram's place in it, and by nothing that
went before: the same seed decides alike of the same place, however the run goes. `Bandwidth` alone
looks at size and time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Datagram:
    """What an impairment may know of a datagram."""

    sender: int
    """The side that sent it: 0 or 1."""
    index: int
    """Its place among those of this side since the impairment began, from 0."""
    size: int
    """Bytes of its UDP payload."""
    is_dtls: bool
    """Whether it holds DTLS records: everything of the connection but STUN."""
    at: float
    """When the link read it: seconds of the loop's clock."""


Fates: TypeAlias = Sequence[float]
Impairment: TypeAlias = Callable[[Datagram], Fates]
"""The delays, in seconds, with which the copies of a datagram go on; empty loses it."""

_LOST: Fates = ()
_PASSES: Fates = (0.0,)


@dataclass(frozen=True, slots=True)
class _Described:
    """An impairment that says what it does."""

    words: str
    fates: Impairment

    def __call__(self, datagram: Datagram) -> Fates:
        return self.fates(datagram)


def described(words: str, impairment: Impairment) -> Impairment:
    """The same impairment with the words for it, as `10 % lost`: they stand in the timeline."""
    return _Described(words, impairment)


def in_words(impairment: Impairment) -> str:
    """What an impairment does, as far as it says so."""
    if impairment is black:
        return "all lost"
    return (
        impairment.words if isinstance(impairment, _Described | Bandwidth) else "fates of the scenario's own"
    )


def _chance(seed: int, what: str, datagram: Datagram) -> float:
    """A number from 0 up to 1, the same for the same arguments."""
    key = f"{seed} {what} {int(datagram.sender)} {datagram.index}".encode()
    return int.from_bytes(blake2b(key, digest_size=7).digest(), "big") / (1 << 56)


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share:g} of all datagrams: give a number from 0 to 1")


def _check_delay(seconds: float) -> None:
    if seconds < 0:
        raise ValueError(f"a delay of {seconds:g} s: a datagram cannot arrive before it was sent")


def black(datagram: Datagram) -> Fates:  # noqa: ARG001
    """The impairment that lets nothing pass."""
    return _LOST


def lost(share: float, *, seed: int) -> Impairment:
    """An impairment that loses the share `share` (0 to 1) of all datagrams.

    Raises `ValueError` for a share that is none.
    """
    _check_share(share)
    return described(
        f"{100 * share:g} % lost",
        lambda datagram: _LOST if _chance(seed, "lost", datagram) < share else _PASSES,
    )


def every_nth_lost(n: int) -> Impairment:
    """An impairment that loses one datagram in `n`, the last of each `n`.

    Raises `ValueError` for an `n` below 1.
    """
    if n < 1:
        raise ValueError(f"one datagram in {n} cannot be lost: give 1 or more")
    return described(f"1 in {n} lost", lambda datagram: _LOST if datagram.index % n == n - 1 else _PASSES)


def delayed(seconds: float, *, jitter: float = 0.0, seed: int = 0) -> Impairment:
    """An impairment that delays every datagram by `seconds` and up to `jitter` (seconds) more.

    Jitter lets datagrams overtake one another. Raises `ValueError` for a time below 0.
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
    """An impairment that holds the share `share` (0 to 1) back for `by` seconds: the next ones overtake it.

    Raises `ValueError` for a share or a time that is none.
    """
    _check_share(share)
    _check_delay(by)
    held = (by,)
    return described(
        f"{100 * share:g} % held back for {by:g} s",
        lambda datagram: held if _chance(seed, "reordered", datagram) < share else _PASSES,
    )


def duplicated(share: float, *, seed: int, by: float = 0.0) -> Impairment:
    """An impairment that lets the share `share` (0 to 1) pass twice, the copy `by` seconds later.

    Raises `ValueError` for a share or a time that is none.
    """
    _check_share(share)
    _check_delay(by)
    twice = (0.0, by)
    return described(
        f"{100 * share:g} % doubled",
        lambda datagram: twice if _chance(seed, "duplicated", datagram) < share else _PASSES,
    )


def combined(*impairments: Impairment) -> Impairment:
    """An impairment that puts each datagram through all of `impairments`: delays add up, copies multiply.

    Two of a kind that shall not hit the same datagrams need two seeds.
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
    """An impairment that puts those datagrams under `impairment` of which `condition` is true."""
    return described(
        f"of some, {in_words(impairment)}",
        lambda datagram: impairment(datagram) if condition(datagram) else _PASSES,
    )


class Bandwidth:
    """An impairment that lets `rate` bytes a second pass in each direction, behind a bounded queue.

    A datagram leaves when all before it have; one that finds no room among the `queue` bytes that
    may wait is lost. Headers of IP and UDP are not counted. Raises `ValueError` for a rate that is
    not above 0, or a queue that holds nothing.
    """

    def __init__(self, rate: float, *, queue: int = 64 * 1024) -> None:
        if rate <= 0 or queue <= 0:
            raise ValueError(f"{rate:g} bytes/s behind a queue of {queue}: both must be above 0")
        self.rate = rate
        self.queue = queue
        self.words = f"{rate:g} bytes/s"
        self._free_at = [float("-inf"), float("-inf")]

    def __call__(self, datagram: Datagram) -> Fates:
        """The delay of `datagram` until it has left, or none at all."""
        begins = max(datagram.at, self._free_at[datagram.sender])
        waiting = (begins - datagram.at) * self.rate
        if waiting + datagram.size > self.queue:
            return _LOST
        self._free_at[datagram.sender] = begins + datagram.size / self.rate
        return (self._free_at[datagram.sender] - datagram.at,)
