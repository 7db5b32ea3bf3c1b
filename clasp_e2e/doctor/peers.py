"""The steps that a driver's peers go through, opposite a reference client at a watched router.

They look at the driver: whether what it is given arrives, and what happens is told. Where an
implementation may be at fault as well as its driver, the advice says both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from clasp_e2e import wire
from clasp_e2e.doctor.bench import CALL, CONNECT, NAME, Bench, Told
from clasp_e2e.doctor.findings import LeftOut, Outcome, Wrong
from clasp_e2e.drivers.interface import NotOffered, Peer, Refused
from clasp_e2e.model import Connected, Data, P2PConfig, PeerAnnounced, RoutingMode, SendResult
from clasp_e2e.peer import Clasp

TOKEN, ELSEWHERE = "a token of the doctor", "doctor-elsewhere"
PAYLOADS = (bytes(range(256)), b"", b"\xfb\xff\xbf" * 5000 + b"!", b"\x00\n{}\r\n")
"""Each byte; nothing; what base64 has two alphabets for, and breaks lines in; what lines might trip over."""


class PeerSteps:
    """One peer, from its opening to its end."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._peer: Peer
        self._told = Told()
        self._opposite: Clasp | None = None
        self._heard = Told()
        self._target = ELSEWHERE

    async def session(self) -> str:
        """It opens at the given router, with the given token, and tells the session id that it got."""
        config = P2PConfig(ice_servers=(f"stun:{self._bench.around.ear.address}",))
        self._peer = await self._bench.attach(config, self._told, token=TOKEN)
        if self._bench.stub:
            return "of a stub: what only an implementation shows is not looked at"
        hello = self._bench.around.router.hellos.get(self._peer.session_id)
        if hello is None:
            raise Wrong(
                f"session_id is {self._peer.session_id!r}, which the router at the given url never gave",
                "Attach to params.url, and return the session id that the router's WELCOME brought."
                if self._bench.around.router.hellos
                else "Attach to params.url: nobody came to the router there.",
            )
        if hello.token != TOKEN:
            raise Wrong(
                f"the token did not arrive at the router: it got {hello.token!r}",
                "Give params.token to the implementation, where there is one.",
            )
        if hello.name != NAME:
            self._bench.findings.add(
                "session", Outcome.REMARK, f"the name did not arrive at the router: it got {hello.name!r}"
            )
        return "the router's own, with the token that was given"

    async def modes(self) -> str:
        """The mode is PreferP2P, and then what it is set to."""
        mode = await self._bench.call("p2p_routing_mode", self._peer.p2p_routing_mode())
        if mode is not RoutingMode.PREFER_P2P:
            raise Wrong(
                f"the mode is {mode.value} before it was set",
                "Set no mode that nobody asked for. If the implementation begins so, RTE-1 will fail.",
            )
        for mode in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
            await self._bench.call("set_p2p_routing_mode", self._peer.set_p2p_routing_mode(mode))
            read = await self._bench.call("p2p_routing_mode", self._peer.p2p_routing_mode())
            if read is not mode:
                raise Wrong(
                    f"the mode that was set is {mode.value}, the mode that is read {read.value}",
                    "Look at how modes are mapped, both ways. If that is right, RTE-2 will fail.",
                )
        return "as it is set"

    async def connect(self) -> str:
        """It connects to a reference peer, and tells of it."""
        if not self._bench.stub:
            client = await self._bench.around.client("the reference, opposite")
            client.on_p2p_event(self._heard)
            self._opposite, self._target = client, client.session_id
        await self._bench.call("connect_to_peer", self._peer.connect_to_peer(self._target), CONNECT)
        connected = Connected(self._target)
        if await self._bench.arrives(self._told, self._peer, lambda: connected in self._told, CONNECT):
            return "told, naming the other"
        others = [event for event in self._told if not isinstance(event, PeerAnnounced)]
        if others:
            raise Wrong(
                f"no event connected that names {self._target}; there was {others[0]}",
                "Put the other's session id into peer_session_id. If the attempt failed, find out why: the"
                " reference peer is opposite, with candidates on 127.0.0.1 alone.",
            )
        if self._bench.stub or Connected(self._peer.session_id) in self._heard:
            raise Wrong(
                f"no event connected within {CONNECT * self._bench.patience:g} s"
                + ("" if self._bench.stub else ", though the other side was told of the connection"),
                "Register for the implementation's events before or right after it attaches, and send each"
                " as a peer.event.",
            )
        raise Wrong(
            f"no connection came about within {CONNECT * self._bench.patience:g} s, and neither side was told"
            f" of one: {self._how_far()}",
            "The implementation has to gather candidates on 127.0.0.1, and to hear the signals that are"
            " sent to its session. Scenarios need a connection.",
        )

    def _how_far(self) -> str:
        said = self._bench.around.router.said_by(self._peer.session_id)
        if "a=fingerprint" not in said:
            return "no offer reached the router"
        if "a=candidate" not in said and "candidate:" not in said:
            return "an offer reached the router, but no ICE candidate did"
        return "an offer and candidates reached the router"

    async def echo(self) -> str:
        """Bytes pass a stub, which has them come back, unchanged."""
        for payload in PAYLOADS:
            await self._bench.call("send_p2p", self._peer.send_p2p(self._target, payload, True), CONNECT)
            data = Data(self._target, payload, True)
            if not await self._bench.arrives(self._told, self._peer, lambda data=data: data in self._told):
                raise Wrong(
                    f"{len(payload)} bytes were sent, and did not come back unchanged",
                    "A stub raises what it is sent as data from the target: see the template. Bytes are"
                    " base64 in both directions.",
                )
        return "comes back unchanged"

    async def data_to_peer(self) -> str:
        """What it sends arrives at the other side unchanged, reliable or not as it was asked."""
        for payload in PAYLOADS:
            await self._bench.call("send_p2p", self._peer.send_p2p(self._target, payload, True), CONNECT)
            if not await self._heard.news.until(
                lambda payload=payload: self._hears(payload), CALL * self._bench.patience
            ):
                got = [event for event in self._heard if isinstance(event, Data)][-1:]
                raise Wrong(
                    f"{len(payload)} bytes that were sent did not arrive unchanged at the other side"
                    + (f"; it got {len(got[0].data)} bytes, {got[0].data[:20]!r}…" if got else ""),
                    "Decode params.data from base64 before it goes to the implementation. The empty string"
                    " is valid data.",
                )
        if any(isinstance(event, Data) and event.reliable is False for event in self._heard):
            raise Wrong("what was sent reliably arrived as unreliable", "Pass on params.reliable.")
        before = len(self._heard)
        # Some of them may be lost, by right.
        for number in range(5):
            payload = b"unreliable %d" % number
            await self._bench.call("send_p2p", self._peer.send_p2p(self._target, payload, False), CONNECT)
        await self._heard.news.until(lambda: len(self._heard) > before, CALL * self._bench.patience)
        if any(isinstance(event, Data) and event.reliable for event in self._heard[before:]):
            raise Wrong(
                "what was sent unreliably arrived as reliable",
                "Pass on params.reliable. If that is done, SND-2 will fail.",
            )
        return "arrives unchanged, reliable or not as it was asked"

    def _hears(self, payload: bytes) -> bool:
        return any(isinstance(event, Data) and event.data == payload for event in self._heard)

    async def data_from_peer(self) -> str:
        """What the other side sends is told as it was sent."""
        assert self._opposite is not None
        for payload in PAYLOADS:
            if await self._opposite.send_p2p(self._peer.session_id, payload) is not SendResult.P2P:
                raise LeftOut("the connection is gone")
            data = Data(self._target, payload, True)
            if await self._bench.arrives(self._told, self._peer, lambda data=data: data in self._told):
                continue
            got = [event for event in self._told if isinstance(event, Data)][-1:]
            raise Wrong(
                f"{len(payload)} bytes from the other side were not told as they were sent"
                + (f"; told was {got[0]}"[:200] if got else ": there was no event data"),
                "Send a peer.event of type data for each payload, with the sender's session id, the bytes in"
                " base64, and whether they came by the reliable channel.",
            )
        return "told unchanged, with its sender"

    async def is_peer_connected(self) -> str:
        """The call is offered, as it was declared."""
        return await self._declared("is_peer_connected", lambda: self._peer.is_peer_connected(self._target))

    async def disconnect_peer(self) -> str:
        """The call is offered, as it was declared."""
        return await self._declared("disconnect_peer", lambda: self._peer.disconnect_peer(self._target))

    async def _declared(self, capability: str, call: Callable[[], Awaitable[object]]) -> str:
        try:
            await self._bench.call(capability, call())
        except NotOffered as missing:
            raise Wrong(
                f"the capability {capability} is declared, and the call not offered",
                "Offer the call, or take the capability out of what initialize says.",
            ) from missing
        except Refused as refusal:
            raise Wrong(
                f"the capability {capability} is declared, and the call refused: {refusal}",
                "Map it to the implementation's own call, or take the capability out.",
            ) from refusal
        return "offered as declared"

    async def announces(self) -> str:
        """It announces itself, as it declared."""

        def announced() -> bool:
            return any(
                sender == self._peer.session_id and message.address == wire.ANNOUNCE_ADDRESS
                for sender, message in self._bench.around.router.published
            )

        if not await self._bench.around.router.news.until(announced, CALL * self._bench.patience):
            raise Wrong(
                "the capability announce is declared, and no announcement reached the router",
                "Take the capability out, unless the implementation announces itself when P2P is enabled.",
            )
        return "an announcement reached the router"

    async def relayed(self) -> str:
        """What comes by relay is told as well."""
        told = Told()
        other = await self._bench.attach(P2PConfig(), told)
        await self._bench.call(
            "set_p2p_routing_mode", self._peer.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        )
        payload = b"relayed by the doctor"
        result = await self._bench.call(
            "send_p2p", self._peer.send_p2p(other.session_id, payload, True), CONNECT
        )
        await self._bench.call(
            "set_p2p_routing_mode", self._peer.set_p2p_routing_mode(RoutingMode.PREFER_P2P)
        )
        if result is not SendResult.RELAY:
            raise Wrong(
                f"a send in server_only told {result.value}",
                "Look at how modes and results are mapped. If that is right, RTE-9 will fail.",
            )
        # Whether bytes arrive unchanged was seen before.
        if not await self._bench.arrives(told, other, lambda: any(isinstance(event, Data) for event in told)):
            raise Wrong(
                "what was relayed from one of its peers to another was not told there",
                "Bytes that come by relay are an event data too: register for the callback by which the"
                " implementation hands them to its application. If there is none, SND-3 will fail.",
            )
        await self._bench.end(other)
        return "told as well"

    async def ending(self) -> str:
        """Its session ends with it."""
        session, closes = self._peer.session_id, "close" in self._bench.description.capabilities
        if closes:
            await self._declared("close", self._peer.close)
        else:
            await self._bench.end(self._peer)
        if self._bench.stub:
            return "offered as declared" if closes else "the process is ended"
        if not await self._bench.around.router.news.until(
            lambda: session in self._bench.around.router.left, CALL * self._bench.patience
        ):
            raise Wrong(
                f"the session still stands after {'close' if closes else 'its end'}",
                "Close the implementation's client in its own orderly way, and answer when that is done.",
            )
        return "the session is gone after " + ("close" if closes else "the process")
