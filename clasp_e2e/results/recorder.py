"""The recorder: takes results as they come and keeps `results.json` true to what is known."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clasp_e2e import __version__
from clasp_e2e.results.plan import Plan
from clasp_e2e.results.run_record import Run, ScenarioResult, Subject
from clasp_e2e.results.store import write_results
from clasp_e2e.results.verdict import requirement_results, run_verdict
from clasp_e2e.spec.catalogue import Catalogue


class Recorder:
    """The run that is under way.

    `directory` is where results and evidence go. `judged` are the roles of whom this run judges;
    `subjects` and `capabilities` are known when the drivers have started.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        directory: Path | None,
        *,
        command: str,
        seed: int,
        judged: Collection[str],
    ) -> None:
        self.path = None if directory is None else directory / "results.json"
        self.subjects: Mapping[str, Subject] = {}
        self.capabilities: Collection[str] = frozenset()
        self.run: Run | None = None
        """The finished run."""
        self._catalogue = catalogue
        self._command = command
        self._seed = seed
        self._judged = tuple(sorted(judged))
        self._scenarios: list[ScenarioResult] = []
        self._started = datetime.now(UTC)
        self._began = time.monotonic()

    def keep(self, result: ScenarioResult) -> None:
        """Take in `result`, to be written when the run is finished.

        Writing costs some 10 ms, which where many runs share an event loop is all of theirs.
        """
        self._scenarios.append(result)

    @property
    def results(self) -> tuple[ScenarioResult, ...]:
        """The results that were taken in so far."""
        return tuple(self._scenarios)

    def draft(self, plan: Plan, *, subset: bool, strict: bool = False) -> Run:
        """Return the run with the results that were taken in, to be settled; it says nothing yet.

        `subset` is whether scenarios were left out on purpose.
        """
        return replace(self._so_far(), plan=plan, subset=subset, strict=strict)

    def conclude(self, run: Run) -> None:
        """Take `run`, which is settled, for the finished one, and write it. Raises `ResultsError`."""
        self.run = run
        self._scenarios = list(run.scenarios)
        if self.path is not None:
            write_results(run, self.path)

    def subjects_json(self) -> dict[str, Any]:
        """Return the subjects in the form of `results.json`."""
        return {role: subject.to_json() for role, subject in self.subjects.items()}

    def _so_far(self) -> Run:
        requirements = requirement_results(self._catalogue, self._scenarios, self._judged)
        return Run(
            tool={"name": "clasp-e2e", "version": __version__},
            catalogue=self._catalogue.hash,
            started=self._started.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - self._began, 3),
            command=self._command,
            seed=self._seed,
            platform=f"{platform.platform()}, Python {platform.python_version()}",
            subjects=self.subjects,
            verdict=run_verdict(requirements, True, self._judged, self.capabilities),
            requirements=tuple(requirements),
            scenarios=tuple(self._scenarios),
            judged_roles=self._judged,
            capabilities=tuple(sorted(self.capabilities)),
            subset=True,
        )
