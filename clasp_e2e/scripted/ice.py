"""Peers that make nothing of their STUN and TURN servers, or of candidates that come one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aioice import Connection
from aioice.ice import StunProtocol
from aioice.stun import Message
from aiortc import RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.model import SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import NO_CALL, MutantDriver, Outs, PeerScript, mutant


class Servers(PeerScript):
    """A script that knows which servers the peer is configured with."""

    def __init__(self) -> None:
        super().__init__()
        self.stun: tuple[str, ...] = ()
        self.turns = False

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer() | fx.AcceptOffer():
                self.stun, self.turns = effect.ice_servers, bool(effect.turn_servers)
            case _:
                pass
        return self.do(effect)

    def do(self, effect: fx.Effect) -> Outs:
        """Return what is done in the place of `effect`."""
        return (effect,)

    def lacks_stun(self, event: inputs.LocalDescription) -> bool:
        """Return whether a STUN server was configured, and none has answered."""
        return bool(self.stun) and "typ srflx" not in event.sdp


@mutant("ICE-2", "Without an answer of its STUN server it fails the attempt.", "offerer", "answerer")
class NeedsItsStunServer(Servers):
    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.LocalDescription() if self.lacks_stun(event):
                return (inputs.NegotiationFailed(event.transport, "the STUN server does not answer"),)
            case _:
                return (event,)


@mutant("ICE-2", "It waits for its STUN server for ever.", slow=True)
class WaitsForItsStunServer(Servers):
    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.LocalDescription() if self.lacks_stun(event):
                return ()
            case _:
                return (event,)


@mutant("ICE-3", "It asks none of the TURN servers that it was given.", "offerer", "answerer")
class NeverUsesTurn(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer() | fx.AcceptOffer():
                return (replace(effect, turn_servers=()),)
            case _:
                return (effect,)


@mutant("ICE-3", "It has a relayed address and tells nobody.", "offerer", "answerer")
class KeepsItsRelayToItself(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer() | wire.Answer() as signal):
                lines = signal.sdp.splitlines(keepends=True)
                sdp = "".join(line for line in lines if " typ relay" not in line)
                return (replace(effect, signal=replace(signal, sdp=sdp)),)
            case _:
                return (effect,)


@mutant("ICE-3", "With a TURN server it sends through the CLASP router, and says P2P.", "offerer", "answerer")
class TakesTheRouterForATurnServer(Servers):
    def do(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel() if self.turns:
                send = self.sends[effect.call]
                value: wire.Value = {"from": "", "data": send.data, "reliable": send.reliable}
                relay = fx.PublishRelay(NO_CALL, RELAY_PREFIX + send.peer, value)
                return (relay, fx.Resolve(effect.call, SendResult.P2P))
            case _:
                return (effect,)


@mutant("ICE-4", "It uses no candidate that comes on its own.", "offerer", "answerer")
class IgnoresTrickledCandidates(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        return () if isinstance(effect, fx.AddCandidate) else (effect,)


@mutant("ICE-4", "It ignores an offer whose candidates came first.", "answerer")
class LosesOffersBehindTheirCandidates(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.offered: set[str] = set()
        self.early: set[str] = set()

    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "ice_candidate", "correlation_id": str(name)}):
                if name not in self.offered:
                    self.early.add(name)
            case inputs.SignalReceived(value={"type": "offer", "correlation_id": str(name)}):
                self.offered.add(name)
                return () if name in self.early else (event,)
            case _:
                pass
        return (event,)


@mutant("ICE-4", "A candidate that comes a second time ends the attempt.", "offerer", "answerer")
class StumblesOverRepeatedCandidates(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.used: set[tuple[int, str]] = set()

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.AddCandidate():
                repeated = (effect.transport, effect.candidate) in self.used
                self.used.add((effect.transport, effect.candidate))
                return (fx.CloseTransport(effect.transport, silent=True),) if repeated else (effect,)
            case _:
                return (effect,)


@mutant("ICE-4", "A candidate that comes when the connection stands ends it.", "offerer", "answerer")
class EndsForALateCandidate(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.open: set[int] = set()

    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelsOpen):
            self.open.add(event.transport)
        return (event,)

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.AddCandidate() if effect.transport in self.open:
                return (fx.CloseTransport(effect.transport, silent=True),)
            case _:
                return (effect,)


class AnswersOnlyKnownEndpoints(AiortcTransport):
    """A transport that answers no check from an endpoint of which no candidate was told."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        assert pc.sctp is not None
        ice: Connection = pc.sctp.transport.transport._connection  # pyright: ignore[reportPrivateUsage]
        received = ice.request_received

        def only_of_known(message: Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
            if addr in {(candidate.host, candidate.port) for candidate in ice.remote_candidates}:
                received(message, addr, protocol)

        setattr(ice, "request_received", only_of_known)  # noqa: B010 - there is no other way in
        await super()._describe(pc)


@mutant("ICE-5", "It answers no check from an endpoint that it was not told of.", "offerer", "answerer")
class KnowsNoOtherEndpoint(MutantDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(AnswersOnlyKnownEndpoints))
