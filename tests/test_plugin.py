"""Real runs of the plugin: what a user sees, what the exit status says, what is kept.

The implementations are the fakes of the testbed's tests; each run is a process of its own.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest

from clasp_e2e.results.model import Run
from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.store import read_results

HERE = Path(__file__).parent
HONEST, ACTING = "fakes:Honest", "fakes:Acting"

HEAD = """
    import asyncio

    from clasp_e2e.model import *
    from clasp_e2e.testbed import *

    PREFER = RoutingMode.PREFER_P2P
"""
MODE = """
    @requirement("RTE-1")
    async def test_the_mode(alone):
        '''A client that was never told a mode is in PreferP2P.'''
        client = await alone.attach(P2PConfig())
        expect(await client.p2p_routing_mode(), "the mode of a new client").equals(PREFER)
"""
SET = """
    @requirement("RTE-2")
    async def test_the_mode_that_was_set(alone):
        '''The mode that was set is read.'''
        client = await alone.attach(P2PConfig())
        await client.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
        expect(await client.p2p_routing_mode(), "the mode").equals(RoutingMode.P2P_ONLY)
"""
SHOULD = """
    @requirement("CON-9")
    async def test_a_second_call_does_no_harm(alone):
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

    def __init__(self, path: Path) -> None:
        self.path = path
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
        return [sys.executable, "-m", "pytest", *own, "-W", "error", "--deadline-scale", "0.1", *arguments]

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
        return self._run([sys.executable, "-m", "pytest", *arguments])

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


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# Verdicts and exit statuses.


def test_what_meets_every_must_is_conformant_and_the_seed_fixes_its_payloads(folder: Folder) -> None:
    payload = """
        @requirement("DIR-3")
        async def test_a_payload(sides):
            remark(random_payload(8).hex())
    """
    first = folder.write(MODE, SET, payload).run("--peer", HONEST)
    assert first.status == 0, first.out
    assert first.is_calm
    assert first.results.verdict is Verdict.CONFORMANT
    assert first.results.subjects["offerer"].name == "fake"
    assert first.results.subjects["offerer"].driver == HONEST
    assert "clasp-e2e" in first.out
    assert f"judging answerer iut, offerer iut; seed {first.results.seed}" in first.out
    assert "\nCONFORMANT\n" in first.out
    second = folder.run("--peer", HONEST, "--seed", str(first.results.seed))
    remarks = [{s.id: s.remark for s in each.results.scenarios if s.remark} for each in (first, second)]
    assert remarks[0] == remarks[1]
    assert len(set(remarks[0].values())) == len(remarks[0]) == 2


def test_a_must_that_is_not_met_tells_all_and_its_replay_repeats_it(folder: Folder) -> None:
    first = folder.write(MODE, SET).run("--junitxml", "junit.xml", act=("p2p_routing_mode", "is_wrong"))
    assert first.status == 1
    assert first.is_calm
    assert first.results.verdict is Verdict.NON_CONFORMANT
    assert first.outcomes["test_the_mode[iut]"] == "failed"
    text = " ".join(first.out.split())
    for expected in (
        'Required RTE-1, MUST (specification, section "Rust Client API")',
        "// Default: try P2P, fall back to relay",
        "Expected the mode of a new client: PreferP2P",
        "Seen ServerOnly",
        "p2p_routing_mode returned ServerOnly",
        "NOT CONFORMANT",
    ):
        assert expected in text
    evidence = folder.path / "reports/latest/evidence/test_sample_test_the_mode_iut.json"
    assert evidence.exists()
    assert str(evidence) in first.out
    only = folder.run("-k", "the_mode and not set", "--seed", "42", act=("p2p_routing_mode", "is_wrong"))
    again = folder.replay(only)
    assert again.status == 1
    assert again.outcomes == {"test_the_mode[iut]": "failed"}
    assert again.results.seed == 42
    junit = ElementTree.parse(folder.path / "junit.xml")
    assert {case.get("name") for case in junit.iter("testcase") if case.find("failure") is not None} == {
        "test_the_mode[iut]",
        "test_the_mode_that_was_set[iut]",
    }


def test_a_deviation_is_shown_as_such_and_fails_only_under_strict(folder: Folder) -> None:
    lenient = folder.write(MODE, SHOULD).run("--peer", HONEST, "-v")
    assert lenient.status == 0, lenient.out
    assert lenient.results.verdict is Verdict.CONFORMANT_WITH_DEVIATIONS
    assert "DEVIATION" in lenient.out
    assert "CONFORMANT, WITH DEVIATIONS" in lenient.out
    assert "1 passed, 1 deviation" in lenient.out
    strict = folder.run("--peer", HONEST, "--strict")
    assert strict.status == 1
    assert "Expected    no harm" in strict.out
    assert "--strict" in strict.out.partition("Repeat with")[2].partition("\n")[0]
    assert strict.results.verdict is Verdict.CONFORMANT_WITH_DEVIATIONS


