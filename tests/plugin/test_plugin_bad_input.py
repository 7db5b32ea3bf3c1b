"""Bad input, and implementations that raise, hang or exit: one message, the right status, nothing lost."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys

import pytest
from plugin_runs import HONEST, MODE, SET, Folder

from clasp_e2e.results.outcome import Outcome, Verdict


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--peer", "refrence"], "no driver named 'refrence'; did you mean 'reference'?"),
        (["--peer", "fakes:Honst"], "did you mean 'Honest'?"),
        (["--peer", "reference", "--offerer", "reference"], "leave out --offerer and --answerer"),
        (["--deadline-scale", "0"], "give a number above 0"),
        (["-k", "nothing_of_the_kind"], "No scenario selected."),
        (["--router", "reference"], "No scenario selected."),
    ],
)
def test_usage_error_is_one_message_and_has_its_own_status(
    folder: Folder, arguments: list[str], says: str
) -> None:
    found = folder.write(MODE).run(*arguments)
    assert found.status == 2, found.out
    assert says in found.out
    assert found.is_calm
    assert found.kept is None


def test_unknown_pairing_is_named_with_the_pairings_there_are(folder: Folder) -> None:
    found = folder.write(MODE).run("test_sample.py::test_the_mode[node-reference]", "--peer", HONEST)
    assert found.status == 2
    assert (
        "test_sample.py::test_the_mode has no pairing [node-reference] in this run; choose from ["
        in found.out
    )
    assert found.is_calm


def test_scenario_that_makes_no_sense_is_named_with_its_place(folder: Folder) -> None:
    unknown = """
        @requirement("CON-55")
        async def test_unknown(single):
            pass
    """
    found = folder.write(MODE, unknown).run("--peer", HONEST)
    lines = (folder.path / "test_sample.py").read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "CON-55" in text)
    assert found.status == 2
    assert (
        f"test_sample.py:{line}: test_unknown: CON-55 is not in the catalogue; did you mean CON-5"
        in found.out
    )
    assert found.is_calm


def test_router_that_is_not_there_is_one_message(folder: Folder) -> None:
    found = folder.write(MODE, SET).run("--peer", HONEST, "--router", "ws://127.0.0.1:1")
    assert found.status == 3
    assert "the router at ws://127.0.0.1:1 did not take a WebSocket" in found.out
    assert "Start the router, or pass the address" in found.out
    assert found.is_calm
    assert found.results.verdict is Verdict.INCONCLUSIVE
    assert found.results.scenarios == ()


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (("initialize", "raises"), "iut: initialize raised RuntimeError: out of cheese"),
        (("initialize", "never"), "iut: initialize did not return within 2 s"),
    ],
)
def test_implementation_that_does_not_start_is_one_message(
    folder: Folder, act: tuple[str, str], says: str
) -> None:
    found = folder.write(MODE, SET).run(act=act)
    assert found.status == 3
    assert says in found.out
    assert found.is_calm
    assert found.results.verdict is Verdict.INCONCLUSIVE


def test_adapter_that_ends_at_once_is_one_message_with_its_stderr(folder: Folder) -> None:
    adapter = shlex.join([sys.executable, "-c", "import sys; sys.exit('no such library')"])
    found = folder.write(MODE).run("--peer", f"cmd:{adapter}")
    assert found.status == 3
    assert "no such library" in found.out
    assert found.is_calm


def test_implementation_that_raises_hangs_or_dies_is_an_error_and_no_verdict(folder: Folder) -> None:
    again = "".join(MODE.replace("test_the_mode", f"test_mode_{number}") for number in range(5))
    acts = "raises never exits breaks_down leaks_a_task"
    router = """
        @requirement("CON-2")
        async def test_no_peer_is_needed(router):
            pass
    """
    found = folder.write(again, router).run(
        "--router", "reference", "--jobs", "1", act=("p2p_routing_mode", acts)
    )
    assert found.status == 3, found.out
    assert found.results.verdict is Verdict.INCONCLUSIVE
    assert found.outcomes.pop("test_no_peer_is_needed[router-reference]") == "passed"
    says = (
        "iut: p2p_routing_mode() raised RuntimeError: out of cheese",
        "iut: p2p_routing_mode() did not return within 0.5 s",
        "iut: p2p_routing_mode() raised SystemExit: 7",
        "the adapter ended with status 3",
        "task still running: forgotten",
    )
    messages = {s.id: s.message for s in found.results.scenarios if s.outcome is Outcome.ERROR}
    assert len(messages) == 5
    for number, said in enumerate(says):
        assert said in messages[f"test_sample::test_mode_{number}[iut]"]
        assert said in found.out
    assert "INTERNALERROR" not in found.out


def test_implementation_that_blocks_the_event_loop_is_interrupted_and_the_run_goes_on(
    folder: Folder,
) -> None:
    (folder.path / "conftest.py").write_text(
        "from clasp_e2e.execution import loop_watchdog\nloop_watchdog.BLOCKED_S = 1\n"
    )
    found = folder.write(MODE, SET).run(act=("p2p_routing_mode", "blocks"))
    assert found.status == 3, found.out
    assert set(found.outcomes.values()) == {"error"}
    assert len(found.outcomes) == 2
    assert "iut: p2p_routing_mode() raised" in found.out
    assert "LoopBlocked" in found.out


def test_implementation_that_does_not_end_leaves_the_run_inconclusive(folder: Folder) -> None:
    found = folder.write(MODE).run(act=("aclose", "raises"))
    assert found.status == 3, found.out
    assert "out of cheese" in found.out
    assert found.results.verdict is Verdict.INCONCLUSIVE
    assert found.outcomes["test_the_mode[iut]"] == "passed"


def test_interrupted_run_keeps_what_is_known(folder: Folder) -> None:
    under_way = """
        @requirement("SND-9", waits=True)
        async def test_it_takes_its_time(single):
            await single.attach(P2PConfig())
            print("under way", flush=True)
            await asyncio.get_running_loop().create_future()
    """
    folder.write(MODE, under_way)
    with subprocess.Popen(
        folder.command("--peer", HONEST, "-s", "-v", "--deadline-scale", "1"),
        cwd=folder.path,
        env=folder.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = ""
        while "PASSED" not in seen or "under way" not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    found = folder.finished(process.returncode, seen + rest)
    assert found.status == 3, found.out
    assert found.outcomes == {"test_the_mode[iut]": "passed"}
    assert found.results.verdict is Verdict.PARTIAL
    assert "INTERNALERROR" not in found.out
    assert "was never awaited" not in found.out
