"""The testbed of one scenario: its router, a leg for each client, the links between them, and the cleanup."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import sub
from typing import TypeAlias

from clasp_e2e import wire
from clasp_e2e.drivers.interface import Driver, DriverFault, NotOffered, Refused, Router
from clasp_e2e.lab import is_entered
from clasp_e2e.network import (
    Coturn,
    CoturnFailed,
    Direction,
    EmbeddedTurnServer,
    Hooks,
    LabSwitchboard,
    ObservedTurnServer,
    SignalingProxy,
    StunServer,
    Switchboard,
)
from clasp_e2e.network.capture import CAPTURE, PeerTap
from clasp_e2e.notifier import Notifier
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.peer.dtls_tap import TAP
from clasp_e2e.results.pairing import SCRIPTED
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.testbed.altering import Alteration
from clasp_e2e.testbed.attached_client import Client, SubjectInfo
from clasp_e2e.testbed.calls import call_driver
from clasp_e2e.testbed.convention_forms import Carrier, carriers_in
from clasp_e2e.testbed.expectations import Absent, Blocked, EnvironmentFault, show
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.stalled_client import StalledClient
from clasp_e2e.testbed.trace import note_delivery, note_frame, summary
from clasp_e2e.testbed.waiting import Patience


@dataclass(frozen=True, slots=True)
class Participant:
    """An implementation that takes part in a run: its started driver, its label and its description."""

    driver: Driver
    side: SubjectInfo


MOST_ATTEMPTS = 6
"""Attempts of one scenario that may follow each other, each for its whole time-out."""

Configs: TypeAlias = tuple[P2PConfig, P2PConfig]
"""The configurations of an offerer and an answerer."""

LongerTimeouts: TypeAlias = Callable[[Configs, tuple[Participant, Participant]], Awaitable[Configs]]
"""Returns configurations of two participants with time-outs that are long enough for them to connect."""


@dataclass(frozen=True, slots=True)
class Published:
    """A PUBLISH message seen on the leg of `client`, and the time (event loop clock, seconds)."""

    client: str
    message: wire.Publish
    at: float


class Testbed:
    """A router, its clients, a signaling proxy for each client, and the UDP links between the clients."""

    __test__ = False  # pytest would collect it as a test class.

    def __init__(
        self,
        routers: RouterSource,
        timeline: Timeline,
        patience: Patience,
        *,
        coturn: bool = False,
        kills: bool = False,
    ) -> None:
        self.timeline = timeline
        self.patience = patience
        self.switchboard = (LabSwitchboard if is_entered() else Switchboard)(self._note_condition)
        self.clients: list[Client] = []
        self.published: list[Published] = []
        """The messages from the clients, in the order in which the legs saw them."""
        self.delivered: list[Published] = []
        """The messages from the router, in the order in which the legs saw them."""
        self.carriers: list[tuple[str, Carrier]] = []
        """The messages with a value from each client, including those in bundles."""
        self.alterations: dict[str, Alteration] = {}
        """By client: the change made to each frame before the leg delivers it to the client."""
        self.with_time: LongerTimeouts | None = None
        """Makes the configured time-outs of a pairing long enough for it."""
        self._coturn = coturn
        self._kills = kills
        self._servers: list[StunServer | ObservedTurnServer] = []
        self.limit: asyncio.Timeout | None = None
        """The scenario's overall timeout, suspended while a client is being opened."""
        self._opening = 0
        self._left = 0.0
        self._changes = Notifier()
        self._legs: list[SignalingProxy] = []
        self._signaling_clients: list[SignalingClient] = []
        self._stalled_clients: list[StalledClient] = []
        self._routers = routers
        self._router: Router | None = None
        self._router_is_forgiven = False

    async def open(self, *, to_attack: bool = False, own_router: bool = False) -> None:
        """Start the router, or use the shared one; with `to_attack`, the scenario has its own if possible."""
        limit = self.patience.open + self.patience.call
        self._router = await self._routers.open(limit, to_attack=to_attack, own=own_router)
        self.timeline.note("harness", f"router at {self._router.url}", minor=True)

    @property
    def router_url(self) -> str:
        """The router's own address, not that of a proxy."""
        if self._router is None:
            raise RuntimeError("the testbed is not open")
        return self._router.url

    async def open_client(self, name: str, participant: Participant, p2p: P2PConfig | None) -> Client:
        """Attach a new client of `participant` through its own leg; blocked by CON-1 if that fails."""
        leg = await SignalingProxy.open(
            self.router_url,
            name=name,
            hooks=Hooks(
                on_frame=self._see, rewrite_down=self._rewrite_down, on_condition=self._note_condition
            ),
        )
        self._legs.append(leg)
        client = Client(name, participant.side, p2p, self.timeline, self.patience, may_be_killed=self._kills)
        self.clients.append(client)
        self.timeline.note("harness", f"opens {name} ({participant.side.label})", minor=True)
        if (capture := CAPTURE.get()) is not None:
            TAP.set(PeerTap(capture, f"{name}, SCTP"))
        try:
            driver = participant.driver
            open_peer = driver.open_killable_peer if self._kills else driver.open_peer
            opening = open_peer(url=leg.url, name=name, p2p=p2p, on_event=client.sink)
            limit = self.patience.open + self.patience.call
            with self._limit_suspended():
                peer = await call_driver(
                    participant.side.label,
                    "peer.open",
                    opening,
                    None if driver.keeps_deadlines else limit,
                )
        except Refused as refusal:
            raise Blocked(
                "CON-1", f"{participant.side.label} could not attach to the router: {refusal}"
            ) from refusal
        except DriverFault as fault:
            silent = asyncio.get_running_loop().time() - leg.up.last_at
            # An adapter that fails before the router had its time to answer has failed by itself.
            if not leg.up.frames or leg.down.frames or silent < self.patience.call:
                raise
            text = f"the router answered nothing to the HELLO of {participant.side.label}"
            raise Blocked("CON-1", text) from fault
        client.attached(peer, leg)
        if isinstance(self.switchboard, LabSwitchboard):
            self.switchboard.join(name, leg.peer_address)
        self.timeline.note(name, f"is attached as session {peer.session_id}", minor=True)
        return client

    async def with_time_to_connect(
        self, configs: Configs, pairing: tuple[Participant, Participant]
    ) -> Configs:
        """Return `configs` with time-outs in which `pairing` can connect, and give the scenario more time."""
        if self.with_time is None:
            return configs
        with self._limit_suspended():
            found = await self.with_time(configs, pairing)
            configured = [config.connection_timeout_secs or 0 for config in configs]
            added = [config.connection_timeout_secs or 0 for config in found]
            self._left += MOST_ATTEMPTS * max(map(sub, added, configured))
        return found

    @contextmanager
    def _limit_suspended(self) -> Generator[None]:
        """Suspend the scenario's timeout: opening has its own deadline, and may queue for a process start."""
        limit, now = self.limit, asyncio.get_running_loop().time
        if limit is not None and (when := limit.when()) is not None:
            self._left = when - now()
            limit.reschedule(None)
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            if limit is not None and not self._opening:
                with suppress(RuntimeError):  # The timeout has ended together with its scenario.
                    limit.reschedule(now() + self._left)

    async def open_signaling_client(
        self,
        name: str,
        *,
        within: float | None = None,
        judges_router: bool = False,
        subscribes: bool = True,
    ) -> SignalingClient:
        """Attach a client of the harness directly to the router, within `within` seconds if given.

        It subscribes to its own signal address, as the public clients do, if `subscribes`.
        """
        client = await SignalingClient.open(
            self.router_url,
            name,
            self.timeline,
            self.patience,
            within=within,
            judges_router=judges_router,
            subscribes=subscribes,
        )
        self._signaling_clients.append(client)
        return client

    async def open_stalled_client(self, name: str) -> StalledClient:
        """Attach a client that stops reading after its WELCOME."""
        client = await StalledClient.open(self.router_url, name, self.patience)
        self._stalled_clients.append(client)
        self.timeline.note("harness", f"{name} attaches as {client.session_id}, and stops reading")
        return client

    async def open_stun_server(
        self,
        *,
        answers: bool = True,
        refusal: int | None = None,
        alternate: tuple[str, int] | None = None,
    ) -> StunServer:
        """Start a STUN server, which answers, ignores or refuses requests; it ends with the scenario.

        With `alternate`, it redirects the requests for an allocation that a TURN server receives.
        """
        server = await StunServer.open(answers=answers, refusal=refusal, alternate=alternate)
        self._servers.append(server)
        does = "answers" if answers else "does not answer"
        if alternate is not None:
            does = f"redirects to {alternate[0]}:{alternate[1]}"
        elif refusal is not None:
            does = f"refuses ({refusal})"
        self._note_condition(f"has a {'STUN' if alternate is None else 'TURN'} server that {does}")
        return server

    async def open_turn_server(
        self, users: Mapping[str, str], *, embedded: bool = False, changes_nonce: bool = False
    ) -> ObservedTurnServer:
        """Start a TURN server for `users` (passwords by name); it ends with the scenario.

        `embedded`: not coturn, even if that was chosen; `changes_nonce` needs it (`TurnCore`).
        """
        try:
            if self._coturn and not embedded:
                server: ObservedTurnServer = await Coturn.open(users)
            else:
                server = await EmbeddedTurnServer.open(users, changes_nonce=changes_nonce)
        except CoturnFailed as error:
            raise EnvironmentFault(str(error)) from error
        self._servers.append(server)
        self.timeline.note("harness", f"{type(server).__name__} at {server.url}")
        return server

    def _rewrite_down(self, leg: SignalingProxy, message: wire.Message, data: bytes) -> Sequence[bytes]:
        rewritten = self.switchboard.rewrite_down(leg.name, message, data)
        note_delivery(self.timeline, leg.name, data, rewritten)
        if rewritten is None:
            return ()
        if (alter := self.alterations.get(leg.name)) is None:
            return (rewritten,)
        whole = wire.decode(rewritten)[0]
        altered = [
            frame
            for inner in wire.unbundled(whole)
            for frame in alter(inner, rewritten if inner is whole else wire.encode(inner))
        ]
        if not isinstance(whole, wire.Bundle) and altered != [rewritten]:
            frame = summary(whole, rewritten)
            self.timeline.note("harness", f"changes {frame} on its way to {leg.name}")
        return altered

    async def close_client(self, client: Client) -> None:
        """Close one client, its leg and its links; the other clients continue."""
        await call_driver(client.side.label, "closing", client.end(), self.patience.cleanup)
        await client.leg.close()
        self.switchboard.forget(client.name)
        self.clients.remove(client)
        self._legs.remove(client.leg)

    def _see(
        self, leg: SignalingProxy, direction: Direction, data: bytes | str, message: wire.Message | None
    ) -> None:
        self.switchboard.observe(leg.name, direction, message)
        sender, receiver = (leg.name, "router") if direction == "up" else ("router", leg.name)
        note_frame(self.timeline, sender, receiver, message, data)
        if direction == "up":
            self.carriers += ((leg.name, carrier) for carrier in carriers_in(message))
            if isinstance(message, wire.Publish | wire.Set | wire.Bundle):
                for client in self.clients:
                    if client.name == leg.name:
                        client.published_at.append(asyncio.get_running_loop().time())
        seen = self.published if direction == "up" else self.delivered
        for inner in () if message is None else wire.unbundled(message):
            if isinstance(inner, wire.Publish):
                seen.append(Published(leg.name, inner, asyncio.get_running_loop().time()))
                self._changes.notify()

    def _note_condition(self, what: str) -> None:
        self.timeline.note("network", what, EntryKind.CONDITION)

    async def until_published(
        self, client: Client, where: Callable[[wire.Publish], bool], what: str
    ) -> Published:
        """Return the first PUBLISH of `client` for which `where` holds; unmet after the time limit."""

        def found() -> Published | None:
            return next((p for p in self.published if p.client == client.name and where(p.message)), None)

        try:
            return await self._changes.wait_until(found, self.patience.event)
        except TimeoutError:
            addresses = [p.message.address for p in self.published if p.client == client.name]
            raise Absent(f"{client.name} to publish {what}", f"it published to {show(addresses)}") from None

    async def until_delivered(
        self, client: Client, where: Callable[[wire.Publish], bool], what: str
    ) -> Published:
        """Return the first PUBLISH to `client` for which `where` holds; blocked by RTR-1 if none comes.

        The leg sends the message to the peer before any later frame.
        """

        def found() -> Published | None:
            return next((p for p in self.delivered if p.client == client.name and where(p.message)), None)

        try:
            return await self._changes.wait_until(found, self.patience.event)
        except TimeoutError:
            raise Blocked("RTR-1", f"the router did not deliver {what} to {client.name}") from None

    async def last_signal_delivered(self, sender: Client, receiver: Client) -> None:
        """Wait until the router has delivered the last signal that `sender` sent, in any kind of PUBLISH."""
        # A scripted partner may use other conventions: all that it publishes for a session is a signal.
        address, is_script = wire.signal_address(receiver.session_id), sender.side.label == SCRIPTED
        sent = [(p.message.address, p.message.value) for p in self.published if p.client == sender.name]
        sent = [each for each in sent if each[0] == address or (is_script and receiver.session_id in each[0])]
        if sent:
            await self.until_delivered(receiver, lambda got: (got.address, got.value) == sent[-1], "a signal")

    def session_ids(self) -> list[str]:
        """Return the session ids of all clients, including the harness's own."""
        attached = [each for each in self.clients if each.is_attached]
        return [each.session_id for each in (*attached, *self._signaling_clients)]

    def forgive_router(self) -> str | None:
        """Ignore the fault of the router, because it is already judged; return the fault, if there is one."""
        self._router_is_forgiven = True
        return None if self._router is None else self._router.fault

    def faults(self) -> list[str]:
        """Return the faults of adapters, router and legs that occurred outside a call."""
        adapters = [f"{client.name}: {client.fault}" for client in self.clients if client.fault]
        broken = None if self._router is None or self._router_is_forgiven else self._router.fault
        routers = [f"the router: {broken}"] if broken else []
        return adapters + routers + [fault for leg in self._legs for fault in leg.faults]

    async def close(self) -> list[str]:
        """Close everything, in any state; return one line for each part that failed to close."""
        errors: list[str] = []

        async def end(what: str, ending: Callable[[], Awaitable[None]]) -> None:
            try:
                await call_driver(what, "closing", ending(), self.patience.cleanup + self.patience.call)
            except NotOffered:
                pass
            except (DriverFault, Refused) as error:
                if what == "the router" and self._router_is_forgiven:
                    self.timeline.note("harness", f"the router did not close cleanly: {error}")
                else:
                    errors.append(str(error))

        await asyncio.gather(
            *(end(f"{client.name} ({client.side.label})", client.end) for client in self.clients)
        )
        await asyncio.gather(*(end(client.name, client.close) for client in self._signaling_clients))
        await asyncio.gather(*(end(client.name, client.close) for client in self._stalled_clients))
        await asyncio.gather(*(end(f"the leg of {leg.name}", leg.close) for leg in self._legs))
        self.switchboard.close()
        for server in self._servers:
            await end("a STUN or TURN server", server.close)
        if self._router is not None:
            router = self._router
            await end("the router", lambda: self._routers.release(router))
        return errors
