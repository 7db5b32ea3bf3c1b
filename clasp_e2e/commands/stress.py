"""`clasp-e2e stress N`: repeat cases, and report those whose outcome changes."""

from __future__ import annotations

import asyncio
import json
import random
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution.plan import RunPlan
from clasp_e2e.execution.repetition import Repetition, busy_processors
from clasp_e2e.execution.selection import SelectionError, known_labels, select
from clasp_e2e.plugin.collection import CollectionError, choose_scenarios
from clasp_e2e.report.words import first_line
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.stability import Stability, to_report
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.testbed.waiting import Patience


@click.command(epilog=options.DRIVER)
@click.argument("rounds", metavar="N", type=click.IntRange(1))
@options.option("peer")
@options.option("router")
@options.option("seed")
@options.option("jobs")
@click.option("--busy", is_flag=True, help="Keep every processor busy in the second half of the rounds.")
@options.deadline_scale
@options.results_option("reports/latest/stress")
@options.chosen_scenarios("scenarios")
def stress(
    rounds: int,
    peer: str | None,
    router: str | None,
    seed: int | None,
    jobs: int | None,
    busy: bool,
    deadline_scale: float,
    results: Path,
    keyword: str | None,
    markers: str | None,
    scenarios: tuple[str, ...],
) -> None:
    """Run the chosen SCENARIOS N times, and report each case whose outcome is not always the same.

    Such a case is *unstable*: its pass rate is printed, with the interval at 95 % confidence, and the
    command that repeats it. DIR receives stress.json.

    Exit status: 1 if a case is unstable, 3 if a case ended with an error each time, 2 usage, 0 otherwise.
    """
    with reported(CollectionError, SelectionError):
        chosen = choose_scenarios(keyword, markers, scenarios)
        catalogue = load_catalogue()
        selection = select(peer=peer, router=router, catalogue=catalogue.hash, deadline_scale=deadline_scale)
    first = random.randrange(2**32) if seed is None else seed
    subjects = shlex.join([*(("--peer", peer) if peer else ()), *(("--router", router) if router else ())])
    plan = RunPlan(
        catalogue=catalogue,
        selection=selection,
        seed=first,
        patience=Patience(deadline_scale),
        jobs=jobs,
        labels=known_labels(selection),
    )
    repetition = Repetition(
        plan, chosen, lambda name, seed: f"clasp-e2e run {shlex.quote(name)} {subjects} --seed {seed}"
    )
    cases: dict[str, Stability] = {}

    def add(result: ScenarioResult) -> None:
        cases.setdefault(result.id, Stability()).add(result.outcome, result.message, result.replay)

    click.echo(f"Running {len(chosen.scenarios)} scenarios {rounds} times; seed {first}")

    async def run_all() -> None:
        # In one event loop, to which the implementations belong.
        calm = rounds - rounds // 2 if busy else rounds
        await repetition.run(calm, add)
        if calm < rounds:
            with busy_processors():
                await repetition.run(rounds - calm, add)

    try:
        asyncio.run(run_all())
    except DriverFault as fault:
        raise CommandError(str(fault), ExitStatus.INCONCLUSIVE) from None
    except KeyboardInterrupt:
        click.echo("Interrupted; the results so far follow.")
    report = to_report(cases, rounds=rounds, seed=first, command=shlex.join(["clasp-e2e", *sys.argv[1:]]))
    results.mkdir(parents=True, exist_ok=True)
    (results / "stress.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    sys.exit(_print(cases, results))


def _print(cases: Mapping[str, Stability], results: Path) -> ExitStatus:
    """Print the summary, and return the exit status."""
    total = sum(case.runs for case in cases.values())
    unstable = {name: case for name, case in cases.items() if case.outcome is Outcome.UNSTABLE}
    for name, case in unstable.items():
        low, high = case.interval
        click.echo(
            f"unstable: {name}: {case.outcomes[Outcome.PASSED]} of {case.runs} passed"
            f" ({case.pass_rate:.1%}, between {low:.1%} and {high:.1%} at 95 % confidence)"
        )
        for outcome, count in case.outcomes.most_common():
            if outcome is not Outcome.PASSED:
                click.echo(f"  {outcome.value} {count} times: {first_line(case.messages[outcome])}")
                click.echo(f"  Repeat with {case.replays[outcome]}")
    steady = [case.outcome for case in cases.values() if case.outcome is not Outcome.UNSTABLE]
    counts = ", ".join(
        f"{steady.count(outcome)} {outcome.value.replace('_', ' ')}"
        for outcome in Outcome
        if outcome in steady
    )
    always = f"; always {counts}" if counts else ""
    click.echo(f"{total} case runs of {len(cases)} cases: {len(unstable)} unstable{always}")
    click.echo(f"Results: {results / 'stress.json'}")
    if unstable:
        return ExitStatus.FAILED
    return ExitStatus.INCONCLUSIVE if Outcome.ERROR in steady else ExitStatus.OK
