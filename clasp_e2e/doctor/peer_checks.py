"""The checks of a driver's peer, with a reference client as the other peer and a recording router.

They check that the driver passes on arguments and reports events. If a fault may also be one of the
implementation, the advice says so.
"""

from collections.abc import Awaitable, Callable

from clasp_e2e import wire
from clasp_e2e.doctor.check_results import CheckFailed, CheckOutcome, CheckSkipped
from clasp_e2e.doctor.context import CALL, CONNECT, NAME, ExaminationContext, ReceivedEvents
from clasp_e2e.drivers.interface import NotOffered, Peer, Refused
from clasp_e2e.p2p_types import Connected, Data, P2PConfig, P2PEvent, PeerAnnounced, RoutingMode, SendResult
from clasp_e2e.peer import Clasp

TOKEN, STUB_TARGET = "a token of the doctor", "doctor-elsewhere"
PAYLOADS = (bytes(range(256)), b"", b"\xfb\xff\xbf" * 5000 + b"!", b"\x00\n{}\r\n")
"""All byte values; no bytes; bytes that the two alphabets of base64 encode differently, in more than one MIME
line; bytes that may break a line-based protocol."""


class PeerChecks:
    """The checks of one peer from its opening to its end, in this order."""

    def __init__(self, context: ExaminationContext) -> None:
        self._context = context
        self._patience = context.patience
        self._router = context.servers.router
        self._peer: Peer
        self._events = ReceivedEvents()
        self._opposite: Clasp | None = None
        self._opposite_events = ReceivedEvents()
        self._target = STUB_TARGET

    async def check_session(self) -> str:
        """Check that the peer attaches to the given router, passes the token, and returns its session id."""
        config = P2PConfig(ice_servers=(self._context.servers.stun.url,))
        self._peer = await self._context.open_peer(config, self._events, token=TOKEN)
        if self._context.is_stub:
            return "a stub: checks that need an implementation are skipped"
        hello = self._router.hellos.get(self._peer.session_id)
        if hello is None:
            raise CheckFailed(
                f"the router at the given URL has no session {self._peer.session_id!r}",
                "Return the session id from the router's WELCOME message as session_id."
                if self._router.hellos
                else "Attach to params.url: no client has attached there.",
            )
        if hello.token != TOKEN:
            raise CheckFailed(
                f"the token did not reach the router, which received {hello.token!r}",
                "Pass params.token to the implementation if it is present.",
            )
        if hello.name != NAME:
            text = f"the name did not reach the router, which received {hello.name!r}"
            self._context.results.add("session", CheckOutcome.REMARK, text)
        return "attached to the given router with the given token"

    async def check_modes(self) -> str:
        """Check that the routing mode is PreferP2P at first, and then the mode that was set."""
        mode = await self._get_mode()
        if mode is not RoutingMode.PREFER_P2P:
            raise CheckFailed(
                f"the routing mode is {mode.value} before it was set",
                "Set no mode by yourself. If it is the implementation's default, RTE-1 will fail.",
            )
        for mode in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
            await self._set_mode(mode)
            read = await self._get_mode()
            if read is not mode:
                raise CheckFailed(
                    f"the routing mode is {read.value} after it was set to {mode.value}",
                    "Check how modes are mapped in both directions. If that is right, RTE-2 will fail.",
                )
        return "can be set and read"

    async def check_connect(self) -> str:
        """Check that the peer connects to a reference client, and reports it."""
        if not self._context.is_stub:
            client = await self._context.servers.client("the reference, opposite")
            client.on_p2p_event(self._opposite_events)
            self._opposite, self._target = client, client.session_id
        call = self._peer.connect_to_peer(self._target)
        await self._context.call("connect_to_peer", call, CONNECT)
        connected = Connected(self._target)
        if await self._context.receives(self._events, self._peer, lambda: connected in self._events, CONNECT):
            return "the connected event names the other peer"
        others = [event for event in self._events if not isinstance(event, PeerAnnounced)]
        if others:
            raise CheckFailed(
                f"no connected event names {self._target}; the first event was {others[0]}",
                "Put the other peer's session id into peer_session_id. If the attempt failed, find out why:"
                " the other peer is the reference, with candidates on 127.0.0.1 only.",
            )
        timed_out = f"timed out after {CONNECT * self._patience:g} s waiting for the connected event"
        if self._context.is_stub or Connected(self._peer.session_id) in self._opposite_events:
            raise CheckFailed(
                timed_out + ("" if self._context.is_stub else ", although the other peer is connected"),
                "Register for the implementation's events before or right after it attaches, and send each"
                " as a peer.event notification.",
            )
        raise CheckFailed(
            f"{timed_out}, and the other peer is not connected either: {self._connection_progress()}",
            "The implementation must gather candidates on 127.0.0.1 and receive the signals that are sent to"
            " its session. Most scenarios need a connection.",
        )

    def _connection_progress(self) -> str:
        text = self._router.text_published_by(self._peer.session_id)
        if "a=fingerprint" not in text:
            return "no offer reached the router"
        if "a=candidate" not in text and "candidate:" not in text:
            return "an offer reached the router, but no ICE candidate did"
        return "an offer and candidates reached the router"

    async def check_echo(self) -> str:
        """Check that a stub returns sent data unchanged."""
        for payload in PAYLOADS:
            await self._send(payload, reliable=True)
            if not await self._receives_data(payload):
                raise CheckFailed(
                    f"{len(payload)} bytes were sent, but did not come back unchanged",
                    "A stub returns what is sent to it as a data event from the target: see the template."
                    " Bytes are encoded in base64 in both directions.",
                )
        return "comes back unchanged"

    async def check_data_to_peer(self) -> str:
        """Check that data from the peer arrives unchanged, on the requested channel."""
        events = self._opposite_events
        for payload in PAYLOADS:
            await self._send(payload, reliable=True)
            if not await events.changes.holds_within(
                lambda payload=payload: payload in [data.data for data in _data(events)],
                CALL * self._patience,
            ):
                last = [f"; it received {len(data.data)} bytes: {data.data[:20]!r}" for data in _data(events)]
                raise CheckFailed(
                    f"{len(payload)} bytes did not arrive unchanged at the other peer{''.join(last[-1:])}",
                    "Decode params.data from base64 before you pass it to the implementation. The empty"
                    " string is valid.",
                )
        if any(data.reliable is False for data in _data(events)):
            raise CheckFailed(
                "data that was sent reliably arrived on the unreliable channel",
                "Pass params.reliable to the implementation.",
            )
        before = len(events)
        # Unreliable messages may be lost.
        for number in range(5):
            await self._send(b"unreliable %d" % number, reliable=False)
        await events.changes.holds_within(lambda: len(events) > before, CALL * self._patience)
        if any(data.reliable for data in _data(events[before:])):
            raise CheckFailed(
                "data that was sent unreliably arrived on the reliable channel",
                "Pass params.reliable to the implementation. If you do, SND-2 will fail.",
            )
        return "arrives unchanged, on the channel that was asked for"

    async def check_data_from_peer(self) -> str:
        """Check that data to the peer is reported unchanged."""
        assert self._opposite is not None
        for payload in PAYLOADS:
            if await self._opposite.send_p2p(self._peer.session_id, payload) is not SendResult.P2P:
                raise CheckSkipped("the connection is lost")
            if await self._receives_data(payload):
                continue
            last = [f"the last data event was {event}"[:200] for event in _data(self._events)][-1:]
            raise CheckFailed(
                f"{len(payload)} bytes from the other peer were not reported unchanged;"
                f" {last[0] if last else 'there was no data event'}",
                "Send a data event for each payload, with the sender's session id, the bytes in base64, and"
                " whether they arrived on the reliable channel.",
            )
        return "is reported unchanged, with its sender"

    async def check_capabilities(self) -> None:
        """Check that the calls that the driver declares are offered."""
        declared = self._context.description.capabilities
        for name, call in (
            ("is_peer_connected", self._peer.is_peer_connected),
            ("disconnect_peer", self._peer.disconnect_peer),
        ):
            if name in declared:
                await self._context.run(
                    name, lambda name=name, call=call: self._check_declared(name, lambda: call(self._target))
                )

    async def _check_declared(self, capability: str, call: Callable[[], Awaitable[object]]) -> str:
        try:
            await self._context.call(capability, call())
        except NotOffered as error:
            raise CheckFailed(
                f"the capability {capability} is declared, but the call is not offered",
                "Offer the call, or remove the capability from the result of initialize.",
            ) from error
        except Refused as error:
            raise CheckFailed(
                f"the capability {capability} is declared, but the call was refused: {error}",
                "Map it to the implementation's own call, or remove the capability.",
            ) from error
        return "offered as declared"

    async def check_announcement(self) -> str:
        """Check that the peer announces itself, as the driver declares."""

        def is_announced() -> bool:
            return any(
                sender == self._peer.session_id and message.address == wire.ANNOUNCE_ADDRESS
                for sender, message in self._router.published
            )

        if not await self._router.changes.holds_within(is_announced, CALL * self._patience):
            raise CheckFailed(
                "the capability announce is declared, but no announcement reached the router",
                "Remove the capability unless the implementation announces itself when P2P is enabled.",
            )
        return "an announcement reached the router"

    async def check_relayed(self) -> str:
        """Check that relayed data is reported."""
        events = ReceivedEvents()
        other = await self._context.open_peer(P2PConfig(), events)
        await self._set_mode(RoutingMode.SERVER_ONLY)
        call = self._peer.send_p2p(other.session_id, b"relayed by the doctor", True)
        result = await self._context.call("send_p2p", call, CONNECT)
        await self._set_mode(RoutingMode.PREFER_P2P)
        if result is not SendResult.RELAY:
            raise CheckFailed(
                f"a send in server_only returned {result.value}",
                "Check how modes and results are mapped. If that is right, RTE-9 will fail.",
            )
        # Other checks show whether bytes arrive unchanged.
        if not await self._context.receives(events, other, lambda: _data(events)):
            raise CheckFailed(
                "data that one of its peers sent to another through the router was not reported",
                "Relayed data is a data event too: register for the callback by which the implementation"
                " delivers it to the application. If there is none, SND-3 will fail.",
            )
        await self._context.end_peer(other)
        return "is reported too"

    async def check_end(self) -> str:
        """Check that the peer's session ends with the peer."""
        how = "close" if "close" in self._context.description.capabilities else "the end of its process"
        if how == "close":
            await self._check_declared("close", self._peer.close)
        else:
            await self._context.end_peer(self._peer)
        session = self._peer.session_id
        if not self._context.is_stub and not await self._router.changes.holds_within(
            lambda: session in self._router.ended_sessions, CALL * self._patience
        ):
            raise CheckFailed(
                f"the router still has the session after {how}",
                "Close the implementation's client in its own orderly way, and answer once it is closed.",
            )
        return f"the session ends with {how}" if not self._context.is_stub else "offered as declared"

    async def _get_mode(self) -> RoutingMode:
        return await self._context.call("p2p_routing_mode", self._peer.p2p_routing_mode())

    async def _set_mode(self, mode: RoutingMode) -> None:
        await self._context.call("set_p2p_routing_mode", self._peer.set_p2p_routing_mode(mode))

    async def _send(self, payload: bytes, *, reliable: bool) -> None:
        await self._context.call("send_p2p", self._peer.send_p2p(self._target, payload, reliable), CONNECT)

    async def _receives_data(self, payload: bytes) -> bool:
        data = Data(self._target, payload, True)
        return await self._context.receives(self._events, self._peer, lambda: data in self._events)


def _data(events: list[P2PEvent]) -> list[Data]:
    return [event for event in events if isinstance(event, Data)]
