"""Peers that lose messages or a connection when there are many messages, or when both channels are in use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, PeerAnnounced, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, mutant
from clasp_e2e.scripted.payload_mutants import Pausing
from clasp_e2e.scripted.sending_mutants import is_reliable, lost
from clasp_e2e.scripted.steady_mutants import Tracking

IN_A_ROW = 300
"""Messages without a pause: more than other scenarios exchange, and less than a burst has."""
IN_ALL = 600
"""Messages of one client: more than a burst has, and less than an extended run exchanges."""


def is_data(effect: fx.Effect, *, reliable: bool | None = True) -> bool:
    """Return whether `effect` delivers a direct message of this kind; None means either."""
    if not isinstance(effect, fx.Emit) or not isinstance(effect.event, Data):
        return False
    return effect.event.reliable is not None and reliable in (None, effect.event.reliable)


# Queues and counters


@mutant("SND-4", f"It returns P2P for all of a burst, and sends the first {IN_A_ROW} messages.", *EITHER)
class SendsTheFirstOfMany(Pausing):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel) and is_reliable(effect) and self.count() > IN_A_ROW:
            return lost(effect)
        return (effect,)


@mutant("SND-4", f"It delivers the first {IN_A_ROW} messages of a burst.", *EITHER)
class DeliversTheFirstOfMany(Pausing):
    def alter(self, effect: fx.Effect) -> Outs:
        return () if is_data(effect) and self.count() > IN_A_ROW else (effect,)


class Totalling(PeerScript):
    """A script that counts messages."""

    total = 0

    def exceeds(self, limit: int) -> bool:
        """Count a message, and return whether there were more than `limit`."""
        self.total += 1
        return self.total > limit


@mutant("SND-4", f"It sends {IN_ALL} messages in its life, and returns P2P for later ones.", *EITHER)
class StopsSending(Totalling):
    def alter(self, effect: fx.Effect) -> Outs:
        is_late = isinstance(effect, fx.SendOnChannel) and is_reliable(effect) and self.exceeds(IN_ALL)
        return lost(effect) if isinstance(effect, fx.SendOnChannel) and is_late else (effect,)


@mutant("SND-4", f"It delivers {IN_ALL} messages in its life.", *EITHER)
class StopsDelivering(Totalling):
    def alter(self, effect: fx.Effect) -> Outs:
        return () if is_data(effect) and self.exceeds(IN_ALL) else (effect,)


@mutant("SND-2", f"It sends {IN_ALL // 4} unreliable messages in its life.", *EITHER)
class StopsSendingUnreliably(Totalling):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel) and not is_reliable(effect) and self.exceeds(IN_ALL // 4):
            return lost(effect)
        return (effect,)


@mutant("SND-11", "It relays the first 128 messages of a burst, and returns Relay for all.", *EITHER)
class RelaysTheFirstOfMany(Pausing):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishRelay) and self.count() > 128:
            return (fx.Resolve(effect.call, SendResult.RELAY),)
        return (effect,)


# Reliable and unreliable messages at the same time


class KnowingBursts(Pausing):
    """A script that knows whether the connection is busy: many large messages go one way without a pause."""

    many = 0
    """Large reliable messages since the last pause."""

    def is_busy(self, data: bytes, *, reliable: bool) -> bool:
        """Note a message, and return whether it is an unreliable one while the connection is busy."""
        if reliable:
            self.many = self.count() if len(data) > 1000 else self.many
        return not reliable and self.many >= 8 and not self.has_paused()


@mutant(
    "SND-14", "It loses unreliable messages when it has sent eight large reliable ones in a row.", *EITHER
)
class SendsNothingUnreliableMeanwhile(KnowingBursts):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel) and self.is_busy(effect.data, reliable=is_reliable(effect)):
            return lost(effect)
        return (effect,)


@mutant("SND-14", "It delivers no unreliable message after eight large reliable ones in a row.", *EITHER)
class DeliversNothingUnreliableMeanwhile(KnowingBursts):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(data=data, reliable=bool(reliable))):
                return () if self.is_busy(data, reliable=reliable) else (effect,)
            case _:
                return (effect,)


# Connections that end


@mutant("CON-11", "It ends a connection on which it sends more than 400 messages in a row.", *EITHER)
class EndsInABurst(Pausing):
    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.SendOnChannel) and self.count() == 400:
            yield fx.Feed(inputs.TransportLost(effect.transport, "too many messages"))


class _GivingUp(AiortcTransport):
    """A transport that is lost at its second retransmission time-out."""

    async def _describe(self, pc: Any) -> None:
        await super()._describe(pc)
        expired, count = pc.sctp._t3_expired, 0

        def on_time_out() -> None:
            nonlocal count
            count += 1
            if count > 1:
                self._report(inputs.TransportLost(self._number, "no acknowledgement came in time"))
            else:
                expired()

        pc.sctp._t3_expired = on_time_out


@mutant("CON-11", "It ends a connection at the second retransmission time-out.")
class EndsAtTimeOuts(PeerScript):
    webrtc = _GivingUp


@mutant("CON-11", "It ends a connection on which it has sent in each of 20 seconds.", slow=True)
class EndsBusyConnections(Tracking):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[int, int] = {}
        self.sent_at: dict[int, float] = {}

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.SendOnChannel):
            number, now = effect.transport, Pausing.now()
            if now - self.sent_at.get(number, 0.0) > 0.5:
                self.sent_at[number] = now
                self.seconds[number] = self.seconds.get(number, 0) + 1
                if self.seconds[number] == 20:
                    yield fx.Feed(inputs.TransportLost(number, "it was busy for too long"))


# Events and attempts


@mutant("EVT-11", "It emits no PeerAnnounced while it is connected.", *EITHER)
class ReportsNoAnnouncementWhileConnected(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        is_announced = isinstance(effect, fx.Emit) and isinstance(effect.event, PeerAnnounced)
        return () if is_announced and self.connected else (effect,)


@mutant("EVT-11", "Its PeerAnnounced names the session that was announced before.", *EITHER)
class ReportsTheAnnouncementBefore(PeerScript):
    before: fx.Effect | None = None

    def alter(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.Emit) or not isinstance(effect.event, PeerAnnounced):
            return (effect,)
        before, self.before = self.before, effect
        return (effect if before is None else before,)


@mutant("TMO-4", "It emits ConnectionFailed once for each peer.", slow=True)
class ReportsOneFailure(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.failed: set[str] = set()

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=ConnectionFailed(peer_session_id=peer)):
                is_first = peer not in self.failed
                self.failed.add(peer)
                return (effect,) if is_first else ()
            case _:
                return (effect,)


@mutant("CON-13", "It ignores the offers of a peer to which it believes to be connected.", *EITHER)
class IgnoresOffersWhileConnected(Tracking):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "offer", "from": str(peer)}) if (
                peer in self.established
            ):
                return ()
            case _:
                return super().alter_input(event)


@mutant("CON-13", "It answers no offer of a peer whose offer has crossed its own before.", *EITHER)
class IsStuckAfterAGlare(Tracking):
    def __init__(self) -> None:
        super().__init__()
        self.calling: set[str] = set()
        self.crossed: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.ConnectToPeer(peer=peer):
                self.calling.add(peer)
            case inputs.SignalReceived(value={"type": "offer", "from": str(peer)}):
                if peer in self.crossed and peer in self.ended:
                    return ()
                if peer in self.calling and peer not in self.established:
                    self.crossed.add(peer)
            case _:
                pass
        return super().alter_input(event)

    def note(self, effect: fx.Effect) -> None:
        super().note(effect)
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Connected):
            self.calling.discard(effect.event.peer_session_id)
