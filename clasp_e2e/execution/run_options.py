"""The options of a run, shared by the pytest plugin and the command `clasp-e2e`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clasp_e2e.drivers.stdio.attached import ANY

WHO = "a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio"
LATEST = "reports/latest"
"""The default output directory, relative to the folder of the run."""
FAILED_LATEST = "latest"
"""The value of `--failed` without a path: the results in the output directory."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option. Without `metavar` it is a flag; with `const` its value is optional."""

    name: str
    help: str
    metavar: str | None = None
    type: type[str] | type[int] | type[float] = str
    const: str | None = None

    @property
    def flag(self) -> str:
        """The option on the command line: `--deadline-scale`."""
        return f"--{self.name}"

    @property
    def key(self) -> str:
        """The name of the parsed value: `deadline_scale`."""
        return self.name.replace("-", "_")


RUN_OPTIONS = (
    Option("peer", f"Judge this implementation in both roles: {WHO}.", "DRIVER"),
    Option("offerer", "Judge this implementation as the offerer, which starts the connection.", "DRIVER"),
    Option("answerer", "Judge this implementation as the answerer.", "DRIVER"),
    Option("router", "Judge this router: a driver, or the ws:// or wss:// URL of a running one.", "DRIVER"),
    Option(
        "attach",
        "Start no adapters; wait, without time limits, for adapters started with `clasp-e2e connect`, for"
        " example in a debugger (default: a free port of 127.0.0.1).",
        "HOST:PORT",
        const=ANY,
    ),
    Option("seed", "Seed of all payloads (default: a random seed, which is printed).", "N", int),
    Option(
        "jobs",
        "Maximum number of cases that run at the same time, not counting cases that wait (default: adapted to"
        " the machine).",
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
        "Factor for the harness's own time limits on a slow machine; those of the specification stay.",
        "X",
        float,
    ),
    Option(
        "baseline",
        "File of known failures (default: the files of the drivers under test).",
        "FILE",
    ),
    Option("pcap", "Keep the packets (pcapng) of every case, not only of those that fail."),
    Option(
        "network",
        "`link`: peers on loopback, with a UDP link in user space (default); `lab`: each peer in a network"
        " namespace of Linux.",
        "KIND",
    ),
    Option("coturn", "Use coturn instead of the embedded TURN server (ICE-3)."),
    Option("attack-router", "Also attack a router given by its ws:// URL (RTR-7)."),
    Option("extended", "Also run the scenarios of minutes, or of thousands of messages (mark `extended`)."),
)
"""The options of `pytest scenarios/` and `clasp-e2e run`, in the order of their help."""

BY_NAME: Mapping[str, Option] = {option.name: option for option in RUN_OPTIONS}
