"""`clasp-e2e matrix`: every pair of implementations, in both roles, over every router."""

from __future__ import annotations

import random
import shlex
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from clasp_e2e import __version__
from clasp_e2e.commands import options
from clasp_e2e.commands.run import DRIVER, USAGE
from clasp_e2e.drivers.registry import UnknownDriver
from clasp_e2e.execution.matrix_cells import Options
from clasp_e2e.execution.matrix_run import MatrixRun
from clasp_e2e.plugin.collection import choose_scenarios
from clasp_e2e.report.matrix import print_matrix
from clasp_e2e.results.matrix import Matrix
from clasp_e2e.results.store import ResultsError
from clasp_e2e.results.verdict import UNDECIDED
from clasp_e2e.testbed.waiting import Patience


@click.command(epilog=DRIVER)
@click.option(
    "--peers", metavar="DRIVER,...", multiple=True, required=True, help="Each meets each, and itself."
)
@click.option(
    "--routers",
    metavar="DRIVER,...",
    multiple=True,
    default=["reference"],
    show_default=True,
    help="All pairs meet over each of these.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="So many scenarios that do not wait at once.",
)
@click.option("--require-all", is_flag=True, help="Fail (3) if an implementation is not available.")
@click.option("--seed", type=int, help="Seed of all payloads in all cells (default: a new one).")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@click.option("--attack-router", is_flag=True, help="Attack routers named by a ws:// URL too (RTR-7).")
@click.option("--coturn", is_flag=True, help="Have coturn, not the embedded TURN server, relay for ICE-3.")
@options.deadline_scale
@click.option(
    "--results",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/latest/matrix"),
    show_default=True,
    help="Where matrix.json goes, and a folder for each cell.",
)
@click.option("-k", "keyword", metavar="EXPRESSION", help="Only scenarios whose names match (as in pytest).")
@click.option("-m", "markers", metavar="EXPRESSION", help='Only scenarios so marked, e.g. "not slow".')
@click.argument("scenarios", nargs=-1)
def matrix(
    peers: Sequence[str],
    routers: Sequence[str],
    jobs: int,
    require_all: bool,
    seed: int | None,
    strict: bool,
    attack_router: bool,
    coturn: bool,
    deadline_scale: float,
    results: Path,
    keyword: str | None,
    markers: str | None,
    scenarios: tuple[str, ...],
) -> None:
    """Judge every pair of PEERS in both roles over every one of ROUTERS, and write one result for all.

    SCENARIOS are files (test_connecting.py) or names in them (test_connecting.py::test_NAME). Each
    cell comes to the results of a `clasp-e2e run`; all share the implementations, each started once,
    and what waits long waits together. A cell whose implementation cannot be had here is not
    available, with the reason, and fails nothing.

    Exit status: the worst of the cells: 1 not conformant; 3 partial, inconclusive, or none available;
    2 usage; 0 otherwise.
    """
    if options := [text for text in scenarios if text.startswith("-")]:
        raise click.UsageError(
            f"{options[0]} is pytest's, and a matrix has no use for it: name files of scenarios here, or"
            " give it to `clasp-e2e run`, cell by cell"
        )
    plan = Matrix(
        tool={"name": "clasp-e2e", "version": __version__},
        command=shlex.join(["clasp-e2e", *sys.argv[1:]]),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=random.randrange(2**32) if seed is None else seed,
        peers=tuple(_names(peers, "--peers")),
        routers=tuple(_names(routers, "--routers")),
        cells=(),
    )
    console = Console(highlight=False)
    run = MatrixRun(plan, results, console)
    with _interruptible():
        try:
            with suppress(KeyboardInterrupt):
                run.judge(
                    choose_scenarios(keyword, markers, scenarios),
                    jobs=jobs,
                    patience=Patience(deadline_scale),
                    options=Options(strict=strict, attack_router=attack_router, coturn=coturn),
                )
        except UnknownDriver as error:
            raise click.UsageError(str(error)) from None
        except ResultsError as error:
            failure = click.ClickException(str(error))
            failure.exit_code = USAGE
            raise failure from None
    print_matrix(run.matrix, console)
    console.print(f"\nResults: {run.path}", soft_wrap=True)
    status = run.matrix.exit_status(require_all=require_all)
    if not run.ended:
        console.print("The matrix was interrupted; what is known so far is kept.", style="yellow")
        status = status or UNDECIDED
    sys.exit(status)


@contextmanager
def _interruptible() -> Generator[None]:
    """Have SIGTERM end what is under way like Ctrl-C, which a background job does not hear."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _names(values: Sequence[str], option: str) -> list[str]:
    """Return the drivers that an option names; a command line may hold commas, and so ends the list."""
    names: list[str] = []
    for value in values:
        before, found, line = value.partition("cmd:")
        if found and before and not before.endswith(","):
            before, found, line = value, "", ""
        names += [name.strip() for name in before.split(",") if name.strip()]
        names += [f"{found}{line}"] if found else []
    if not names:
        raise click.BadParameter("name at least one driver", param_hint=option)
    return list(dict.fromkeys(names))
