"""`clasp-e2e new-driver`: write the template of an adapter."""

import shlex
import shutil
from pathlib import Path

import click

import clasp_e2e
from clasp_e2e.commands.errors import CommandError

TEMPLATES = Path(clasp_e2e.__file__).parent / "drivers" / "templates"
LANGUAGES = {
    "python": ("python {}/adapter.py", "implementation.py", ""),
    "node": ("node {}/adapter.mjs", "implementation.mjs", ""),
    "go": ("{}/adapter", "implementation.go", "go build -C {} -o adapter ."),
    "rust": (
        "{}/target/release/adapter",
        "src/implementation.rs",
        "cargo build --release --manifest-path {}/Cargo.toml",
    ),
}
"""By language: the command of the adapter, the file for the user's own calls, and the build command."""
NOT_COPIED = shutil.ignore_patterns("__pycache__", "target", "Cargo.lock", "node_modules")


@click.command("new-driver")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), required=True, help="The adapter's language.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def new_driver(lang: str, directory: Path) -> None:
    """Write an adapter with a stub implementation into DIR, which must be new or empty.

    The unchanged adapter passes `clasp-e2e doctor`. Replace the stub with your own calls, step by step.
    """
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise CommandError(f"{directory} exists and is not empty; name a new or empty folder")
        shutil.copytree(TEMPLATES / lang, directory, ignore=NOT_COPIED, dirs_exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"{directory} cannot be written ({error.strerror}); name another folder"
        ) from error
    run, own, build = (text.format(shlex.quote(str(directory))) for text in LANGUAGES[lang])
    steps = [
        f"The adapter is in {directory}. Next:",
        *([f"  {build}"] if build else []),
        f'  clasp-e2e doctor "cmd:{run}"',
        f"Then replace the stub in {directory}/{own} with your own calls, and judge it:",
        f'  clasp-e2e run --peer "cmd:{run}"',
    ]
    click.echo("\n".join(steps))
