"""`clasp-e2e list`: the requirements, and the scenarios that judge them."""

import json
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from clasp_e2e.execution.bundled_scenarios import Bundled, judging, load_scenarios
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue

_WIDE = 110
"""Minimum number of columns for the full name of the source."""


@click.command("list")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list with an object for each requirement."
)
def list_requirements(as_json: bool) -> None:
    """List the requirements, their sources, and the scenarios that judge them.

    On a terminal, the output is a table. Otherwise it is one line per requirement, with tab-separated
    fields: id, level, source, scenarios (separated by commas, or "-" if there are none).
    """
    catalogue, bundled = load_catalogue(), load_scenarios()
    console = Console()
    if as_json:
        click.echo(json.dumps(_objects(catalogue, bundled), indent=2, ensure_ascii=False))
    elif console.is_terminal:
        console.print(_table(catalogue, bundled, is_narrow=console.width < _WIDE))
        console.print(_legend(catalogue, bundled))
    else:
        for requirement in catalogue.values():
            names = ",".join(each.scenario.name for each in judging(requirement.id, bundled)) or "-"
            click.echo("\t".join((requirement.id, requirement.level, requirement.source, names)))


def _objects(catalogue: Catalogue, bundled: Sequence[Bundled]) -> list[dict[str, object]]:
    return [
        {
            "id": requirement.id,
            "chapter": requirement.chapter,
            "level": requirement.level.value,
            "source": requirement.source.value,
            "statement": requirement.statement,
            "judges": requirement.judges,
            "capability": requirement.capability,
            "scenarios": [
                {
                    "name": each.scenario.name,
                    "file": each.file,
                    "title": each.scenario.title,
                    "slow": each.scenario.slow,
                }
                for each in judging(requirement.id, bundled)
            ],
        }
        for requirement in catalogue.values()
    ]


def _table(catalogue: Catalogue, bundled: Sequence[Bundled], *, is_narrow: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Id", no_wrap=True)
    table.add_column("Level", no_wrap=True)
    table.add_column("Source", no_wrap=True)
    table.add_column("Scenarios", overflow="fold")
    for requirement in catalogue.values():
        scenarios = judging(requirement.id, bundled)
        source = requirement.source.value if is_narrow else requirement.source.label
        names = "\n".join(each.scenario.name for each in scenarios) or "[yellow]none yet[/]"
        table.add_row(requirement.id, requirement.level.upper(), source, names)
    return table


def _legend(catalogue: Catalogue, bundled: Sequence[Bundled]) -> str:
    judged = {name for each in bundled for name in each.scenario.requirements}
    return (
        f"\n{len(catalogue)} requirements, {len(judged)} with scenarios; {len(bundled)} scenarios. "
        "`clasp-e2e explain ID` prints one in full."
    )
