"""`clasp-e2e bisect REQUIREMENT`: find the first version that does not meet a requirement."""

from __future__ import annotations

import random
import shlex
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.execution.version_runs import (
    JudgedBuild,
    VersionCommands,
    VersionRuns,
    separate_worktree,
)
from clasp_e2e.execution.version_sources import (
    VersionsError,
    commit_title,
    commits,
    crate_versions,
    npm_versions,
    pypi_versions,
    version_range,
)
from clasp_e2e.results.bisection import Bisected, Judged, bisect_versions, maximum_runs
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.spec.catalogue import Catalogue, Level, UnknownRequirement, load_catalogue

BUILDS = {
    "npm": "npm install --no-save --no-audit --no-fund --prefix {{directory}} {name}@{{version}}",
    "pypi": (
        f"{shlex.quote(sys.executable)} -m venv {{{{directory}}}}"
        " && {{directory}}/bin/pip install --quiet {name}=={{version}}"
    ),
}
"""How a version of a package is installed where there is no --build."""


@click.command(epilog=options.DRIVER)
@click.argument("requirement")
@click.option("--good", required=True, metavar="VERSION", help="A version that meets the requirement.")
@click.option("--bad", required=True, metavar="VERSION", help="A newer version that does not.")
@click.option("--versions", metavar="V,V,...", help="The versions, from the oldest to the newest.")
@click.option("--crate", metavar="NAME", help="Search the versions of a crate.")
@click.option("--npm", metavar="NAME", help="Search the versions of an npm package.")
@click.option("--pypi", metavar="NAME", help="Search the versions of a PyPI package.")
@click.option(
    "--repository",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="PATH",
    help="Search the commits of a Git repository, in a worktree of its own. Commands are executed there.",
)
@click.option("--build", metavar="COMMAND", help="The shell command that builds or installs a version.")
@options.option("peer")
@options.option("router")
@options.option("seed")
@options.deadline_scale
@options.results_option("reports/latest/bisect")
def bisect(
    requirement: str,
    good: str,
    bad: str,
    versions: str | None,
    crate: str | None,
    npm: str | None,
    pypi: str | None,
    repository: Path | None,
    build: str | None,
    peer: str | None,
    router: str | None,
    seed: int | None,
    deadline_scale: float,
    results: Path,
) -> None:
    """Find the first version that does not meet REQUIREMENT, by halving between --good and --bad.

    COMMAND and DRIVER can contain {version}, the version or the commit, and {directory}, a folder for it.
    Without --build, a version of an npm or PyPI package is installed in {directory}. A version that cannot
    be built or judged is skipped. Of n versions, at most log2(n) + 1 are judged, by only those scenarios
    that judge the requirement or one of its preconditions.

    Exit status: 0 the version was found; 2 usage; 3 it was not found, or skipped versions leave several.
    """
    catalogue = load_catalogue()
    wanted = _requirement(requirement, catalogue)
    sources = {"versions": versions, "crate": crate, "npm": npm, "pypi": pypi, "repository": repository}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise CommandError(f"name one of {', '.join(f'--{name}' for name in sources)}")
    drivers = {name: driver for name, driver in (("peer", peer), ("router", router)) if driver is not None}
    if not drivers:
        raise CommandError("name the implementation by --peer or --router")
    if build is None and (package := npm or pypi) is not None:
        build = BUILDS[given[0]].format(name=package)
    commands = VersionCommands(build=build, drivers=drivers)
    varies = any("{version}" in text or "{directory}" in text for text in commands.texts())
    if repository is None and not varies:
        raise CommandError("no command contains {version}: all versions would be the same; add it to one")
    with reported(VersionsError):
        if repository is not None:
            found = commits(repository, good, bad)
        elif versions is not None:
            found = version_range([each.strip() for each in versions.split(",")], good, bad)
        else:
            listed = (
                crate_versions(crate) if crate else npm_versions(npm) if npm else pypi_versions(pypi or "")
            )
            found = version_range(listed, good, bad)
    with _checkout(repository, found) as checkout:
        runs = VersionRuns(
            requirement=wanted,
            catalogue=catalogue,
            commands=commands,
            directory=results.absolute(),
            seed=random.randrange(2**32) if seed is None else seed,
            deadline_scale=deadline_scale,
            checkout=checkout,
        )
        sys.exit(_search(runs, found, repository))


@contextmanager
def _checkout(repository: Path | None, found: Sequence[str]) -> Generator[Path | None]:
    if repository is None:
        yield None
    else:
        with separate_worktree(repository, found[0]) as checkout:
            yield checkout


def _requirement(text: str, catalogue: Catalogue) -> str:
    try:
        requirement = catalogue.get(text.upper())
    except UnknownRequirement as error:
        raise CommandError(f"{error}; `clasp-e2e list` prints all of them") from None
    if requirement.level is Level.REMARK:
        raise CommandError(
            f"{requirement.id} is a remark, which no version can fail; name another requirement"
        )
    return requirement.id


def _search(runs: VersionRuns, versions: Sequence[str], repository: Path | None) -> ExitStatus:
    names = [commit_title(repository, each) for each in versions] if repository else versions
    click.echo(
        f"{runs.requirement}: {len(versions)} versions from {names[0]} to {names[-1]}; at most"
        f" {maximum_runs(len(versions))} are judged, by {len(runs.scenarios())} scenarios; seed {runs.seed}"
    )
    seen: dict[int, JudgedBuild] = {}
    steps = bisect_versions(len(versions))
    try:
        number = next(steps)
        while True:
            seen[number] = runs.judge(versions[number])
            reason = f": {seen[number].reason}" if seen[number].reason else ""
            click.echo(f"  {names[number]}  {seen[number].judged.value}{reason}")
            number = steps.send(seen[number].judged)
    except StopIteration as ended:
        found: Bisected = ended.value
    for line in _report(found, names, seen):
        click.echo(line)
    undecided = found.first_bad is None or found.skipped or seen[found.first_bad].judged is not Judged.BAD
    return ExitStatus.INCONCLUSIVE if undecided else ExitStatus.OK


def _report(found: Bisected, names: Sequence[str], seen: Mapping[int, JudgedBuild]) -> Iterator[str]:
    """Yield the result: the first bad version, the reason, and the command that shows it."""
    if found.wrong_end is not None:
        met, option = ("met", "--bad") if found.wrong_end else ("not met", "--good")
        yield f"The requirement is {met} in {names[found.wrong_end]}; name another version by {option}"
        return
    assert found.first_bad is not None
    first = seen[found.first_bad]
    if first.judged is not Judged.BAD:
        yield f"Not found: {names[-1]}, named by --bad, was not judged: {first.reason}"
        return
    last_good = max((number for number, each in seen.items() if each.judged is Judged.GOOD), default=0)
    skipped = ", ".join(names[each] for each in found.skipped)
    yield f"First bad version: {names[found.first_bad]}" + (
        f", or one of the skipped: {skipped}" * bool(skipped)
    )
    yield f"Last good version: {names[last_good]}"
    yield f"Reason: {first.reason}"
    if first.repeat:
        yield f"Repeat with {first.repeat}"
    if not found.good_end_checked:
        why = seen[0].reason if 0 in seen else "the maximum number of runs was reached"
        yield f"Not checked: whether {names[0]} meets the requirement ({why})"
