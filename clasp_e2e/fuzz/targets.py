"""The targets of fuzzing: a router, a peer that receives frames, and a peer that receives signals.

After each batch, a target must complete ordinary operations; there is no fixed wait.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress

from websockets.exceptions import ConnectionClosed, WebSocketException

from clasp_e2e import wire
from clasp_e2e.drivers.interface import Driver, DriverFault, NotOffered, Refused, Router
from clasp_e2e.fuzz.attacker import Attacker, open_websocket
from clasp_e2e.fuzz.input_source import Input, addressed, random_frames, random_signals
from clasp_e2e.fuzz.memory import resident
from clasp_e2e.p2p_types import Connected, P2PConfig
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import JUDGMENT, Blocked, Judgment, Unmet
from clasp_e2e.testbed.router_source import RouterSource, start_router
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience

BATCH_LIMIT = 30.0
"""Seconds within which a batch must be read; normally it takes less than one."""
SESSION_SHARE = 20
"""Frames after which two new sessions continue: a router may have stopped reading the old ones."""
TIMEOUT = 10
"""Seconds, `connection_timeout_secs` of a fuzzed peer; short, so that failing attempts end soon."""


class TargetCrashed(Exception):
    """A crash or hang of the target; the message says what it failed to do."""


class HarnessFault(Exception):
    """A failure of something other than the target."""


class Target(ABC):
    """A program that is fuzzed. It is opened, attacked and closed; after a crash, it is opened again."""

    name: str
    """The kind of target and of input."""
    requirement: str | None
    """The requirement that a crash contradicts, if any."""
    batch_size: int

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.ended_sessions = 0
        """Number of sessions that the target ended, which is allowed."""

    @abstractmethod
    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """Return the batch `number`."""

    @abstractmethod
    async def open(self) -> None:
        """Start the target. Raises `DriverFault` or `HarnessFault`."""

    @abstractmethod
    async def attack(self, inputs: Sequence[Input]) -> None:
        """Send a batch; return when the target has read it. Raises `TargetCrashed`, `TimeoutError`."""

    @abstractmethod
    async def survives(self) -> None:
        """Check that the target still works. Raises `TargetCrashed`."""

    @abstractmethod
    def memory(self) -> int | None:
        """Return the resident bytes of the target; None if unknown."""

    @abstractmethod
    async def close(self) -> None:
        """End the target, in any state, and everything that `open` started."""

    async def attack_and_check(self, inputs: Sequence[Input]) -> None:
        """Attack the target, then check that it still works. Raises `TargetCrashed`."""
        try:
            async with asyncio.timeout(BATCH_LIMIT * self.patience.scale):
                await self.attack(inputs)
        except TimeoutError:
            raise TargetCrashed(
                f"it had not read {len(inputs)} inputs after {BATCH_LIMIT * self.patience.scale:g} s"
            ) from None
        await self.survives()


class FuzzedRouter(Target):
    """A router that receives frames from two sessions, and from connections without a HELLO."""

    name = "router, by frames"
    requirement = "RTR-7"
    batch_size = 500

    def __init__(self, driver: Driver, patience: Patience) -> None:
        super().__init__(patience)
        self._driver = driver
        self._router: Router | None = None
        self._bystanders: list[SignalingClient] = []
        self._checks = 0

    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """Return frames of all types."""
        return random_frames(seed, number, count)

    async def open(self) -> None:
        """Start the router, and two sessions that must not be affected."""
        JUDGMENT.set(Judgment(("RTR-7",), random.Random(0)))
        self._router = await start_router(self._driver, self.patience.open + self.patience.call)
        try:
            self._bystanders = [await self._attach("alice"), await self._attach("bob")]
        except (Blocked, Unmet) as error:
            raise HarnessFault(f"the router does not work before the first input: {error}") from error

    @property
    def _url(self) -> str:
        assert self._router is not None
        return self._router.url

    async def _attach(self, name: str) -> SignalingClient:
        return await SignalingClient.open(self._url, name, Timeline(), self.patience)

    async def attack(self, inputs: Sequence[Input]) -> None:
        """Send the frames alternately by two sessions, which are replaced after `SESSION_SHARE` frames."""
        for start in range(0, len(inputs), SESSION_SHARE):
            await self._attack_by_two(inputs[start : start + SESSION_SHARE])

    async def _attack_by_two(self, inputs: Sequence[Input]) -> None:
        attackers: list[Attacker] = []
        try:
            attackers = [await self._attacker(), await self._attacker()]
            for number, each in enumerate(inputs):
                if each.ungreeted:
                    await self._send_ungreeted(each)
                    continue
                turn = number % 2
                if not await attackers[turn].send(each.sent):
                    self.ended_sessions += 1
                    await attackers[turn].close()
                    attackers[turn] = await self._attacker()
                    await attackers[turn].send(each.sent)
            for attacker in attackers:
                if not await attacker.ping():
                    self.ended_sessions += 1
        except (OSError, WebSocketException, wire.WireError) as error:
            raise TargetCrashed(self._reason(f"it accepts no new session: {error}")) from error
        finally:
            for attacker in attackers:
                await attacker.close()

    async def _attacker(self) -> Attacker:
        attacker = await Attacker.open(self._url)
        await attacker.send(wire.encode(wire.Subscribe(1, "/**")))
        return attacker

    async def _send_ungreeted(self, each: Input) -> None:
        socket = await open_websocket(self._url)
        with suppress(ConnectionClosed):
            await socket.send(each.sent)
            await (await socket.ping())
        socket.transport.abort()
        await socket.wait_closed()

    async def survives(self) -> None:
        """Check that the two sessions and a new one can exchange signals."""
        self._checks += 1
        kind = f"still-there-{self._checks}"
        try:
            alice, bob = self._bystanders
            carol = await self._attach("carol")
            try:
                for sender, receiver in ((alice, bob), (bob, alice), (alice, carol), (carol, bob)):
                    await sender.signal(receiver.session_id, {"type": kind + sender.name})
                    await receiver.gets_signal(kind=kind + sender.name)
            finally:
                await carol.close()
        except (Blocked, Unmet, WebSocketException) as error:
            raise TargetCrashed(self._reason(str(error))) from error
        for each in self._bystanders:
            each.received.clear()
            each.undecodable.clear()
        if self._router is not None and self._router.fault:
            raise TargetCrashed(self._router.fault)

    def _reason(self, seen: str) -> str:
        fault = self._router.fault if self._router is not None else None
        return f"{seen}; {fault}" if fault else seen

    def memory(self) -> int | None:
        """Return the resident bytes of the router's processes."""
        assert self._router is not None
        return resident(self._router.process_group)

    async def close(self) -> None:
        """End the router and the two sessions."""
        for each in self._bystanders:
            await each.close()
        self._bystanders = []
        if self._router is not None:
            with suppress(DriverFault, Refused):  # It may have crashed.
                await self._router.close()


