"""The options of a run, written once: pytest and `clasp-e2e` both take theirs from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clasp_e2e.drivers.stdio.attached import ANY

WHO = "a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio"
LATEST = "reports/latest"
"""The output directory where none is named, below the folder of the run."""
FAILED_LATEST = "latest"
"""The value of `--failed` without a path: the results that the output directory holds."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Without `metavar` it is a flag; with `const` its value may be left out."""

    name: str
    help: str
    metavar: str | None = None
    type: type[str] | type[int] | type[float] = str
    const: str | None = None

    @property
    def flag(self) -> str:
        """The option as it is written: `--deadline-scale`."""
        return f"--{self.name}"

    @property
    def key(self) -> str:
        """The name of its value: `deadline_scale`."""
        return self.name.replace("-", "_")


RUN_OPTIONS = (
    Option("peer", f"Judge this implementation in both roles: {WHO}.", "DRIVER"),
    Option("offerer", "Judge this implementation as the one that connects.", "DRIVER"),
    Option("answerer", "Judge this implementation as the one connected to.", "DRIVER"),
    Option("router", "Judge this router: a driver, or the ws:// or wss:// URL of one that runs.", "DRIVER"),
    Option(
        "attach",
        "Start no adapter; wait, without time limits, for those started with `clasp-e2e connect`, for example"
        " in a debugger (default: a free port of 127.0.0.1).",
        "HOST:PORT",
        const=ANY,
    ),
    Option("seed", "Seed of all payloads (default: a new one, which is printed).", "N", int),
    Option(
        "jobs",
        "Maximum number of cases that run at the same time and do not wait; those that wait run in parallel"
        " with them (default: what the machine has room for).",
        "N",
        int,
    ),
    Option(
        "failed",
        "Run only the cases that did not pass in RESULTS, a results.json or its folder (default: the last run"
        " in the output directory).",
        "RESULTS",
        const=FAILED_LATEST,
    ),
    Option("results", f"Output directory (default: {LATEST}).", "DIR"),
    Option(
        "deadline-scale",
        "Multiply the harness's own time limits, for a slow machine; those of the specification stay.",
        "X",
        float,
    ),
    Option(
        "baseline",
        "File of known failures (default: those that come with the drivers under test).",
        "FILE",
    ),
    Option("coturn", "For ICE-3, relay through coturn instead of the embedded TURN server."),
    Option("attack-router", "Also attack a router given by its ws:// URL (RTR-7)."),
)
"""The options of `pytest scenarios/` and `clasp-e2e run`, in the order of their help."""

BY_NAME: Mapping[str, Option] = {option.name: option for option in RUN_OPTIONS}
