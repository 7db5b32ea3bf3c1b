"""What a run set out to do: by this it is known what is missing, and a verdict can be reached once more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownList:
    """A baseline of known failures as it was given: the file's name, whose failures they are, its text."""

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
    """How many results it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cases of a run, and what its verdict takes beside their results."""

    cases: Mapping[str, tuple[str, ...]]
    """The requirements of every case that the files which were read hold, whether it was to run or not."""
    left_out: tuple[str, ...] = ()
    """The cases that the user left out on purpose, from all shards alike."""
    elsewhere: tuple[str, ...] = ()
    """The cases that are another shard's."""
    covered: tuple[str, ...] = ()
    """The requirements of all scenarios in the files that were read."""
    all_files: bool = False
    """Whether every file of scenarios was read."""
    read: tuple[str, ...] = ()
    """The names of the files that were read."""
    sibling_files: tuple[str, ...] = ()
    """The names of all files of scenarios in the same folders."""
    roles: Mapping[str, str]
    """By role, the label of who stood there."""
    labels: tuple[str, ...] = ()
    """The names that a pairing can hold."""
    complete: tuple[str, ...] = ()
    """The pairings in which a run casts these subjects in all that any run judges there."""
    switches: tuple[str, ...] = ()
    """The options without a value that change what is run, as `coturn`."""
    known: tuple[KnownList, ...] = ()
    """The lists of known failures."""

    @property
    def chosen(self) -> frozenset[str]:
        """The cases that the user chose, in whatever shard."""
        return frozenset(self.cases).difference(self.left_out)

    def missing(self, ran: Iterable[str]) -> tuple[str, ...]:
        """Return the cases that were to run here and are not among those that `ran`."""
        return tuple(sorted(self.chosen.difference(self.elsewhere, ran)))
