"""The state of a script in execution: its clients, payloads, and bytes on each path."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from clasp_e2e.modelbased.prediction import Model, Sent, Way
from clasp_e2e.p2p_types import Data
from clasp_e2e.testbed import Client, SinglePeer, Unmet, judging
from clasp_e2e.testbed.fixtures import PeerPair


@dataclass(eq=False)
class Flight:
    """A send in execution: its payloads, and how each call ended."""

    sent: Sent
    payloads: tuple[bytes, ...]
    ways: list[Way] = field(default_factory=list[Way])
    direct_before: int = 0
    """Bytes that its sender had sent to the receiver directly before this send."""

    def by(self, way: Way) -> list[bytes]:
        """Return the payloads whose calls ended in `way`."""
        return [data for data, its in zip(self.payloads, self.ways, strict=False) if its is way]

    def __str__(self) -> str:
        step = self.sent.step
        kind = "reliable" if step.reliable else "unreliable"
        return f"the {kind} send of {len(self.payloads[0])} bytes from {step.who} to {step.to}"


@dataclass
class SearchCounts:
    """Counts of the steps, scripts, sends and attempts of a search."""

    steps: int = 0
    scripts: int = 0
    sends: int = 0
    open_sends: int = 0
    """Sends for which the specification allows several ways."""
    attempts: int = 0
    failed_attempts: int = 0


class World:
    """The clients of a script, their model, and the counts at the last check."""

    def __init__(self, single: SinglePeer, capabilities: frozenset[str], tally: SearchCounts) -> None:
        self.single = single
        self.patience = single.patience
        self.model = Model(capabilities)
        self.clients: dict[str, Client] = {}
        self.flights: list[Flight] = []
        self.barriers: set[bytes] = set()
        self.tally = tally
        self.marks: dict[tuple[str, str], int] = {}
        """By client and other client: the mark after which the client's events about the other count."""
        self.signaled: set[str] = set()
        """Clients with signaling since the last check, whose bytes to the router are not only payloads."""
        self._routed: dict[str, int] = {}
        self._direct: dict[tuple[str, str], int] = {}
        self._attempts: dict[tuple[str, str], int] = {}

    def pair(self, one: str, other: str) -> PeerPair:
        """Return two clients as a pair of the testbed, with `one` as its offerer."""
        return PeerPair(self.single.testbed, self.clients[one], self.clients[other], "offerer", None)

    def was_ever_established(self, one: str, other: str) -> bool:
        """Return whether the link has ever seen a connection between two clients."""
        return self.pair(one, other).is_established

    def attempts(self, one: str, other: str) -> int:
        """Return the number of negotiations between two clients that the signaling proxies saw."""
        return len(self.pair(one, other).attempts)

    def new_attempts(self, one: str, other: str) -> bool:
        """Return whether the signaling proxies saw a new negotiation since the last check."""
        return self.attempts(one, other) > self._attempts.get((one, other), 0)

    def mark(self, one: str, other: str) -> None:
        """Set the marks of two clients: only later events about each other count."""
        for name, about in ((one, other), (other, one)):
            self.marks[name, about] = self.clients[name].mark()
            self.signaled.add(name)

    def count_from_here(self) -> None:
        """Reset the counts of bytes and negotiations, and `signaled`."""
        self.signaled.clear()
        for name in self.clients:
            self.count(name)

    def count(self, name: str) -> None:
        """Reset the counts of one client."""
        self._routed[name] = self.clients[name].leg.up.bytes
        for other in self.clients:
            if other != name:
                self._attempts[name, other] = self.attempts(name, other)
                self._direct[name, other] = self.sent_directly(name, other)

    def sent_directly(self, one: str, other: str) -> int:
        """Return the bytes that `one` sent on the link to `other`, including lost ones."""
        sent, _ = self.single.testbed.switchboard.traffic(self.clients[one].name, self.clients[other].name)
        return sent.bytes + sent.dropped_bytes

    def routed(self, name: str) -> int:
        """Return the bytes that a client sent to the router since the last check."""
        return self.clients[name].leg.up.bytes - self._routed.get(name, 0)

    def direct(self, one: str, other: str) -> int:
        """Return the bytes that `one` sent on the link to `other` since the last check."""
        return self.sent_directly(one, other) - self._direct.get((one, other), 0)

    def arrived(self, name: str) -> Iterator[tuple[int, Data]]:
        """Yield the Data events of a client, each with its index among all its events."""
        for place, received in enumerate(self.clients[name].received):
            if isinstance(received.event, Data):
                yield place, received.event


def contradict(requirement: str, expected: str, seen: str) -> NoReturn:
    """Raise `Unmet`: a result contradicts the model, by `requirement`."""
    with judging(requirement):
        raise Unmet(expected, seen)


@contextmanager
def within_requirement(requirement: str, what: str) -> Generator[None]:
    """Judge expectations in the block by `requirement`; `what` describes them in the message."""
    try:
        with judging(requirement):
            yield
    except Unmet as unmet:
        contradict(requirement, f"{what}: {unmet.expected}", unmet.seen)
