"""The requirement catalogue, read from `requirements.toml` and validated."""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

_HERE = Path(__file__).parent
_Text: TypeAlias = Annotated[str, Meta(pattern=r"\S")]
_Role: TypeAlias = Literal["offerer", "answerer", "peer", "router"]
_Opposite: TypeAlias = Literal["same", "reference", "scripted", "none"]


class CatalogueError(Exception):
    """An invalid catalogue; the text names the record and its fault."""


class UnknownRequirement(KeyError):
    """An id that is not in the catalogue; the text suggests similar ids."""

    def __str__(self) -> str:
        return str(self.args[0])


class Level(StrEnum):
    """The level of a requirement."""

    MUST = "must"
    """Its failure makes an implementation non-conformant."""
    SHOULD = "should"
    """Its failure is a deviation."""
    REMARK = "remark"
    """The observation is reported and never judged."""


class Source(StrEnum):
    """The origin of a requirement."""

    SPECIFICATION = "S"
    """The P2P page of the CLASP documentation."""
    WIRE = "W"
    """The other public documents of CLASP."""
    REFERENCE = "R"
    """The public implementation in Rust."""
    STANDARD = "N"
    """A standard that WebRTC implies."""
    EXPECTATION = "E"
    """A common expectation of users and engineers without a written source."""

    @property
    def label(self) -> str:
        """The name of the source in a sentence."""
        return {
            Source.SPECIFICATION: "specification",
            Source.WIRE: "wire protocol documents",
            Source.REFERENCE: "public implementation",
            Source.STANDARD: "standard",
            Source.EXPECTATION: "common expectation",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A behaviour that an implementation must, or should, have.

    For source S, `quote` is verbatim and `section` names the section of the page that contains it; for
    the other sources `source_text` summarizes `reference`.
    """

    id: _Text
    chapter: _Text
    level: Level
    source: Source
    statement: _Text
    judges: Annotated[tuple[_Role, ...], Meta(min_length=1)]
    """The roles that a failure counts against: `offerer`, `answerer`, `peer` (either of them), `router`."""
    opposite: Annotated[tuple[_Opposite, ...], Meta(min_length=1)]
    """The possible partners: `same`, `reference`, `scripted`, or `none` without a partner."""
    precondition: tuple[str, ...]
    """The ids of the direct preconditions."""
    observed_by: _Text
    quote: _Text = ""
    section: _Text = ""
    reference: _Text = ""
    source_text: _Text = ""
    capability: _Text | None = None
    note: _Text = ""


class Catalogue(Mapping[str, Requirement]):
    """All requirements by id, in the order of the file.

    `hash` is the SHA-256 of the file in hexadecimal; it identifies the catalogue in results. `place` is the
    position of each id in `ordered`. Raises `CatalogueError` on duplicate ids, unknown preconditions and
    cyclic preconditions.
    """

    def __init__(self, requirements: Iterable[Requirement], *, hash: str = "") -> None:  # noqa: A002
        self.hash = hash
        self._by_id: dict[str, Requirement] = {}
        for requirement in requirements:
            if requirement.id in self._by_id:
                raise CatalogueError(f"{requirement.id}: this id is used twice; ids must be unique")
            self._by_id[requirement.id] = requirement
        for requirement in self._by_id.values():
            for needed in requirement.precondition:
                if needed not in self._by_id:
                    raise CatalogueError(f"{requirement.id}: precondition {self._unknown(needed)}")
        self._order = self._sorted()
        self.place = {requirement_id: number for number, requirement_id in enumerate(self._order)}
        self._needed: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __getitem__(self, requirement_id: str) -> Requirement:
        try:
            return self._by_id[requirement_id]
        except KeyError:
            raise UnknownRequirement(self._unknown(requirement_id)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    # No default: an id that is not in the catalogue is always a mistake.
    def get(self, requirement_id: str) -> Requirement:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the requirement with this id. Raises `UnknownRequirement`, which suggests similar ids."""
        return self[requirement_id]

    def ordered(self) -> list[Requirement]:
        """Return all requirements, each after its preconditions, otherwise in the order of the file."""
        return [self._by_id[requirement_id] for requirement_id in self._order]

    def preconditions_of(self, requirement_id: str) -> list[Requirement]:
        """Return all direct and indirect preconditions of a requirement, the most basic first.

        The first of these that failed blocks the requirement.
        """
        needed: set[str] = set()
        pending = list(self.get(requirement_id).precondition)
        while pending:
            if (current := pending.pop()) not in needed:
                needed.add(current)
                pending.extend(self._by_id[current].precondition)
        return [self._by_id[current] for current in self._order if current in needed]

    def needed_by(self, *requirements: str) -> tuple[str, ...]:
        """Return the ids of all preconditions of `requirements`, the direct ones first."""
        if requirements not in self._needed:
            needed: dict[str, None] = {}
            pending = list(requirements)
            for current in pending:
                for precondition in self.get(current).precondition:
                    if precondition not in requirements and precondition not in needed:
                        needed[precondition] = None
                        pending.append(precondition)
            self._needed[requirements] = tuple(needed)
        return self._needed[requirements]

    def chapters(self) -> list[str]:
        """Return the chapters in the order of the file."""
        return list(dict.fromkeys(requirement.chapter for requirement in self._by_id.values()))

    def _unknown(self, requirement_id: str) -> str:
        close = difflib.get_close_matches(requirement_id.upper(), self._by_id, n=3, cutoff=0.75)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        return f"{requirement_id} is not in the catalogue{hint}"

    def _sorted(self) -> tuple[str, ...]:
        """Return the ids in topological order, otherwise in the order of the file."""
        place = {requirement_id: n for n, requirement_id in enumerate(self._by_id)}
        sorter = TopologicalSorter({r.id: r.precondition for r in self._by_id.values()})
        try:
            sorter.prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            raise CatalogueError(
                f"{cycle[0]}: its preconditions lead back to itself: {' -> '.join(cycle)}"
            ) from None
        order: list[str] = []
        ready = set(sorter.get_ready())
        while ready:
            first = min(ready, key=place.__getitem__)
            ready.remove(first)
            order.append(first)
            sorter.done(first)
            ready.update(sorter.get_ready())
        return tuple(order)


def concerns(judges: Iterable[str], roles: Iterable[str]) -> bool:
    """Return whether `judges` and `roles` have a role in common; `peer` is offerer and answerer."""
    sides = {"offerer", "answerer"}
    required, judged = set(judges), set(roles)
    if "peer" in required:
        required |= sides
    if "peer" in judged:
        judged |= sides
    return not required.isdisjoint(judged)


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read and validate the catalogue at `path`, by default that of this package.

    Raises `CatalogueError`, which names the record and its fault.
    """
    return _bundled() if path is None else _read(path)


@cache
def _bundled() -> Catalogue:
    return _read(_HERE / "requirements.toml")


class _File(msgspec.Struct):
    requirement: Annotated[list[dict[str, Any]], Meta(min_length=1)]


def _read(path: Path) -> Catalogue:
    try:
        content = path.read_bytes()
        tables = msgspec.toml.decode(content, type=_File).requirement
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read ({error.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: this is no catalogue ({error})") from None
    requirements = [_requirement(table, number) for number, table in enumerate(tables, 1)]
    return Catalogue(requirements, hash=hashlib.sha256(content).hexdigest())


def specification_text() -> str:
    """Return the P2P page as quoted by the requirements of source S."""
    return (_HERE / "p2p.md").read_text(encoding="utf-8")


def _requirement(table: dict[str, Any], number: int) -> Requirement:
    def fault(what: object) -> CatalogueError:
        return CatalogueError(f"{table.get('id', f'record {number}')}: {what}")

    if unknown := table.keys() - {each.name for each in fields(Requirement)}:
        raise fault(f"unknown field `{min(unknown)}`")
    try:
        requirement = msgspec.convert(table, Requirement)
    except msgspec.ValidationError as error:
        raise fault(error) from None
    for names in (requirement.judges, requirement.opposite, requirement.precondition):
        if len(set(names)) != len(names):
            raise fault(f"something is named twice: {', '.join(names)}")
    if requirement.source is Source.SPECIFICATION:
        if not (requirement.quote and requirement.section):
            raise fault("source S needs a quote and the section that contains it")
    elif not requirement.source_text:
        raise fault(f"source {requirement.source} needs a source_text")
    if requirement.level is Level.MUST and requirement.source is not Source.SPECIFICATION:
        raise fault("only what the specification says (source S) can be a must")
    return requirement
