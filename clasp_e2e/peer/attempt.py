"""The state that the core keeps for each remote session: its connection and its negotiations."""

from __future__ import annotations

from dataclasses import dataclass, field

from clasp_e2e.p2p_types import P2PConfig, TurnServer
from clasp_e2e.peer.inputs import ChannelMessage
from clasp_e2e.wire import Offer

CONNECTION_TIMEOUT = 30.0
MAX_RETRIES = 3
REOFFER_AFTER = 8.0
"""Seconds after an answer until channels that are still closed are considered stuck.

With 10 % loss, the slowest successful connection took 10 s, the median 1 s.
"""
ANSWER_CROSSING_AFTER = 3.0
"""Seconds for which this side expects its own offer to be answered before it answers one that crossed it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, completed with the reference peer's defaults. Times in seconds."""

    enabled: bool
    ice_servers: tuple[str, ...] = ()
    turn_servers: tuple[TurnServer, ...] = ()
    timeout: float = CONNECTION_TIMEOUT
    max_retries: int = MAX_RETRIES
    reoffer_after: float = REOFFER_AFTER
    auto_fallback: bool = True

    @classmethod
    def of(cls, config: P2PConfig | None) -> Settings:
        """Return the settings for `config`; None means a client without P2P."""
        if config is None:
            return cls(enabled=False)
        timeout, retries = config.connection_timeout_secs, config.max_retries
        return cls(
            enabled=True,
            ice_servers=config.ice_servers,
            turn_servers=config.turn_servers or (),
            timeout=CONNECTION_TIMEOUT if timeout is None else timeout,
            max_retries=MAX_RETRIES if retries is None else retries,
            auto_fallback=config.auto_fallback is not False,
        )


@dataclass(slots=True, eq=False)
class Negotiation:
    """One offer, its answer, and the transport between them."""

    peer: str
    transport: int
    correlation_id: str
    published: bool = False
    """Whether this side's offer has been published."""
    answered: bool = False
    """Whether this side's offer has been answered."""
    early: list[ChannelMessage] = field(default_factory=list[ChannelMessage])
    """Messages that arrived before every channel was open; delivered after Connected."""


@dataclass(slots=True, eq=False)
class Counterpart:
    """A remote session that this client is connected to or connecting to."""

    peer: str
    connection: Negotiation | None = None
    own: Negotiation | None = None
    """The negotiation that this side offered."""
    theirs: Negotiation | None = None
    """The negotiation that the other side offered."""
    calls: list[int] = field(default_factory=list[int])
    """Calls that wait for the offer to be published."""
    closers: list[int] = field(default_factory=list[int])
    """Calls that wait for the connection to end."""
    draining: bool = False
    left: str | None = None
    """The reason of the other side's disconnect, while its earlier messages are still being delivered."""
    reoffers: int = 0
    reoffer_due: bool = False
    crossing: Offer | None = None
    """The other side's offer, which crossed an offer of this side that is expected to be answered."""

    def named(self, correlation_id: str) -> Negotiation | None:
        """Return the negotiation or connection with this correlation id."""
        for negotiation in (self.connection, self.own, self.theirs):
            if negotiation is not None and negotiation.correlation_id == correlation_id:
                return negotiation
        return None

    def remaining_without(self, negotiation: Negotiation) -> Negotiation | None:
        """Return the other negotiation in progress, if there is one."""
        return self.theirs if negotiation is self.own else self.own

    def forget(self, negotiation: Negotiation) -> None:
        """Remove `negotiation`."""
        if negotiation is self.own:
            self.own = None
        else:
            self.theirs = None

    def adopt(self, negotiation: Negotiation) -> None:
        """Make `negotiation` the connection, which ends the attempt."""
        self.connection = negotiation
        self.own = self.theirs = None
        self.reoffers = 0
        self.draining = False
        self.left = None

    def release(self) -> None:
        """Clear the connection."""
        self.connection = None
        self.draining = False
        self.left = None
        self.closers = []

    def stage(self, seconds: float) -> str:
        """Return a failure reason that says how far the attempt had come after `seconds`."""
        if self.own is not None and not self.own.published:
            stage = "this side's candidates are still being gathered"
        elif self.theirs is None and self.own is not None and not self.own.answered:
            stage = "the offer was not answered"
        else:
            stage = "offer and answer were exchanged, but the channels did not open: is there a path?"
        return f"no connection within {seconds:g} s: {stage}"
