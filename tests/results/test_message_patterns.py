"""The pattern made from a failure matches the same failure in any run, and no other failure."""

from __future__ import annotations

import random
import re
import string
import uuid
from collections.abc import Callable
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report.runs import scenario

from clasp_e2e.p2p_types import Connected, Data, Disconnected, RoutingMode
from clasp_e2e.results.baseline import parse_baseline
from clasp_e2e.results.baseline_edit import extend, new_entries
from clasp_e2e.results.message_patterns import pattern
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.testbed.expectations import show
from clasp_e2e.testbed.trace import describe

RERUNS = 1000
CATALOGUE = load_catalogue()
ODD = string.ascii_letters + string.digits + "-_.:/#()[]{}'\"\\$^*+?|,~%äé…\u202e"


class Values:
    """What differs from run to run: drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def payload(self, *sizes: int) -> bytes:
        return self.rng.randbytes(self.rng.choice(sizes or (0, 1, 3, 8, 9, 512, 16384)))

    def session(self) -> str:
        kinds: list[Callable[[], str]] = [
            lambda: str(uuid.UUID(bytes=self.rng.randbytes(16), version=4)),
            lambda: str(self.rng.randrange(10**6)),
            lambda: "".join(self.rng.choices(string.ascii_letters, k=200)),
            lambda: f"session-{self.rng.randrange(99)}",
            lambda: self.rng.randbytes(60).hex(),
            # Without what ends an id in a message: no text could be told from its surroundings then.
            lambda: "x" + re.sub(r", |\)[,;\]]?", "", "".join(self.rng.choices(ODD, k=198))) + "x",
        ]
        return self.rng.choice(kinds)()

    def port(self) -> int:
        return self.rng.randrange(1024, 65536)

    def count(self) -> int:
        return self.rng.choice((0, 1, 2, 3, 17, 400_000))

    def seconds(self) -> str:
        return f"{self.rng.choice((5.0, 0.25, 41.0, 1e-05, 1234.5, self.rng.random())):.3g}"

    def counted(self, word: str) -> str:
        return f"{(count := self.count())} {word}{'s' * (count != 1)}"


def unmet(expected: str, seen: str) -> str:
    return f"expected {expected}; seen: {seen}"


CAUSES: tuple[Callable[[Values], str], ...] = (
    lambda v: unmet(
        f"bob to receive Data with {show(v.payload())} within {v.seconds()} s", "bob received nothing"
    ),
    lambda v: unmet(
        f"bob to receive Data with {show(v.payload())} within {v.seconds()} s",
        "bob received nothing but announcements",
    ),
    lambda v: unmet(
        f"alice to receive Data with {show(v.payload())} within {v.seconds()} s",
        f"alice received {describe(Connected(v.session()))}",
    ),
    lambda v: unmet(
        f"alice to receive Data with {show(v.payload())} within {v.seconds()} s",
        f"alice received {describe(Connected(v.session()))}, {describe(Connected(v.session()))}",
    ),
    lambda v: unmet(
        f"alice to receive Data with {show(v.payload())} within {v.seconds()} s",
        f"alice received {describe(Connected(v.session()))},"
        f" {describe(Data(v.session(), v.payload(), reliable=True))}",
    ),
    lambda v: unmet(
        f"alice to receive Data with {show(v.payload())} within {v.seconds()} s",
        f"alice received {describe(Connected(v.session()))},"
        f" {describe(Data(v.session(), v.payload(), reliable=False))}",
    ),
    lambda v: unmet(
        f"alice to receive Data with {show(v.payload())} within {v.seconds()} s",
        f"alice received {describe(Disconnected(v.session(), 'replaced by a new one (same peer)'))}",
    ),
    lambda v: unmet(
        f"alice to receive Data with {show(v.payload())} within {v.seconds()} s",
        f"alice received {describe(Disconnected(v.session(), f'timed out after {v.count()} s'))}",
    ),
    lambda v: unmet(
        "messages that arrived although the link had lost them: nothing",
        show([v.payload(1050) for _ in range(v.rng.randint(1, 6))]),
    ),
    lambda v: unmet(
        "sends that arrived although the link was black: nothing",
        str([Data(v.session(), v.payload(9), reliable=False) for _ in range(v.rng.randint(1, 3))]),
    ),
    lambda v: unmet(
        "what the unknown signals led to: nothing", str([Disconnected(v.session(), "no such attempt")])
    ),
    lambda v: unmet(
        "what the unknown signals led to: nothing", str([Disconnected(v.session(), "closed by the peer")])
    ),
    lambda v: unmet(f"the session id that the client tells: {v.session()!r}", repr(v.session())),
    lambda v: unmet(f"`from` of the signal offer: {v.session()!r}", repr(v.session())),
    lambda v: unmet(f"`from` of the signal offer: {v.session()!r}", "None"),
    lambda v: unmet("bob to publish an answer", f"it published to ['/clasp/p2p/signal/{uuid.uuid4()}']"),
    lambda v: unmet("bob to publish an answer", "it published to nothing"),
    lambda v: unmet("the mode of a new client: PreferP2P", str(RoutingMode.P2P_ONLY)),
    lambda v: unmet("the mode of a new client: PreferP2P", str(RoutingMode.SERVER_ONLY)),
    lambda v: unmet("`clasp`: ordered, retransmits: [False, 0]", "[False, None]"),
    lambda v: unmet("the states in order: ['Connected', 'Disconnected']", "['Connected']"),
    lambda v: unmet("the states in order: ['Connected', 'Disconnected']", "['Disconnected']"),
    lambda v: unmet(
        f"DTLS application data within {v.seconds()} s",
        f"{v.counted('record')} in {v.counted('datagram')} of alice, and {v.counted('record')} of bob",
    ),
    lambda v: unmet(
        "a new client to attach to the router",
        f"the router at ws://127.0.0.1:{v.port()} did not take a WebSocket: it did not answer",
    ),
    lambda v: unmet(
        "a new client to attach to the router",
        f"the router at ws://127.0.0.1:{v.port()} did not take a WebSocket: connection refused",
    ),
    lambda v: unmet(
        "bob to receive Connected, the configured TURN server being the only path",
        f"bob has {', '.join(f'127.0.0.2:{v.port()}' for _ in range(v.rng.randint(1, 3)))}, sent"
        f" {v.count()} bytes ({v.counted('request')} arrived)",
    ),
    lambda v: unmet(
        "bob to receive Publish within 5 s",
        f"the adapter `/x/rust-{v.rng.randbytes(8).hex()}/adapter` failed: it was ended by signal 6\n"
        f"→ Its last lines:\n  thread {v.count()} panicked {v.session()}",
    ),
    lambda v: unmet("the call to succeed", f"it was refused: {v.count()} [a+b] (c|d)* {{x}} ^$ \\d ?"),
    lambda v: unmet("the call to succeed", f"it was refused: {v.count()} [a+b] (c|d)* {{x}} ^$ \\w ?"),
)  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES, ids=range(len(CAUSES)))
def test_pattern_of_one_run_matches_a_thousand_reruns(cause: Callable[[Values], str]) -> None:
    for first in range(2):
        written = re.compile(pattern(cause(Values(first))))
        for seed in range(RERUNS):
            message = " ".join(cause(Values(1000 + seed)).split())
            assert written.search(message), (written.pattern, message)


def test_pattern_matches_no_other_cause() -> None:
    written = {cause: [re.compile(pattern(cause(Values(seed)))) for seed in range(3)] for cause in CAUSES}
    messages = {cause: [" ".join(cause(Values(99 + seed)).split()) for seed in range(9)] for cause in CAUSES}
    for one, other in permutations(CAUSES, 2):
        for expression, message in product(written[one], messages[other]):
            assert not expression.search(message), (expression.pattern, message)


@settings(deadline=None)
@given(st.text(min_size=1), st.booleans())
def test_every_written_entry_is_read_again_and_explains_its_failure(seen: str, is_long: bool) -> None:
    message = f"expected something; seen: {seen * (400 if is_long else 1)}"
    failed = scenario("RTE-1", "failed", pairing="iut-iut", message=message)
    text = extend("", new_entries([failed], "a reason", strict=False))
    (entry,) = parse_baseline(text, "x.toml", ["iut"], CATALOGUE).entries
    assert entry.explains(message)
    assert len(entry.seen) < 1000


def test_failure_without_a_message_has_no_entry() -> None:
    assert new_entries([scenario("RTE-1", "failed")], "a reason", strict=False) == []


def test_pattern_reads_like_the_message() -> None:
    message = "expected Connected (bob) within 5 s: 1; seen: [2 of 'them']"
    assert pattern(message) == (
        r"^expected Connected \((?:(?!\), [A-Z]|\)\]?;).)+\) within \d[\d.e+-]* s: \d[\d.e+-]*;"
        r" seen: \[\d[\d.e+-]* of 'them'\]$"
    )
