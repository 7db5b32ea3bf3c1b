"""Two cores in memory: a router that keeps each sender's order, and transports that always find a path.

Whatever could happen next is offered as a choice, so that a test, or hypothesis, picks the interleaving.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable

from clasp_e2e import wire
from clasp_e2e.p2p_types import P2PConfig, P2PEvent
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.core import PeerCore

ALICE, BOB = "alice", "bob"


def sdp(tag: str) -> str:
    lines = [
        "v=0",
        f"s={tag}",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuv",
        "a=fingerprint:sha-256 00:11",
    ]
    return "\r\n".join(lines) + "\r\n"


def tag_of(text: str) -> tuple[str, int]:
    name, number = text.splitlines()[1].removeprefix("s=").split("/")
    return name, int(number)


End = tuple[str, int]
"""A transport: whose, and its number."""


class World:
    def __init__(self, config: P2PConfig | None = P2PConfig()) -> None:  # noqa: B008 - frozen
        ids = itertools.count()
        self.cores = {
            name: PeerCore(name, config, lambda: f"correlation-{next(ids)}") for name in (ALICE, BOB)
        }
        self.events: dict[str, list[P2PEvent]] = {ALICE: [], BOB: []}
        self.answers: dict[str, list[fx.Resolve | fx.Reject]] = {ALICE: [], BOB: []}
        self.effects: dict[str, list[fx.Effect]] = {ALICE: [], BOB: []}
        self.timers: dict[str, dict[inputs.TimerKey, float]] = {ALICE: {}, BOB: {}}
        self.opened: set[End] = set()
        self.closed: list[End] = []
        self.partner: dict[End, End] = {}
        self._signals: dict[str, deque[wire.Signal]] = defaultdict(deque)
        self._pending: list[tuple[str, Callable[[], None]]] = []
        self._calls = itertools.count(1)

    # What can happen next

    def choices(self) -> list[Callable[[], None]]:
        queues = [lambda name=name: self._deliver(name) for name, queue in self._signals.items() if queue]
        return queues + [lambda at=at: self._pending.pop(at)[1]() for at in range(len(self._pending))]

    def run(self, pick: Callable[[int], int] = lambda _: 0) -> None:
        while choices := self.choices():
            choices[pick(len(choices))]()

    def feed(self, name: str, event: inputs.Input) -> None:
        for effect in self.cores[name].handle(event):
            self.effects[name].append(effect)
            self._carry_out(name, effect)

    def call(self, name: str, make: Callable[[int], inputs.Input]) -> int:
        number = next(self._calls)
        self.feed(name, make(number))
        return number

    def answer(self, name: str, call: int) -> fx.Resolve | fx.Reject | None:
        found = [answer for answer in self.answers[name] if answer.call == call]
        assert len(found) <= 1
        return found[0] if found else None

    def connect(self, name: str) -> int:
        other = BOB if name == ALICE else ALICE
        return self.call(name, lambda call: inputs.ConnectToPeer(call, other))

    def connected(self) -> World:
        """Alice and bob, after alice has connected to bob."""
        self.connect(ALICE)
        self.run()
        return self

    def fire(self, name: str, key: inputs.TimerKey) -> None:
        del self.timers[name][key]
        self.feed(name, inputs.TimerFired(key))

    def _deliver(self, target: str) -> None:
        signal = self._signals[target].popleft()
        self.feed(target, inputs.SignalReceived(wire.encode_signal(signal)))

    def _later(self, name: str, action: Callable[[], None]) -> None:
        self._pending.append((name, action))

    def _tell(self, end: End, event: inputs.Input) -> None:
        """Report what a transport finds out, only while it exists."""
        self._later(end[0], lambda: (end not in self.closed and self.feed(end[0], event)) or None)

    # What a shell does

    def _carry_out(self, name: str, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit():
                self.events[name].append(effect.event)
            case fx.Resolve() | fx.Reject():
                self.answers[name].append(effect)
            case fx.StartTimer():
                self.timers[name][effect.key] = effect.seconds
            case fx.CancelTimer():
                self.timers[name].pop(effect.key, None)
            case fx.PublishSignal() if effect.target in self.cores:
                self._signals[effect.target].append(effect.signal)
            case fx.PublishSignal():
                event = inputs.SignalUndeliverable(effect.target, "Target session not found (404)")
                self._later(name, lambda: self.feed(name, event))
            case fx.CreateOffer():
                end = self._open(name, effect.transport)
                self._tell(end, inputs.LocalDescription(effect.transport, sdp(f"{name}/{effect.transport}")))
            case fx.AcceptOffer():
                end = self._open(name, effect.transport)
                self.partner[end] = tag_of(effect.sdp)
                self._tell(end, inputs.LocalDescription(effect.transport, sdp(f"{name}/{effect.transport}")))
            case fx.AcceptAnswer():
                here, there = (name, effect.transport), tag_of(effect.sdp)
                self.partner[here] = there
                if there not in self.closed:
                    self._tell(here, inputs.ChannelsOpen(effect.transport))
                    self._tell(there, inputs.ChannelsOpen(there[1]))
            case fx.SendOnChannel():
                self._send(name, effect)
            case fx.PublishRelay():
                target = effect.address.rsplit("/", 1)[1]
                if target in self.cores:
                    self.feed(target, inputs.RelayReceived(effect.value))
                self._later(name, lambda: self.feed(name, inputs.RelayWritten(effect.call)))
            case fx.Drain():
                self._tell((name, effect.transport), inputs.Drained(effect.transport))
            case fx.CloseTransport():
                self._close((name, effect.transport), silent=effect.silent)
            case _:
                pass

    def _open(self, name: str, number: int) -> End:
        end = (name, number)
        assert end not in self.opened
        self.opened.add(end)
        return end

    def _send(self, name: str, effect: fx.SendOnChannel) -> None:
        there = self.partner[name, effect.transport]
        self._tell(there, inputs.ChannelMessage(there[1], effect.label, effect.data))
        self._later(name, lambda: self.feed(name, inputs.ChannelAccepted(effect.call)))

    def _close(self, end: End, *, silent: bool) -> None:
        assert end in self.opened
        assert end not in self.closed
        self.closed.append(end)
        there = self.partner.get(end)
        if there is not None and not silent and self.partner.get(there) == end:
            self._tell(there, inputs.TransportLost(there[1], "the peer closed the channels"))
