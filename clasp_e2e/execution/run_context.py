"""The context that the cases of a run share: the implementations, started once, and the router."""

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clasp_e2e.drivers.interface import DriverFault, Implementation
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.partner_adoption import Adoption, PartnerAdoption, implementation_of
from clasp_e2e.execution.plan import Case, RunPlan
from clasp_e2e.execution.signed_signals import SignedSignals
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.run_record import Subject
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.scripted.mutant import PeerScript, scripted_driver
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.convention_learning import partner_with
from clasp_e2e.testbed.pace import Pace
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed


@dataclass
class RunContext:
    """The implementations of a run by label, its router, and the conditions for its evidence."""

    plan: RunPlan
    implementations: Implementations
    conditions: Mapping[str, object] = field(default_factory=dict[str, object])
    """The data in evidence that is needed to repeat a case."""
    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    routers: RouterSource | None = None
    router_description: Implementation | None = None
    pace: Pace = field(default_factory=Pace)
    adoption: PartnerAdoption = field(default_factory=PartnerAdoption)
    signed_signals: SignedSignals = field(default_factory=SignedSignals)

    async def open(self) -> None:
        """Start every driver and the router that are not running yet. Raises `DriverFault`."""
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

    def new_testbed(self) -> Testbed:
        """Return a testbed that no case uses, for measurements. Requires that the run is open."""
        assert self.routers is not None
        return Testbed(self.routers, Timeline(asyncio.get_running_loop().time), self.plan.patience)

    async def adapted(self, case: Case) -> Adoption:
        """Return `case` with a scripted partner that uses the conventions of the implementation."""
        subject, reference = self.participants[implementation_of(case)], self.participants[REFERENCE]
        return await self.adoption.adapt(case, subject, reference, self.new_testbed)

    async def signs(self, label: str) -> bool:
        """Return whether the implementation does not accept signals that the link has altered."""
        return await self.signed_signals.are_used_by(self.participants[label], self.new_testbed)

    @property
    def evidence(self) -> Path | None:
        """The directory of evidence; None if no evidence is kept."""
        return None if self.plan.directory is None else self.plan.directory / "evidence"

    def capabilities(self) -> frozenset[str]:
        """Return the capabilities that all judged peers declare."""
        subjects = self.plan.selection.subjects
        labels = {subjects.offerer, subjects.answerer}
        if labels != {REFERENCE}:
            labels -= {REFERENCE}
        declared = [self.participants[label].side.description.capabilities for label in labels]
        return frozenset(name for name in declared[0] if all(name in each for each in declared))

    def subjects(self) -> dict[str, Subject]:
        """Return the subject of each role for the results."""
        selection, records = self.plan.selection, dict[str, Subject]()
        for role in ("offerer", "answerer"):
            label = getattr(selection.subjects, role)
            peer = self.participants[label].side.description.implementation
            records[role] = Subject(peer.name, peer.version, peer.language, selection.specs.get(label, label))
        if (router := self.router_description) is not None:
            label = selection.subjects.router
            spec = selection.specs.get(f"router {label}", label)
            records["router"] = Subject(router.name, router.version, router.language, spec)
        return records

    def participants_of(self, case: Case) -> Mapping[str, Participant]:
        """Return the participants of `case` by label: those of the run, and a scripted partner.

        If that uses the conventions of the implementation, further clients in the case do so, too.
        """
        if (kind := case.scenario.opposite) is None:
            return self.participants
        reference = self.participants[REFERENCE]
        # The scripted driver has no state, so it is neither started nor closed.
        if (conventions := case.partner_conventions) is not None:
            partner = partner_with(kind, conventions, reference)
            further = partner_with(PeerScript, conventions, reference)
            return {**self.participants, SCRIPTED: partner, REFERENCE: further}
        side = SubjectInfo(SCRIPTED, reference.side.description)
        return {**self.participants, SCRIPTED: Participant(scripted_driver(kind), side)}

    def identity(self, case: Case) -> Hashable:
        """Return a key that is equal for the same case in another run: its name and its participants."""
        pairing, selection = case.pairing, self.plan.selection
        drivers = [selection.drivers.get(label) for label in (pairing.offerer, pairing.answerer) if label]
        # A single peer is the subject in either role.
        subject = pairing.subject if len(drivers) > 1 else ""
        return case.id, subject, pairing.adopted, *drivers, selection.router
