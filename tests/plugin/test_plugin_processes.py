"""The plugin under xdist: several processes reach the result of one."""

from __future__ import annotations

import pytest
from plugin_runs import HONEST, MODE, SET, SHOULD, Folder

from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict


@pytest.fixture
def many(folder: Folder) -> Folder:
    pytest.importorskip("xdist")
    waits = """
        @requirement("TMO-2", waits=True)
        async def test_a_wait(single):
            await single.attach(P2PConfig())

        @requirement("CON-5")
        async def test_they_connect(unconnected):
            pair = await unconnected.attach()
            await pair.offerer.connect_to_peer(pair.answerer)

        @requirement("SND-1")
        async def test_they_talk(unconnected):
            raise Unmet("a payload", "none")
    """
    return folder.write(MODE, SET, SHOULD, waits)


def test_workers_of_xdist_have_the_same_results(many: Folder) -> None:
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


def test_worker_of_xdist_starts_its_long_waits_together(folder: Folder) -> None:
    pytest.importorskip("xdist")
    meet = """
        import pytest

        WAITING = []

        @requirement("{0}", waits=True)
        async def test_first(single):
            WAITING.append("first")
            while len(WAITING) < 2:
                await asyncio.sleep(0)

        @requirement("{0}", waits=True)
        async def test_other(single):
            WAITING.append("other")
    """
    folder.write(meet.format("TMO-2"))
    found = folder.run("-n", "1", "--offerer", HONEST, xdist=True)
    assert found.status == 0, found.out
    assert set(found.outcomes.values()) == {"passed"}


def test_workers_of_xdist_report_errors_as_one_process_does(many: Folder) -> None:
    found = many.run("-n", "2", "--peer", HONEST, "--router", "ws://127.0.0.1:1", xdist=True)
    assert found.status == 3, found.out
    assert "Start the router, or pass the address" in found.out
    assert found.is_calm
    assert found.results.verdict is Verdict.INCONCLUSIVE
    assert {Outcome(outcome) for outcome in found.outcomes.values()} <= {Outcome.ERROR}
    assert many.run("-n", "1", "--peer", HONEST, "-k", "nothing_of_the_kind", xdist=True).status == 2
    many.write('@requirement("CON-55")\nasync def test_unknown(single): ...')
    unknown = many.run("-n", "1", "--peer", HONEST, xdist=True)
    assert unknown.status == 2, unknown.out
    assert "did you mean CON-5" in unknown.out
    assert unknown.is_calm


def test_worker_that_dies_leaves_the_run_inconclusive(folder: Folder) -> None:
    pytest.importorskip("xdist")
    dies = """
        import os

        @requirement("SND-9")
        async def test_it_dies(single):
            os._exit(9)
    """
    found = folder.write(MODE, dies).run(
        "-n", "2", "--max-worker-restart", "0", "--offerer", HONEST, xdist=True
    )
    assert found.status == 3, found.out
    assert found.results.scenarios
