"""The matrix on the terminal: a table for each router, and the failures of each cell."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clasp_e2e.report.words import OF_VERDICT, STYLES, first_line, seconds
from clasp_e2e.results.matrix_results import Cell, Matrix, State
from clasp_e2e.results.outcome import Verdict

_FEW = 3
"""Maximum number of ids in a cell of the table; the list below the table has all."""


def print_matrix(matrix: Matrix, console: Console) -> None:
    """Print the matrix, with colours on a terminal only."""
    for router in matrix.routers:
        table = Table(title=f"Over the router {router}", title_justify="left", title_style="bold")
        table.add_column("offerer ↓ answerer →", overflow="fold")
        for answerer in matrix.peers:
            table.add_column(answerer, overflow="fold")
        for offerer in matrix.peers:
            row = [_in_table(matrix.cell(offerer, answerer, router)) for answerer in matrix.peers]
            table.add_row(offerer, *row)
        console.print()
        console.print(table)
    console.print()
    for line in reasons(matrix.cells):
        console.print(line, soft_wrap=True)
    for cell in matrix.cells:
        for line in _lines(cell):
            console.print(line, soft_wrap=True)
    for router, names in matrix.of_routers().items():
        console.print(Text(f"router {router}", "bold"), soft_wrap=True)
        console.print(f"  not met: {', '.join(names)}", soft_wrap=True)
    if matrix.blame:
        console.print(Text("Who is to blame", "bold"), soft_wrap=True)
        for line in matrix.blame:
            console.print(f"  {line}", soft_wrap=True)
    for fault in matrix.faults:
        console.print(Text(f"error: {fault}", "red"), soft_wrap=True)


def cell_line(cell: Cell) -> Text:
    """Return the cell and its verdict in one line."""
    line = Text(f"{cell.name}: ")
    line.append(*_verdict(cell))
    if cell.reason:
        line.append(f": {first_line(cell.reason)}")
    if cell.duration_s:
        line.append(f" ({seconds(cell.duration_s)})", "dim")
    return line


def reasons(cells: Iterable[Cell]) -> list[Text]:
    """Return why cells are not available, each reason once, with the number of the cells."""
    counted = Counter(cell.reason for cell in cells if cell.state is State.NOT_AVAILABLE)
    return [
        Text(f"{count} cell{'s' * (count > 1)} not available: {reason}", "yellow")
        for reason, count in counted.items()
    ]


def _verdict(cell: Cell) -> tuple[str, str]:
    """Return the words for the state or the verdict of a cell, and their style."""
    if cell.state is State.JUDGED and cell.verdict is not None:
        words = OF_VERDICT[cell.verdict]
        if cell.verdict is Verdict.NON_CONFORMANT and set(cell.failed) <= set(cell.known):
            return f"{words}, AS KNOWN", "yellow"
        return words, STYLES[cell.verdict]
    return {
        State.NOT_AVAILABLE: ("not available", "dim"),
        State.BROKEN: ("ERROR", "red"),
        State.INTERRUPTED: ("interrupted", "yellow"),
    }.get(cell.state, ("not run", "dim"))


def _in_table(cell: Cell | None) -> Text:
    if cell is None:
        return Text("not paired", "dim")
    text = Text(*_verdict(cell))
    for ids in (cell.failed, cell.undecided):
        if ids:
            more = f" and {len(ids) - _FEW} more" if len(ids) > _FEW else ""
            text.append(f"\n{', '.join(ids[:_FEW])}{more}")
    if cell.deviations:
        text.append(f"\n{len(cell.deviations)} deviation{'s' * (len(cell.deviations) > 1)}", "dim")
    if cell.conventions:
        text.append("\nconventions differ", "yellow")
    if cell.complaints:
        text.append("\nknown failures do not match", "red")
    return text


def _lines(cell: Cell) -> list[Text]:
    facts = [
        ("failed", _ids(cell.failed, cell.known)),
        ("deviations", _ids(cell.deviations, cell.known)),
        ("no verdict on", ", ".join(cell.undecided)),
        *(("conventions differ", each) for each in cell.conventions),
        *(("baseline", complaint) for complaint in cell.complaints),
        ("error", (cell.reason or "") if cell.state is State.BROKEN else ""),
    ]
    lines = [Text(f"  {name}: {text}") for name, text in facts if text]
    return [Text(cell.name, "bold"), *lines] if lines else []


def _ids(ids: tuple[str, ...], known: tuple[str, ...]) -> str:
    return ", ".join(f"{name} (known)" if name in known else name for name in ids)
