"""`clasp-e2e matrix` in real runs: cells of each kind, the combined results, and interruption."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from clasp_e2e.execution.matrix_cells import assign_roles, cell_folders
from clasp_e2e.results.matrix_results import Cell

from .conftest import LIAR, Command, Invoke, environment

QUICK = ("-k", "test_the_mode_is_prefer_p2p_until_it_is_set")
DRIVERS = (
    LIAR
    + """
from pathlib import Path
from clasp_e2e.drivers import Description, DriverFault, NotAvailable
from clasp_e2e.drivers.reference import ReferencePeer

class Known(Liar):
    baseline = Path(__file__).with_name("known.toml")

class Missing(ReferenceDriver):
    async def initialize(self):
        raise NotAvailable("its compiler is missing; install it")

class Broken(ReferenceDriver):
    async def initialize(self):
        raise DriverFault("it fell over")

class Exits(ReferenceDriver):
    async def open_peer(self, **how):
        raise SystemExit(7)

class Once(ReferenceDriver):
    router_per_scenario = False
    begun = ended = routers = 0
    async def initialize(self):
        self.begun += 1
        return await super().initialize()
    async def open_router(self, **where):
        self.routers += 1
        return await super().open_router(**where)
    async def aclose(self):
        self.ended += 1
        print(f"begun {self.begun}, routers {self.routers}, ended {self.ended}")

class Sticks(ReferenceDriver):
    async def aclose(self):
        raise DriverFault("it does not end")

class Hangs(ReferenceDriver):
    opened = 0
    async def open_peer(self, **how):
        self.opened += 1
        if self.opened == 1:
            return await super().open_peer(**how)
        print("under way", flush=True)
        await __import__("asyncio").get_running_loop().create_future()
"""
)
TELLS = """
import sys
from clasp_e2e.drivers.stdio import StdioDriver

class Adapter(StdioDriver):
    def __init__(self):
        super().__init__([sys.executable, "adapter.py"])
    async def open_peer(self, **how):
        print("under way", flush=True)
        return await super().open_peer(**how)
