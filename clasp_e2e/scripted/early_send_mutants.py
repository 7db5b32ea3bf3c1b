"""Peers that lose, repeat or misdirect what they are given while they connect."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, RoutingMode, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Mutant, Outs, PeerScript, mutant
from clasp_e2e.scripted.routing import Routing, sent

Unsent: TypeAlias = fx.PublishRelay | fx.Reject
"""What the reference does with a send while it has no connection."""

LATE = 0.2
"""Seconds by which a peer reports Connected late."""


class Connecting(Routing):
    """A script that records the sends during an attempt, to change them and to act when it succeeds."""

    mode_of_fault = RoutingMode.PREFER_P2P

    def __init__(self) -> None:
        super().__init__()
        self._is_connecting = False
        self._queue: list[int] = []

    def note(self, effect: fx.Effect) -> None:
        super().note(effect)
        match effect:
            case fx.CreateOffer() | fx.AcceptOffer():
                self._is_connecting = True
            case fx.Emit(event=Connected() | ConnectionFailed()):
                self._is_connecting = False
            case _:
                pass

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishRelay() | fx.Reject() if self._is_early(effect.call):
                self._queue.append(effect.call)
                return self.send_early(effect)
            case fx.Emit(event=Connected()):
                queue, self._queue = self._queue, []
                return (effect, *self.send_late(queue))
            case _:
                return (effect,)

    def _is_early(self, call: int) -> bool:
        return call in self.sends and self._is_connecting and self.mode is self.mode_of_fault

    def send_early(self, unsent: Unsent) -> Outs:
        """Return what happens to a send during an attempt."""
        return (unsent,)

    def send_late(self, calls: Sequence[int]) -> Outs:
        """Return what happens to the sends during an attempt when the peers are connected."""
        return self.directly(calls)

    def directly(self, calls: Sequence[int]) -> Outs:
        """Return the effects that send `calls` directly."""
        for call in calls:
            send = self.sends[call]
            label = fx.RELIABLE.label if send.reliable else fx.UNRELIABLE.label
            if self.transport is not None:
                yield fx.SendOnChannel(NO_CALL, self.transport, label, send.data)


def early(
    name: str,
    requirement: str,
    broken: str,
    mode: RoutingMode,
    *,
    first: Callable[[Connecting, Unsent], Outs],
    then: Callable[[Connecting, Sequence[int]], Outs],
) -> Mutant:
    """Define a mutant whose fault is what happens to sends in `mode` during an attempt, and after it."""
    script = type(name, (Connecting,), {"mode_of_fault": mode, "send_early": first, "send_late": then})
    return mutant(requirement, broken, *EITHER)(script)


# fmt: off
DropsWhileConnecting = early(
    "DropsWhileConnecting", "SND-13", "While it connects, it returns P2P and drops the message.",
    RoutingMode.PREFER_P2P, first=lambda _, unsent: (sent(unsent.call),), then=lambda _, __: (),
)
LosesTheFirstOfItsQueue = early(
    "LosesTheFirstOfItsQueue", "SND-13", "It queues while it connects, and loses the first message.",
    RoutingMode.PREFER_P2P, first=lambda _, unsent: (sent(unsent.call),),
    then=lambda script, calls: script.directly(calls[1:]),
)
RelaysAndSendsWhenConnected = early(
    "RelaysAndSendsWhenConnected", "SND-13", "While it connects, it relays, and sends directly again later.",
    RoutingMode.PREFER_P2P, first=lambda _, unsent: (unsent,),
    then=lambda script, calls: script.directly(calls),
)
SaysRelayForItsQueue = early(
    "SaysRelayForItsQueue", "SND-13", "While it connects, it returns Relay, and sends directly later.",
    RoutingMode.PREFER_P2P, first=lambda _, unsent: (fx.Resolve(unsent.call, SendResult.RELAY),),
    then=lambda script, calls: script.directly(calls),
)
LosesItsQueueInP2POnly = early(
    "LosesItsQueueInP2POnly", "SND-13", "In P2POnly, it queues while it connects, and loses some.",
    RoutingMode.P2P_ONLY, first=lambda _, unsent: (sent(unsent.call),),
    then=lambda script, calls: script.directly(calls[:-2]),
)
RelaysInP2POnlyWhileConnecting = early(
    "RelaysInP2POnlyWhileConnecting", "RTE-8", "In P2POnly, it relays while it connects.",
    RoutingMode.P2P_ONLY, first=lambda script, unsent: (script.relayed(unsent.call),), then=lambda _, __: (),
)
RelaysItsQueueInP2POnly = early(
    "RelaysItsQueueInP2POnly", "RTE-8", "In P2POnly, it queues while it connects, and relays its queue.",
    RoutingMode.P2P_ONLY, first=lambda _, unsent: (sent(unsent.call),),
    then=lambda script, calls: [script.relayed(call, NO_CALL) for call in calls],
)
WaitsForTheConnectionInServerOnly = early(
    "WaitsForTheConnectionInServerOnly", "RTE-9", "In ServerOnly, it sends its queue directly.",
    RoutingMode.SERVER_ONLY, first=lambda _, unsent: (sent(unsent.call),),
    then=lambda script, calls: script.directly(calls),
)
# fmt: on


@mutant("SND-13", "It reports Connected 0.2 s late, and drops what arrives before.", *EITHER)
class DropsBeforeItsConnected(Routing):
    """A peer whose application has no handler yet when the first messages arrive."""

    def __init__(self) -> None:
        super().__init__()
        self._opened = 0.0

    def alter(self, effect: fx.Effect) -> Outs:
        now = asyncio.get_running_loop().time()
        match effect:
            case fx.Emit(event=Connected()):
                self._opened = now
                return (fx.Delayed(LATE, effect),)
            case fx.Emit(event=Data(reliable=True)) if now < self._opened + LATE:
                return ()
            case _:
                return (effect,)


@mutant(
    "SND-13", "It reports Connected after the other side's `connected`, and drops what comes before.", *EITHER
)
class ListensAfterTheSignal(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self._signaled: set[str] = set()
        self._held: dict[str, fx.Emit] = {}

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "connected", "from": str(sender)}):
                self._signaled.add(sender)
                if sender in self._held:
                    return (event, inputs.GetRoutingMode(NO_CALL))  # Its result is replaced by the event.
            case _:
                pass
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)) if peer not in self._signaled:
                self._held[peer] = effect
                return ()
            case fx.Emit(event=Data(peer_session_id=str(peer), reliable=bool())) if peer in self._held:
                return ()
            case fx.Emit(event=Disconnected(peer_session_id=peer) | ConnectionFailed(peer_session_id=peer)):
                self._signaled.discard(peer)
                self._held.pop(peer, None)
            case fx.Resolve(call=0) if self._held:
                return [self._held.pop(peer) for peer in self._signaled & self._held.keys()]
            case _:
                pass
        return (effect,)
