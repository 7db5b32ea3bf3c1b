"""`clasp-e2e matrix`, in real runs: cells of every kind, one result for all, and an orderly end."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clasp_e2e.commands.matrix_cells import cast, cell_folders
from clasp_e2e.results.matrix import Cell

from .conftest import COMMAND, Finished, environment

Command = Callable[..., Finished]

QUICK = ("-k", "test_the_mode_is_prefer_p2p_until_it_is_set")
DRIVERS = """
from pathlib import Path
from clasp_e2e.drivers import Description, DriverFault, NotAvailable
from clasp_e2e.drivers.reference import ReferenceDriver, ReferencePeer
from clasp_e2e.model import RoutingMode

class Liar(ReferenceDriver):
    async def open_peer(self, **how):
        peer = await super().open_peer(**how)
        async def mode():
            return RoutingMode.SERVER_ONLY
        peer.p2p_routing_mode = mode
        return peer

class Known(Liar):
    baseline = Path(__file__).with_name("known.toml")

class Missing(ReferenceDriver):
    async def initialize(self):
        raise NotAvailable("its compiler is missing; install it")

class Broken(ReferenceDriver):
    async def initialize(self):
        raise DriverFault("it fell over")

class Hangs(ReferenceDriver):
    async def open_peer(self, **how):
        print("under way", flush=True)
        await __import__("asyncio").get_running_loop().create_future()
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
def test_the_worst_cell_decides_and_a_broken_driver_is_named(command: Command, tmp_path: Path) -> None:
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
        (["--peers", ","], 2, "name at least one driver"),
        (["--peers", "reference", "--deadline-scale", "0"], 2, "give a number above 0"),
        (["--peers", "reference", "--jobs", "0"], 2, "not in the range"),
        (["--peers", "no.such:Driver"], 3, "no.such:Driver is not installed: No module named 'no'"),
        (["--peers", "cmd:no-such-program --x"], 3, "No such file or directory"),
        (["--peers", "reference", "-k", "nothing_of_the_kind"], 2, "No scenario selected"),
        (["--peers", "reference", "--require-all", "--routers", "no.such:Driver"], 3, "not available"),
    ],
)
def test_what_cannot_be_judged(command: Command, arguments: list[str], status: int, said: str) -> None:
    finished = command("matrix", *arguments)
    assert finished.returncode == status, finished.stdout + finished.stderr
    assert said in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr


@pytest.mark.usefixtures("drivers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_matrix_ends_its_runs_and_keeps_what_is_known(
    tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "out/drivers_Hangs-drivers_Hangs-over-reference/output.txt"
    output.parent.mkdir(parents=True)
    reader = None
    with subprocess.Popen(
        [*COMMAND, "matrix", "--peers", "drivers:Hangs", "--results", "out", *QUICK, "--", "-s"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "1 of 1 cells to be judged" in first
        output.touch()
        # A file says nothing of its growth: `tail` waits for its lines, and is a pipe.
        reader = subprocess.Popen(
            ["tail", "-n", "+1", "-F", str(output)],
            stdout=subprocess.PIPE,
            text=True,
            stderr=subprocess.DEVNULL,
        )
        assert reader.stdout is not None
        with reader:
            while "under way" not in reader.stdout.readline():
                pass
            reader.kill()
        process.send_signal(number)
        rest, _ = process.communicate(timeout=40)
    assert process.returncode == 3, first + rest
    assert "The matrix was interrupted; what is known so far is kept." in rest
    assert "Traceback" not in rest
    assert read(tmp_path / "out")["drivers:Hangs drivers:Hangs"]["state"] == "not_run"
    assert "KeyboardInterrupt" in output.read_text()  # The run was told, and had the time to end.


def test_the_reference_is_judged_only_where_it_stands_alone() -> None:
    def options(*names: str) -> list[str]:
        return cast(Cell(offerer=names[0], answerer=names[1], router=names[2]))

    every = ["--offerer", "reference", "--answerer", "reference", "--router"]
    assert options("reference", "reference", "rust") == [*every, "rust"]
    assert options("reference", "node", "reference") == ["--answerer", "node"]
    assert options("node", "rust", "rust") == ["--offerer", "node", "--answerer", "rust", "--router", "rust"]


def test_no_two_cells_share_a_folder() -> None:
    names = ("cmd:node a.js", "cmd:node/a.js", "x" * 200, "x" * 201)
    cells = [Cell(offerer=name, answerer="b", router="c") for name in names]
    folders = cell_folders(cells)
    assert len(set(folders.values())) == len(names)
    assert folders[cells[0].name] == "cmd_node_a.js-b-over-c"
