"""What is fuzzed: a router, a peer by the frames of its router, and a peer by the signals of a stranger.

Each tells after a batch, by what it does and not by time, whether it has survived.
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
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.testbed import Participant, RouterSource, Testbed, start_router
from clasp_e2e.testbed.waiting import Patience

BATCH_LIMIT = 30.0
"""Seconds for a batch to be read; one takes well below a second."""
SESSION_SHARE = 20
"""Frames after which two new sessions go on: a router may have stopped reading the old ones."""
TIMEOUT = 10
"""Seconds, `connection_timeout_secs` of a fuzzed peer: attempts that lead nowhere are to end soon."""


class Died(Exception):
    """The target has not survived; the text says what it failed to do."""


class HarnessFault(Exception):
    """What failed is not the target."""


class Target(ABC):
    """Something that is fuzzed. Opened, attacked and closed; opened again where it has died."""

    name: str
    """What is attacked by what, in a few words."""
    requirement: str | None
    """What a target that dies has failed; None where nobody asks it to survive."""
    batch_size: int

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.ended_sessions = 0
        """How often the target ended a session, which it may."""

    @abstractmethod
    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """The batch `number`."""

    @abstractmethod
    async def open(self) -> None:
        """Start the target. Raises `DriverFault` or `HarnessFault`."""

    @abstractmethod
    async def attack(self, inputs: Sequence[Input]) -> None:
        """Send a batch, and return when the target has read it. Raises `Died`, `TimeoutError`."""

    @abstractmethod
    async def survives(self) -> None:
        """Return when the target has shown that it does what it is there for. Raises `Died`."""

    @abstractmethod
    def memory(self) -> int | None:
        """Bytes that it holds, if that can be told."""

    @abstractmethod
    async def close(self) -> None:
        """End the target in whatever state it is, and all that stood around it."""

    async def withstands(self, inputs: Sequence[Input]) -> None:
        """Attack, and see whether the target survives. Raises `Died`."""
        try:
            async with asyncio.timeout(BATCH_LIMIT * self.patience.scale):
                await self.attack(inputs)
        except TimeoutError:
            raise Died(
                f"it had not read {len(inputs)} inputs after {BATCH_LIMIT * self.patience.scale:g} s"
            ) from None
        await self.survives()


class FuzzedRouter(Target):
    """A router, by frames of two sessions and of connections that never say HELLO."""

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
        """Frames of all types."""
        return random_frames(seed, number, count)

    async def open(self) -> None:
        """Start the router, with two sessions that are to notice nothing."""
        JUDGMENT.set(Judgment(("RTR-7",), random.Random(0)))
        self._router = await start_router(self._driver, self.patience.open + self.patience.call)
        try:
            self._bystanders = [await self._attach("alice"), await self._attach("bob")]
        except (Blocked, Unmet) as error:
            raise HarnessFault(f"the router does not work before anything was sent to it: {error}") from error

    @property
    def _url(self) -> str:
        assert self._router is not None
        return self._router.url

    async def _attach(self, name: str) -> SignalingClient:
        return await SignalingClient.open(self._url, name, Timeline(), self.patience)

    async def attack(self, inputs: Sequence[Input]) -> None:
        """Send the frames by two sessions in turn, that hear each other's; a few, and then by two others."""
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
                if not await attackers[turn].send(each.data):
                    self.ended_sessions += 1
                    await attackers[turn].close()
                    attackers[turn] = await self._attacker()
                    await attackers[turn].send(each.data)
            for attacker in attackers:
                if not await attacker.is_heard():
                    self.ended_sessions += 1
        except (OSError, WebSocketException, wire.WireError) as error:
            raise Died(self._reason(f"it takes no new session: {error}")) from error
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
            await socket.send(each.data)
            await (await socket.ping())
        socket.transport.abort()
        await socket.wait_closed()

    async def survives(self) -> None:
        """See two sessions exchange signals, and a new one attach and do so too."""
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
            raise Died(self._reason(str(error))) from error
        for each in self._bystanders:
            each.received.clear()
            each.undecodable.clear()
        if self._router is not None and self._router.fault:
            raise Died(self._router.fault)

    def _reason(self, seen: str) -> str:
        fault = self._router.fault if self._router is not None else None
        return f"{seen}; {fault}" if fault else seen

    def memory(self) -> int | None:
        """The router's process's."""
        assert self._router is not None
        return resident(self._router.process_group)

    async def close(self) -> None:
        """End the router and the two sessions."""
        for each in self._bystanders:
            await each.close()
        self._bystanders = []
        if self._router is not None:
            with suppress(DriverFault, Refused):  # That it died is known.
                await self._router.close()


