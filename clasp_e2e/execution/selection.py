"""Resolution of the options that select implementations: labels, drivers, and the roles that are judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clasp_e2e.drivers.interface import Driver
from clasp_e2e.drivers.registry import UnknownDriver, known_drivers, resolve_driver, resolve_router
from clasp_e2e.execution.pairings import Subjects
from clasp_e2e.results.baseline import Baseline, BaselineError, parse_baseline
from clasp_e2e.results.known_failures import check_pairings
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.store import shown
from clasp_e2e.spec.catalogue import Catalogue


class SelectionError(Exception):
    """The options contradict each other or are invalid; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected implementations: their labels and drivers."""

    subjects: Subjects
    drivers: Mapping[str, Driver]
    router: Driver
    specs: Mapping[str, str]
    """The option value of the user for each label."""


def select(
    *,
    peer: str | None = None,
    offerer: str | None = None,
    answerer: str | None = None,
    router: str | None = None,
    catalogue: str = "",
    deadline_scale: float = 1.0,
    made: Mapping[str, Driver] | None = None,
) -> Selection:
    """Resolve the options `--peer`, `--offerer`, `--answerer` and `--router`.

    Named implementations are judged; by default, the embedded reference is judged in every role.
    `catalogue` (the hash of the requirement catalogue) and `deadline_scale` are passed to the drivers.
    `made` contains existing drivers by option value. Raises `SelectionError`.
    """
    if peer is not None and (offerer is not None or answerer is not None):
        raise SelectionError(
            "--peer already sets both roles: leave out --offerer and --answerer, or use these two without"
            " --peer"
        )
    named = {"offerer": peer or offerer, "answerer": peer or answerer, "router": router}
    judged = frozenset(role for role, spec in named.items() if spec is not None)
    specs = {role: spec or REFERENCE for role, spec in named.items()}
    labels: dict[str, str] = {}
    for spec in dict.fromkeys((specs["offerer"], specs["answerer"], REFERENCE)):
        labels[spec] = _label(spec, taken=set(labels.values()))
    router_label = _label(specs["router"], taken=set())
    resolve, resolve_as_router = (
        partial(function, catalogue=catalogue, deadline_scale=deadline_scale)
        for function in (resolve_driver, resolve_router)
    )
    try:
        drivers = dict(made or {})  # By option value: a peer and a router with the same value share a driver.
        for spec in labels:
            drivers[spec] = drivers.get(spec) or resolve(spec)
        router_driver = drivers.get(specs["router"]) or resolve_as_router(specs["router"])
    except UnknownDriver as error:
        raise SelectionError(str(error)) from error
    subjects = Subjects(
        offerer=labels[specs["offerer"]],
        answerer=labels[specs["answerer"]],
        router=router_label,
        judged=judged or frozenset(named),
    )
    by_label = {label: spec for spec, label in labels.items()} | {f"router {router_label}": specs["router"]}
    return Selection(
        subjects, {label: drivers[spec] for spec, label in labels.items()}, router_driver, by_label
    )


def known_labels(selection: Selection) -> frozenset[str]:
    """Return the names that a pairing can contain: registered drivers, and the selected implementations."""
    return frozenset({*known_drivers(), *selection.drivers, selection.subjects.router, SCRIPTED})


def load_baselines(
    selection: Selection, catalogue: Catalogue, given: Path | None, labels: frozenset[str]
) -> tuple[Baseline, ...]:
    """Read the known failures of the judged implementations from `given`, or by default from their drivers.

    `labels` are the names that a pairing can contain. Raises `SelectionError` with the place of the mistake.
    """
    subjects = selection.subjects
    judged = {getattr(subjects, role) for role in subjects.judged}
    files: dict[Path, set[str]] = {}
    if given is not None:  # The reference is the partner: the file lists the failures of the others.
        files[given] = judged - {REFERENCE} or judged
    else:
        drivers = {**selection.drivers, subjects.router: selection.router}
        for label in sorted(judged):
            if (path := drivers[label].baseline) is not None:
                files.setdefault(path, set()).add(label)
    try:
        return tuple(
            read_baseline(path, owners, labels, catalogue, own=given is None)
            for path, owners in files.items()
        )
    except BaselineError as error:
        raise SelectionError(str(error)) from error


def read_baseline(
    path: Path, owners: set[str], labels: frozenset[str], catalogue: Catalogue, *, own: bool
) -> Baseline:
    """Read the known failures of `owners` from `path`. Raises `BaselineError`.

    `own` says that the file belongs to their driver.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BaselineError(f"{path}: the known failures cannot be read: {reason}") from None
    baseline = parse_baseline(text, shown(path), owners, catalogue)
    check_pairings(baseline, labels, own=own)
    return baseline


def _label(spec: str, taken: set[str]) -> str:
    """Return a short name for a driver, valid in a test id: its registered name, or `iut`."""
    if spec.startswith(("ws://", "wss://")):
        return "external"
    name = "iut" if ":" in spec else spec
    if name not in taken:
        return name
    return next(f"{name}{number}" for number in range(2, 100) if f"{name}{number}" not in taken)
