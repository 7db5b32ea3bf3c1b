"""What the scenarios of a run share: the implementations, started once, and what is known so far."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clasp_e2e.drivers.interface import Driver, DriverFault, Implementation
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.pairings import Subjects
from clasp_e2e.execution.sharing import Sharing
from clasp_e2e.results.blame import lost_ground
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED, Pairing
from clasp_e2e.results.run_record import ScenarioResult, Subject
from clasp_e2e.scripted.mutant import scripted_driver
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.client import Side
from clasp_e2e.testbed.scenario import Scenario
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
    coturn: bool = False
    """Whether coturn stands where a TURN server is needed, instead of the embedded one."""
    patience: Patience = field(default_factory=Patience)
    evidence: Path | None = None
    """Where evidence goes; None keeps none."""
    attack_router: bool = False
    """Whether a router that runs already, and is somebody's, may be attacked."""
    conditions: Mapping[str, object] = field(default_factory=dict[str, object])
    """What evidence says of the run, so that a case can be repeated."""
    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    routers: RouterSource | None = None
    router_description: Implementation | None = None
    finished: list[ScenarioResult] = field(default_factory=list[ScenarioResult])
    implementations: Implementations | None = None
    """Where the drivers are started; None for a place of its own."""

    sharing: Sharing[Any] | None = None
    """With other runs of the same implementations: cases that they have in common are observed once."""

    def __post_init__(self) -> None:
        if self.implementations is None:
            self.implementations = Implementations(self.patience, attack_router=self.attack_router)

    async def open(self) -> None:
        """Start every driver and the router, if they are not; raises `DriverFault` with what to do."""
        for label, driver in self.drivers.items():
            described = await self._started.describe(label, driver)
            if "peer" not in described.roles:
                raise DriverFault(f"{described.implementation.name} offers no peer: name it with --router")
            self.participants[label] = Participant(driver, Side(label, described))
        described = await self._started.describe(f"router {self.subjects.router}", self.router)
        self.router_description = described.implementation
        if "router" not in described.roles:
            raise DriverFault(
                f"{described.implementation.name} offers no router: name another with --router, or leave it"
                " out for the embedded one"
            )
        self.routers = await self._started.routers_of(self.router)

    async def close(self) -> None:
        """Give everything back that was started; raises `DriverFault` for what did not end.

        Where benches share their implementations, who shared them out closes them, once.
        """
        await self._started.close()

    @property
    def _started(self) -> Implementations:
        assert self.implementations is not None
        return self.implementations

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

    def cast(self, scenario: Scenario) -> Mapping[str, Participant]:
        """Return who takes part in `scenario` by label: those of the run, and the partner with its script."""
        if scenario.opposite is None:
            return self.participants
        # Its driver holds nothing, and so is neither started nor ended.
        side = Side(SCRIPTED, self.participants[REFERENCE].side.description)
        return {**self.participants, SCRIPTED: Participant(scripted_driver(scenario.opposite), side)}

    def identity(self, case: Case) -> Hashable:
        """Return what is the same of `case` in another run that has it: its name, and who takes part."""
        pairing = case.pairing
        cast = [self.drivers.get(label) for label in (pairing.offerer, pairing.answerer) if label]
        # Who is alone is the subject, whichever role it has.
        return case.id, pairing.subject if len(cast) > 1 else "", *cast, self.router

    def lost_ground(self, case: Case) -> str | None:
        """Return the requirement that failed in the pairing of `case`, if there is no use in trying it."""
        found = (result.as_found() for result in self.finished)
        return lost_ground(self.catalogue, case.id, case.scenario.requirements, case.pairing, found)
