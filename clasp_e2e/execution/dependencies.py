"""Dependencies among the cases of a run: a case whose precondition failed is not run."""

from collections.abc import Iterable

from clasp_e2e.execution.plan import Case
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.preconditions import blocks_all_dependents
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.spec.conventions import load_conventions


class Dependencies:
    """The cases of a run by the requirements that they judge, ordered with preconditions first."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._decisive = {name for name in catalogue if blocks_all_dependents(catalogue, name)}
        self._by_requirement: dict[str, list[Case]] = {}

    def add(self, case: Case) -> None:
        """Add a case of the run."""
        for name in case.scenario.requirements:
            self._by_requirement.setdefault(name, []).append(case)

    def priority(self, case: Case) -> tuple[int, int]:
        """Return the start priority of a case; lower starts first.

        Cases that others depend on start first, then those that take longest.
        """
        scenario = case.scenario
        if not scenario.waits and not self._decisive.isdisjoint(scenario.requirements):
            return 0, self.place(case)
        return 1 if scenario.slow else 2 if scenario.waits else 3, self.place(case)

    def place(self, case: Case) -> int:
        """Return the position of a case, which is after the cases of its preconditions."""
        return max(self._catalogue.place[name] for name in case.scenario.requirements)

    def awaited_by(self, case: Case) -> list[Case]:
        """Return the cases that must end before `case` starts: if one fails, `case` is not run.

        `failed_precondition` decides by these cases. They are quick, and precede `case` in every run.
        """
        if case.scenario.opposite is not None:
            # They show whether the partner has to adopt conventions, and await no such case themselves.
            decisive = self._judging(self._decisive, case)
            return [other for other in decisive if not (other.scenario.waits or other.scenario.opposite)]
        needed = self._preconditions(case.scenario.requirements) & self._decisive
        place = self.place(case)
        return [
            other
            for other in self._judging(needed, case)
            if not other.scenario.waits and self.place(other) < place
        ]

    def of_the_kind_alone(self, case: Case, requirement: str) -> list[Case]:
        """Return the quick cases that judge `requirement` between two of the kind that `case` judges."""
        kind = next(iter({case.pairing.offerer, case.pairing.answerer} - {SCRIPTED}))
        return [
            other
            for other in self._by_requirement.get(requirement, ())
            if other.pairing.offerer == other.pairing.answerer == kind and not other.scenario.waits
        ]

    def needed_to_resolve(self, case: Case, blocked_by: str | None) -> list[Case]:
        """Return the cases that are needed to resolve a result of `case` that did not pass."""
        found = self._judging(self._preconditions(case.scenario.requirements), case)
        if blocked_by:
            causes = [blocked_by, *self._preconditions([blocked_by])]
            found += self._judging(causes, case, can_explain=True)
        needs_common_ground = {case.pairing.offerer, case.pairing.answerer} - {""}
        if len(needs_common_ground) > 1:
            found += self._showing_conventions(case, blocked_by)
        return list({each.id: each for each in found}.values())

    def _showing_conventions(self, case: Case, blocked_by: str | None) -> list[Case]:
        """Return the cases that show the conventions which `case` needs, and whether they work."""
        names = {*case.scenario.requirements, *([blocked_by] if blocked_by else [])}
        relevant = [each for each in load_conventions() if not each.removes.isdisjoint(names)]
        removed = {name for each in relevant for name in each.removes & names}
        recommended = {each.requirement for each in relevant if each.requirement}
        labels = {case.pairing.offerer, case.pairing.answerer} - {REFERENCE, SCRIPTED}
        return [
            other
            for name in removed | recommended
            for other in self._by_requirement.get(name, ())
            if not labels.isdisjoint((other.pairing.offerer, other.pairing.answerer))
            and (name in recommended or other.pairing.offerer == other.pairing.answerer)
        ]

    def _preconditions(self, requirements: Iterable[str]) -> set[str]:
        return {each.id for name in requirements for each in self._catalogue.preconditions_of(name)}

    def _judging(self, requirements: Iterable[str], case: Case, *, can_explain: bool = False) -> list[Case]:
        concerns = case.pairing.is_explained_by if can_explain else case.pairing.includes
        found = {
            other.id: other
            for name in requirements
            for other in self._by_requirement.get(name, ())
            if other.id != case.id and concerns(other.pairing)
        }
        return list(found.values())
