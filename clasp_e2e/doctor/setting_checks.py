"""The checks that a peer's configuration reaches the implementation, without additions."""

import asyncio

from clasp_e2e.doctor.check_results import CheckFailed, CheckOutcome
from clasp_e2e.doctor.context import CONNECT, ExaminationContext, ReceivedEvents
from clasp_e2e.drivers.interface import DriverFault, Peer, Refused
from clasp_e2e.p2p_types import ConnectionFailed, P2PConfig, TurnServer

TIMEOUT = 1
"""Seconds, the configured connection time-out."""
TIMEOUT_SLACK = 3.0
"""Seconds that the catalogue allows in addition (TMO-2)."""
DEFAULT_TIMEOUT = 29.5
"""Seconds during which an attempt must not time out if no time-out is configured (TMO-1)."""
WATCHED = 5.0
"""Seconds for which an attempt without a configured time-out is watched."""


class SettingChecks:
    """The checks of peers with different configurations, with reference clients as other peers."""

    def __init__(self, context: ExaminationContext) -> None:
        self._context = context
        self._servers = context.servers

    async def check_timeouts(self) -> None:
        """Run two unanswered attempts in parallel: one with a time-out, one without."""
        quiet = await self._servers.client("a session without P2P", p2p=False)
        await asyncio.gather(
            self._context.run("connection_timeout_secs", lambda: self._check_timeout(quiet.session_id)),
            self._context.run("absent defaults", lambda: self._check_defaults(quiet.session_id)),
        )

    async def _check_timeout(self, target: str) -> str:
        events = ReceivedEvents()
        peer = await self._context.open_peer(P2PConfig(connection_timeout_secs=TIMEOUT), events)
        within = TIMEOUT + TIMEOUT_SLACK * self._context.patience
        if not await self._fails(peer, events, target, within):
            raise CheckFailed(
                f"with a time-out of {TIMEOUT} s, an attempt had not failed after {within:g} s",
                "Pass params.p2p.connection_timeout_secs, in seconds, to the implementation, and send its"
                " connection_failed event. If you do, TMO-2 will fail.",
            )
        return "as configured"

    async def _check_defaults(self, target: str) -> str:
        now = asyncio.get_running_loop().time
        events = ReceivedEvents()
        peer = await self._context.open_peer(P2PConfig(), events)
        began = now()
        failed = await self._fails(peer, events, target, WATCHED * self._context.patience)
        took = now() - began
        text = self._servers.router.text_published_by(peer.session_id)
        if " typ srflx" in text or " typ relay" in text:
            raise CheckFailed(
                "it asked an ICE server for candidates although ice_servers was empty",
                "Pass params.p2p.ice_servers to the implementation even if it is empty: its own default may"
                " name public servers.",
            )
        if failed and took < DEFAULT_TIMEOUT:
            raise CheckFailed(
                f"an attempt without a configured time-out failed after {took:.1f} s",
                "Leave out what is absent in params.p2p, so that the implementation's default applies. If"
                " you do, its default is not the specification's 30 s, and TMO-1 will fail.",
            )
        return f"an unanswered attempt lasts at least {took:.1f} s, and no ICE server was asked"

    async def _fails(self, peer: Peer, events: ReceivedEvents, target: str, within: float) -> bool:
        """Return whether an attempt to connect fails within that time; end the peer."""
        connecting = asyncio.ensure_future(peer.connect_to_peer(target))
        connecting.add_done_callback(lambda _: events.changes.notify())

        def has_failed() -> bool:
            refused = connecting.done() and not connecting.cancelled() and connecting.exception() is not None
            return refused or any(isinstance(event, ConnectionFailed) for event in events)

        failed = await events.changes.holds_within(has_failed, within)
        if connecting.done() and isinstance(fault := connecting.exception(), DriverFault):
            raise fault
        connecting.cancel()
        await asyncio.wait([connecting])
        await self._context.end_peer(peer)
        return failed

    async def check_stun(self) -> str:
        """Check that the STUN server configured for the first peer received a request."""
        if not await self._servers.stun.asked(0):
            raise CheckFailed(
                "the configured STUN server was not asked",
                "Pass params.p2p.ice_servers to the implementation. If you do, ICE-1 will fail.",
            )
        return "the configured STUN server was asked"

    async def check_turn(self) -> str:
        """Check that a configured TURN server receives a request."""
        host, port = self._servers.stun.address
        server = TurnServer(f"turn:{host}:{port}", "doctor", "secret")
        peer = await self._context.open_peer(P2PConfig(turn_servers=(server,)), ReceivedEvents())
        # Without an answer: an implementation that has found a path, as Chromium does at once, uses no TURN.
        quiet = await self._servers.client("a session without P2P, for TURN", p2p=False)
        connecting = asyncio.ensure_future(peer.connect_to_peer(quiet.session_id))
        asked = await self._servers.stun.asked(CONNECT * self._context.patience, "ALLOCATE")
        await self._context.end_peer(peer)
        await asyncio.wait([connecting])
        if not connecting.cancelled():
            connecting.exception()  # Its outcome does not matter here.
        if not asked:
            raise CheckFailed(
                "the capability turn is declared, but the configured TURN server was not asked",
                "Pass params.p2p.turn_servers to the implementation, or remove the capability.",
            )
        return "the configured TURN server was asked"

    async def check_without_p2p(self) -> str:
        """Check that a peer that is opened without P2P offers no connection."""
        peer = await self._context.open_peer(None, ReceivedEvents())
        client = await self._servers.client("the reference, not to be connected")
        try:
            await self._context.call("connect_to_peer", peer.connect_to_peer(client.session_id), CONNECT)
        except Refused:
            await self._context.end_peer(peer)
            return "connect_to_peer is refused"
        router = self._servers.router
        offered = await router.changes.holds_within(
            lambda: "a=fingerprint" in router.text_published_by(peer.session_id), 1.0 * self._context.patience
        )
        await self._context.end_peer(peer)
        if offered:
            raise CheckFailed(
                "it offered a connection although p2p was null",
                "Enable P2P only if params.p2p is an object, and fill in nothing that is absent. If the"
                " implementation cannot disable P2P, CON-7 will be a deviation.",
            )
        text = "connect_to_peer returned without an error although p2p was null: CON-7 will be a deviation"
        self._context.results.add("p2p: null", CheckOutcome.REMARK, text)
        return "no connection is offered"
