"""The connections of one client, and its attempts to connect.

Source: the P2P page of the CLASP documentation; signaling follows the reference implementation.

An *attempt* is what the application sees; it has one outcome. It may use several negotiations: one
offered by this side, one offered by the other side (both in a glare), and repeated offers. The first
whose channels open becomes the connection.

Glare: of two crossing offers, the one of the smaller session id wins. The sender of the other answers, and
keeps its own offer only in case it is answered after all. No document has a rule, and a peer with another
one waits for an answer too: if the winner gets none for `ANSWER_CROSSING_AFTER`, it answers as well.

Candidates may arrive before their offer: they are kept until it arrives.

An offer from a connected peer does not end the connection. It replaces the connection only when its
channels are open, which proves that its sender has read the answer: the router does not check `from`,
and a third session must not be able to end a connection.
"""

from collections import deque
from collections.abc import Callable

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.attempt import ANSWER_CROSSING_AFTER, Counterpart, Negotiation, Settings
from clasp_e2e.peer.errors import NegotiationError
from clasp_e2e.peer.sdp import flaw

EARLY_LIMIT = 64
"""The number of candidates without an offer that are kept, of all sessions together."""


class Connections:
    """All remote sessions that this client is connected to or connecting to.

    `do` receives the effects. `new_id` creates correlation ids.
    """

    def __init__(
        self, session_id: str, settings: Settings, new_id: Callable[[], str], do: Callable[[fx.Effect], None]
    ) -> None:
        self.router_lost: str | None = None
        """Why the session with the router was lost, or None."""
        self.closing = False
        self._session_id = session_id
        self._settings = settings
        self._new_id = new_id
        self._out = do
        self._close_call: int | None = None
        self._counterparts: dict[str, Counterpart] = {}
        self._negotiations: dict[int, Negotiation] = {}
        self._transports = 0
        self._early: deque[wire.IceCandidate] = deque(maxlen=EARLY_LIMIT)

    def _do(self, *effects: fx.Effect) -> None:
        for effect in effects:
            self._out(effect)

    def connection(self, peer: str) -> int | None:
        """Return the transport of the established connection to `peer`, or None."""
        counterpart = self._counterparts.get(peer)
        return counterpart.connection.transport if counterpart and counterpart.connection else None

    def usable(self, peer: str) -> int | None:
        """Return the transport of the connection to `peer`, or None if it is being closed."""
        counterpart = self._counterparts.get(peer)
        if counterpart is None or counterpart.draining or counterpart.left is not None:
            return None
        return self.connection(peer)

    def reattached(self, session_id: str) -> None:
        """Use the router again, under a new session id."""
        self.router_lost = None
        self._session_id = session_id

    # Calls

    def connect(self, call: inputs.ConnectToPeer) -> None:
        """Start an attempt, unless there is already an attempt or a connection."""
        counterpart = self._counterparts.get(call.peer)
        if counterpart is None:
            counterpart = self._begin(call.peer)
            counterpart.calls.append(call.call)
            self._offer(counterpart)
        elif counterpart.calls:
            counterpart.calls.append(call.call)
        else:
            self._do(fx.Resolve(call.call))

    def disconnect(self, call: inputs.DisconnectPeer) -> None:
        """End the connection or the attempt."""
        counterpart = self._counterparts.get(call.peer)
        if counterpart is None:
            self._do(fx.Resolve(call.call))
        elif counterpart.connection is None:
            self._fail(counterpart, "this client called disconnect_peer")
            self._do(fx.Resolve(call.call))
        else:
            counterpart.closers.append(call.call)
            self._drain(counterpart)

    def close(self, call: int) -> None:
        """End all connections and attempts, then the session."""
        if self.closing:
            self._do(fx.Resolve(call))
            return
        self.closing = True
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
        """End a negotiation that is no longer needed."""
        if negotiation is not None:
            del self._negotiations[negotiation.transport]
            self._do(fx.CloseTransport(negotiation.transport, silent))

    def _stop_timers(self, counterpart: Counterpart) -> None:
        self._do(fx.CancelTimer(("deadline", counterpart.peer)))
        if counterpart.reoffer_due:
            counterpart.reoffer_due = False
            self._do(fx.CancelTimer(("reoffer", counterpart.peer)))
        self._forget_crossing(counterpart)

    def _forget_crossing(self, counterpart: Counterpart) -> None:
        if counterpart.crossing is not None:
            counterpart.crossing = None
            self._do(fx.CancelTimer(("crossing", counterpart.peer)))

    def _fail(self, counterpart: Counterpart, reason: str, *, timed_out: bool = False) -> None:
        """End an attempt as failed: reject the waiting calls, or else emit ConnectionFailed.

        A time-out is also reported by ConnectionFailed if a call waits (specification, "Connection Timeout").
        Next to an established connection there is no attempt of the application, so nothing is reported.
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
        if timed_out or not counterpart.calls:
            self._do(fx.Emit(ConnectionFailed(counterpart.peer, reason)))

    def _give_up(self, negotiation: Negotiation, reason: str) -> None:
        """End one negotiation; fail the attempt if it was the last."""
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

    def timer(self, key: inputs.TimerKey) -> None:
        """Handle an expired timer."""
        kind, peer = key
        counterpart = self._counterparts.get(peer)
        if counterpart is None:
            return
        if kind == "deadline":
            self._fail(counterpart, counterpart.stage(self._settings.timeout), timed_out=True)
        elif kind == "crossing":
            crossing, counterpart.crossing = counterpart.crossing, None
            if crossing is not None:
                self._accept(counterpart, crossing)
        elif counterpart.reoffer_due and counterpart.own is not None and self.router_lost is None:
            # Under loss, aiortc sometimes gets stuck: it reports connected, but the channels never open.
            counterpart.reoffer_due = False
            counterpart.reoffers += 1
            self._drop(counterpart.own, silent=True)
            self._offer(counterpart)

    # Results of WebRTC

    def progress(self, event: inputs.TransportInput) -> None:
        """Handle an event of a transport; events of transports that were closed meanwhile are ignored."""
        negotiation = self._negotiations.get(event.transport)
        if negotiation is None:
            return
        counterpart = self._counterparts[negotiation.peer]
        standing = counterpart.connection is negotiation
        match event:
            case inputs.LocalDescription():
                self._described(counterpart, negotiation, event.sdp)
            case inputs.LocalCandidate():
                signal = wire.IceCandidate(self._session_id, event.candidate, negotiation.correlation_id)
                self._do(fx.PublishSignal(negotiation.peer, signal))
            case inputs.ChannelsOpen() if not standing:
                self._opened(counterpart, negotiation)
            case inputs.ChannelMessage() if standing:
                self._data(event, negotiation.peer)
            case inputs.ChannelMessage():
                negotiation.early.append(event)
            case inputs.Drained() if standing and counterpart.left is not None:
                self._end_connection(counterpart, counterpart.left)
            case inputs.Drained() if counterpart.draining:
                self._end_connection(counterpart, "this client closed the connection", tell_peer=True)
            case inputs.TransportLost() | inputs.NegotiationFailed() if standing:
                self._end_connection(counterpart, event.reason)
            case inputs.TransportLost() | inputs.NegotiationFailed():
                self._give_up(negotiation, event.reason)
            case _:
                pass

    def _described(self, counterpart: Counterpart, negotiation: Negotiation, sdp: str) -> None:
        if self.router_lost is not None:
            self._give_up(negotiation, f"the router is gone ({self.router_lost}): connect a new client")
            return
        sender, correlation_id = self._session_id, negotiation.correlation_id
        if negotiation is not counterpart.own:
            self._do(fx.PublishSignal(counterpart.peer, wire.Answer(sender, sdp, correlation_id)))
            return
        negotiation.published = True
        self._do(fx.PublishSignal(counterpart.peer, wire.Offer(sender, sdp, correlation_id)))
        if not counterpart.reoffers:
            # The answerer's time-out cannot start earlier than this.
            self._do(fx.StartTimer(("deadline", counterpart.peer), self._settings.timeout))
        self._answer_calls(counterpart)

    def _opened(self, counterpart: Counterpart, negotiation: Negotiation) -> None:
        peer = counterpart.peer
        self._stop_timers(counterpart)
        if counterpart.connection is not None:
            self._drop(counterpart.connection, silent=True)
            self._do(fx.Emit(Disconnected(peer, "replaced by a new connection to the same peer")))
        # Neither of this side's offers will be answered now: the other negotiation, if any, is of no use.
        self._drop(counterpart.remaining_without(negotiation), silent=True)
        counterpart.adopt(negotiation)
        self._do(
            fx.Emit(Connected(peer)),
            fx.PublishSignal(peer, wire.ConnectedSignal(self._session_id, negotiation.correlation_id)),
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
        assert connection is not None
        peer, closers = counterpart.peer, counterpart.closers
        if tell_peer:
            signal = wire.DisconnectedSignal(
                self._session_id, connection.correlation_id, "closed by the peer"
            )
            self._do(fx.PublishSignal(peer, signal))
        counterpart.release()
        self._drop(connection, silent=False)
        self._do(fx.Emit(Disconnected(peer, reason)), *(fx.Resolve(call) for call in closers))
        if counterpart.own is None and counterpart.theirs is None:
            del self._counterparts[peer]
        self._finish_close()

    # Signals

    def signal(self, signal: wire.Signal) -> None:
        """Handle a signal from another session, whose `from` may be forged."""
        if self.closing:
            return
        counterpart = self._counterparts.get(signal.sender)
        match signal:
            case wire.Offer():
                self._offered(signal, counterpart)
            case wire.IceCandidate():
                if counterpart and (negotiation := counterpart.named(signal.correlation_id)):
                    self._do(fx.AddCandidate(negotiation.transport, signal.candidate))
                else:
                    self._early.append(signal)
            case _ if counterpart is None:
                pass
            case wire.Answer():
                self._answered(signal, counterpart)
            case wire.DisconnectedSignal():
                negotiation = counterpart.named(signal.correlation_id)
                reason = signal.reason or "closed by the peer"
                if negotiation is not None and negotiation is counterpart.connection:
                    # The signal came through the router and may have overtaken earlier direct messages.
                    if counterpart.left is None:
                        counterpart.left = reason
                        self._do(fx.Drain(negotiation.transport, left=True))
                elif negotiation is not None:
                    self._give_up(negotiation, reason)
            case wire.ConnectedSignal():
                pass

    def _offered(self, offer: wire.Offer, counterpart: Counterpart | None) -> None:
        peer = offer.sender
        if not peer or peer == self._session_id or flaw(offer.sdp) is not None:
            return
        if counterpart is None:
            counterpart = self._begin(peer)
        elif counterpart.named(offer.correlation_id) or counterpart.draining:
            return
        elif counterpart.own is not None and not counterpart.own.answered:
            if self._session_id < peer:
                counterpart.crossing = offer
                self._do(fx.StartTimer(("crossing", peer), ANSWER_CROSSING_AFTER))
                return
            if not counterpart.own.published:
                self._drop(counterpart.own, silent=True)
                counterpart.own = None
                self._answer_calls(counterpart)
        elif counterpart.connection is None or counterpart.theirs is None:
            # A new attempt of the other side gets its full time-out, whatever is left of the previous one.
            self._do(fx.StartTimer(("deadline", peer), self._settings.timeout))
        self._accept(counterpart, offer)

    def _accept(self, counterpart: Counterpart, offer: wire.Offer) -> None:
        self._drop(counterpart.theirs, silent=True)
        counterpart.theirs = self._negotiate(counterpart.peer, offer.correlation_id)
        self._do(
            fx.AcceptOffer(
                counterpart.theirs.transport,
                counterpart.peer,
                offer.sdp,
                self._settings.ice_servers,
                self._settings.turn_servers,
            )
        )
        for early in tuple(self._early):
            if (early.sender, early.correlation_id) == (offer.sender, offer.correlation_id):
                self._early.remove(early)
                self._do(fx.AddCandidate(counterpart.theirs.transport, early.candidate))

    def _answered(self, answer: wire.Answer, counterpart: Counterpart) -> None:
        own = counterpart.own
        if own is None or not own.published or own.answered or own.correlation_id != answer.correlation_id:
            return
        if flaw(answer.sdp) is not None:
            return
        own.answered = True
        self._forget_crossing(counterpart)
        self._do(fx.AcceptAnswer(own.transport, answer.sdp))
        if counterpart.reoffers < self._settings.max_retries:
            counterpart.reoffer_due = True
            self._do(fx.StartTimer(("reoffer", counterpart.peer), self._settings.reoffer_after))

    def undeliverable(self, event: inputs.SignalUndeliverable) -> None:
        """Handle a signal that the router could not deliver. Only an unanswered offer depends on it."""
        counterpart = self._counterparts.get(event.target)
        if counterpart is None or counterpart.own is None:
            return
        if counterpart.own.published and not counterpart.own.answered:
            self._give_up(counterpart.own, f"the router could not deliver the offer: {event.reason}")
