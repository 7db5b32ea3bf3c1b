"""Peers that give up at a STUN or TURN server that does not work, or mishandle its credentials."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from aioice import stun
from aioice.turn import TurnClientUdpProtocol
from aiortc import RTCPeerConnection

from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.gathering import Gathering, Server
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import EITHER, PeerScript, ScriptedDriver, mutant

REFUSED = "it asks STUN and TURN servers in the same way"

STARTS = (fx.CreateOffer, fx.AcceptOffer)


def with_user(start: fx.CreateOffer | fx.AcceptOffer, change: Callable[[str], str]) -> fx.Effect:
    """Return `start` with changed user names and passwords."""
    servers = (
        replace(turn, username=change(turn.username), credential=change(turn.credential))
        for turn in start.turn_servers
    )
    return replace(start, turn_servers=tuple(servers))


# fmt: off
EncodesItsCredentials = PeerScript.define(
    "EncodesItsCredentials", "ICE-8", "It encodes its TURN credentials as those in a URL.", *EITHER,
    on=STARTS, alter=lambda _, start: with_user(start, quote),
)
CutsItsUserName = PeerScript.define(
    "CutsItsUserName", "ICE-8", "It takes what follows a colon in its TURN user name for the password.",
    on=STARTS, alter=lambda _, start: with_user(start, lambda text: text.partition(":")[0]),
)
NeedsItsFirstTurnServer = PeerScript.define(
    "NeedsItsFirstTurnServer", "ICE-9", "It asks only the first of its TURN servers.", *EITHER,
    on=STARTS, alter=lambda _, start: replace(start, turn_servers=start.turn_servers[:1]),
)
NeedsItsFirstStunServer = PeerScript.define(
    "NeedsItsFirstStunServer", "ICE-11", "It asks only the first of its STUN servers.", *EITHER,
    on=STARTS, alter=lambda _, start: replace(start, ice_servers=start.ice_servers[:1]),
)
LeavesOutTcpServers = PeerScript.define(
    "LeavesOutTcpServers", "ICE-12", "It leaves out TURN servers whose URL names TCP.", *EITHER,
    on=STARTS, alter=lambda _, start: replace(
        start, turn_servers=tuple(
            turn for turn in start.turn_servers if not turn.url.startswith("turn:") or "tcp" not in turn.url
        )
    ),
)
LeavesOutTlsServers = PeerScript.define(
    "LeavesOutTlsServers", "ICE-13", "It leaves out TURN servers whose URL names TLS.", *EITHER,
    on=STARTS, alter=lambda _, start: replace(
        start, turn_servers=tuple(turn for turn in start.turn_servers if not turn.url.startswith("turns:"))
    ),
)
# fmt: on


class EndsAtARefusal(Gathering):
    """A gathering that asks no further server if one refuses."""

    async def first(
        self, ask: Callable[[Server], Awaitable[Any]], argument: str, servers: Sequence[Server]
    ) -> Any:
        """Return the first result, or fail at the first refusal."""
        refusals: list[stun.TransactionFailed] = []

        async def ask_unless_refused(server: Server) -> Any:
            if refusals:
                raise refusals[0]
            try:
                return await ask(server)
            except stun.TransactionFailed as refusal:
                refusals.append(refusal)
                raise

        return await super().first(ask_unless_refused, argument, servers)


class FollowsNobody(Gathering):
    """A gathering that follows no redirection."""

    def alternate(self, response: stun.Message) -> tuple[str, int] | None:  # noqa: ARG002
        """Return None."""
        return None


class KeepsThePort(Gathering):
    """A gathering that follows a redirection to another port of the server's port before it."""

    def alternate(self, response: stun.Message) -> tuple[str, int] | None:
        """Return the alternate server with the default port."""
        found = super().alternate(response)
        return found and (found[0], 3478)


class KnowsOnlyUdp(Gathering):
    """A gathering that asks every TURN server by UDP."""

    async def first(
        self, ask: Callable[[Server], Awaitable[Any]], argument: str, servers: Sequence[Server]
    ) -> Any:
        """Return the first result over UDP."""
        over_udp = [{**each, "turn_transport": "udp"} if argument in each else each for each in servers]
        return await super().first(ask, argument, over_udp if argument == "turn_server" else servers)


class KnowsNoTls(Gathering):
    """A gathering that asks every TURN server without TLS."""

    async def first(
        self, ask: Callable[[Server], Awaitable[Any]], argument: str, servers: Sequence[Server]
    ) -> Any:
        """Return the first result without TLS."""
        in_clear = [{**each, "turn_ssl": None} if argument in each else each for each in servers]
        return await super().first(ask, argument, in_clear if argument == "turn_server" else servers)


class Gathers(ScriptedDriver):
    """A peer that gathers with `kind`."""

    kind = Gathering

    def __init__(self) -> None:
        kind = self.kind

        class Scripted(AiortcTransport):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self._gathering = kind(self._gathering.addresses)

        super().__init__(lambda builder: builder.webrtc(Scripted))


@mutant("ICE-9", "It asks no further TURN server if one refuses.", also={"ICE-11": REFUSED})
class EndsAtARefusingTurnServer(Gathers):
    kind = EndsAtARefusal


@mutant("ICE-11", "It asks no further STUN server if one refuses.", "answerer", also={"ICE-9": REFUSED})
class EndsAtARefusingStunServer(Gathers):
    kind = EndsAtARefusal


@mutant("ICE-12", "It asks each TURN server by UDP.", *EITHER)
class AsksTurnServersByUdp(Gathers):
    kind = KnowsOnlyUdp


@mutant("ICE-13", "It asks a TURN server whose URL names TLS by TCP alone.", *EITHER)
class AsksTlsServersByTcp(Gathers):
    kind = KnowsNoTls


@mutant("ICE-10", "It follows no redirection of a TURN server.", *EITHER)
class FollowsNoRedirection(Gathers):
    kind = FollowsNobody


@mutant("ICE-10", "It follows a redirection of a TURN server to the default port only.")
class FollowsToTheDefaultPort(Gathers):
    kind = KeepsThePort


class KeepsItsNonce(AiortcTransport):
    """A transport that does not repeat a request whose nonce was stale."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        await super()._describe(pc)
        assert pc.sctp is not None
        for protocol in pc.sctp.transport.transport._connection._protocols:  # pyright: ignore[reportPrivateUsage]
            turn = getattr(protocol.transport, "_TurnTransport__inner_protocol", None)
            if isinstance(turn, TurnClientUdpProtocol):
                setattr(turn, "request_with_retry", turn.request)  # noqa: B010 - there is no public hook


@mutant("ICE-8", "It does not repeat a request that its TURN server refused for a stale nonce.", "answerer")
class IgnoresStaleNonces(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(KeepsItsNonce))
