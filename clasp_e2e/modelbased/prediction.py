"""The model, which determines the possible steps and their effects. Pure, no I/O.

Source: the P2P page of the CLASP documentation, by the requirements whose ids appear here. Where the
specification allows several results, so does the model: it keeps the set of all ways in which a send may
end, and extends it when other steps are taken before the call returns.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from clasp_e2e.modelbased.steps import (
    Attach,
    AwaitCalls,
    ClosePeer,
    Connect,
    Cut,
    Disconnect,
    Heal,
    Kill,
    Quiesce,
    Send,
    SetMode,
    Step,
)
from clasp_e2e.p2p_types import RoutingMode

LONGEST_CUT = 6
"""Maximum number of steps for which a connection is cut: it is healed long before ICE consent expires."""


class Way(StrEnum):
    """How a send ended."""

    P2P = "P2P"
    RELAY = "Relay"
    REFUSED = "refused"


class Status(StrEnum):
    """The state of the connection between two sessions."""

    IDLE = "no connection"
    CONNECTING = "an attempt"
    CONNECTED = "a connection"
    CLOSING = "a connection that is being closed"
    UNSURE = "something that the specification leaves open"


@dataclass(slots=True)
class ModelSession:
    """The state of a session."""

    present: bool = True
    modes: set[RoutingMode] = field(default_factory=lambda: {RoutingMode.PREFER_P2P})
    """The modes that may be current; more than one while a change is in progress."""
    mode: RoutingMode = RoutingMode.PREFER_P2P
    """The mode that was set last."""
    changes: int = 0
    calls: int = 0
    """Number of calls in progress."""


@dataclass(slots=True)
class Between:
    """The state between two sessions."""

    status: Status = Status.IDLE
    cut: bool = False
    cut_for: int = 0
    """Number of steps."""
    was_cut: bool = False
    """Whether any connection was cut, so that its loss may have been reported."""
    recovering: bool = False
    """Whether the current connection was cut: SCTP may take long to recover its rate, and drops messages."""
    callers: list[str] = field(default_factory=list[str])
    """The caller of each call that requested the current attempt."""
    failed: bool = False
    """Whether an attempt has failed."""
    renewed: bool = False
    """Whether a connection was requested again while it was established."""
    closer: str = ""
    ends: Counter[str] = field(default_factory=Counter[str])
    """The number of connections that each session ended by its own call."""
    most: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """The maximum number of events of each type that each session may have received about the other."""

    def allow(self, kind: str, *names: str) -> None:
        """Allow each of `names` one more event of type `kind`."""
        self.most.update((name, kind) for name in names)


@dataclass(slots=True)
class Sent:
    """A send, and all ways in which it may end."""

    number: int
    step: Send
    ways: set[Way]
    requirement: str
    """The requirement that determines the ways."""
    why: str
    round: int
    """All sends of a round were answered before the next round began."""
    answered: bool = False
    kept: bool = True
    """Whether no event on the connection permits a loss."""
    black: bool = False
    """Whether the link was cut at any time, or the connection had not recovered from a cut."""
    receiver_idle: bool = True


class Model:
    """The state of all sessions and connections after the steps taken so far."""

    def __init__(self, capabilities: frozenset[str]) -> None:
        self.sessions: dict[str, ModelSession] = {}
        self.open: list[Sent] = []
        """The sends that are in progress, or whose data has not arrived yet."""
        self.round = 0
        self._between: dict[frozenset[str], Between] = {}
        self._capabilities = capabilities
        self._sends = 0

    def between(self, one: str, other: str) -> Between:
        """Return the state between two sessions."""
        return self._between[frozenset((one, other))]

    def pairs(self) -> Iterator[tuple[str, str, Between]]:
        """Return all pairs of sessions, including ended ones."""
        for names, between in self._between.items():
            one, other = sorted(names)
            yield one, other, between

    def here(self, *names: str) -> bool:
        """Return whether all of `names` are attached."""
        return all(name in self.sessions and self.sessions[name].present for name in names)

    # Which steps are possible

    def allows(self, step: Step) -> bool:
        """Return whether `step` is possible now and its effects can be predicted."""
        match step:
            case Attach(who):
                return who not in self.sessions
            case AwaitCalls() | Quiesce():
                return True
            case SetMode(who):
                return self.here(who) and len(self.sessions[who].modes) == 1
            case ClosePeer(who) | Kill(who):
                able = isinstance(step, Kill) or "close" in self._capabilities
                others = sum(session.present for session in self.sessions.values()) > 1
                return able and others and self.here(who) and not self.sessions[who].calls
            case Send(who, to) | Connect(who, to) | Disconnect(who, to) | Cut(who, to) | Heal(who, to):
                known = who != to and self.here(who) and to in self.sessions
                return known and self._allows_between(step, self.between(who, to))

    def _allows_between(self, step: Send | Connect | Disconnect | Cut | Heal, between: Between) -> bool:
        both = self.here(step.who, step.to)
        match step:
            case Send():
                return True
            case Heal():
                return between.cut and between.status in (Status.IDLE, Status.CONNECTED, Status.UNSURE)
            case Cut():
                connected = between.status is Status.CONNECTED
                allowed = between.status is Status.IDLE or (connected and not self._attempt_fails())
                return both and not between.cut and allowed
            case Disconnect():
                able = "disconnect_peer" in self._capabilities
                return able and both and between.status is Status.CONNECTED and not between.cut
            case Connect() if between.status is Status.CONNECTED:
                return both and not between.cut
            case Connect() if between.status in (Status.IDLE, Status.CONNECTING):
                # The attempt must time out, and no connection may be cut for that long.
                waits = (between.cut or not both) and any(
                    b.cut and b.status is Status.CONNECTED for _, _, b in self.pairs()
                )
                return not waits and between.callers.count(step.who) < 2
            case _:
                return False

    def would_fail(self, step: Connect) -> bool:
        """Return whether the attempt must time out."""
        between = self.between(step.who, step.to)
        idle = between.status in (Status.IDLE, Status.CONNECTING)
        return idle and (between.cut or not self.here(step.to))

    def _attempt_fails(self) -> bool:
        """Return whether an attempt that must time out is in progress."""
        return any(
            between.status is Status.CONNECTING and (between.cut or not self.here(one, other))
            for one, other, between in self.pairs()
        )

    def overdue(self) -> Heal | None:
        """Return the step that must come next because a connection has been cut for `LONGEST_CUT` steps."""
        for one, other, between in self.pairs():
            if between.cut and between.status is Status.CONNECTED and between.cut_for >= LONGEST_CUT:
                return Heal(one, other) if self.here(one) else Heal(other, one)
        return None

    # The effects of steps

    def take(self, step: Step) -> Sent | None:
        """Take an allowed step; return the send that it starts, if any."""
        sent = None
        match step:
            case Attach(who):
                for other in self.sessions:
                    self._between[frozenset((who, other))] = Between()
                self.sessions[who] = ModelSession()
            case SetMode(who, mode):
                session = self.sessions[who]
                session.modes.add(mode)
                session.mode = mode
                session.changes += 1
            case Send():
                sent = self._send(step)
            case Connect(who, to):
                self._connect(who, to, self.between(who, to))
            case Disconnect(who, to):
                between = self.between(who, to)
                between.status, between.closer = Status.CLOSING, who
                between.ends[who] += 1
                between.allow("Disconnected", who, to)
            case ClosePeer(who) | Kill(who):
                self._leave(who, orderly=isinstance(step, ClosePeer))
            case Cut(who, to) | Heal(who, to):
                between = self.between(who, to)
                between.cut, between.cut_for = isinstance(step, Cut), 0
                if between.cut and between.status is Status.CONNECTED:
                    between.was_cut = between.recovering = True
            case AwaitCalls():
                self.answered()
            case Quiesce():
                self.answered()
                self.quiesced()
        if isinstance(step, Send | SetMode | Connect | Disconnect | ClosePeer):
            self.sessions[step.who].calls += 1
        for _, _, between in self.pairs():
            between.cut_for += between.cut
        self._widen()
        return sent

    def _send(self, step: Send) -> Sent:
        requirement, why = self._source(step)
        self._sends += 1
        sent = Sent(self._sends, step, set(), requirement, why, self.round)
        self.open.append(sent)
        return sent

    def _source(self, step: Send) -> tuple[str, str]:
        """Return the requirement that determines the path of a send, and a description of the situation."""
        session, between = self.sessions[step.who], self.between(step.who, step.to)
        connected = between.status is Status.CONNECTED
        link = " over a cut link" if between.cut else ""
        why = f"in {' or '.join(sorted(map(str, session.modes)))}, with {between.status}{link}"
        if between.renewed and connected:
            return "CON-9", f"{why} that was requested twice"
        if session.changes > 1:
            return "RTE-10", f"{why}, after {session.changes} changes of mode"
        match session.mode:
            case RoutingMode.SERVER_ONLY:
                return "RTE-9", why
            case RoutingMode.P2P_ONLY:
                return "RTE-7" if connected else "RTE-8", why
            case RoutingMode.PREFER_P2P if connected:
                return "RTE-3", why
            case RoutingMode.PREFER_P2P:
                return "RTE-6" if between.failed and between.cut else "RTE-4", why

    def _ways(self, step: Send) -> set[Way]:
        between, gone = self.between(step.who, step.to), not self.here(step.to)
        found: set[Way] = {Way.REFUSED} if gone else set()
        for mode in self.sessions[step.who].modes:
            if mode is RoutingMode.SERVER_ONLY:
                found.add(Way.RELAY)
                continue
            without = Way.REFUSED if mode is RoutingMode.P2P_ONLY else Way.RELAY
            match between.status:
                case Status.CONNECTED if not between.cut:
                    found.add(Way.P2P)
                case Status.IDLE | Status.CONNECTING if between.cut or gone:
                    found.add(without)
                case _:
                    # Without a connection, the implementation may connect first; between the loss of a
                    # connection and Disconnected, both are possible.
                    found |= {Way.P2P, without}
        return found

    def _connect(self, who: str, to: str, between: Between) -> None:
        if between.status is Status.CONNECTED:
            between.renewed = True
        elif between.status is Status.IDLE:
            between.status = Status.CONNECTING
            between.callers = []
            between.allow("ConnectionFailed" if between.cut or not self.here(to) else "Connected", who, to)
        if between.callers or between.renewed:
            for kind in ("Connected", "Disconnected", "ConnectionFailed"):
                between.allow(kind, who, to)
        between.callers.append(who)

    def _leave(self, who: str, *, orderly: bool) -> None:
        self.sessions[who].present = False
        for one, other, between in self.pairs():
            if who not in (one, other):
                continue
            if between.status is Status.CONNECTED and orderly and not between.cut:
                between.status, between.closer = Status.CLOSING, who
                between.allow("Disconnected", one, other)
            elif between.status is not Status.IDLE:
                between.status = Status.UNSURE

    def unsure(self, one: str, other: str) -> None:
        """Predict nothing more about two sessions, except that results of sends are true."""
        self.between(one, other).status = Status.UNSURE
        self._widen()

    def _busy(self, name: str) -> bool:
        changing = any(
            name in (one, other) and between.status in (Status.CONNECTING, Status.CLOSING)
            for one, other, between in self.pairs()
        )
        return changing or self.sessions[name].calls > 0 or not self.here(name)

    def _widen(self) -> None:
        for sent in self.open:
            between = self.between(sent.step.who, sent.step.to)
            if not sent.answered:
                sent.ways |= self._ways(sent.step)
            sent.black |= between.cut or between.recovering
            sent.kept &= between.status in (Status.CONNECTED, Status.CONNECTING, Status.IDLE)
            sent.kept &= self.here(sent.step.who, sent.step.to)
            sent.receiver_idle &= not self._busy(sent.step.to)

    def answered(self) -> None:
        """Record that all calls in progress have returned."""
        for session in self.sessions.values():
            session.modes = {session.mode}
            session.calls = 0
        for sent in self.open:
            sent.answered = True
        self.round += 1

    def quiesced(self) -> None:
        """Record that all effects of calls have occurred, except the arrival of data sent into a cut link."""
        for one, other, between in self.pairs():
            if between.status is Status.CONNECTING:
                fails = between.cut or not self.here(one, other)
                between.status = Status.IDLE if fails else Status.CONNECTED
                between.failed |= fails
                between.renewed = between.recovering = False
            elif between.status is Status.CLOSING:
                between.status = Status.IDLE
            between.callers = []
        self.open = [sent for sent in self.open if self.is_stuck(sent)]

    def is_stuck(self, sent: Sent) -> bool:
        """Return whether a send waits for its connection to heal."""
        between = self.between(sent.step.who, sent.step.to)
        return sent.kept and between.status is Status.CONNECTED and between.cut and sent.step.reliable
