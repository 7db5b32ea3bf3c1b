"""The fixtures of scenarios: a pair of peers, a single peer, a router."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.lab import LabHost, is_entered
from clasp_e2e.network import Attempt, Conditions, LabSwitchboard, Side
from clasp_e2e.p2p_types import Connected, ConnectionFailed, P2PConfig
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED, Pairing
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.attacked_router import AttackedRouter
from clasp_e2e.testbed.expectations import Absent, Blocked, Unmet, Unobserved, precondition, random_payload
from clasp_e2e.testbed.payload_path import Path as Path
from clasp_e2e.testbed.router_clients import RouterClients as RouterClients
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.usable_candidates import require_usable_candidates


class PeerPair:
    """Two clients with P2P enabled, attached to one router, and the link between them.

    Unpacks into the subject (the peer that is judged) and its partner. The `offerer` connects.
    """

    def __init__(
        self, testbed: Testbed, offerer: Client, answerer: Client, subject: str, newcomers: Participant | None
    ) -> None:
        self.testbed = testbed
        self.newcomers = newcomers
        """The reference, if it takes part: used for clients that join later."""
        self.offerer = offerer
        self.answerer = answerer
        self.subject, self.partner = (offerer, answerer) if subject == "offerer" else (answerer, offerer)
        self.patience = testbed.patience

    def __iter__(self) -> Iterator[Client]:
        return iter((self.subject, self.partner))

    @property
    def link(self) -> Conditions:
        """The network between the peers: `cut()`, `heal()`, `impair()`; usable before any attempt."""
        return self.testbed.switchboard.conditions(self.offerer.name, self.answerer.name)

    def host(self, client: Client) -> LabHost:
        """Return the host of `client`, which exists in the lab only."""
        board = self.testbed.switchboard
        assert isinstance(board, LabSwitchboard), "declare the scenario with lab=True"
        return board.host(client.name)

    @property
    def attempts(self) -> list[Attempt]:
        """The negotiations between the peers that the signaling proxies saw, in order."""
        return self.testbed.switchboard.attempts_between(self.offerer.name, self.answerer.name)

    @property
    def is_established(self) -> bool:
        """Whether DTLS application data has crossed one link in both directions.

        This proves, by observation from outside, that ICE and the DTLS handshake completed on both sides.
        """
        return any(self.opened_at(attempt) is not None for attempt in self.attempts)

    def without_candidates(self) -> list[str]:
        """Return the names of the peers whose candidates were not delivered to the other."""
        return [
            client.name
            for client in self
            if not any(attempt.candidates.get(client.name) for attempt in self.attempts)
        ]

    def without_checks(self) -> list[str]:
        """Return the names of the peers that have sent no datagram on the link, including dropped ones."""
        sent = zip(self, self.testbed.switchboard.traffic(*(client.name for client in self)), strict=True)
        return [client.name for client, traffic in sent if not traffic.datagrams + traffic.dropped_datagrams]

    @property
    def connect_limit(self) -> float:
        """The seconds within which an attempt of either peer to connect to the other has its outcome."""
        return max(self.offerer.attempt_limit, self.answerer.attempt_limit)

    @property
    def is_connected_unseen(self) -> bool:
        """Whether both peers have received Connected, and no datagram has crossed the link."""
        told = [client.events(Connected, self.other(client)) for client in self]
        seen = self.testbed.switchboard.traffic(self.offerer.name, self.answerer.name)
        return all(told) and not any(each.datagrams + each.dropped_datagrams for each in seen)

    def connecting(self) -> AbstractAsyncContextManager[None]:
        """Have the offerer request the connection, and run the block meanwhile (`Client.connecting_to`)."""
        return self.offerer.connecting_to(self.answerer)

    def described_candidates_to(self, name: str) -> int:
        """Return the number of candidates in the offers and answers that were sent to the client `name`."""
        descriptions = [each for attempt in self.attempts for each in (attempt.offer, attempt.answer) if each]
        return sum(len(each.facts.candidates) for each in descriptions if each.leg != name)

    async def connect(self) -> None:
        """Connect the peers, as a precondition: blocked by CON-5 or EVT-1 if that fails.

        Return when both applications have received Connected, because they may send only then.
        """
        try:
            async with self.connecting():
                await self.both_connected()
        except Refused as refusal:
            raise Blocked("CON-5", f"connect_to_peer was refused: {refusal}") from refusal
        except Unmet as unmet:
            raise Blocked("CON-5", str(unmet)) from unmet

    async def both_connected(self) -> None:
        """Wait until both peers have received Connected; blocked by CON-5 or EVT-1 otherwise."""
        limit = self.connect_limit
        try:
            async with asyncio.TaskGroup() as both:
                for client, other in ((self.offerer, self.answerer), (self.answerer, self.offerer)):
                    waiting = client.wait_for(Connected, other, within=limit, unless=ConnectionFailed)
                    both.create_task(waiting)
        except* Unmet as unmet:
            require_usable_candidates(self.testbed.switchboard, (self.offerer.name, self.answerer.name))
            reason = "; ".join(str(error) for error in unmet.exceptions)
            raise Blocked("EVT-1" if self.is_established else "CON-5", reason) from None

    def opened_at(self, attempt: Attempt) -> float | None:
        """Return when the connection of `attempt` was established (loop's clock, seconds), or None."""
        times = [attempt.link.counters(side).first_application for side in Side]
        return None if None in times else max(time for time in times if time is not None)

    async def negotiated(self) -> bool:
        """Return whether an offer and its answer pass the router (`shows`)."""
        return await self.shows(lambda: any(attempt.offer and attempt.answer for attempt in self.attempts))

    async def shows(self, predicate: Callable[[], bool]) -> bool:
        """Return whether `predicate`, on what the harness sees, becomes true during the attempt.

        The attempt ends when both peers have received Connected, when one has received ConnectionFailed, or
        after the time limit.
        """
        seen = self.testbed.switchboard.holds_within(predicate, self.connect_limit)
        tasks: list[asyncio.Task[object]] = [
            asyncio.create_task(seen),
            asyncio.create_task(self.both_connected()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return predicate()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_until_established(self) -> None:
        """Wait until the connection is established (`is_established`); unmet if it is not (`shows`).

        Unobserved if both peers receive Connected, and the link carries nothing.
        """
        if not await self.shows(lambda: self.is_established):
            if self.is_connected_unseen:
                raise Unobserved("both sides received Connected, and no datagram has crossed the link")
            require_usable_candidates(self.testbed.switchboard, (self.offerer.name, self.answerer.name))
            raise Absent(
                f"DTLS application data on the link in both directions within {self.connect_limit:g} s",
                self._missing_for_connection(),
            )

    def _missing_for_connection(self) -> str:
        """Return what is missing for a connection, as far as it was observed."""
        board, names = self.testbed.switchboard, (self.offerer.name, self.answerer.name)
        if (reason := board.unreadable(*names)) is not None:
            return reason
        if silent := [name for name in names if not board.candidates_from(name)]:
            return f"{' and '.join(silent)} offered no candidate"
        there, back = board.traffic(*names)
        return (
            f"{there.dtls_application} records in {there.datagrams} datagrams of {names[0]}, and"
            f" {back.dtls_application} in {back.datagrams} of {names[1]}"
        )

    @asynccontextmanager
    async def path_of(self, sender: Client, payload: bytes) -> AsyncGenerator[Path]:
        """Measure the path of `payload`, which `sender` sends in the block.

        If the payload should arrive, the block must wait for that. A barrier follows the block: all that
        `sender` has written to the router has then passed its leg.
        """
        receiver = self.other(sender)
        path = Path(len(payload))
        direct, routed = self.sent_directly(sender, receiver), sender.leg.up.bytes
        yield path
        await sender.all_is_written()
        path.direct = self.sent_directly(sender, receiver) - direct
        path.routed = sender.leg.up.bytes - routed
        path.is_hidden = self.is_connected_unseen
        self.testbed.timeline.note(
            "harness", f"saw {path.direct} bytes leave {sender.name} directly and {path.routed} to the router"
        )

    def side(self, client: Client) -> Side:
        """Return the side of the link that `client` is on."""
        pair = self.testbed.switchboard.pair(self.offerer.name, self.answerer.name)
        return pair.side(client.name)

    def other(self, client: Client) -> Client:
        """Return the other client of the pair."""
        return self.partner if client is self.subject else self.subject

    def dropped(self, sender: Client) -> int:
        """Return the number of bytes from `sender` that the link has dropped so far."""
        receiver = self.other(sender)
        return self.testbed.switchboard.traffic(sender.name, receiver.name)[0].dropped_bytes

    async def until_dropped(self, sender: Client, total: int) -> None:
        """Wait until the link has dropped `total` bytes from `sender`; unobserved after the time limit."""
        limit = self.patience.retransmission
        if not await self.testbed.switchboard.holds_within(lambda: self.dropped(sender) >= total, limit):
            raise Unobserved(
                f"the link dropped {self.dropped(sender)} bytes from {sender.name} within {limit:g} s;"
                f" the scenario needs {total}"
            )

    def delay_first_data(self, sender: Client, seconds: float) -> None:
        """Delay the first DTLS application data of `sender` by `seconds`; later data overtakes it."""
        self.link.delay_first(self.side(sender), seconds)

    async def until_nothing_is_held_back(self) -> None:
        """Wait until all delayed datagrams have arrived; the caller sets the deadline."""
        await self.testbed.switchboard.wait_until(
            lambda: not any(attempt.link.holds_back for attempt in self.attempts)
        )

    def cut_router(self) -> None:
        """Disconnect both peers from the router abruptly; `heal_router` lets them attach again."""
        for client in self:
            client.leg.cut()

    def heal_router(self) -> None:
        """Allow both peers to attach to the router again."""
        for client in self:
            client.leg.heal()

    async def exchange(self) -> None:
        """Require a reliable payload in each direction to arrive on the direct path."""
        for sender, receiver in ((self.subject, self.partner), (self.partner, self.subject)):
            payload = random_payload()
            path, before = Path(len(payload)), self.sent_directly(sender, receiver)
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)
            path.direct = self.sent_directly(sender, receiver) - before
            path.is_hidden = self.is_connected_unseen
            path.took_the_direct_path()

    async def signals_arrive(self) -> None:
        """Wait until all signals between the peers have arrived, and the replies that they caused.

        Ping both legs, wait for the router to deliver the last signal of each peer, and ping both legs again.
        """
        await self._ping_legs()
        for sender, receiver in ((self.offerer, self.answerer), (self.answerer, self.offerer)):
            await self.testbed.last_signal_delivered(sender, receiver)
        await self._ping_legs()

    async def drain(self) -> None:
        """Wait until all that is in transit between the peers, by router and by channel, has arrived.

        Wait for all signals, then exchange messages; blocked by CON-6 if they do not arrive.
        """
        await self.signals_arrive()
        for sender, receiver in ((self.subject, self.partner), (self.partner, self.subject)):
            marker = random_payload(32)
            with precondition("CON-6"):
                await sender.send_p2p(receiver, marker)
                await receiver.receives(marker, within=self.patience.retransmission)

    async def _ping_legs(self) -> None:
        await asyncio.gather(*(client.all_is_written() for client in self))

    def sent_directly(self, sender: Client, receiver: Client) -> int:
        """Return the number of bytes that `sender` has sent on the link, including dropped ones."""
        sent, _ = self.testbed.switchboard.traffic(sender.name, receiver.name)
        return sent.bytes + sent.dropped_bytes


class UnconnectedPair:
    """The two peers of a pair, not attached yet: for scenarios that configure them."""

    def __init__(
        self,
        testbed: Testbed,
        offerer: Participant,
        answerer: Participant,
        subject: str,
        newcomers: Participant | None = None,
    ) -> None:
        self.testbed = testbed
        self.patience = testbed.patience
        self._newcomers = newcomers
        self._offerer = offerer
        self._answerer = answerer
        self.subject = subject
        """The role that is judged: `offerer` or `answerer`."""

    async def attach(self, offerer: P2PConfig | None = None, answerer: P2PConfig | None = None) -> PeerPair:
        """Attach both peers; the default configuration has no ICE server.

        A configured time-out is made longer if the two need more time to connect (`Pace`).
        """
        pairing = self._unscripted(self._offerer), self._unscripted(self._answerer)
        configs = await self.testbed.with_time_to_connect(
            (offerer or P2PConfig(), answerer or P2PConfig()), pairing
        )
        opened = await asyncio.gather(
            self.testbed.open_client("alice", self._offerer, configs[0]),
            self.testbed.open_client("bob", self._answerer, configs[1]),
            return_exceptions=True,  # If one fails, the other must not continue after the scenario.
        )
        alice, bob = (_or_raise(each) for each in opened)
        return PeerPair(self.testbed, alice, bob, self.subject, self._newcomers)

    async def attach_with_stun(self, config: P2PConfig | None = None) -> PeerPair:
        """Attach both peers, in the lab with a STUN server: behind a NAT they cannot do without one.

        A UDP link needs none, because it gives each peer the address of the other in any case.
        """
        config = config or P2PConfig()
        if is_entered():
            config = replace(config, ice_servers=((await self.testbed.open_stun_server()).url,))
        return await self.attach(config, config)

    def _unscripted(self, participant: Participant) -> Participant:
        """Return `participant`, or the reference for a scripted partner."""
        is_scripted = participant.side.label == SCRIPTED
        return self._newcomers if is_scripted and self._newcomers is not None else participant

    async def attach_another_answerer(self, name: str = "carol") -> Client:
        """Attach a third client of the answerer's implementation."""
        return await self.testbed.open_client(name, self._answerer, P2PConfig())

    async def attach_another_offerer(self, name: str = "carol") -> Client:
        """Attach a third client of the offerer's implementation."""
        return await self.testbed.open_client(name, self._offerer, P2PConfig())

    async def attach_another_partner(self, name: str = "carol") -> Client:
        """Attach a third client of the implementation that is not judged."""
        is_offerer = self.subject == "offerer"
        return await (self.attach_another_answerer if is_offerer else self.attach_another_offerer)(name)


def _or_raise(opened: Client | BaseException) -> Client:
    if isinstance(opened, BaseException):
        raise opened
    return opened


class SinglePeer:
    """A single peer, not attached yet; the scenario may add signaling clients as partners."""

    def __init__(self, testbed: Testbed, participant: Participant) -> None:
        self.testbed = testbed
        self.patience = testbed.patience
        self._participant = participant

    async def attach(self, p2p: P2PConfig | None, name: str = "alice") -> Client:
        """Attach the client, without P2P if `p2p` is None."""
        return await self.testbed.open_client(name, self._participant, p2p)

    async def signaling_client(self, name: str = "mallory") -> SignalingClient:
        """Attach a session that receives signals and does not answer them."""
        return await self.testbed.open_signaling_client(name)


Fixture = PeerPair | UnconnectedPair | SinglePeer | RouterClients | AttackedRouter


async def build_fixture(
    kind: str, pairing: Pairing, testbed: Testbed, participants: Mapping[str, Participant]
) -> Fixture:
    """Return the fixture for a scenario parameter named `kind`, with the roles of `pairing`."""
    if kind == "router":
        return RouterClients(testbed)
    if kind == "attacked_router":
        return AttackedRouter(testbed)
    if kind == "single":
        return SinglePeer(testbed, participants[pairing.offerer or pairing.answerer])
    offerer, answerer = participants[pairing.offerer], participants[pairing.answerer]
    unconnected = UnconnectedPair(testbed, offerer, answerer, pairing.subject, participants.get(REFERENCE))
    if kind == "unconnected":
        return unconnected
    pair = await unconnected.attach()
    if kind == "connected_pair":
        await pair.connect()
    return pair