class _AttachedPeer(Target):
    """A peer that is attached to a router through the signaling proxy, and checked with a new partner."""

    def __init__(
        self, peer: Participant, partner: Participant, routers: RouterSource, patience: Patience
    ) -> None:
        super().__init__(patience)
        self._participant = peer
        self._partner = partner
        self._routers = routers
        self._testbed: Testbed | None = None
        self._peer: Client | None = None
        self._names = 0

    @property
    def testbed(self) -> Testbed:
        """The testbed in which the peer runs."""
        assert self._testbed is not None
        return self._testbed

    @property
    def peer(self) -> Client:
        """The peer that is attacked."""
        assert self._peer is not None
        return self._peer

    async def open(self) -> None:
        """Attach a new peer to a new router, and check that it works."""
        JUDGMENT.set(Judgment((self.requirement or "SIG-6",), random.Random(0)))
        self._testbed = Testbed(self._routers, Timeline(), self.patience)
        await self._testbed.open()
        try:
            await self._attach()
            await self.survives()
        except (Blocked, TargetCrashed) as error:
            raise HarnessFault(f"the peer does not connect before the first input: {error}") from error

    async def _attach(self) -> None:
        self._names += 1
        config = P2PConfig(connection_timeout_secs=TIMEOUT)
        self._peer = await self.testbed.open_client(f"fuzzed-{self._names}", self._participant, config)

    async def survives(self) -> None:
        """Check that the peer connects to a new partner, and that a payload arrives in each direction."""
        self._names += 1
        try:
            partner = await self.testbed.open_client(f"partner-{self._names}", self._partner, P2PConfig())
        except (Blocked, DriverFault) as error:
            raise HarnessFault(f"no partner can be attached: {error}") from error
        try:
            await self._connects(partner)
        except (Unmet, Blocked, DriverFault, Refused) as error:
            raise TargetCrashed(str(error)) from error
        finally:
            # A failed leg is a fault of the harness, whatever the peer did.
            if faults := [fault for leg in (partner.leg, self.peer.leg) for fault in leg.faults]:
                raise HarnessFault("; ".join(faults))
            await self.testbed.close_client(partner)
            self._clear_records()
        if self.peer.fault:
            raise TargetCrashed(self.peer.fault)

    async def _connects(self, partner: Client) -> None:
        limit = self.patience.retransmission
        await partner.connect_to_peer(self.peer)
        await partner.wait_for(Connected, self.peer, within=limit)
        await self.peer.wait_for(Connected, partner, within=limit)
        for sender, receiver in ((partner, self.peer), (self.peer, partner)):
            payload = f"from {sender.name} to {receiver.name}".encode()
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload, within=limit)
        # The peer would keep the connection to a partner that vanished until its consent expires.
        await partner.close()

    def _clear_records(self) -> None:
        """Clear what the testbed recorded, so that the harness's memory does not grow."""
        self.testbed.published.clear()
        self.testbed.delivered.clear()
        del self.testbed.timeline.entries[:-200]
        if self._peer is not None:
            self._peer.received.clear()

    def memory(self) -> int | None:
        """Return the resident bytes of the peer's processes."""
        return resident(self.peer.peer.process_group)

    async def close(self) -> None:
        """End the peer and the router."""
        if self._testbed is not None:
            await self._testbed.close()
        self._testbed = self._peer = None


