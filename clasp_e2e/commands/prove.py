"""`clasp-e2e prove`: the mutants and variants that show what the checks find and acquit."""

from pathlib import Path

import click

from clasp_e2e.commands.errors import CommandError
from clasp_e2e.scripted.proof import gaps, proof_table
from clasp_e2e.spec.catalogue import load_catalogue


@click.command()
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the table to this file."
)
def prove(output: Path | None) -> None:
    """Print the proof table: by requirement, its mutants and the legal variants that it must not fail.

    The exit status is 1 if a requirement has fewer than two mutants, or a MUST none of another
    implementation than the reference.
    """
    catalogue = load_catalogue()
    table = proof_table(catalogue)
    if output is None:
        click.echo(table, nl=False)
    else:
        try:
            output.write_text(table, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{output}: cannot be written ({error.strerror})") from None
    for gap in (missing := gaps(catalogue)):
        click.echo(f"missing: {gap}", err=True)
    if missing:
        raise SystemExit(1)
