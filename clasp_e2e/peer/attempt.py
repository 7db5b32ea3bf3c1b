"""What the core knows of one other session: its connection, and the negotiations towards one."""

from __future__ import annotations

from dataclasses import dataclass, field

from clasp_e2e.p2p_types import P2PConfig, TurnServer
from clasp_e2e.peer.inputs import ChannelMessage

CONNECTION_TIMEOUT = 30.0
MAX_RETRIES = 3
REOFFER_AFTER = 8.0
"""Seconds from an answer until channels that are still closed are taken for wedged.

The slowest of the connections that did come about under 10 % loss took 10 s, the median 1 s.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration with the reference peer's own defaults in it. Times in seconds."""

    enabled: bool
    ice_servers: tuple[str, ...] = ()
    turn_servers: tuple[TurnServer, ...] = ()
    timeout: float = CONNECTION_TIMEOUT
    max_retries: int = MAX_RETRIES
    reoffer_after: float = REOFFER_AFTER
    auto_fallback: bool = True

    @classmethod
    def of(cls, config: P2PConfig | None) -> Settings:
        """The settings that `config` asks for; None is a client without P2P."""
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
    """One offer and its answer, and the transport between them."""

    peer: str
    transport: int
    correlation_id: str
    published: bool = False
    """Whether this side's offer has left."""
    answered: bool = False
    """Whether this side's offer has its answer."""
    early: list[ChannelMessage] = field(default_factory=list[ChannelMessage])
    """Messages that came before every channel was open: told after Connected, never before."""


@dataclass(slots=True, eq=False)
class Counterpart:
    """Another session that this one is connected to, or tries to connect to."""

    peer: str
    connection: Negotiation | None = None
    own: Negotiation | None = None
    """The negotiation that this side offered."""
    theirs: Negotiation | None = None
    """The negotiation that the other side offered."""
    calls: list[int] = field(default_factory=list[int])
    """Calls that wait for the offer to leave."""
    closers: list[int] = field(default_factory=list[int])
    """Calls that wait for the connection to end."""
    draining: bool = False
    left: str | None = None
    """Why the other side has ended the connection, from its word on until what came before is told."""
    reoffers: int = 0
    reoffer_due: bool = False

    def named(self, correlation_id: str) -> Negotiation | None:
        """The negotiation, or the connection, with this correlation id."""
        for negotiation in (self.connection, self.own, self.theirs):
            if negotiation is not None and negotiation.correlation_id == correlation_id:
                return negotiation
        return None

    def remaining_without(self, negotiation: Negotiation) -> Negotiation | None:
        """The other negotiation under way, if there are two."""
        return self.theirs if negotiation is self.own else self.own

    def forget(self, negotiation: Negotiation) -> None:
        """Go on without `negotiation`."""
        if negotiation is self.own:
            self.own = None
        else:
            self.theirs = None

    def adopt(self, negotiation: Negotiation) -> None:
        """Make `negotiation` the connection, and end the attempt."""
        self.connection = negotiation
        self.own = self.theirs = None
        self.reoffers = 0
        self.draining = False
        self.left = None

    def release(self) -> None:
        """Be without a connection."""
        self.connection = None
        self.draining = False
        self.left = None
        self.closers = []

    def stage(self, seconds: float) -> str:
        """How far the attempt came, for the reason of its failure after `seconds`."""
        if self.own is not None and not self.own.published:
            far = "this side's candidates are still being gathered"
        elif self.theirs is None and self.own is not None and not self.own.answered:
            far = "nobody answered the offer"
        else:
            far = "offer and answer were exchanged, but the channels did not open: is there a path?"
        return f"no connection within {seconds:g} s: {far}"
