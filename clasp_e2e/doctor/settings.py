"""The steps that show whether what is configured arrives, and what is not stays away."""

from __future__ import annotations

import asyncio

from clasp_e2e.doctor.bench import CONNECT, Bench, Told
from clasp_e2e.doctor.findings import Outcome, Wrong
from clasp_e2e.drivers.interface import DriverFault, Peer, Refused
from clasp_e2e.model import ConnectionFailed, P2PConfig, TurnServer

TIMEOUT = 1
"""Seconds that are configured where a time-out is."""
TIMEOUT_SLACK = 3.0
"""Seconds that the catalogue allows beyond (TMO-2)."""
DEFAULT_TIMEOUT = 29.5
"""Seconds before which an attempt must not fail where none is configured (TMO-1)."""
WATCHED = 5.0
"""Seconds for which an attempt without a configured time-out is watched."""


class SettingSteps:
    """Peers with and without this and that configured, opposite reference clients."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def time_outs(self) -> None:
        """Two attempts that nobody answers, one with a time-out and one without, beside other steps."""
        quiet = await self._bench.around.client("a session without P2P", p2p=False)
        configured = asyncio.ensure_future(
            self._bench.step("connection_timeout_secs", lambda: self._configured(quiet.session_id))
        )
        await self._bench.step("absent defaults", lambda: self._defaults(quiet.session_id))
        await configured

    async def _configured(self, target: str) -> str:
        told = Told()
        peer = await self._bench.attach(P2PConfig(connection_timeout_secs=TIMEOUT), told)
        within = TIMEOUT + TIMEOUT_SLACK * self._bench.patience
        if not await self._fails(peer, told, target, within):
            raise Wrong(
                f"with a time-out of {TIMEOUT} s configured, the attempt had not failed after {within:g} s",
                "Give params.p2p.connection_timeout_secs to the implementation, in seconds, and send its"
                " connection_failed as an event. If that is done, TMO-2 will fail.",
            )
        return "as configured"

    async def _defaults(self, target: str) -> str:
        now = asyncio.get_running_loop().time
        told = Told()
        peer = await self._bench.attach(P2PConfig(), told)
        began = now()
        failed = await self._fails(peer, told, target, WATCHED * self._bench.patience)
        took = now() - began
        said = self._bench.around.router.said_by(peer.session_id)
        if " typ srflx" in said or " typ relay" in said:
            raise Wrong(
                "with no ice_servers given, it asked a server for candidates",
                "Give the implementation the list that came, the empty one too: its own default may name"
                " public servers.",
            )
        if failed and took < DEFAULT_TIMEOUT:
            raise Wrong(
                f"no time-out was configured, and the attempt failed after {took:.1f} s",
                "Leave out what is absent in params.p2p, so that the implementation's default holds. If"
                " that is done, the default is not the specification's 30 s, and TMO-1 will fail.",
            )
        return f"an attempt that nobody answers goes on, for {took:.1f} s at least; no server was asked"

    async def _fails(self, peer: Peer, told: Told, target: str, within: float) -> bool:
        """Whether an attempt fails within so many seconds; the peer is ended."""
        connecting = asyncio.ensure_future(peer.connect_to_peer(target))
        connecting.add_done_callback(lambda _: told.news.tell())

        def over() -> bool:
            refused = connecting.done() and not connecting.cancelled() and connecting.exception() is not None
            return refused or any(isinstance(event, ConnectionFailed) for event in told)

        failed = await told.news.until(over, within)
        if connecting.done() and isinstance(fault := connecting.exception(), DriverFault):
            raise fault
        connecting.cancel()
        await asyncio.wait([connecting])
        await self._bench.end(peer)
        return failed

    async def stun(self) -> str:
        """The STUN server that was configured is asked."""
        if "BINDING" not in self._bench.around.ear.asked:
            raise Wrong(
                "the STUN server that was configured was not asked",
                "Give params.p2p.ice_servers to the implementation. If that is done, ICE-1 will fail.",
            )
        return "asked as configured"

    async def turn(self) -> str:
        """The TURN server that was configured is asked."""
        server = TurnServer(f"turn:{self._bench.around.ear.address}", "doctor", "secret")
        peer = await self._bench.attach(P2PConfig(turn_servers=(server,)), Told())
        # Nobody answers: who has found a path already, as Chromium in no time, asks no TURN server any more.
        quiet = await self._bench.around.client("a session beyond TURN", p2p=False)
        trying = asyncio.ensure_future(peer.connect_to_peer(quiet.session_id))
        asked = await self._bench.around.ear.news.until(
            lambda: "ALLOCATE" in self._bench.around.ear.asked, CONNECT * self._bench.patience
        )
        await self._bench.end(peer)
        await asyncio.wait([trying])
        if not trying.cancelled():
            trying.exception()  # Whatever became of it, the server was asked or not.
        if not asked:
            raise Wrong(
                "the capability turn is declared, and the TURN server was not asked",
                "Give params.p2p.turn_servers to the implementation, or take the capability out.",
            )
        return "the server is asked"

    async def without_p2p(self) -> str:
        """Without a configuration nothing is offered."""
        peer = await self._bench.attach(None, Told())
        client = await self._bench.around.client("the reference, uncalled for")
        told = Told()
        client.on_p2p_event(told)
        try:
            await self._bench.call("connect_to_peer", peer.connect_to_peer(client.session_id), CONNECT)
        except Refused:
            await self._bench.end(peer)
            return "connecting is refused"
        offered = await self._bench.around.router.news.until(
            lambda: "a=fingerprint" in self._bench.around.router.said_by(peer.session_id),
            1.0 * self._bench.patience,
        )
        await self._bench.end(peer)
        if offered:
            raise Wrong(
                "with p2p: null it offered a connection all the same",
                "Enable P2P only where params.p2p is an object, and fill in nothing that is absent. If the"
                " implementation cannot be without P2P, CON-7 will be a deviation.",
            )
        self._bench.findings.add(
            "p2p: null",
            Outcome.REMARK,
            "connect_to_peer returned without an error: CON-7 will be a deviation",
        )
        return "nothing is offered"
