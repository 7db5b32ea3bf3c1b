"""What the scenarios of a run share: the implementations, started once, and what is known so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clasp_e2e.drivers.interface import Driver, DriverFault, Implementation
from clasp_e2e.results.model import ScenarioResult, Subject
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.client import Side
from clasp_e2e.testbed.expectations import Blocked
from clasp_e2e.testbed.pairing import REFERENCE, Pairing, Subjects
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.testbed import Participant, RouterSource
from clasp_e2e.testbed.waiting import Patience


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario in one pairing."""

    id: str
    scenario: Scenario
    pairing: Pairing
    replay: str = ""
    """The command that runs this one case again."""


@dataclass
class Bench:
    """The drivers of a run by label, its router, its catalogue, and the results so far."""

    catalogue: Catalogue
    subjects: Subjects
    drivers: Mapping[str, Driver]
    """By label; the reference among them, for it stands opposite."""
    router: Driver
    """Starts the router, or knows the one that is running."""
    seed: int = 0
    patience: Patience = field(default_factory=Patience)
    evidence: Path | None = None
    """Where evidence goes; None keeps none."""
    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    routers: RouterSource | None = None
    router_description: Implementation | None = None
    finished: list[tuple[Case, ScenarioResult]] = field(default_factory=list[tuple[Case, ScenarioResult]])

    async def open(self) -> None:
        """Start every driver and the router; raises `DriverFault` with what to do."""
        for label, driver in self.drivers.items():
            described = await driver.initialize()
            self.participants[label] = Participant(driver, Side(label, described))
        await self._open_router()

    async def _open_router(self) -> None:
        known = [p.side.description for p in self.participants.values() if p.driver is self.router]
        description = known[0] if known else await self.router.initialize()
        self.router_description = description.implementation
        if "router" not in description.roles:
            raise DriverFault(
                f"{description.implementation.name} offers no router: name another with --router, or leave it"
                " out for the embedded one"
            )
        if self.router.router_per_scenario:
            self.routers = RouterSource(self.router, None)
            return
        running = await self.router.open_router(host="127.0.0.1", port=0)
        self.routers = RouterSource(None, running)
        try:
            visitor = await SignalingClient.open(running.url, "clasp-e2e", Timeline(), self.patience)
        except Blocked as error:
            raise DriverFault(
                f"{error.reason}. Start the router, or give the address at which it listens:"
                " --router ws://host:port"
            ) from error
        await visitor.close()

    async def close(self) -> None:
        """Give everything back that `open` took."""
        if self.routers is not None and self.routers.running is not None:
            await self.routers.running.close()
        for driver in {id(driver): driver for driver in [*self.drivers.values(), self.router]}.values():
            await driver.aclose()

    def capabilities(self) -> frozenset[str]:
        """Return what all peers that are judged declare in common."""
        labels = {self.subjects.offerer, self.subjects.answerer}
        if labels != {REFERENCE}:
            labels -= {REFERENCE}
        declared = [self.participants[label].side.description.capabilities for label in labels]
        return frozenset(name for name in declared[0] if all(name in each for each in declared))

    def subject_records(self, specs: Mapping[str, str]) -> dict[str, Subject]:
        """Return who stands in each role; `specs` is what the user wrote for each label."""
        records: dict[str, Subject] = {}
        for role in ("offerer", "answerer"):
            label = getattr(self.subjects, role)
            told = self.participants[label].side.description.implementation
            records[role] = Subject(told.name, told.version, told.language, specs.get(label, label))
        if (told := self.router_description) is not None:
            router = specs.get(f"router {self.subjects.router}", self.subjects.router)
            records["router"] = Subject(told.name, told.version, told.language, router)
        return records

    def broken_precondition(self, case: Case) -> str | None:
        """Return the requirement that failed, if what `case` stands on failed in its pairing.

        A precondition that was itself blocked hands on what it was blocked by: one cause, one failure.
        """
        for precondition in self._preconditions(case.scenario):
            for other, result in self.finished:
                if not case.pairing.includes(other.pairing) or other.id == case.id:
                    continue
                outcome = result.judgments.get(precondition)
                if outcome in (Outcome.FAILED, Outcome.DEVIATION):
                    return precondition
                if outcome == Outcome.BLOCKED and result.blocked_by:
                    return result.blocked_by
        return None

    def _preconditions(self, scenario: Scenario) -> list[str]:
        own = set(scenario.requirements)
        wanted: list[str] = []
        queue = list(scenario.requirements)
        while queue:
            for precondition in self.catalogue.get(queue.pop(0)).precondition:
                if precondition not in own and precondition not in wanted:
                    wanted.append(precondition)
                    queue.append(precondition)
        return wanted
