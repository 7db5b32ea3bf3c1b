"""Selection of scenarios by the rules of pytest, for a run without pytest (the matrix)."""

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from clasp_e2e.execution.plan import ChosenScenarios
from clasp_e2e.plugin.invocation import pytest_arguments
from clasp_e2e.plugin.session import is_subset, names_files
from clasp_e2e.testbed.scenario import Scenario, scenario_of


class CollectionError(ValueError):
    """The scenarios cannot be read, or none is selected; the message says why."""


class _Collector:
    """The hooks that record what pytest collects."""

    def __init__(self) -> None:
        self.chosen: ChosenScenarios | None = None
        self._read: dict[tuple[Path, Scenario], None] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Record all scenarios before any is deselected."""
        self._read = _scenarios(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record the selected scenarios."""
        config = session.config
        self.chosen = ChosenScenarios(
            tuple(_scenarios(session.items)),
            tuple(self._read),
            subset=is_subset(config),
            all_files=not names_files(config),
        )


def choose_scenarios(keyword: str | None, markers: str | None, files: Sequence[str]) -> ChosenScenarios:
    """Return the scenarios that `-k`, `-m` and the named `files` (by default, all files) select.

    The names that `keyword` matches do not include the pairing. Raises `CollectionError` with the message
    of pytest, and `KeyboardInterrupt` if pytest was interrupted.
    """
    collector, output = _Collector(), io.StringIO()
    options = [("-k", keyword), ("-m", markers)]
    arguments = [text for name, value in options if value is not None for text in (name, value)]
    with redirect_stdout(output), redirect_stderr(output):
        status = pytest.main(
            [*pytest_arguments(files), "--collect-only", "-q", "-p", "no:cacheprovider", *arguments],
            plugins=[collector],
        )
    if (
        status == pytest.ExitCode.INTERRUPTED
        and collector.chosen is None
        and "KeyboardInterrupt" in output.getvalue()
    ):
        raise KeyboardInterrupt
    if collector.chosen is None or status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        lines = output.getvalue().strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR: ")] or lines
        raise CollectionError("the scenarios cannot be read:\n" + "\n".join(errors))
    if not collector.chosen.scenarios:
        raise CollectionError(
            "No scenario selected. No scenario matches `-k` and `-m`; `clasp-e2e list` shows all scenarios."
        )
    return collector.chosen


def _scenarios(items: Sequence[pytest.Item]) -> dict[tuple[Path, Scenario], None]:
    found = ((item.path, scenario_of(getattr(item, "function", None))) for item in items)
    return {(path, scenario): None for path, scenario in found if scenario is not None}
