"""Peers whose connections end without cause, or are harmed by a second call; a wrong name in Disconnected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, mutant

ENDING = "ending"
"""In the key of a script's own timer, the place of a session id: no session has this one."""

SILENCE = 7.2
"""Seconds: above the 4 to 6 s between ICE's consent checks, so that a healthy connection is never silent for
as long; below the 8 s of the scenario."""


class Tracking(PeerScript):
    """A script that records which connections are established, and which have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.established: dict[str, int] = {}
        """The transport of each established connection, by peer."""
        self.ended: list[str] = []
        """The peer of each connection that has ended."""
        self._last_open = 0
        """The transport that opened last: Connected follows at once."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelsOpen):
            self._last_open = event.transport
        return (event,)

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)):
                self.established[peer] = self._last_open
            case fx.Emit(event=Disconnected(peer_session_id=peer)):
                self.established.pop(peer, None)
                self.ended.append(peer)
            case _:
                pass


class Ending(Tracking):
    """A script with a timer that ends all connections as lost."""

    seconds = 6.5
    """Longer than an attempt of TMO-6 takes to time out on a busy machine, and shorter than CON-11 asks."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.TimerFired) and event.key[1] == ENDING:
            return [inputs.TransportLost(each, "timer") for each in self.established.values()]
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if self.restarts(effect):
            yield fx.StartTimer(("reoffer", ENDING), self.seconds)

    def restarts(self, effect: fx.Effect) -> bool:
        """Return whether `effect` restarts the timer."""
        return isinstance(effect, fx.Emit) and isinstance(effect.event, Connected)


@mutant("CON-11", "It ends a connection on which nothing was sent for 6.5 s.", *EITHER)
class EndsIdleConnections(Ending):
    def restarts(self, effect: fx.Effect) -> bool:
        return isinstance(effect, fx.SendOnChannel) or (
            isinstance(effect, fx.Emit) and isinstance(effect.event, Connected | Data)
        )


@mutant("CON-11", "It ends each connection 28 s after it was established.", slow=True)
class EndsOldConnections(Ending):
    seconds = 28.0


class _EndsWhenSilent(AiortcTransport):
    """A transport that is lost when no datagram has arrived for `SILENCE` seconds."""

    _timer: asyncio.TimerHandle | None = None

    def _report(self, event: inputs.Input) -> None:
        super()._report(event)
        if isinstance(event, inputs.ChannelsOpen):
            self._watch_sockets()

    def _watch_sockets(self) -> None:
        assert self._pc is not None
        assert self._pc.sctp is not None
        for protocol in self._pc.sctp.transport.transport._connection._protocols:  # pyright: ignore[reportPrivateUsage]
            self._restart_on_datagrams(protocol)
        self._restart()

    def _restart_on_datagrams(self, protocol: Any) -> None:
        # aiortc has no event for a datagram that arrives.
        received = protocol.datagram_received

        def datagram_received(data: bytes, address: object) -> None:
            if self._timer is not None:
                self._restart()
            received(data, address)

        protocol.datagram_received = datagram_received

    def _restart(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        lost = inputs.TransportLost(self._number, "nothing was heard")
        self._timer = asyncio.get_running_loop().call_later(SILENCE, self._report, lost)

    async def end(self, *, silent: bool) -> None:
        """Stop the timer, and close the transport."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await super().end(silent=silent)


@mutant("CON-11", f"It ends a connection on which it has received nothing for {SILENCE} s.", *EITHER)
class EndsAtABlackOut(PeerScript):
    webrtc = _EndsWhenSilent


@mutant("CON-11", "When one of its connections ends, it ends all others.", *EITHER)
class EndsAllConnectionsWithOne(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Disconnected):
            yield from [fx.CloseTransport(each) for each in self.established.values()]


class NamingAnotherConnection(Tracking):
    """A script that changes the peer that Disconnected names if there are several."""

    place = 0
    """Index in `in_order` of the peer that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.in_order: list[str] = []
        """The peer of each connection, in order; ended ones included."""

    def note(self, effect: fx.Effect) -> None:
        super().note(effect)
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Connected):
            self.in_order.append(effect.event.peer_session_id)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Disconnected(reason=reason)) if self.established:
                return (fx.Emit(Disconnected(self.in_order[self.place], reason)),)
            case _:
                return (effect,)


@mutant("EVT-10", "With several connections, its Disconnected names the latest of them.", *EITHER)
class NamesTheLatestPeer(NamingAnotherConnection):
    place = -1


@mutant("EVT-10", "With several connections, its Disconnected names the first of them.", *EITHER)
class NamesTheFirstPeer(NamingAnotherConnection):
    pass


@mutant(
    "CON-9",
    "It loses the next three sends on a channel after a second call, and returns P2P for them.",
    *EITHER,
)
class LosesThreeSendsAfterASecondCall(Tracking):
    def __init__(self) -> None:
        super().__init__()
        self.losing = 0

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer) and event.peer in self.established:
            self.losing = 3
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel() if self.losing:
                self.losing -= 1
                return (fx.Resolve(effect.call, SendResult.P2P),)
            case _:
                return (effect,)


class Repeated(PeerScript):
    """A script that counts the calls for each peer since its last ConnectionFailed or Disconnected."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, int] = {}

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit(event=ConnectionFailed(peer_session_id=peer) | Disconnected(peer_session_id=peer)):
                self.calls.pop(peer, None)
            case _:
                pass

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer):
            self.calls[event.peer] = self.calls.get(event.peer, 0) + 1
            if self.calls[event.peer] > 1:
                return self.repeat(event)
        return (event,)

    def repeat(self, call: inputs.ConnectToPeer) -> Iterable[inputs.Input]:
        """Return the inputs that the core receives for a repeated call."""
        return (call,)


@mutant("CON-12", "A second call makes it fail the pending attempt and begin another one.")
class FailsThePendingAttempt(Repeated):
    def repeat(self, call: inputs.ConnectToPeer) -> Iterator[inputs.Input]:
        if call.peer not in self.connected:
            yield inputs.DisconnectPeer(NO_CALL, call.peer)
        yield call


@mutant("CON-12", "It emits Connected once for each call that was made.")
class TellsConnectedForEachCall(Repeated):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)):
                return (effect,) * max(1, self.calls.get(peer, 0))
            case _:
                return (effect,)


@mutant("CON-12", "After a second call it no longer takes the answer to the first.")
class ForgetsItsFirstOffer(Repeated):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.AcceptAnswer() if any(count > 1 for count in self.calls.values()):
                return ()
            case _:
                return (effect,)