def test_a_part_chosen_on_purpose_is_partial_and_no_failure(folder: Folder) -> None:
    folder.write(MODE, SET)
    for choice in (["-k", "mode_that_was_set"], ["test_sample.py"]):
        found = folder.run("--peer", HONEST, *choice)
        assert found.status == 0, found.out
        assert found.results.verdict is Verdict.PARTIAL


def test_every_outcome_has_its_word_in_the_terminal_in_junit_and_in_the_results(folder: Folder) -> None:
    others = """
        @requirement("RTE-2")
        async def test_it_cannot_be_seen(alone):
            raise Unobserved("no datagram was seen")

        @requirement("EVT-8")
        async def test_it_is_not_offered(alone):
            raise NotOffered("there is no such call")

        @requirement("ICE-4")
        async def test_it_is_blocked(alone):
            raise Blocked("CON-3", "no offer was sent")

        @requirement("TMO-1", slow=True)
        async def test_it_is_broken(alone):
            raise ZeroDivisionError("a bug of the scenario's")
    """
    found = folder.write(MODE, SHOULD, others).run("--peer", HONEST, "-v", "--junitxml", "junit.xml")
    assert found.status == 3
    expected = {
        "test_the_mode[iut]": "passed",
        "test_a_second_call_does_no_harm[iut]": "deviation",
        "test_it_cannot_be_seen[iut]": "unobserved",
        "test_it_is_not_offered[iut]": "not_offered",
        "test_it_is_blocked[iut]": "blocked",
        "test_it_is_broken[iut]": "error",
    }
    assert found.outcomes == expected
    assert found.results.verdict is Verdict.INCONCLUSIVE
    for name, outcome in expected.items():
        (line,) = [each for each in found.out.splitlines() if f"::{name} " in each and "%]" in each]
        assert outcome.replace("_", " ").upper() in line
    cases = ElementTree.parse(folder.path / "junit.xml").iter("testcase")
    told = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")} for case in cases
    }
    assert {name: properties["outcome"] for name, properties in told.items()} == expected
    assert told["test_the_mode[iut]"]["requirements"] == "RTE-1"
    assert "a bug of the scenario's" in found.out


def test_a_must_that_was_not_judged_leaves_the_run_partial(folder: Folder) -> None:
    unjudged = """
        @requirement("TMO-2")
        async def test_it(alone):
            raise NotOffered("there is no such call")
    """
    found = folder.write(MODE, unjudged).run("--peer", HONEST)
    assert (found.status, found.results.verdict) == (3, Verdict.PARTIAL)


def test_other_tests_beside_the_scenarios_count(folder: Folder) -> None:
    plain = "def test_plain():\n    assert 1 == 2"
    found = folder.write(MODE, plain).run("--peer", HONEST)
    assert found.status == 1
    assert found.results.verdict is Verdict.CONFORMANT


# Bad input.


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
def test_a_wrong_use_is_one_message_and_its_own_status(
    folder: Folder, arguments: list[str], says: str
) -> None:
    found = folder.write(MODE).run(*arguments)
    assert found.status == 2, found.out
    assert says in found.out
    assert found.is_calm
    assert found.kept is None


def test_a_scenario_that_makes_no_sense_is_named_with_its_place(folder: Folder) -> None:
    unknown = """
        @requirement("CON-55")
        async def test_unknown(alone):
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


def test_a_router_that_is_not_there_is_one_message(folder: Folder) -> None:
    found = folder.write(MODE, SET).run("--peer", HONEST, "--router", "ws://127.0.0.1:1")
    assert found.status == 3
    assert "the router at ws://127.0.0.1:1 did not take a WebSocket" in found.out
    assert "Start the router, or give the address" in found.out
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
def test_an_implementation_that_does_not_start_is_one_message(
    folder: Folder, act: tuple[str, str], says: str
) -> None:
    found = folder.write(MODE, SET).run(act=act)
    assert found.status == 3
    assert says in found.out
    assert found.is_calm
    assert found.results.verdict is Verdict.INCONCLUSIVE


def test_an_adapter_that_ends_at_once_is_one_message_with_its_last_words(folder: Folder) -> None:
    adapter = shlex.join([sys.executable, "-c", "import sys; sys.exit('no such library')"])
    found = folder.write(MODE).run("--peer", f"cmd:{adapter}")
    assert found.status == 3
    assert "no such library" in found.out
    assert found.is_calm


def test_an_implementation_that_raises_hangs_or_dies_is_an_error_and_no_verdict(folder: Folder) -> None:
    again = "".join(MODE.replace("test_the_mode", f"test_mode_{number}") for number in range(5))
    acts = "raises never exits breaks_down leaks_a_task"
    router = """
        @requirement("CON-2")
        async def test_no_peer_is_needed(router):
            pass
    """
    found = folder.write(again, router).run("--router", "reference", act=("p2p_routing_mode", acts))
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


def test_an_implementation_that_holds_up_everything_is_interrupted_and_the_run_goes_on(
    folder: Folder,
) -> None:
    (folder.path / "conftest.py").write_text("import clasp_e2e.plugin\nclasp_e2e.plugin.LAST_RESORT = 1\n")
    found = folder.write(MODE, SET).run(act=("p2p_routing_mode", "blocks"))
    assert found.status == 3, found.out
    assert set(found.outcomes.values()) == {"error"}
    assert len(found.outcomes) == 2
    assert "iut: p2p_routing_mode() raised" in found.out
    assert "Timeout" in found.out


def test_an_implementation_that_does_not_end_leaves_the_run_inconclusive(folder: Folder) -> None:
    found = folder.write(MODE).run(act=("aclose", "raises"))
    assert found.status == 3, found.out
    assert "out of cheese" in found.out
    assert found.results.verdict is Verdict.INCONCLUSIVE
    assert found.outcomes["test_the_mode[iut]"] == "passed"


def test_an_interrupted_run_keeps_what_is_known(folder: Folder) -> None:
    under_way = """
        @requirement("SND-9", waits=True)
        async def test_it_takes_its_time(alone):
            await alone.attach(P2PConfig())
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


