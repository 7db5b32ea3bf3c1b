"""Whose fault an unmet requirement in a cell of a matrix is, as far as the cells tell. Pure.

The cells of an implementation with itself and with the reference judge that implementation. One that does not
meet a requirement there, or what it rests on, is to blame for it elsewhere. A router is to blame for what two
references do not meet over it, and for what nobody meets over it, but the same two meet over another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clasp_e2e.results.matrix_results import Cell, Matrix, State
from clasp_e2e.results.pairing import REFERENCE


@dataclass(frozen=True, slots=True)
class Blame:
    """A requirement that a cell did not meet, and who is to blame."""

    requirement: str
    cell: str
    culprits: tuple[str, ...]
    """The implementations, or `router NAME`; empty if it cannot be told."""
    reason: str

    def __str__(self) -> str:
        who = " and ".join(self.culprits) or "cannot be told"
        return f"{self.requirement} in {self.cell}: {who} ({self.reason})"


def blame_of(matrix: Matrix) -> tuple[Blame, ...]:
    """Return who is to blame for each unmet requirement of each cell of two different implementations."""
    return tuple(
        _blame(matrix.cells, cell, name)
        for cell in matrix.cells
        if cell.offerer != cell.answerer
        for name in unmet(cell)
    )


def unmet(cell: Cell) -> tuple[str, ...]:
    """Return the requirements that a cell did not meet."""
    return (*cell.failed, *cell.deviations)


def _blame(cells: Sequence[Cell], cell: Cell, name: str) -> Blame:
    own = {who: _own(cells, who, cell.router) for who in (cell.offerer, cell.answerer)}
    if any(name in unmet(each) for each in _own(cells, REFERENCE, cell.router)):
        reason = "two references do not meet it over this router"
        return Blame(name, cell.name, (f"router {cell.router}",), reason)
    guilty = tuple(who for who, judged in own.items() if any(name in unmet(each) for each in judged))
    if guilty and not _is_the_routers(cells, cell, name):
        who = "it does" if len(guilty) == 1 else "each does"
        return Blame(name, cell.name, guilty, f"{who} not meet it with itself or the reference either")
    if guilty:
        reason = "nobody meets it over this router, and the same two meet it over another"
        return Blame(name, cell.name, (f"router {cell.router}",), reason)
    resting = {who: on for who, judged in own.items() if (on := _rests_on(judged, name)) is not None}
    met = [who for who, judged in own.items() if who not in resting and _is_met(judged, name)]
    if resting and met:
        ((who, on),) = resting.items()
        return Blame(name, cell.name, (who,), f"it does not meet {on}, on which it rests, alone either")
    if unknown := [who for who, judged in own.items() if not judged]:
        return Blame(name, cell.name, (), f"{' and '.join(unknown)} was not judged alone over this router")
    return Blame(name, cell.name, (), "each meets it with itself and with the reference")


def _rests_on(judged: Sequence[Cell], name: str) -> str | None:
    """Return the unmet requirement because of which none of `judged` could judge `name`, or None."""
    blocking = [each.blocked.get(name) for each in judged]
    return blocking[0] if blocking and all(blocking) else None


def _is_met(judged: Sequence[Cell], name: str) -> bool:
    """Return whether `name` was judged, and met, in one of `judged` at least."""
    return any(name not in (*unmet(each), *each.undecided, *each.blocked) for each in judged)


def _own(cells: Sequence[Cell], who: str, router: str) -> list[Cell]:
    """Return the judged cells over `router` that judge `who` alone: with itself, and with the reference.

    As the partner of another implementation, the reference is not judged.
    """
    return [
        cell
        for cell in cells
        if who in (cell.offerer, cell.answerer)
        and {cell.offerer, cell.answerer} <= ({who} if who == REFERENCE else {who, REFERENCE})
        and cell.router == router
        and cell.state is State.JUDGED
    ]


def _is_the_routers(cells: Sequence[Cell], cell: Cell, name: str) -> bool:
    """Return whether no judged cell over this router meets it, and the same two meet it over another."""
    judged = [each for each in cells if each.state is State.JUDGED]
    over = [each for each in judged if each.router == cell.router]
    elsewhere = [
        each
        for each in judged
        if each.router != cell.router and (each.offerer, each.answerer) == (cell.offerer, cell.answerer)
    ]
    return all(name in unmet(each) for each in over) and any(name not in unmet(each) for each in elsewhere)
