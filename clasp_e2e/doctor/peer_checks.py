"""The checks of a driver's peers: two of them attach to one router, connect to each other, and send data.

They check that the driver passes on calls and reports events. If a fault may also be one of the
implementation, the advice says so.
"""

from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from clasp_e2e.doctor.check_results import CheckFailed, CheckOutcome, CheckResults
from clasp_e2e.drivers.interface import DriverFault, NotOffered, Refused
from clasp_e2e.p2p_types import Connected, ConnectionFailed, P2PConfig, RoutingMode, SendResult
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Blocked, Unmet, Unobserved, show
from clasp_e2e.testbed.testbed import Participant, Testbed

T = TypeVar("T")

PAYLOADS = (bytes(range(256)), b"\xfb\xff\xbf" * 5000 + b"!", b"\x00\n{}\r\n")
"""All byte values; bytes that the two alphabets of base64 encode differently, in more than one MIME line;
bytes that may break a line-based protocol."""

REGISTER = (
    "Register for the implementation's events before or right after it attaches, and send each as a"
    " peer.event notification."
)
RELIABLE = "Pass params.reliable to the implementation, and set it in each event."
BASE64 = (
    "Decode params.data from base64 before you pass it to the implementation, and encode the data of each"
    " event. If both is right, SND-1 will fail."
)
LEFT = "If peer.close makes the implementation's own call, this is how the implementation behaves."
NO_CANDIDATE = (
    "Unless its candidates are encoded in a way of their own, its ICE agent has found no address. Candidates"
    " from any local address will do; on a machine without a network interface, it must gather the loopback"
    " address, which many libraries omit by default."
)


