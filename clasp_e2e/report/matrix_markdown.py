"""A matrix in Markdown, for a README, a pull request or the summary of a CI job."""

from collections.abc import Callable, Iterable

from clasp_e2e.report.markdown import plain, table
from clasp_e2e.report.words import OF_VERDICT, first_line, seconds
from clasp_e2e.results.matrix_results import Cell, Matrix, State
from clasp_e2e.results.outcome import Verdict

_OF_STATE = {
    State.NOT_AVAILABLE: "not available",
    State.BROKEN: "error",
    State.INTERRUPTED: "interrupted",
    State.NOT_RUN: "not run",
}
_LISTS: dict[str, Callable[[Cell], Iterable[str]]] = {
    "Failed": lambda cell: cell.failed,
    "Deviations": lambda cell: cell.deviations,
    "No verdict on": lambda cell: cell.undecided,
    "Conventions that differ": lambda cell: cell.conventions,
}
_FEW = 4
"""Maximum number of cells that are named; of more, the number is given."""


def render_matrix_markdown(matrix: Matrix) -> str:
    """Return a table for each router, then each requirement that was not met, with its cells."""
    parts: list[str] = []
    for router in matrix.routers:
        rows = [
            (
                f"**{plain(offerer)}**",
                *(_in_table(matrix.cell(offerer, answerer, router)) for answerer in matrix.peers),
            )
            for offerer in matrix.peers
        ]
        head = ("offerer ↓ answerer →", *map(plain, matrix.peers))
        parts += [f"Over the router **{plain(router)}**:", table(head, rows)]
    for title, ids in _LISTS.items():
        if found := _by_requirement(matrix.cells, ids):
            parts += [f"### {title}", "\n".join(f"- **{name}**: {plain(where)}" for name, where in found)]
    if of_routers := matrix.of_routers():
        lines = [f"- **{plain(router)}**: {', '.join(names)}" for router, names in of_routers.items()]
        parts += ["### Not met by a router", "\n".join(lines)]
    if matrix.blame:
        parts += ["### Who is to blame", "\n".join(f"- {plain(line)}" for line in matrix.blame)]
    if reasons := _reasons(matrix.cells):
        parts += ["### Not judged", "\n".join(f"- {plain(reason)}" for reason in reasons)]
    tool = " ".join(matrix.tool.values())
    parts.append(
        f"<sub>{plain(tool)}, seed {matrix.seed}, {seconds(matrix.duration_s)}, {plain(matrix.started)}</sub>"
    )
    return "\n\n".join(parts) + "\n"


def _in_table(cell: Cell | None) -> str:
    if cell is None:
        return "not paired"
    if cell.verdict is None or cell.state is not State.JUDGED:
        return _OF_STATE.get(cell.state, "no verdict")
    words = OF_VERDICT[cell.verdict].lower()
    if cell.conventions and cell.verdict in (Verdict.PARTIAL, Verdict.INCONCLUSIVE):
        words += " (conventions differ)"
    return f"{words}: {', '.join(cell.failed)}" if cell.failed else words


def _by_requirement(cells: Iterable[Cell], ids: Callable[[Cell], Iterable[str]]) -> list[tuple[str, str]]:
    """Return each requirement in `ids` with its cells, or with their number if there are many."""
    found: dict[str, list[str]] = {}
    for cell in cells:
        for name in ids(cell):
            found.setdefault(name, []).append(cell.name)
    shown = {name: names if len(names) <= _FEW else [f"{len(names)} cells"] for name, names in found.items()}
    return [(name, "; ".join(shown[name])) for name in sorted(shown)]


def _reasons(cells: Iterable[Cell]) -> list[str]:
    """Return why cells were not judged, each reason once."""
    reasons = {cell.reason: cell.state for cell in cells if cell.reason}
    return [f"{_OF_STATE.get(state, state.value)}: {first_line(reason)}" for reason, state in reasons.items()]