class _AttachedPeer(Target):
    """A peer on a router, behind a leg, with a well-behaved partner at each check."""

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
        """The router, the legs and the links."""
        assert self._testbed is not None
        return self._testbed

    @property
    def peer(self) -> Client:
        """The peer that is attacked."""
        assert self._peer is not None
        return self._peer

    async def open(self) -> None:
        """Attach a new peer to a new router, and see it connect."""
        JUDGMENT.set(Judgment((self.requirement or "SIG-6",), random.Random(0)))
        self._testbed = Testbed(self._routers, Timeline(), self.patience)
        await self._testbed.open()
        try:
            await self._attach()
            await self.survives()
        except (Blocked, Died) as error:
            raise HarnessFault(
                f"the peer does not connect before anything was sent to it: {error}"
            ) from error

    async def _attach(self) -> None:
        self._names += 1
        config = P2PConfig(connection_timeout_secs=TIMEOUT)
        self._peer = await self.testbed.open_client(f"fuzzed-{self._names}", self._participant, config)

    async def survives(self) -> None:
        """See the peer connect to a well-behaved partner, and a payload arrive each way."""
        self._names += 1
        try:
            partner = await self.testbed.open_client(f"partner-{self._names}", self._partner, P2PConfig())
        except (Blocked, DriverFault) as error:
            raise HarnessFault(f"no partner could be attached: {error}") from error
        try:
            await self._connects(partner)
        except (Unmet, Blocked) as error:
            raise Died(str(error)) from error
        except (DriverFault, Refused) as error:
            raise Died(str(error)) from error
        finally:
            # A leg that failed is the harness's own fault, whatever the peer did without it.
            if faults := [fault for leg in (partner.leg, self.peer.leg) for fault in leg.faults]:
                raise HarnessFault("; ".join(faults))
            await self.testbed.close_client(partner)
            self._forget()
        if self.peer.fault:
            raise Died(self.peer.fault)

    async def _connects(self, partner: Client) -> None:
        limit = self.patience.retransmission
        await partner.connect_to_peer(self.peer)
        await partner.wait_for(Connected, self.peer, within=limit)
        await self.peer.wait_for(Connected, partner, within=limit)
        for sender, receiver in ((partner, self.peer), (self.peer, partner)):
            payload = f"from {sender.name} to {receiver.name}".encode()
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload, within=limit)
        # One that vanished would be kept by the peer until its consent has run out.
        await partner.close()

    def _forget(self) -> None:
        """Keep nothing of what a batch has led to, so that the harness does not grow."""
        self.testbed.published.clear()
        self.testbed.delivered.clear()
        del self.testbed.timeline.entries[:-200]
        if self._peer is not None:
            self._peer.received.clear()

    def memory(self) -> int | None:
        """The peer's process's."""
        return resident(self.peer.peer.process_group)

    async def close(self) -> None:
        """End the peer and the router."""
        if self._testbed is not None:
            await self._testbed.close()
        self._testbed = self._peer = None


class FuzzedPeer(_AttachedPeer):
    """A peer, by frames that seem to come from its router."""

    name = "peer, by frames"
    requirement = None
    batch_size = 250

    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """Frames of all types, other than those of the router."""
        return random_frames(seed, -1 - number, count)

    async def attack(self, inputs: Sequence[Input]) -> None:
        """Send the frames down the peer's leg; one that leaves is replaced."""
        for each in inputs:
            try:
                await self.peer.leg.send_down(each.data)
            except ConnectionError:
                await self._replace()
        try:
            await self.peer.leg.ping_barrier()
        except ConnectionError:
            await self._replace()

    async def _replace(self) -> None:
        """Let a peer that has left such a router go, unless it has died, and attach another."""
        if fault := self.peer.fault:
            raise Died(fault)
        self.ended_sessions += 1
        try:
            await self.testbed.close_client(self.peer)
            await self._attach()
        except (DriverFault, Blocked) as error:
            raise Died(f"it left, and no new peer can attach: {error}") from error


class SignaledPeer(_AttachedPeer):
    """A peer, by signals of a stranger through the router, while it tries to reach the stranger."""

    name = "peer, by signals"
    requirement = "SIG-6"
    batch_size = 100

    def inputs(self, seed: int, number: int, count: int) -> list[Input]:
        """Signals of any value."""
        return random_signals(seed, number, count)

    async def attack(self, inputs: Sequence[Input]) -> None:
        """Have the peer make an offer to the stranger, and answer with everything but sense."""
        try:
            stranger = await Attacker.open(self.testbed.router_url)
        except (OSError, WebSocketException, wire.WireError) as error:
            raise HarnessFault(f"the router takes no new session: {error}") from error
        try:
            with suppress(Refused, NotOffered):
                await self.peer.connect_to_peer(stranger.session_id)
            for each in inputs:
                assert isinstance(each.data, bytes)
                data = addressed(
                    each.data,
                    target=self.peer.session_id,
                    attacker=stranger.session_id,
                    attempt=stranger.attempt,
                )
                if not await stranger.send(data):
                    raise HarnessFault("the router ended the stranger's session: fuzz the router itself")
            await stranger.is_heard()
            await self.peer.leg.ping_barrier()
        except DriverFault as fault:
            raise Died(str(fault)) from fault
        except ConnectionError as error:
            raise Died(self.peer.fault or f"it left the router: {error}") from error
        finally:
            await stranger.close()
