"""The negotiation core of the reference peer: inputs in, effects out, no I/O and no clock.

Source: the P2P page of the CLASP documentation; signaling as the reference implementation has it.

An *attempt* is what the application sees: it has one outcome. It may take several negotiations:
one that this side offered, one that the other side offered (both at once in a glare), and renewed
offers. Whichever first has its channels open becomes the connection.

Glare: of two offers that cross, the one of the smaller session id stands, and its maker ignores the
other. The maker of the other answers, and keeps its own offer only in case it is answered after all.

An offer from a peer that is connected does not end the connection. Only once its channels are open,
which proves that whoever sent it has read our answer, it takes the old one's place: `from` is not
checked by the router, and a third session must not be able to end a connection.
"""

from __future__ import annotations

from collections.abc import Callable

from clasp_e2e import wire
from clasp_e2e.model import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    PeerAnnounced,
)
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.attempt import Counterpart, Negotiation, Settings
from clasp_e2e.peer.errors import NegotiationError, NotConnected, P2PNotConfigured, PeerError
from clasp_e2e.peer.sdp import flaw
from clasp_e2e.peer.sending import RELAY_PREFIX, Sending, decode_relay

__all__ = ["PeerCore"]

FEATURES = ("webrtc", "reliable", "unreliable")


class PeerCore:
    """One client's side of all its connections.

    `new_id` makes the correlation ids. They must not be guessable: they are what tells a peer's
    own signals from those sent in its name. `config` is None for a client without P2P.
    """

    def __init__(self, session_id: str, config: P2PConfig | None, new_id: Callable[[], str]) -> None:
        self.session_id = session_id
        self._settings = Settings.of(config)
        self._new_id = new_id
        self._effects: list[fx.Effect] = []
        self._counterparts: dict[str, Counterpart] = {}
        self._negotiations: dict[int, Negotiation] = {}
        self._transports = 0
        self._router_lost: str | None = None
        self._close_call: int | None = None
        self._sending = Sending(session_id, self._settings, self._do)

    def connection(self, peer: str) -> int | None:
        """The transport of the connection to `peer`, if it stands."""
        counterpart = self._counterparts.get(peer)
        return counterpart.connection.transport if counterpart and counterpart.connection else None

    def handle(self, event: inputs.Input) -> list[fx.Effect]:
        """Take one input and return what is to be done about it, in order."""
        self._effects = []
        match event:
            case inputs.Start():
                self._start()
            case inputs.ConnectToPeer():
                self._connect(event)
            case inputs.SendP2P():
                self._send(event)
            case inputs.SetRoutingMode():
                self._sending.mode = event.mode
                self._do(fx.Resolve(event.call))
            case inputs.GetRoutingMode():
                self._do(fx.Resolve(event.call, self._sending.mode))
            case inputs.IsPeerConnected():
                self._do(fx.Resolve(event.call, self.connection(event.peer) is not None))
            case inputs.DisconnectPeer():
                self._disconnect(event)
            case inputs.Close():
                self._close(event.call)
            case inputs.SignalReceived():
                self._signal(event.value)
            case inputs.AnnouncementReceived():
                self._announced(event.value)
            case inputs.RelayReceived():
                self._relayed(event.value)
            case inputs.SignalUndeliverable():
                self._undeliverable(event)
            case inputs.RouterLost():
                self._router_lost = event.reason
            case inputs.RelayWritten() | inputs.RelayRefused():
                self._sending.relay_answered(event)
            case inputs.ChannelAccepted() | inputs.ChannelRefused():
                self._sending.channel_answered(event, router_lost=self._router_lost)
            case inputs.TimerFired():
                self._timer(event.key)
            case _:
                if negotiation := self._negotiations.get(event.transport):
                    self._progress(negotiation, event)
        return self._effects

    def _do(self, *effects: fx.Effect) -> None:
        self._effects += effects

    # Calls

    def _start(self) -> None:
        if not self._settings.enabled:
            return
        self._do(
            fx.Subscribe(wire.signal_address(self.session_id)),
            fx.Subscribe(wire.ANNOUNCE_ADDRESS),
            fx.Subscribe(RELAY_PREFIX + self.session_id),
            fx.PublishAnnouncement(wire.Announcement(self.session_id, True, FEATURES)),
        )

    def _refusal(self, peer: str, *, router_needed: bool) -> PeerError | None:
        """Why a call that concerns `peer` cannot be carried out, or None."""
        if not self._settings.enabled:
            return P2PNotConfigured(
                "P2P is not enabled on this client: give the builder a P2PConfig with p2p_config()"
            )
        if self._close_call is not None:
            return NotConnected("this client has been closed: build and connect a new one")
        if peer == self.session_id:
            return PeerError(f"{peer!r} is this client's own session id: name another session")
        if not peer or "/" in peer:
            return PeerError(f"{peer!r} is no session id: it must not be empty nor hold a '/'")
        if router_needed and self._router_lost is not None:
            return NotConnected(f"the router is gone ({self._router_lost}): connect a new client")
        return None

    def _connect(self, call: inputs.ConnectToPeer) -> None:
        counterpart = self._counterparts.get(call.peer)
        stands = counterpart is not None and counterpart.connection is not None
        if error := self._refusal(call.peer, router_needed=not stands):
            self._do(fx.Reject(call.call, error))
        elif counterpart is None:
            counterpart = self._begin(call.peer)
            counterpart.calls.append(call.call)
            self._offer(counterpart)
        elif counterpart.calls:
            counterpart.calls.append(call.call)
        else:
            self._do(fx.Resolve(call.call))

    def _send(self, call: inputs.SendP2P) -> None:
        if error := self._refusal(call.peer, router_needed=False):
            self._do(fx.Reject(call.call, error))
            return
        counterpart = self._counterparts.get(call.peer)
        usable = counterpart is not None and not counterpart.draining
        transport = self.connection(call.peer) if usable else None
        self._sending.send(call, transport, router_lost=self._router_lost)

    def _disconnect(self, call: inputs.DisconnectPeer) -> None:
        counterpart = self._counterparts.get(call.peer)
        if counterpart is None:
            self._do(fx.Resolve(call.call))
        elif counterpart.connection is None:
            self._fail(counterpart, "this client called disconnect_peer")
            self._do(fx.Resolve(call.call))
        else:
            counterpart.closers.append(call.call)
            self._drain(counterpart)

    def _close(self, call: int) -> None:
        if self._close_call is not None:
            self._do(fx.Resolve(call))
            return
        self._close_call = call
        for counterpart in list(self._counterparts.values()):
            if counterpart.connection is None:
                self._fail(counterpart, "this client was closed")
            else:
                self._drain(counterpart)
        self._finish_close()

    def _finish_close(self) -> None:
        if self._close_call is not None and not self._counterparts:
            self._do(fx.CloseSession(), fx.Resolve(self._close_call))

    # Attempts

    def _begin(self, peer: str) -> Counterpart:
        counterpart = self._counterparts[peer] = Counterpart(peer)
        self._do(fx.StartTimer(("deadline", peer), self._settings.timeout))
        return counterpart

    def _negotiate(self, peer: str, correlation_id: str) -> Negotiation:
        self._transports += 1
        negotiation = Negotiation(peer, self._transports, correlation_id)
        self._negotiations[negotiation.transport] = negotiation
        return negotiation

    def _offer(self, counterpart: Counterpart) -> None:
        counterpart.own = self._negotiate(counterpart.peer, self._new_id())
        self._do(
            fx.CreateOffer(
                counterpart.own.transport,
                (fx.UNRELIABLE, fx.RELIABLE),
                self._settings.ice_servers,
                self._settings.turn_servers,
            )
        )

    def _drop(self, negotiation: Negotiation | None, *, silent: bool) -> None:
        """End a negotiation that is not wanted any more."""
        if negotiation is not None:
            del self._negotiations[negotiation.transport]
            self._do(fx.CloseTransport(negotiation.transport, silent))

    def _stop_timers(self, counterpart: Counterpart) -> None:
        self._do(fx.CancelTimer(("deadline", counterpart.peer)))
        if counterpart.reoffer_due:
            counterpart.reoffer_due = False
            self._do(fx.CancelTimer(("reoffer", counterpart.peer)))

    def _fail(self, counterpart: Counterpart, reason: str) -> None:
        """End an attempt without success: the waiting calls are told, or else the application.

        Beside a connection that stands it is no attempt of the application's, and is told to nobody.
        """
        self._stop_timers(counterpart)
        self._drop(counterpart.own, silent=False)
        self._drop(counterpart.theirs, silent=False)
        counterpart.own = counterpart.theirs = None
        if counterpart.connection is not None:
            return
        del self._counterparts[counterpart.peer]
        for call in counterpart.calls:
            self._do(fx.Reject(call, NegotiationError(f"no offer to {counterpart.peer}: {reason}")))
        if not counterpart.calls:
            self._do(fx.Emit(ConnectionFailed(counterpart.peer, reason)))

    def _give_up(self, negotiation: Negotiation, reason: str) -> None:
        """Go on without one negotiation, and fail the attempt if it was the last."""
        counterpart = self._counterparts[negotiation.peer]
        if counterpart.remaining_without(negotiation) is None:
            self._fail(counterpart, reason)
            return
        counterpart.forget(negotiation)
        self._drop(negotiation, silent=False)
        self._answer_calls(counterpart)

    def _answer_calls(self, counterpart: Counterpart) -> None:
        self._do(*(fx.Resolve(call) for call in counterpart.calls))
        counterpart.calls.clear()

    def _timer(self, key: inputs.TimerKey) -> None:
        kind, peer = key
        counterpart = self._counterparts.get(peer)
        if counterpart is None:
            return
        if kind == "deadline":
            self._fail(counterpart, counterpart.stage(self._settings.timeout))
        elif counterpart.reoffer_due and counterpart.own is not None and self._router_lost is None:
            # Under loss aiortc sometimes wedges: connected by its own word, channels never open.
            counterpart.reoffer_due = False
            counterpart.reoffers += 1
            self._drop(counterpart.own, silent=True)
            self._offer(counterpart)

    # Results of WebRTC

    def _progress(self, negotiation: Negotiation, event: inputs.Input) -> None:
        counterpart = self._counterparts[negotiation.peer]
        standing = counterpart.connection is negotiation
        match event:
            case inputs.LocalDescription():
                self._described(counterpart, negotiation, event.sdp)
            case inputs.ChannelsOpen() if not standing:
                self._opened(counterpart, negotiation)
            case inputs.ChannelMessage() if standing:
                self._data(event, negotiation.peer)
            case inputs.ChannelMessage():
                negotiation.early.append(event)
            case inputs.Drained() if counterpart.draining:
                self._end_connection(counterpart, "this client closed the connection", tell_peer=True)
            case inputs.TransportLost() | inputs.NegotiationFailed() if standing:
                self._end_connection(counterpart, event.reason)
            case inputs.TransportLost() | inputs.NegotiationFailed():
                self._give_up(negotiation, event.reason)
            case _:
                pass

    def _described(self, counterpart: Counterpart, negotiation: Negotiation, sdp: str) -> None:
        if self._router_lost is not None:
            self._give_up(negotiation, f"the router is gone ({self._router_lost}): connect a new client")
            return
        sender, correlation_id = self.session_id, negotiation.correlation_id
        if negotiation is not counterpart.own:
            self._do(fx.PublishSignal(counterpart.peer, wire.Answer(sender, sdp, correlation_id)))
            return
        negotiation.published = True
        self._do(fx.PublishSignal(counterpart.peer, wire.Offer(sender, sdp, correlation_id)))
        if not counterpart.reoffers:
            # The other side could not begin earlier than this.
            self._do(fx.StartTimer(("deadline", counterpart.peer), self._settings.timeout))
        self._answer_calls(counterpart)

    def _opened(self, counterpart: Counterpart, negotiation: Negotiation) -> None:
        peer = counterpart.peer
        self._stop_timers(counterpart)
        if counterpart.connection is not None:
            self._drop(counterpart.connection, silent=True)
            self._do(fx.Emit(Disconnected(peer, "replaced by a new connection to the same peer")))
        # Two offers of this side's are never answered: the other negotiation, if any, leads nowhere.
        self._drop(counterpart.remaining_without(negotiation), silent=True)
        counterpart.settle(negotiation)
        self._do(
            fx.Emit(Connected(peer)),
            fx.PublishSignal(peer, wire.ConnectedSignal(self.session_id, negotiation.correlation_id)),
        )
        self._answer_calls(counterpart)
        for message in negotiation.early:
            self._data(message, peer)
        negotiation.early.clear()

    def _data(self, message: inputs.ChannelMessage, peer: str) -> None:
        self._do(fx.Emit(Data(peer, message.data, message.label == fx.RELIABLE.label)))

    def _drain(self, counterpart: Counterpart) -> None:
        if counterpart.connection is not None and not counterpart.draining:
            counterpart.draining = True
            self._fail(counterpart, "the connection is being closed")
            self._do(fx.Drain(counterpart.connection.transport))

    def _end_connection(
        self, counterpart: Counterpart, reason: str | None, *, tell_peer: bool = False
    ) -> None:
        connection = counterpart.connection
        assert connection is not None  # noqa: S101 - callers hold one
        peer, closers = counterpart.peer, counterpart.closers
        if tell_peer:
            signal = wire.DisconnectedSignal(self.session_id, connection.correlation_id, "closed by the peer")
            self._do(fx.PublishSignal(peer, signal))
        counterpart.unsettle()
        self._drop(connection, silent=False)
        self._do(fx.Emit(Disconnected(peer, reason)), *(fx.Resolve(call) for call in closers))
        if counterpart.own is None and counterpart.theirs is None:
            del self._counterparts[peer]
        self._finish_close()

    # What the router brings

    def _signal(self, value: wire.Value) -> None:
        try:
            signal = wire.decode_signal(value)
        except wire.WireError:
            return
        if self._close_call is not None or not self._settings.enabled:
            return
        counterpart = self._counterparts.get(signal.sender)
        match signal:
            case wire.Offer():
                self._offered(signal, counterpart)
                return
            case _ if counterpart is None:
                return
            case wire.Answer():
                self._answered(signal, counterpart)
            case wire.IceCandidate():
                if negotiation := counterpart.named(signal.correlation_id):
                    self._do(fx.AddCandidate(negotiation.transport, signal.candidate))
            case wire.DisconnectedSignal():
                negotiation = counterpart.named(signal.correlation_id)
                reason = signal.reason or "closed by the peer"
                if negotiation is not None and negotiation is counterpart.connection:
                    self._end_connection(counterpart, reason)
                elif negotiation is not None:
                    self._give_up(negotiation, reason)
            case wire.ConnectedSignal():
                pass

    def _offered(self, offer: wire.Offer, counterpart: Counterpart | None) -> None:
        peer = offer.sender
        if not peer or "/" in peer or peer == self.session_id or flaw(offer.sdp) is not None:
            return
        if counterpart is None:
            counterpart = self._begin(peer)
        elif counterpart.named(offer.correlation_id) or counterpart.draining:
            return
        elif counterpart.own is not None and not counterpart.own.answered:
            if self.session_id < peer:
                return
            if not counterpart.own.published:
                self._drop(counterpart.own, silent=True)
                counterpart.own = None
                self._answer_calls(counterpart)
        elif counterpart.connection is not None and counterpart.theirs is None:
            self._do(fx.StartTimer(("deadline", peer), self._settings.timeout))
        self._drop(counterpart.theirs, silent=True)
        counterpart.theirs = self._negotiate(peer, offer.correlation_id)
        self._do(
            fx.AcceptOffer(
                counterpart.theirs.transport,
                offer.sdp,
                self._settings.ice_servers,
                self._settings.turn_servers,
            )
        )

    def _answered(self, answer: wire.Answer, counterpart: Counterpart) -> None:
        own = counterpart.own
        if own is None or not own.published or own.answered or own.correlation_id != answer.correlation_id:
            return
        if flaw(answer.sdp) is not None:
            return
        own.answered = True
        self._do(fx.AcceptAnswer(own.transport, answer.sdp))
        if counterpart.reoffers < self._settings.max_retries:
            counterpart.reoffer_due = True
            self._do(fx.StartTimer(("reoffer", counterpart.peer), self._settings.reoffer_after))

    def _undeliverable(self, event: inputs.SignalUndeliverable) -> None:
        counterpart = self._counterparts.get(event.target)
        if counterpart is None or counterpart.own is None:
            return
        if counterpart.own.published and not counterpart.own.answered:
            self._give_up(counterpart.own, f"the router could not deliver the offer: {event.reason}")

    def _announced(self, value: wire.Value) -> None:
        try:
            announcement = wire.decode_announcement(value)
        except wire.WireError:
            return
        if announcement.p2p_capable and announcement.session_id not in ("", self.session_id):
            self._do(fx.Emit(PeerAnnounced(announcement.session_id, announcement.features)))

    def _relayed(self, value: wire.Value) -> None:
        if (data := decode_relay(value)) is not None:
            self._do(fx.Emit(data))
