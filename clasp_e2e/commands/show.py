"""`clasp-e2e show EVIDENCE`: write the page to walk through one case."""

import webbrowser
from pathlib import Path

import click

from clasp_e2e.commands.errors import reported
from clasp_e2e.commands.report import OUTPUT, write_text
from clasp_e2e.report.case_page import render_case
from clasp_e2e.results.evidence import EvidenceError, read_record
from clasp_e2e.spec.catalogue import load_catalogue


@click.command()
@click.argument("evidence", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--output", type=OUTPUT, metavar="FILE", help="The page (default: next to EVIDENCE, with `.html`)."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
def show(evidence: Path, output: Path | None, opens: bool) -> None:
    """Write the HTML page of the case in EVIDENCE, and print the page's path.

    The page shows the calls, events, frames and packets of the case in the order of time, and its outcome
    among them. It needs no network and no other file.
    """
    with reported(EvidenceError):
        page = render_case(read_record(evidence), load_catalogue())
    output = output or evidence.with_suffix(".html")
    write_text(page, output)
    if str(output) == "-":
        return
    click.echo(output)
    if opens:
        webbrowser.open(output.absolute().as_uri())
