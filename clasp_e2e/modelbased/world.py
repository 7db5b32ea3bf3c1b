"""What a script has brought about so far: clients, payloads, bytes on each path."""

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
    """A send as it was made: its payloads, and how each call ended."""

    sent: Sent
    payloads: tuple[bytes, ...]
    ways: list[Way] = field(default_factory=list[Way])
    direct_before: int = 0
    """Bytes that its sender had sent the receiver directly when the round of checks began."""

    def by(self, way: Way) -> list[bytes]:
        """Return the payloads that went one way."""
        return [data for data, its in zip(self.payloads, self.ways, strict=False) if its is way]

    def __str__(self) -> str:
        step = self.sent.step
        kind = "reliable" if step.reliable else "unreliable"
        return f"the {kind} send of {len(self.payloads[0])} bytes from {step.who} to {step.to}"


@dataclass
class SearchCounts:
    """How much was done and judged, over all scripts of a search."""

    steps: int = 0
    scripts: int = 0
    sends: int = 0
    open_sends: int = 0
    """Those of which the specification leaves open which way they go."""
    attempts: int = 0
    failed_attempts: int = 0


class World:
    """The clients of a script, the model of them, and what was counted when the last check ended."""

    def __init__(self, single: SinglePeer, capabilities: frozenset[str], tally: SearchCounts) -> None:
        self.single = single
        self.patience = single.patience
        self.model = Model(capabilities)
        self.clients: dict[str, Client] = {}
        self.flights: list[Flight] = []
        self.barriers: set[bytes] = set()
        self.tally = tally
        self.marks: dict[tuple[str, str], int] = {}
        """For who asked and whom it concerns: the place in the events of who is to be told."""
        self.signaled: set[str] = set()
        """Who has taken part in signaling since the last check: not every byte to the router is a payload."""
        self._routed: dict[str, int] = {}
        self._direct: dict[tuple[str, str], int] = {}
        self._attempts: dict[tuple[str, str], int] = {}

    def pair(self, one: str, other: str) -> PeerPair:
        """Return two clients as the testbed's pair, `one` being its offerer."""
        return PeerPair(self.single.testbed, self.clients[one], self.clients[other], "offerer", None)

    def ever_stood(self, one: str, other: str) -> bool:
        """Return whether a connection of the two was ever seen to stand, from outside."""
        return self.pair(one, other).stands

    def attempts(self, one: str, other: str) -> int:
        """Return how many negotiations the signaling proxies saw between two."""
        return len(self.pair(one, other).attempts)

    def new_attempts(self, one: str, other: str) -> bool:
        """Return whether the signaling proxies saw the two negotiate anew since the last check."""
        return self.attempts(one, other) > self._attempts.get((one, other), 0)

    def mark(self, one: str, other: str) -> None:
        """Take note that what two are told of each other is from now on about what begins now."""
        for name, about in ((one, other), (other, one)):
            self.marks[name, about] = self.clients[name].mark()
            self.signaled.add(name)

    def count_from_here(self) -> None:
        """Begin to count the bytes on each path, and what signals, anew."""
        self.signaled.clear()
        for name in self.clients:
            self.count(name)

    def count(self, name: str) -> None:
        """Begin to count what one client does anew."""
        self._routed[name] = self.clients[name].leg.up.bytes
        for other in self.clients:
            if other != name:
                self._attempts[name, other] = self.attempts(name, other)
                self._direct[name, other] = self.sent_directly(name, other)

    def sent_directly(self, one: str, other: str) -> int:
        """Return the bytes that left `one` for the link to `other`, whether they arrived or not."""
        sent, _ = self.single.testbed.switchboard.traffic(self.clients[one].name, self.clients[other].name)
        return sent.bytes + sent.dropped_bytes

    def routed(self, name: str) -> int:
        """Return the bytes that a client wrote to the router since the last check."""
        return self.clients[name].leg.up.bytes - self._routed.get(name, 0)

    def direct(self, one: str, other: str) -> int:
        """Return the bytes that left `one` for the link to `other` since the last check."""
        return self.sent_directly(one, other) - self._direct.get((one, other), 0)

    def arrived(self, name: str) -> Iterator[tuple[int, Data]]:
        """Return what came to a client's application, with its place among all that it was told."""
        for place, received in enumerate(self.clients[name].received):
            if isinstance(received.event, Data):
                yield place, received.event


def contradict(requirement: str, expected: str, seen: str) -> NoReturn:
    """End the script: what was seen contradicts the model, by `requirement`."""
    with judging(requirement):
        raise Unmet(expected, seen)


@contextmanager
def within_requirement(requirement: str, what: str) -> Generator[None]:
    """Say of an expectation that is not met in the block which requirement it is, and what it was about."""
    try:
        with judging(requirement):
            yield
    except Unmet as unmet:
        contradict(requirement, f"{what}: {unmet.expected}", unmet.seen)