class PeerChecks:
    """The checks of two peers, alice and bob, from their opening to their end.

    With a stub, which returns what is sent, alice is also the receiver.
    """

    def __init__(self, testbed: Testbed, participant: Participant, results: CheckResults) -> None:
        self._testbed = testbed
        self._participant = participant
        self._results = results
        self._patience = testbed.patience
        self._is_stub = participant.side.description.implementation.stub
        self._alice: Client
        self._bob: Client

    async def run(self) -> None:
        """Perform all checks."""
        run, capabilities = self._results.run, self._participant.side.description.capabilities
        if not await run("session", self._check_session):
            return
        await run("routing mode", self._check_modes)
        if await run("connected", self._check_connected):
            await run("data", self._check_data)
            for name in sorted(capabilities & {"is_peer_connected", "disconnect_peer"}, reverse=True):
                await run(name, lambda name=name: self._check_declared(name, self._bob))
        else:
            self._results.add("data", CheckOutcome.SKIPPED, "it needs a connection and its connected event")
        if "close" in capabilities:
            await run("close", self._check_close)
        if not self._results.faults:
            for text in self._testbed.faults():
                self._results.add("end", CheckOutcome.FAULT, text)

    async def _check_session(self) -> str:
        """Check that both peers attach to the given router, and return their session ids."""
        try:
            self._alice = await self._open("alice")
            self._bob = await self._open("bob")
        except Blocked as blocked:
            advice = "Find out why the implementation cannot attach to the router at params.url."
            raise CheckFailed(blocked.reason, advice) from blocked
        if self._is_stub:
            return "a stub: checks that need an implementation are skipped"
        for client in (self._alice, self._bob):
            if client.session_id not in client.leg.session_ids:
                raise CheckFailed(
                    f"the router at the given URL has no session {client.session_id!r}",
                    "Return the session id from the router's WELCOME message as session_id."
                    if client.leg.session_id
                    else "Attach to params.url: no client has attached there.",
                )
        return "two peers are attached to the given router"

    async def _open(self, name: str) -> Client:
        return await self._testbed.open_client(name, self._participant, P2PConfig())

    async def _check_modes(self) -> str:
        """Check that the routing mode is the one that was set."""
        for mode in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
            await self._alice.set_p2p_routing_mode(mode)
            read = await self._alice.p2p_routing_mode()
            if read is not mode:
                raise CheckFailed(
                    f"the routing mode is {read.value} after it was set to {mode.value}",
                    "Check how modes are mapped in both directions. If that is right, RTE-2 will fail.",
                )
        return "can be set and read"

    async def _check_connected(self) -> str:
        """Check that alice connects to bob, and that both report it."""
        alice, bob = self._alice, self._bob
        frames = alice.leg.up.frames
        await alice.connect_to_peer(bob)
        # An implementation may take as long as its time-out.
        limit = self._patience.event if self._is_stub else alice.attempt_limit
        try:
            await self._arrives(alice, alice.wait_for(Connected, bob, within=limit, unless=ConnectionFailed))
            if not self._is_stub:
                await self._arrives(bob, bob.wait_for(Connected, alice, within=bob.attempt_limit))
        except Unmet as unmet:
            deaf, other = (bob, alice) if alice.events(Connected, bob) else (alice, bob)
            if deaf.events(Connected):
                advice = "Put the other peer's session id into peer_session_id."
            elif self._is_stub or other.events(Connected):
                advice = REGISTER
            else:
                reason, advice = self._missing_for_connection(has_sent=alice.leg.up.frames > frames)
                raise CheckFailed(f"{unmet}; {reason}", advice) from unmet
            raise CheckFailed(str(unmet), advice) from unmet
        if not self._is_stub:
            self._remark_on_candidates()
        return (
            "each connected event names the other peer" if not self._is_stub else "the event names its peer"
        )

    def _missing_for_connection(self, *, has_sent: bool) -> tuple[str, str]:
        """Return what is missing for a connection, as far as the signals can be read, and advice."""
        board = self._testbed.switchboard
        described = {description.leg for description in board.descriptions}
        if not has_sent:
            return (
                "alice sent nothing to the router",
                "Start an attempt in peer.connect_to_peer, with P2P enabled if params.p2p is an object.",
            )
        if unread := [name for name in ("alice", "bob") if name not in described]:
            return (
                f"no SDP was read in what {' and '.join(unread)} sent",
                "Find out whether bob receives what is sent to its session, and answers it. If the signals"
                " are encoded in a way of their own, the harness cannot read them: find out whether the two"
                " connect without it, and whether their events are sent.",
            )
        if silent := [name for name in ("alice", "bob") if not board.candidates_from(name)]:
            return f"{' and '.join(silent)} offered no candidate", NO_CANDIDATE
        return (
            "the SDP and candidates of both peers reached the router",
            "Find out whether they connect without the harness. If they do, send the connected event.",
        )

    def _remark_on_candidates(self) -> None:
        board = self._testbed.switchboard
        described = {description.leg for description in board.descriptions}
        for name in ("alice", "bob"):
            candidates = board.candidates_from(name)
            if name not in described:
                self._remark(f"no SDP was read in what {name} sent: what needs it will be unobserved")
            elif not any(candidate.rank for candidate in candidates):
                kind = "candidate that the harness can read"
                if candidates:
                    kind = "UDP candidate on this machine"
                self._remark(f"{name} offered no {kind}: the scenarios' link cannot carry its connections")
            elif types := sorted({candidate.type for candidate in candidates} & {"srflx", "relay"}):
                self._remark(
                    f"{name} offered {' and '.join(types)} candidates although ice_servers was empty",
                    "Pass params.p2p.ice_servers even if it is empty: the implementation's own default may"
                    " name public servers.",
                )

    def _remark(self, text: str, advice: str = "") -> None:
        self._results.add("connected", CheckOutcome.REMARK, text, advice)

    async def _check_data(self) -> str:
        """Check that data from each peer is reported unchanged by the other."""
        alice, bob = self._alice, self._bob
        routes = [(alice, bob, alice)] if self._is_stub else [(alice, bob, bob), (bob, alice, alice)]
        for sender, target, receiver in routes:
            for payload in PAYLOADS:
                await self._check_payload(payload, sender, target, receiver)
            # Unreliable messages may be lost.
            unreliable = [b"unreliable %d" % number for number in range(5)]
            results = [await sender.send_p2p(target, payload, reliable=False) for payload in unreliable]
            await receiver.receives_any(unreliable, within=self._patience.event)
            relayed = SendResult.RELAY in results
            if not relayed and any(e.reliable for e in receiver.data() if e.data in unreliable):
                raise CheckFailed(
                    "data that was sent unreliably was reported as reliable",
                    f"{RELIABLE} If both is right, SND-2 will fail.",
                )
        return "is reported unchanged, with its sender" if not self._is_stub else "comes back unchanged"

    async def _check_payload(self, payload: bytes, sender: Client, target: Client, receiver: Client) -> None:
        before = receiver.mark()
        try:
            result = await sender.send_p2p(target, payload)
            event = await self._arrives(receiver, receiver.receives(payload, since=before))
        except Unmet as unmet:
            raise CheckFailed(str(unmet), BASE64) from unmet
        if event.data != payload:
            raise CheckFailed(f"{show(payload)} arrived as {show(event.data)}", BASE64)
        origin = target if self._is_stub else sender
        if event.peer_session_id not in (None, origin.session_id):
            raise CheckFailed(
                f"a data event names {event.peer_session_id!r} instead of its sender {origin.session_id!r}",
                "Put the sender's session id into peer_session_id, or null if the implementation does not"
                " provide it.",
            )
        if result is SendResult.P2P and event.reliable is False:
            raise CheckFailed("data that was sent reliably was reported as unreliable", RELIABLE)

    async def _check_declared(self, capability: str, *arguments: Client) -> str:
        """Check that alice offers the call of a declared capability."""
        try:
            await getattr(self._alice, capability)(*arguments)
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

    async def _check_close(self) -> str:
        """Check that alice can be closed, and whether the session then ends."""
        text = await self._check_declared("close")
        if self._is_stub:
            return text
        try:
            await self._alice.has_left_the_router()
        except Unobserved as unobserved:
            self._results.add("close", CheckOutcome.REMARK, str(unobserved), LEFT)
            return text
        return "it ends the session"

    async def _arrives(self, client: Client, event: Awaitable[T]) -> T:
        """Await an event of `client`. Raises `CheckFailed` if it arrives only after another request."""
        try:
            return await event
        except Unmet:
            before = client.mark()
            with suppress(NotOffered, DriverFault, Refused):
                for _ in range(2):  # The first answer may precede the event.
                    await client.p2p_routing_mode()
            if client.mark() > before:
                raise CheckFailed(
                    "an event arrived only with the answer to the next request",
                    "Send each event as soon as the implementation raises it, and flush standard output.",
                ) from None
            raise
