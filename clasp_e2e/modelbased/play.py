"""Execution of a script against an implementation, with comparison to the model."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.execution.plan import Case
from clasp_e2e.modelbased import checks, steps
from clasp_e2e.modelbased.generation import fails_to_connect
from clasp_e2e.modelbased.prediction import Between, Status, Way
from clasp_e2e.modelbased.steps import UNRELIABLE_BURST, Script, Step
from clasp_e2e.modelbased.world import Flight, SearchCounts, World, contradict, within_requirement
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig, RoutingMode, SendResult
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.testbed import SinglePeer, expect, random_payload
from clasp_e2e.testbed.scenario import Scenario

TIMEOUT, SHORT_TIMEOUT = 10, 3
"""Seconds, `connection_timeout_secs` of all sessions; the short one if an attempt in the script must fail.
A connection over loopback takes about 50 ms, and more on a busy machine."""

REQUIREMENTS = (
    *("CON-1", "CON-5", "CON-8", "CON-9", "CON-10", "CON-11", "CON-12", "CON-13", "DIR-1"),
    *("SND-1", "SND-2", "SND-3", "SND-9", "SND-10"),
    *("RTE-1", "RTE-2", "RTE-3", "RTE-4", "RTE-6", "RTE-7", "RTE-8", "RTE-9", "RTE-10"),
    *("EVT-1", "EVT-2", "EVT-3", "EVT-5", "EVT-6", "EVT-8", "EVT-9", "TMO-3", "TMO-5", "TMO-7", "TMO-8"),
)
"""All requirements that a script can contradict."""


def case_of(
    script: Script, label: str, capabilities: frozenset[str], tally: SearchCounts, replay: str
) -> Case:
    """Return the case that executes `script` with sessions of the implementation `label`.

    Raises `ScriptError` if a step is not possible.
    """
    timeout = SHORT_TIMEOUT if fails_to_connect(script, capabilities) else TIMEOUT

    async def model(single: SinglePeer) -> None:
        """Calls in any order have the results, events and data that the model predicts."""
        await Play(World(single, capabilities, tally), script, timeout).run()

    kills = any(isinstance(step, steps.Kill) for step in script)
    scenario = Scenario(model, REQUIREMENTS, "single", kills=kills)
    return Case(f"model[{label}]", scenario, Pairing(offerer=label), replay)


class Play:
    """One execution of a script."""

    def __init__(self, world: World, script: Script, timeout: int) -> None:
        self._timeout = timeout
        self._world = world
        self._model = world.model
        self._script = script
        self._calls: list[asyncio.Task[None]] = []
        self._refused: dict[tuple[str, str], list[str]] = {}
        """The messages of refused calls of `connect_to_peer`, by caller and target."""
        self._unchecked: list[Flight] = []

    async def run(self) -> None:
        """Take all steps, then the final checks. Raises `Unmet` if a result contradicts the model."""
        self._world.tally.scripts += 1
        try:
            for step in self._script:
                await self._take(step)
                self._world.tally.steps += 1
            await self._take(steps.Quiesce())
            await self._barriers()
            checks.check_data(self._world)
            checks.check_events(self._world)
        finally:
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def _take(self, step: Step) -> None:
        world, clients = self._world, self._world.clients
        if isinstance(step, steps.AwaitCalls | steps.Quiesce):
            await self._answered()
            if isinstance(step, steps.Quiesce):
                await self._quiesced()
            self._model.take(step)
            if isinstance(step, steps.Quiesce):
                await checks.check_state(world)
                world.count_from_here()
            return
        sent = self._model.take(step)
        match step:
            case steps.Attach(who):
                clients[who] = await world.single.attach(
                    P2PConfig(connection_timeout_secs=self._timeout), who
                )
                await clients[who].all_is_written()
                world.count(who)
            case steps.Cut(who, to):
                world.pair(who, to).link.cut()
            case steps.Heal(who, to):
                world.pair(who, to).link.heal()
            case steps.Kill(who):
                await clients[who].kill()
            case steps.Send() if sent is not None:
                count = 1 if step.reliable else UNRELIABLE_BURST
                payloads = tuple(random_payload(step.size) for _ in range(count))
                flight = Flight(sent, payloads, direct_before=world.sent_directly(step.who, step.to))
                world.flights.append(flight)
                self._unchecked.append(flight)
                self._start(self._send(flight))
            case steps.Connect(who, to):
                if self._model.between(who, to).callers == [who]:
                    world.mark(who, to)
                self._start(self._connect(who, to))
            case steps.SetMode(who, mode):
                self._start(self._plain("RTE-2", clients[who].set_p2p_routing_mode(mode)))
            case steps.Disconnect(who, to):
                world.mark(who, to)
                self._start(self._plain("EVT-3", clients[who].disconnect_peer(clients[to])))
            case steps.ClosePeer(who):
                for other in clients:
                    if other != who:
                        world.mark(who, other)
                self._start(self._plain("EVT-3", clients[who].close()))
            case _:
                raise TypeError(f"unknown step {step}")
        # Lets the call start, so that calls start in the order of the script.
        await asyncio.sleep(0)

    # Calls

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        self._calls.append(asyncio.create_task(call))

    async def _plain(self, requirement: str, call: Coroutine[Any, Any, None]) -> None:
        with within_requirement(requirement, "a call that must succeed"):
            await call

    async def _send(self, flight: Flight) -> None:
        step, clients = flight.sent.step, self._world.clients
        for payload in flight.payloads:
            try:
                result = await clients[step.who].send_p2p(clients[step.to], payload, reliable=step.reliable)
            except Refused:
                flight.ways.append(Way.REFUSED)
            else:
                flight.ways.append(Way.P2P if result is SendResult.P2P else Way.RELAY)

    async def _connect(self, who: str, to: str) -> None:
        try:
            await self._world.clients[who].connect_to_peer(self._world.clients[to])
        except Refused as refusal:
            self._refused.setdefault((who, to), []).append(str(refusal))

    async def _answered(self) -> None:
        """Await all calls in progress, and check their results."""
        calls, self._calls = self._calls, []
        try:
            await asyncio.gather(*calls)
        finally:
            self._calls += [call for call in calls if not call.done()]
        for flight in self._unchecked:
            if not flight.sent.answered:
                checks.check_result(self._world, flight)

    # Effects of the calls

    async def _quiesced(self) -> None:
        for one, other, between in list(self._model.pairs()):
            if between.status is Status.IDLE and self._world.new_attempts(one, other):
                # An implementation may connect by itself before it sends.
                self._model.unsure(one, other)
            elif between.status is Status.CONNECTING:
                await self._attempt_ended(one, other, between)
            elif between.status is Status.CLOSING:
                await self._closing_ended(one, other, between)
            elif between.status is Status.CONNECTED and checks.missed(self._world, one, other):
                if not between.was_cut:
                    expected = f"the connection of {one} and {other} to remain open"
                    contradict("CON-11", expected, "Disconnected was received")
                self._model.unsure(one, other)
        stuck = [f for f in self._unchecked if Way.P2P in f.ways and self._model.is_stuck(f.sent)]
        waiting = [flight for flight in self._unchecked if flight not in stuck]
        for flight in waiting:
            await self._arrived(flight)
        for name, client in self._world.clients.items():
            if self._model.here(name):
                await client.all_is_written()
        checks.check_paths(self._world, waiting)
        checks.check_data(self._world)
        checks.check_events(self._world)
        self._unchecked = stuck
        self._refused.clear()

    async def _attempt_ended(self, one: str, other: str, between: Between) -> None:
        world = self._world
        world.tally.attempts += 1
        if between.cut or not self._model.here(one, other):
            world.tally.failed_attempts += 1
            for name in dict.fromkeys([*between.callers, one, other]):
                if self._model.here(name):
                    about = other if name == one else one
                    await self._attempt_failed(name, about, asked=name in between.callers)
            return
        several = len(between.callers) > 1
        for name, about in ((one, other), (other, one)):
            refusals = self._refused.get((name, about), [])
            if refusals and len(refusals) == len(between.callers):
                expected = f"connect_to_peer({about}) to succeed"
                contradict(self._why(one, other, between), expected, refusals[0])
            client, peer = world.clients[name], world.clients[about]
            since = world.marks[name, about]
            rule = self._why(one, other, between)
            with within_requirement(rule, f"an attempt of {' and '.join(between.callers)} to connect"):
                await client.wait_for(Connected, peer, within=client.attempt_limit, since=since)
                while several and checks.last_event(world, name, about) is Disconnected:
                    await client.wait_for(Connected, peer, within=client.attempt_limit, since=client.mark())

    def _why(self, one: str, other: str, between: Between) -> str:
        """Return the requirement by which an attempt must lead to a connection."""
        pair = self._world.pair(one, other)
        asked = len(between.callers)
        if pair.attempts and pair.opened_at(pair.attempts[-1]) is not None and asked == 1:
            return "EVT-1"
        if asked > 1:
            return "CON-8" if len(set(between.callers)) > 1 else "CON-12"
        if between.failed:
            return "TMO-7"
        if between.ends:
            return "CON-13"
        others = [b for x, y, b in self._model.pairs() if b is not between and {x, y} & {one, other}]
        return "CON-10" if any(b.status is not Status.IDLE for b in others) else "CON-5"

    async def _attempt_failed(self, name: str, about: str, *, asked: bool) -> None:
        if self._refused.get((name, about)):
            return
        client, peer = self._world.clients[name], self._world.clients[about]
        target = "over a cut link" if self._model.here(about) else "to a session that has ended"
        rule = ("TMO-5" if self._model.here(about) else "TMO-3") if asked else "TMO-8"
        with within_requirement(rule, f"an attempt {target} to fail in time"):
            event = await client.wait_for(
                ConnectionFailed, peer, within=self._timeout + 3.0, since=self._world.marks[name, about]
            )
        with within_requirement("EVT-5", "a failed attempt"):
            expect(bool(event.reason), "ConnectionFailed gives a reason").is_true("it is empty")

    async def _closing_ended(self, one: str, other: str, between: Between) -> None:
        closer = between.closer
        name = other if closer == one else one
        if not self._model.here(name):
            return
        client, peer = self._world.clients[name], self._world.clients[closer]
        with within_requirement("EVT-3", f"{closer} closed its connection to {name}"):
            await client.wait_for(
                Disconnected, peer, within=self._world.patience.consent, since=self._world.marks[name, closer]
            )

    async def _arrived(self, flight: Flight) -> None:
        """Wait for the data of `flight` that must arrive."""
        sent = flight.sent
        if not self._model.here(sent.step.to):
            return
        receiver = self._world.clients[sent.step.to]
        between = self._model.between(sent.step.who, sent.step.to)
        due = between.status in (Status.CONNECTED, Status.CONNECTING) and sent.kept and sent.step.reliable
        for payload, way in zip(flight.payloads, flight.ways, strict=True):
            if way is Way.P2P and due:
                with within_requirement("SND-1", f"{flight}, which returned P2P, to arrive"):
                    await receiver.receives(payload, within=self._world.patience.retransmission)
            elif way is Way.RELAY and sent.receiver_idle:
                with within_requirement("SND-3", f"{flight}, which returned Relay, to arrive"):
                    await receiver.receives(payload)
        if self._is_sound(flight):
            # Data that is still buffered by the sender would be lost in a subsequent cut. Checked at the end.
            await receiver.receives_any(flight.by(Way.P2P), within=self._world.patience.event)

    async def _barriers(self) -> None:
        """Send and await final data on each path, after which no earlier data can arrive."""
        world = self._world
        for one, other, between in list(self._model.pairs()):
            if not self._model.here(one, other) or between.status not in (Status.IDLE, Status.CONNECTED):
                continue
            is_connected = between.status is Status.CONNECTED
            modes = {RoutingMode.P2P_ONLY: SendResult.P2P} if is_connected else {}
            for name, about in ((one, other), (other, one)):
                for mode, result in (modes | {RoutingMode.SERVER_ONLY: SendResult.RELAY}).items():
                    payload = random_payload(32)
                    world.barriers.add(payload)
                    rule = "RTE-7" if result is SendResult.P2P else "RTE-9"
                    rule = "RTE-10" if self._model.sessions[name].changes else rule
                    with within_requirement(rule, f"a last send from {name} to {about} in {mode}"):
                        await world.clients[name].set_p2p_routing_mode(mode)
                        sent = await world.clients[name].send_p2p(world.clients[about], payload)
                        expect(sent, "its result").equals(result)
                    with within_requirement("SND-3", f"a last send from {name} to {about} in {mode}"):
                        await world.clients[about].receives(
                            payload, within=self._world.patience.retransmission
                        )
        self._unreliable_arrived()

    def _unreliable_arrived(self) -> None:
        """Require some of the unreliable messages of each undisturbed direct send to arrive (SND-2)."""
        world = self._world
        for flight in filter(self._is_sound, world.flights):
            step, direct = flight.sent.step, flight.by(Way.P2P)
            if not any(event.data in direct for _, event in world.arrived(step.to)):
                expected = f"at least one of {len(direct)} unreliable sends to {step.to} to arrive"
                contradict("SND-2", expected, "none arrived")

    def _is_sound(self, flight: Flight) -> bool:
        """Return whether an unreliable send used only a direct connection that was never disturbed."""
        sent, step = flight.sent, flight.sent.step
        is_connected = self._model.between(step.who, step.to).status is Status.CONNECTED
        undisturbed = sent.kept and not sent.black and self._model.here(step.who, step.to)
        all_direct = not step.reliable and len(flight.by(Way.P2P)) >= UNRELIABLE_BURST
        return undisturbed and is_connected and all_direct