"""
HANGING_ADAPTER = """
import json, os, sys
open(f"{os.getpid()}.pid", "w").close()
for line in sys.stdin:
    request = json.loads(line)
    result = {"protocol": 1, "implementation": {"name": "x", "version": "1", "language": "Python"},
              "roles": ["peer"], "capabilities": [], "processes": "per_peer"}
    if request["method"] == "initialize":
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"""
KNOWN = """
[[known]]
requirement = "RTE-1"
pairing = "*"
scenario = "test_the_mode_is_prefer_p2p_until_it_is_set"
reason = "It was never told."
seen = 'seen: ServerOnly'
"""


@pytest.fixture
def drivers(tmp_path: Path) -> None:
    (tmp_path / "drivers.py").write_text(DRIVERS)
    (tmp_path / "known.toml").write_text(KNOWN)


def read(folder: Path) -> dict[str, dict]:
    """The cells by offerer and answerer."""
    document = json.loads((folder / "matrix.json").read_text())
    return {f"{cell['offerer']} {cell['answerer']}": cell for cell in document["cells"]}


@pytest.mark.usefixtures("drivers")
def test_every_pair_is_judged_or_has_its_reason(command: Command, tmp_path: Path) -> None:
    peers = "reference,drivers:Known,drivers:Missing"
    finished = command("matrix", "--peers", peers, "--results", "out", "--jobs", "2", "--seed", "7", *QUICK)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    cells = read(tmp_path / "out")
    assert len(cells) == 9
    assert {name for name, cell in cells.items() if cell["state"] == "not_available"} == {
        name for name in cells if "drivers:Missing" in name
    }
    missing = cells["reference drivers:Missing"]
    assert missing["reason"] == "drivers:Missing: its compiler is missing; install it"
    assert finished.stdout.count("5 cells not available: drivers:Missing: its compiler") == 2
    assert cells["reference reference"]["verdict"] == "partial"
    known = cells["drivers:Known drivers:Known"]
    assert (known["verdict"], known["exit_status"]) == ("non_conformant", 0)
    assert known["failed"] == known["known"] == ["RTE-1"]
    run = json.loads((tmp_path / "out" / known["results"]).read_text())
    assert run["seed"] == 7
    assert run["judged_roles"] == ["answerer", "offerer"]
    assert "reference → drivers:Known over reference: NOT CONFORMANT, AS KNOWN" in finished.stdout
    assert "Traceback" not in finished.stdout + finished.stderr


@pytest.mark.usefixtures("drivers")
def test_worst_cell_decides_and_a_broken_driver_is_named(command: Command, tmp_path: Path) -> None:
    finished = command("matrix", "--peers", "drivers:Liar", "--peers", "drivers:Broken", *QUICK)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    cells = read(tmp_path / "reports/latest/matrix")
    assert cells["drivers:Liar drivers:Liar"]["failed"] == ["RTE-1"]
    assert cells["drivers:Liar drivers:Broken"]["state"] == "broken"
    assert cells["drivers:Liar drivers:Broken"]["reason"] == "drivers:Broken: it fell over"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--peers", "refrence"], 2, "did you mean 'reference'?"),
        (["--peers", ","], 2, "name at least one"),
        (["--peers", "reference", "--deadline-scale", "0"], 2, "give a number above 0"),
        (["--peers", "reference", "--jobs", "0"], 2, "give a number above 0"),
        (["--peers", "no.such:Driver"], 3, "no.such:Driver is not installed: No module named 'no'"),
        (["--peers", "cmd:no-such-program --x"], 3, "No such file or directory"),
        (["--peers", "reference", "-k", "nothing_of_the_kind"], 2, "No scenario selected"),
        (["--peers", "reference", "-k", "and and"], 2, "is not an expression"),
        (["--peers", "reference", "test_nowhere.py"], 2, "test_nowhere.py"),
        (["--peers", "reference", "--", "-n", "2"], 2, "-n is an option of pytest"),
        (["--peers", "reference", "--require-all", "--routers", "no.such:Driver"], 3, "not available"),
    ],
)
def test_matrix_that_cannot_be_judged_ends_with_a_message(
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("matrix", *arguments)
    assert (result.exit_code, type(result.exception)) == (status, SystemExit), result.output
    assert said in result.output


@pytest.mark.usefixtures("drivers")
def test_implementation_is_started_once_for_all_cells_and_roles(command: Command, tmp_path: Path) -> None:
    peers, routers = "reference,drivers:Once", "drivers:Once,reference"
    finished = command("matrix", "--peers", peers, "--routers", routers, "--results", "out", *QUICK)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("begun") == finished.stdout.count("begun 1, routers 1, ended 1") == 1
    assert "\n1 of " in finished.stdout, "progress is printed to a log"
    document = json.loads((tmp_path / "out/matrix.json").read_text())
    assert [cell["state"] for cell in document["cells"]] == ["judged"] * 8
    for cell in document["cells"]:
        folder = tmp_path / "out" / Path(cell["results"]).parent
        scenarios = json.loads((folder / "results.json").read_text())["scenarios"]
        assert scenarios
        for scenario in scenarios:
            assert (tmp_path / scenario["evidence"]).resolve().is_relative_to(folder)


@pytest.mark.usefixtures("drivers")
def test_case_of_several_cells_is_observed_once_and_judged_in_each(command: Command, tmp_path: Path) -> None:
    alone = "test_routing_mode.py::test_the_mode_is_prefer_p2p_until_it_is_set"
    finished = command("matrix", "--peers", "reference,drivers:Once", "--results", "out", alone)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found: dict[str, list[dict[str, object]]] = {}
    for run in sorted((tmp_path / "out").glob("*/results.json")):
        for scenario in json.loads(run.read_text())["scenarios"]:
            evidence = json.loads((tmp_path / scenario["evidence"]).read_text())
            assert (tmp_path / scenario["evidence"]).parents[1] == run.parent
            assert evidence["scenario"]["replay"] == scenario["replay"]
            found.setdefault(scenario["id"], []).append(evidence)
    shared = [each for each in found.values() if len(each) > 1]
    assert shared
    for one, *others in shared:
        assert all(other["timeline"] == one["timeline"] for other in others)
        assert all(other["run"] != one["run"] for other in others)


@pytest.mark.usefixtures("drivers")
def test_known_failure_of_one_cell_is_not_known_in_another(command: Command, tmp_path: Path) -> None:
    finished = command("matrix", "--peers", "reference,drivers:Exits", "--results", "out", *QUICK)
    assert finished.returncode == 3, finished.stdout + finished.stderr
    cells = read(tmp_path / "out")
    assert cells.pop("reference reference")["exit_status"] == 0
    assert {(cell["verdict"], *cell["undecided"]) for cell in cells.values()} == {("inconclusive", "RTE-1")}


@pytest.mark.usefixtures("drivers")
def test_driver_that_does_not_end_is_named_and_leaves_the_matrix_undecided(
    command: Command, tmp_path: Path
) -> None:
    finished = command("matrix", "--peers", "drivers:Sticks", "--results", "out", *QUICK)
    assert finished.returncode == 3, finished.stdout + finished.stderr
    assert "error: it does not end" in finished.stdout
    document = json.loads((tmp_path / "out/matrix.json").read_text())
    assert document["faults"] == ["it does not end"]
    assert document["cells"][0]["exit_status"] == 0


def test_command_of_a_case_repeats_it(command: Command, tmp_path: Path) -> None:
    scenario = "test_routing_mode.py::test_the_mode_is_prefer_p2p_until_it_is_set"
    finished = command("matrix", "--peers", "reference", "--results", "out", "--seed", "7", scenario)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (run,) = (tmp_path / "out").glob("*/results.json")
    told = json.loads(run.read_text())
    assert told["subset"] is True
    program, *again = shlex.split(told["scenarios"][0]["replay"])
    assert program == "clasp-e2e"
    repeated = command(*again, "--results", "again")
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    (one,) = json.loads((tmp_path / "again/results.json").read_text())["scenarios"]
    assert one["id"] == told["scenarios"][0]["id"]
    replayed = command("replay", told["scenarios"][0]["evidence"])
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def interrupted(
    command: list[str],
    folder: Path,
    number: signal.Signals,
    peer: str,
    *,
    after: tuple[str, ...] = ("under way",),
) -> tuple[int, str]:
    """Interrupt a matrix of `peer` alone when all of `after` is printed; return its status and output."""
    command = [*command, "matrix", "--peers", peer, "--results", "out", "-k", "test_the_mode_"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        while not all(text in said for text in after):
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(number)
        rest, _ = process.communicate(timeout=40)
    return process.returncode, said + rest


@pytest.mark.usefixtures("drivers")
@pytest.mark.parametrize(
    ("number", "shell"),
    [
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
        # As a shell starts a job in the background: neither it nor what it starts receives Ctrl-C.
        (signal.SIGTERM, ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh"]),
    ],
)
def test_interrupted_matrix_ends_in_order_and_keeps_what_is_known(
    clasp_e2e: list[str], tmp_path: Path, number: signal.Signals, shell: list[str]
) -> None:
    after = ("under way", "\n1 of ")
    status, said = interrupted([*shell, *clasp_e2e], tmp_path, number, "drivers:Hangs", after=after)
    assert status == 3, said
    assert "The matrix was interrupted; the results so far are kept." in said
    assert "Traceback" not in said
    (cell,) = read(tmp_path / "out").values()
    assert cell["state"] == "interrupted"
    run = json.loads((tmp_path / "out" / cell["results"]).read_text())
    assert [scenario["outcome"] for scenario in run["scenarios"]] == ["passed"]
    assert run["subset"] is True


def test_interrupted_matrix_leaves_no_process_behind(clasp_e2e: list[str], tmp_path: Path) -> None:
    (tmp_path / "adapter.py").write_text(HANGING_ADAPTER)
    (tmp_path / "told.py").write_text(TELLS)
    status, said = interrupted(clasp_e2e, tmp_path, signal.SIGTERM, "told:Adapter")
    assert status == 3, said
    started = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert started
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_reference_is_judged_only_in_its_own_cells() -> None:
    def judged(*names: str) -> dict[str, str]:
        return assign_roles(Cell(offerer=names[0], answerer=names[1], router=names[2]))

    every = {"offerer": "reference", "answerer": "reference", "router": "rust"}
    assert judged("reference", "reference", "rust") == every
    assert judged("reference", "node", "reference") == {"answerer": "node"}
    assert judged("node", "rust", "rust") == {"offerer": "node", "answerer": "rust", "router": "rust"}


def test_no_two_cells_share_a_folder() -> None:
    names = ("cmd:node a.js", "cmd:node/a.js", "x" * 200, "x" * 201)
    cells = [Cell(offerer=name, answerer="b", router="c") for name in names]
    folders = cell_folders(cells)
    assert len(set(folders.values())) == len(names)
    assert folders[cells[0].name] == "cmd_node_a.js-b-over-c"