class FuzzedPeer(_AttachedPeer):
    """A peer that receives frames that seem to come from its router."""

    name = "peer, by frames"
    requirement = None
    batch_size = 250

    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """Return frames of all types but WELCOME, different from those for a router.

        A WELCOME of its router may give a peer another session id, so that a partner no longer reaches it.
        """
        return [each for each in random_frames(seed, -1 - number, count) if not _may_welcome(each.sent)]

    async def attack(self, inputs: Sequence[Input]) -> None:
        """Send the frames on the peer's leg; replace the peer if it disconnects."""
        for each in inputs:
            try:
                await self.peer.leg.send_down(each.sent)
            except ConnectionError:
                await self._replace()
        try:
            await self.peer.leg.ping_barrier()
        except ConnectionError:
            await self._replace()

    async def _replace(self) -> None:
        """Replace a peer that disconnected. Raises `TargetCrashed` if it crashed."""
        if fault := self.peer.fault:
            raise TargetCrashed(fault)
        self.ended_sessions += 1
        try:
            await self.testbed.close_client(self.peer)
            await self._attach()
        except (DriverFault, Blocked) as error:
            raise TargetCrashed(f"it disconnected, and no new peer can attach: {error}") from error


def _may_welcome(sent: bytes | str) -> bool:
    """Return whether a peer that decodes tolerantly may read a WELCOME in `sent`."""
    if isinstance(sent, str) or len(sent) < 5:
        return False
    payload = sent[12:] if sent[1] & 0x20 else sent[4:]
    return payload[:1] == b"\x02" or b"WELCOME" in payload


class SignaledPeer(_AttachedPeer):
    """A peer that receives signals through the router from a client to which it tries to connect."""

    name = "peer, by signals"
    requirement = "SIG-6"
    batch_size = 100

    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """Return signals of any value."""
        return random_signals(seed, number, count)

    async def attack(self, inputs: Sequence[Input]) -> None:
        """Have the peer make an offer to the attacker, and send the signals in reply."""
        try:
            attacker = await Attacker.open(self.testbed.router_url)
        except (OSError, WebSocketException, wire.WireError) as error:
            raise HarnessFault(f"the router accepts no new session: {error}") from error
        try:
            with suppress(Refused, NotOffered):
                await self.peer.connect_to_peer(attacker.session_id)
            for each in inputs:
                data = addressed(
                    each.data,
                    target=self.peer.session_id,
                    attacker=attacker.session_id,
                    attempt=attacker.attempt,
                )
                if not await attacker.send(data):
                    raise HarnessFault("the router ended the attacker's session: fuzz the router itself")
            await attacker.ping()
            await self.peer.leg.ping_barrier()
        except DriverFault as fault:
            raise TargetCrashed(str(fault)) from fault
        except ConnectionError as error:
            raise TargetCrashed(self.peer.fault or f"it disconnected from the router: {error}") from error
        finally:
            await attacker.close()