# Many processes.


@pytest.fixture
def many(folder: Folder) -> Folder:
    pytest.importorskip("xdist")
    waits = """
        @requirement("TMO-2", waits=True)
        async def test_a_wait(alone):
            await alone.attach(P2PConfig())

        @requirement("CON-5")
        async def test_they_connect(sides):
            pair = await sides.attach()
            await pair.offerer.connect_to_peer(pair.answerer)

        @requirement("SND-1")
        async def test_they_talk(sides):
            raise Unmet("a payload", "none")
    """
    return folder.write(MODE, SET, SHOULD, waits)


def test_several_processes_come_to_the_same_results(many: Folder) -> None:
    act = ("connect_to_peer", "refuses")
    alone = many.run(act=act, role="--offerer")
    together = many.run("-n", "2", act=act, role="--offerer", xdist=True)
    assert (together.status, together.results.verdict) == (alone.status, alone.results.verdict)
    assert together.results.totals == alone.results.totals
    assert together.outcomes == alone.outcomes
    assert alone.outcomes["test_they_talk[iut-reference]"] == "blocked"
    assert together.results.subjects == alone.results.subjects
    assert together.results.capabilities == alone.results.capabilities != ()
    verdicts = [
        {r.id: (r.verdict, r.blocked_by) for r in run.results.requirements} for run in (alone, together)
    ]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["SND-1"] == (RequirementVerdict.BLOCKED, "CON-5")
    assert len({r.seed for r in (alone.results, together.results)}) == 2


def test_several_processes_start_their_long_waits_together(folder: Folder) -> None:
    pytest.importorskip("xdist")
    meet = """
        import pytest

        WAITING = []

        @requirement("{0}", waits=True)
        async def test_first(alone):
            WAITING.append("first")
            while len(WAITING) < 2:
                await asyncio.sleep(0)

        @requirement("{0}", waits=True)
        async def test_other(alone):
            WAITING.append("other")
    """
    folder.write(meet.format("TMO-2"))
    found = folder.run("-n", "1", "--offerer", HONEST, xdist=True)
    assert found.status == 0, found.out
    assert set(found.outcomes.values()) == {"passed"}


def test_several_processes_say_what_is_wrong_as_one_does(many: Folder) -> None:
    found = many.run("-n", "2", "--peer", HONEST, "--router", "ws://127.0.0.1:1", xdist=True)
    assert found.status == 3, found.out
    assert "Start the router, or give the address" in found.out
    assert found.is_calm
    assert found.results.verdict is Verdict.INCONCLUSIVE
    assert {Outcome(outcome) for outcome in found.outcomes.values()} <= {Outcome.ERROR}
    assert many.run("-n", "2", "--peer", HONEST, "-k", "nothing_of_the_kind", xdist=True).status == 2
    many.write('@requirement("CON-55")\nasync def test_unknown(alone): ...')
    unknown = many.run("-n", "2", "--peer", HONEST, xdist=True)
    assert unknown.status == 2, unknown.out
    assert "did you mean CON-5" in unknown.out
    assert unknown.is_calm


def test_a_process_that_dies_leaves_the_run_inconclusive(folder: Folder) -> None:
    pytest.importorskip("xdist")
    dies = """
        import os

        @requirement("SND-9")
        async def test_it_dies(alone):
            os._exit(9)
    """
    found = folder.write(MODE, dies).run(
        "-n", "2", "--max-worker-restart", "0", "--offerer", HONEST, xdist=True
    )
    assert found.status == 3, found.out
    assert found.results.scenarios
