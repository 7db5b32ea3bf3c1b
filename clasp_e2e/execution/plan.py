"""The plan of a run: its subjects, options and cases."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clasp_e2e.execution.pairings import complete_pairings, pairings
from clasp_e2e.execution.selection import Selection
from clasp_e2e.results.baseline import Baseline
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.planned_cases import Plan
from clasp_e2e.scripted.adopted_conventions import AdoptedConventions
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.waiting import Patience


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario in one pairing."""

    id: str
    """`test_connecting::test_client_gets_a_session[node]`."""
    scenario: Scenario
    pairing: Pairing
    replay: str = ""
    """The command that runs this case again."""
    partner_conventions: AdoptedConventions | None = None
    """The conventions that its scripted partner uses instead of those of the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The settings of a run. `directory` is the output directory; None writes no files."""

    catalogue: Catalogue
    selection: Selection
    seed: int
    patience: Patience = field(default_factory=Patience)
    jobs: int | None = None
    """Maximum number of cases that run at the same time and do not wait; None adapts to the machine."""
    directory: Path | None = None
    baselines: tuple[Baseline, ...] = ()
    labels: frozenset[str] = frozenset()
    """The names that a pairing can contain: all known drivers, and the participants of this run."""
    command: str = ""
    """The command that started the run."""
    strict: bool = False
    lab: bool = False
    """Whether the peers are hosts of the lab (`--network lab`)."""
    coturn: bool = False
    attack_router: bool = False
    pcap: bool = False
    """Whether the packets of all cases are kept, and not only of those that fail."""
    extended: bool = False
    """Whether scenarios that wait for minutes are run too."""
    one_by_one: bool = False
    """Whether each case starts only when its result is requested (`--attach`)."""
    specs: Mapping[str, str] = field(default_factory=dict[str, str])
    """The values of the options `peer`, `offerer`, `answerer` and `router`, with which a case is repeated."""

    @property
    def switches(self) -> tuple[str, ...]:
        """The flags that are set and change what is run."""
        return tuple(name for name in ("lab", "coturn", "attack_router", "extended") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class ChosenScenarios:
    """The scenarios that a user chose for a run without pytest, each with its file."""

    scenarios: tuple[tuple[Path, Scenario], ...]
    read: tuple[tuple[Path, Scenario], ...]
    """All scenarios that were read, including those that were left out."""
    subset: bool
    """Whether the user left out some on purpose."""
    all_files: bool
    """Whether every scenario file was read."""


class CasePlan:
    """The cases of a run: all are added first, then some are chosen, then divided among shards."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._covered: set[str] = set()
        self._read: set[str] = set()
        self._sibling_files: set[str] = set()
        self._requirements: dict[str, tuple[str, ...]] = {}
        self._extended: dict[str, tuple[str, ...]] = {}
        self._lab_only: dict[str, tuple[str, ...]] = {}
        self._chosen: tuple[str, ...] | None = None
        self._elsewhere: tuple[str, ...] = ()

    def add(self, path: Path, scenario: Scenario) -> list[Pairing]:
        """Return the pairings in which `scenario`, from the file `path`, is judged: one for each case.

        An extended scenario has no case unless the plan is extended, and one of the lab none outside of it.
        Raises `UnknownRequirement`.
        """
        catalogue = self._plan.catalogue
        requirements = [catalogue.get(name) for name in scenario.requirements]
        self._covered.update(scenario.requirements)
        if path.name not in self._read:
            self._read.add(path.name)
            self._sibling_files.update(each.name for each in path.parent.glob("test_*.py"))
        found = pairings(scenario, requirements[0], self._plan.selection.subjects)
        if scenario.extended and not self._plan.extended:
            if found:
                self._extended[scenario.name] = scenario.requirements
            return []
        if scenario.lab and not self._plan.lab:
            if found:
                self._lab_only[scenario.name] = scenario.requirements
            return []
        for pairing in found:
            self._requirements[case_id(path, scenario, pairing)] = scenario.requirements
        return found

    def add_chosen(self, chosen: ChosenScenarios, replay: Callable[[str], str]) -> list[Case]:
        """Add all scenarios that were read, and return the cases of those that were chosen.

        `replay` makes the command that repeats a case from `test_file.py::test_name[pairing]`.
        """
        of_scenario = {each: self.add(*each) for each in chosen.read}
        cases = [
            Case(
                case_id(path, scenario, pairing),
                scenario,
                pairing,
                replay(f"{path.name}::{scenario.name}[{pairing.id}]"),
            )
            for path, scenario in chosen.scenarios
            for pairing in of_scenario[path, scenario]
        ]
        self.take((case.id for case in cases), is_shard=False)
        return cases

    def choose(self, cases: Iterable[str]) -> None:
        """Record the cases that the user chose, for all shards."""
        self._chosen = tuple(cases)

    def take(self, cases: Iterable[str], *, is_shard: bool) -> None:
        """Record the cases to run here; in a shard, the other chosen cases run elsewhere."""
        part = tuple(cases)
        if not is_shard:  # Without shards, cases are only left out on purpose.
            self._chosen = part
        self._elsewhere = tuple(sorted(set(self._chosen or ()).difference(part)))

    def record(self, *, all_files: bool) -> Plan:
        """Return the plan for the results; `all_files` says whether every scenario file was read."""
        plan, subjects = self._plan, self._plan.selection.subjects
        chosen = self._requirements if self._chosen is None else self._chosen
        return Plan(
            cases=dict(sorted(self._requirements.items())),
            left_out=tuple(sorted(self._requirements.keys() - chosen)),
            elsewhere=self._elsewhere,
            extended=dict(sorted(self._extended.items())),
            lab_only=dict(sorted(self._lab_only.items())),
            covered=tuple(sorted(self._covered)),
            all_files=all_files,
            read=tuple(sorted(self._read)),
            sibling_files=tuple(sorted(self._sibling_files)),
            roles={role: getattr(subjects, role) for role in ("offerer", "answerer", "router")},
            labels=tuple(sorted(plan.labels)),
            complete=tuple(sorted(complete_pairings(subjects))),
            switches=tuple(sorted(plan.switches)),
        )

    def to_worker_payload(self) -> dict[str, Any]:
        """Return the plan of an xdist worker, as plain data for the controller."""
        return {
            "covered": sorted(self._covered),
            "extended": {name: list(ids) for name, ids in self._extended.items()},
            "lab_only": {name: list(ids) for name, ids in self._lab_only.items()},
            "requirements": {case: list(names) for case, names in self._requirements.items()},
            "chosen": self._chosen and list(self._chosen),
            "elsewhere": list(self._elsewhere),
            "read": sorted(self._read),
            "sibling_files": sorted(self._sibling_files),
        }

    def merge_worker_payload(self, payload: Mapping[str, Any]) -> None:
        """Merge a payload from `to_worker_payload` of another process."""
        self._covered.update(payload["covered"])
        self._extended.update({name: tuple(ids) for name, ids in payload["extended"].items()})
        self._lab_only.update({name: tuple(ids) for name, ids in payload["lab_only"].items()})
        self._requirements.update({case: tuple(names) for case, names in payload["requirements"].items()})
        self._chosen = payload["chosen"] and tuple(payload["chosen"])
        self._elsewhere = tuple(payload["elsewhere"])
        self._read.update(payload["read"])
        self._sibling_files.update(payload["sibling_files"])


def case_id(path: Path, scenario: Scenario, pairing: Pairing) -> str:
    """Return the name of a case: `test_connecting::test_client_gets_a_session[node]`."""
    return f"{path.stem}::{scenario.name}[{pairing.id}]"
