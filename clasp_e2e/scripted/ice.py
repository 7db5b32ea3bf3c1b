"""Peers that mishandle their STUN and TURN servers, trickled candidates or unknown endpoints."""

from collections.abc import Iterable
from dataclasses import replace

from aioice import Connection
from aioice.ice import CandidatePair, StunProtocol
from aioice.stun import Message
from aiortc import RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.p2p_types import SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.connecting import without_lines
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, ScriptedDriver, drop, mutant


class Servers(PeerScript):
    """A script that records which servers the peer is configured with."""

    def __init__(self) -> None:
        super().__init__()
        self.stun: tuple[str, ...] = ()
        self.turns = False

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.CreateOffer | fx.AcceptOffer):
            self.stun, self.turns = effect.ice_servers, bool(effect.turn_servers)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.LocalDescription) and self.stun and "typ srflx" not in event.sdp:
            return self.miss_stun(event)
        return (event,)

    def miss_stun(self, event: inputs.LocalDescription) -> Iterable[inputs.Input]:
        """Return the inputs of the core if no configured STUN server has answered."""
        return (event,)


@mutant("ICE-2", "It fails the attempt if its STUN server does not answer.", *EITHER)
class NeedsItsStunServer(Servers):
    def miss_stun(self, event: inputs.LocalDescription) -> Iterable[inputs.Input]:
        return (inputs.NegotiationFailed(event.transport, "the STUN server does not answer"),)


@mutant("ICE-2", "It waits indefinitely for its STUN server.", slow=True)
class WaitsForItsStunServer(Servers):
    def miss_stun(self, event: inputs.LocalDescription) -> Iterable[inputs.Input]:  # noqa: ARG002
        return ()


def through_the_router(script: Servers, direct: fx.SendOnChannel) -> Outs:
    """Relay a direct send if there is a TURN server, and return P2P."""
    if not script.turns:
        return (direct,)
    send = script.sends[direct.call]
    value: wire.Value = {"from": "", "data": send.data, "reliable": send.reliable}
    relay = fx.PublishRelay(NO_CALL, RELAY_PREFIX + send.peer, value)
    return (relay, fx.Resolve(direct.call, SendResult.P2P))


# fmt: off
NeverUsesTurn = PeerScript.define(
    "NeverUsesTurn", "ICE-3", "It does not use the configured TURN servers.", *EITHER,
    on=(fx.CreateOffer, fx.AcceptOffer), alter=lambda _, start: replace(start, turn_servers=()),
)
KeepsItsRelayToItself = PeerScript.define(
    "KeepsItsRelayToItself", "ICE-3", "It allocates a relayed address but does not signal it.", *EITHER,
    on=(wire.Offer, wire.Answer),
    alter=lambda _, signal: replace(signal, sdp=without_lines(signal.sdp, " typ relay")),
)
TakesTheRouterForATurnServer = Servers.define(
    "TakesTheRouterForATurnServer", "ICE-3",
    "With a TURN server, it sends through the CLASP router but returns P2P.", *EITHER,
    on=fx.SendOnChannel, alter=through_the_router,
)
IgnoresTrickledCandidates = PeerScript.define(
    "IgnoresTrickledCandidates", "ICE-4", "It ignores trickled candidates.", *EITHER,
    on=fx.AddCandidate, alter=drop,
)
# fmt: on


@mutant("ICE-4", "It ignores an offer whose candidates arrive before it.", "answerer")
class LosesOffersBehindTheirCandidates(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.offered: set[str] = set()
        self.early: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
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


@mutant("ICE-4", "It ends the attempt when a candidate is repeated.", *EITHER)
class StumblesOverRepeatedCandidates(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.used: set[tuple[int, str]] = set()

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.AddCandidate():
                repeated = (effect.transport, effect.candidate) in self.used
                self.used.add((effect.transport, effect.candidate))
                return (fx.CloseTransport(effect.transport, silent=True),) if repeated else (effect,)
            case _:
                return (effect,)


@mutant("ICE-4", "It ends the connection when a candidate arrives later.", *EITHER)
class EndsForALateCandidate(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.open: set[int] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelsOpen):
            self.open.add(event.transport)
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.AddCandidate() if effect.transport in self.open:
                return (fx.CloseTransport(effect.transport, silent=True),)
            case _:
                return (effect,)


class AnswersOnlyKnownEndpoints(AiortcTransport):
    """A transport that answers checks only from endpoints of known candidates."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        assert pc.sctp is not None
        ice: Connection = pc.sctp.transport.transport._connection  # pyright: ignore[reportPrivateUsage]
        received = ice.request_received

        def only_of_known(message: Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
            if addr in {(candidate.host, candidate.port) for candidate in ice.remote_candidates}:
                received(message, addr, protocol)

        setattr(ice, "request_received", only_of_known)  # noqa: B010 - there is no public hook
        await super()._describe(pc)


@mutant("ICE-5", "It ignores ICE checks from endpoints that were not signaled.", *EITHER)
class KnowsNoOtherEndpoint(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(AnswersOnlyKnownEndpoints))


class ChecksOnlyWhenChecked(AiortcTransport):
    """A transport that sends no check before it has received one."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        assert pc.sctp is not None
        ice: Connection = pc.sctp.transport.transport._connection  # pyright: ignore[reportPrivateUsage]
        received, start = ice.request_received, ice.check_start_task
        checked: list[tuple[str, int]] = []

        def note(message: Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
            checked.append(addr)
            received(message, addr, protocol)

        def start_if_checked(pair: CandidatePair) -> None:
            if checked:
                start(pair)

        setattr(ice, "request_received", note)  # noqa: B010 - there is no public hook
        setattr(ice, "check_start_task", start_if_checked)  # noqa: B010
        await super()._describe(pc)


@mutant("ICE-5", "It sends no ICE check before it has received one.", "answerer")
class WaitsForChecks(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(ChecksOnlyWhenChecked))
