"""The plugin under xdist: the distribution of scenarios, and the data that the processes exchange.

Registered only if xdist is installed, because these are its hooks.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScheduling  # pyright: ignore[reportMissingTypeStubs] - it has none

from clasp_e2e.execution.run_session import RunSession


class Stripes(LoadScheduling):
    """A distribution in which worker number i of n runs every n-th test, starting with i.

    Each worker knows its tests in advance, and schedules all their cases when it starts. As in xdist, the
    remaining tests of a dead worker go to the others.
    """

    def schedule(self) -> None:
        """Distribute the tests; later calls redistribute the tests of a dead worker."""
        if self.collection is not None or not self._check_nodes_have_same_collection():
            super().schedule()
            return
        self.collection = next(iter(self.node2collection.values()))
        nodes: dict[int, Any] = {_number(str(node.gateway.id)): node for node in self.nodes}  # pyright: ignore
        for number, node in nodes.items():
            stripe = list(range(number, len(self.collection), len(nodes)))
            self.node2pending[node].extend(stripe)
            node.send_runtest_some(stripe)
            node.shutdown()


def runs_here(config: pytest.Config, place: int) -> bool:
    """Return whether this process is certain to run the test at index `place` of the collection."""
    from_controller: dict[str, Any] | None = getattr(config, "workerinput", None)
    if from_controller is None:
        return True
    number, count = _number(from_controller["workerid"]), int(from_controller["workercount"])
    return bool(from_controller["clasp_stripes"]) and number < count and place % count == number


class Controller:
    """The hooks of the process that distributes the scenarios and keeps the record."""

    def __init__(self, run: RunSession, failed: frozenset[str] | None) -> None:
        self._run = run
        self._failed = failed

    def pytest_configure_node(self, node: Any) -> None:
        """Pass the seed, the cases of `--failed`, and whether stripes are used, to a worker."""
        node.workerinput["clasp_seed"] = self._run.plan.seed
        node.workerinput["clasp_failed"] = None if self._failed is None else sorted(self._failed)
        node.workerinput["clasp_stripes"] = node.config.option.dist == "load"

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Stripes | None:
        """Replace xdist's default distribution by stripes; keep a distribution that the user selected."""
        return Stripes(config, log) if config.option.dist == "load" else None

    def pytest_testnodedown(self, node: Any) -> None:
        """Merge the plan and the capabilities that only a worker knows."""
        payload = getattr(node, "workeroutput", {}).get("clasp_run")  # None if it died.
        if payload is not None:
            self._run.cases.merge_worker_payload(payload["cases"])
            if payload["capabilities"]:
                self._run.journal.note(capabilities=payload["capabilities"])


class Worker:
    """The hooks of a worker process, which runs scenarios."""

    def __init__(self, config: pytest.Config, run: RunSession) -> None:
        self._config = config
        self._run = run

    def pytest_sessionfinish(self) -> None:
        """Send the plan and the capabilities to the controller."""
        output: dict[str, Any] = self._config.workeroutput  # pyright: ignore
        output["clasp_run"] = {
            "cases": self._run.cases.to_worker_payload(),
            "capabilities": sorted(self._run.journal.capabilities),
        }


def _number(worker_id: str) -> int:
    return int(worker_id.removeprefix("gw"))
