"""The plan of a run: it shows which cases are missing, and allows the verdict to be computed again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KnownList:
    """A baseline of known failures as given: file name, labels of the implementations, text."""

    source: str
    owners: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A run that was merged into another."""

    command: str
    seed: int
    started: str
    """ISO 8601, UTC."""
    duration_s: float
    platform: str
    scenarios: int
    """The number of its results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cases of a run, and the other facts that its verdict depends on."""

    cases: Mapping[str, tuple[str, ...]]
    """The requirements of every case in the files that were read, selected or not."""
    left_out: tuple[str, ...] = ()
    """The cases that the user left out on purpose, from every shard."""
    elsewhere: tuple[str, ...] = ()
    """The cases of other shards."""
    extended: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By scenario, the requirements of those that only an extended run includes; empty in an extended run."""
    lab_only: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By scenario, the requirements of those that only a run in the lab includes; empty in such a run."""
    covered: tuple[str, ...] = ()
    """The requirements of all scenarios in the files that were read."""
    all_files: bool = False
    """Whether every file of scenarios was read."""
    read: tuple[str, ...] = ()
    """The names of the files that were read."""
    sibling_files: tuple[str, ...] = ()
    """The names of all files of scenarios in the same folders."""
    roles: Mapping[str, str]
    """By role, the label of the implementation."""
    labels: tuple[str, ...] = ()
    """The names that a pairing can contain."""
    complete: tuple[str, ...] = ()
    """The pairings for which this run includes every scenario."""
    switches: tuple[str, ...] = ()
    """The options without a value that change what runs, such as `coturn`."""
    known: tuple[KnownList, ...] = ()
    """The lists of known failures."""

    @property
    def chosen(self) -> frozenset[str]:
        """The cases that the user chose, in any shard."""
        return frozenset(self.cases).difference(self.left_out)

    def missing(self, ran: Iterable[str]) -> tuple[str, ...]:
        """Return the cases that were planned here and are not in `ran`."""
        return tuple(sorted(self.chosen.difference(self.elsewhere, ran)))
