"""What the cases of a run share: the implementations, started once, and how they are driven."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clasp_e2e.drivers.interface import DriverFault, Implementation
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.plan import Case, RunPlan
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.run_record import Subject
from clasp_e2e.scripted.mutant import scripted_driver
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.testbed import Participant, RouterSource


@dataclass
class RunContext:
    """The implementations of a run by label, its router, and what its evidence says of the run."""

    plan: RunPlan
    implementations: Implementations
    conditions: Mapping[str, object] = field(default_factory=dict[str, object])
    """What evidence says of the run, so that a case can be repeated."""
    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    routers: RouterSource | None = None
    router_description: Implementation | None = None

    async def open(self) -> None:
        """Start every driver and the router, unless they are; raise `DriverFault` with what to do."""
        selection, started = self.plan.selection, self.implementations
        for label, driver in selection.drivers.items():
            described = await started.describe(label, driver)
            if "peer" not in described.roles:
                raise DriverFault(f"{described.implementation.name} offers no peer: name it with --router")
            self.participants[label] = Participant(driver, SubjectInfo(label, described))
        described = await started.describe(f"router {selection.subjects.router}", selection.router)
        self.router_description = described.implementation
        if "router" not in described.roles:
            raise DriverFault(
                f"{described.implementation.name} offers no router: name another with --router, or leave it"
                " out for the embedded one"
            )
        self.routers = await started.routers_of(selection.router)

    @property
    def evidence(self) -> Path | None:
        """The directory of evidence; None where none is kept."""
        return None if self.plan.directory is None else self.plan.directory / "evidence"

    def capabilities(self) -> frozenset[str]:
        """Return what all peers that are judged declare in common."""
        subjects = self.plan.selection.subjects
        labels = {subjects.offerer, subjects.answerer}
        if labels != {REFERENCE}:
            labels -= {REFERENCE}
        declared = [self.participants[label].side.description.capabilities for label in labels]
        return frozenset(name for name in declared[0] if all(name in each for each in declared))

    def subjects(self) -> dict[str, Subject]:
        """Return who is in each role, as results record it."""
        selection, records = self.plan.selection, dict[str, Subject]()
        for role in ("offerer", "answerer"):
            label = getattr(selection.subjects, role)
            who = self.participants[label].side.description.implementation
            records[role] = Subject(who.name, who.version, who.language, selection.specs.get(label, label))
        if (who := self.router_description) is not None:
            label = selection.subjects.router
            spec = selection.specs.get(f"router {label}", label)
            records["router"] = Subject(who.name, who.version, who.language, spec)
        return records

    def participants_of(self, scenario: Scenario) -> Mapping[str, Participant]:
        """Return who takes part in `scenario` by label: those of the run, and a scripted partner."""
        if scenario.opposite is None:
            return self.participants
        # Its driver holds nothing, and so is neither started nor ended.
        side = SubjectInfo(SCRIPTED, self.participants[REFERENCE].side.description)
        return {**self.participants, SCRIPTED: Participant(scripted_driver(scenario.opposite), side)}

    def identity(self, case: Case) -> Hashable:
        """Return what is the same of `case` in another run that has it: its name, and who takes part."""
        pairing, selection = case.pairing, self.plan.selection
        drivers = [selection.drivers.get(label) for label in (pairing.offerer, pairing.answerer) if label]
        # Who is alone is the subject, whichever role it has.
        return case.id, pairing.subject if len(drivers) > 1 else "", *drivers, selection.router
