"""Runs of the plugin as processes, each in its own folder, and the files that they write."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import read_results

HERE = Path(__file__).parent
HONEST, ACTING = "fakes:Honest", "fakes:Acting"

HEAD = """
    import asyncio

    from clasp_e2e.p2p_types import *
    from clasp_e2e.testbed import *

    PREFER = RoutingMode.PREFER_P2P
"""
MODE = """
    @requirement("RTE-1")
    async def test_the_mode(single):
        '''A client whose mode was never set is in PreferP2P.'''
        client = await single.attach(P2PConfig())
        expect(await client.p2p_routing_mode(), "the mode of a new client").equals(PREFER)
"""
SET = """
    @requirement("RTE-2")
    async def test_the_mode_that_was_set(single):
        '''The mode that was set is read.'''
        client = await single.attach(P2PConfig())
        await client.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
        expect(await client.p2p_routing_mode(), "the mode").equals(RoutingMode.P2P_ONLY)
"""
SHOULD = """
    @requirement("CON-9")
    async def test_a_second_call_does_no_harm(single):
        '''A second call does no harm.'''
        raise Unmet("no harm", "harm")
"""


@dataclass(frozen=True)
class Finished:
    """A run that came to its end."""

    status: int
    out: str
    kept: Run | None
    """What `results.json` held when the run was over."""

    @property
    def results(self) -> Run:
        assert self.kept is not None, self.out
        return self.kept

    @property
    def outcomes(self) -> dict[str, str]:
        return {s.id.partition("::")[2]: s.outcome.value for s in self.results.scenarios}

    @property
    def is_calm(self) -> bool:
        """Whether nothing was printed that looks like a fault of the harness."""
        return not any(word in self.out for word in ("Traceback", "INTERNALERROR", "Warning"))


class Folder:
    """A folder with scenarios, and pytest to run them."""

    def __init__(self, path: Path, python_m: list[str]) -> None:
        self.path = path
        self._python_m = python_m
        (path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = session\n")
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE / "testbed")]),
            "COLUMNS": "200",
        }
        for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "CI", "FORCE_COLOR"):
            self.environment.pop(name, None)

    def write(self, *parts: str, name: str = "test_sample.py") -> Folder:
        text = "\n".join(dedent(part) for part in (HEAD, *parts))
        (self.path / name).write_text(text)
        return self

    def command(self, *arguments: str, xdist: bool = False) -> list[str]:
        without = ["cacheprovider", "hypothesispytest", *([] if xdist else ["xdist"])]
        own = ["-p", "clasp_e2e.plugin", *(f"-pno:{name}" for name in without)]
        return [*self._python_m, "pytest", *own, "-W", "error", "--deadline-scale", "0.1", *arguments]

    def run(
        self,
        *arguments: str,
        act: tuple[str, str] | None = None,
        role: str = "--peer",
        xdist: bool = False,
    ) -> Finished:
        """Run pytest; `act` is the call that the fake in `role` does wrong, and how."""
        if act is not None:
            self.environment |= {"FAKE_CALL": act[0], "FAKE_ACT": act[1]}
            arguments = (role, ACTING, *arguments)
        return self._run(self.command(*arguments, xdist=xdist))

    def replay(self, of: Finished) -> Finished:
        """Run the command that a failure says repeats it."""
        (line,) = [line for line in of.out.splitlines() if line.startswith("Repeat with")]
        program, *arguments = shlex.split(line.removeprefix("Repeat with"))
        assert program == "pytest"
        return self._run([*self._python_m, "pytest", *arguments])

    def finished(self, status: int, out: str) -> Finished:
        results = self.path / "reports/latest/results.json"
        return Finished(status, out, read_results(results) if results.exists() else None)

    def _run(self, command: list[str]) -> Finished:
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return self.finished(done.returncode, done.stdout)
