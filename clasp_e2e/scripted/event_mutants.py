"""Peers that emit missing, repeated, late or wrong events."""

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected
from clasp_e2e.peer import NegotiationError, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.transport import VANISHED
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, drop, mutant


def twice(_: PeerScript, event: Connected | ConnectionFailed) -> Outs:
    """Emit the event twice."""
    return (fx.Emit(event), fx.Emit(event))


# fmt: off
TellsNoConnected = PeerScript.define(
    "TellsNoConnected", "EVT-1", "It emits no Connected.", *EITHER, on=Connected, alter=drop,
)
NamesAnotherPeer = PeerScript.define(
    "NamesAnotherPeer", "EVT-1", "Its Connected names another session.", *EITHER,
    on=Connected, alter=lambda _, _event: fx.Emit(Connected("somebody")),
)
TellsConnectedTwice = PeerScript.define(
    "TellsConnectedTwice", "EVT-2", "It emits Connected twice.", *EITHER, on=Connected, alter=twice,
)
TellsNoDisconnected = PeerScript.define(
    "TellsNoDisconnected", "EVT-3", "It emits no Disconnected.", *EITHER,
    on=Disconnected, alter=drop, slow=True,
)
NamesAnotherThatLeft = PeerScript.define(
    "NamesAnotherThatLeft", "EVT-3", "Its Disconnected names another session.",
    on=Disconnected, alter=lambda _, _event: fx.Emit(Disconnected("somebody")), slow=True,
)
MissesNobody = PeerScript.define(
    "MissesNobody", "EVT-4", "It emits no Disconnected for a peer that vanished.", *EITHER,
    on=Disconnected, alter=lambda _, end: () if end.reason == VANISHED else (fx.Emit(end),), slow=True,
)
GivesNoReason = PeerScript.define(
    "GivesNoReason", "EVT-5", "Its ConnectionFailed gives no reason.",
    on=ConnectionFailed, alter=lambda _, failure: fx.Emit(replace(failure, reason="")),
)
NamesAnotherThatFailed = PeerScript.define(
    "NamesAnotherThatFailed", "EVT-5", "Its ConnectionFailed names another session.", *EITHER,
    on=ConnectionFailed, alter=lambda _, failure: fx.Emit(replace(failure, peer_session_id="somebody")),
)
TellsConnectedLate = PeerScript.define(
    "TellsConnectedLate", "EVT-6", "It emits Connected 0.7 s late, after data has arrived.", *EITHER,
    on=Connected, alter=lambda _, event: fx.Delayed(0.7, fx.Emit(event)),
)
TellsFailuresTwice = PeerScript.define(
    "TellsFailuresTwice", "EVT-6", "It emits each ConnectionFailed twice.", on=ConnectionFailed, alter=twice,
)
ConnectsAfterFailing = PeerScript.define(
    "ConnectsAfterFailing", "EVT-6", "It emits Connected after ConnectionFailed.",
    on=ConnectionFailed,
    alter=lambda _, failure: (fx.Emit(failure), fx.Emit(Connected(failure.peer_session_id))),
)
TellsTheCloseLate = PeerScript.define(
    "TellsTheCloseLate", "EVT-7", "It emits Disconnected 3 s after an orderly close.", *EITHER,
    on=Disconnected, alter=lambda _, end: fx.Delayed(3.0, fx.Emit(end)),
)
# fmt: on


@mutant("EVT-5", "Its call waits for the outcome, and reports a time-out only by an error.")
class RaisesInsteadOfReporting(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[int, str] = {}
        """The unanswered calls, each with the peer that it connects to."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer):
            self.calls[event.call] = event.peer
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) if call in self.calls:
                return ()
            case fx.Emit(event=Connected(peer_session_id=peer)):
                return (effect, *(fx.Resolve(call) for call in self.take(peer)))
            case fx.Emit(event=ConnectionFailed(peer_session_id=peer, reason=reason)):
                return [fx.Reject(call, NegotiationError(reason)) for call in self.take(peer)] or (effect,)
            case _:
                return (effect,)

    def take(self, peer: str) -> list[int]:
        """Return the calls that wait for the outcome of an attempt to connect to `peer`."""
        waiting = [call for call, target in self.calls.items() if target == peer]
        for call in waiting:
            del self.calls[call]
        return waiting


class Answering(PeerScript):
    """A script that changes the results of `is_peer_connected`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: set[int] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.IsPeerConnected):
            self.calls.add(event.call)
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=bool(connected)) if effect.call in self.calls:
                return (replace(effect, result=self.answer(connected=connected)),)
            case _:
                return (effect,)

    def answer(self, *, connected: bool) -> bool:
        """Return the result that replaces the actual one."""
        return connected


@mutant("EVT-8", "`is_peer_connected` is always false.", *EITHER)
class SaysNeverConnected(Answering):
    def answer(self, *, connected: bool) -> bool:  # noqa: ARG002
        return False


@mutant("EVT-8", "`is_peer_connected` stays true after Disconnected.", *EITHER)
class SaysConnectedForEver(Answering):
    def __init__(self) -> None:
        super().__init__()
        self.was_connected = False

    def answer(self, *, connected: bool) -> bool:
        self.was_connected = self.was_connected or connected
        return self.was_connected


@mutant("EVT-8", "`is_peer_connected` is true for every session.", *EITHER)
class SaysConnectedToAll(Answering):
    def answer(self, *, connected: bool) -> bool:  # noqa: ARG002
        return True


@mutant("EVT-8", "After its own `disconnect_peer`, `is_peer_connected` stays true.", *EITHER)
class SaysConnectedAfterItsOwnEnd(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.left: set[str] = set()
        """The peers from which it disconnected."""
        self.asked: dict[int, str] = {}
        """By call of `is_peer_connected`: its peer."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.DisconnectPeer):
            self.left.add(event.peer)
        if isinstance(event, inputs.IsPeerConnected):
            self.asked[event.call] = event.peer
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.Resolve) and self.asked.get(effect.call) in self.left:
            return (replace(effect, result=True),)
        return (effect,)
