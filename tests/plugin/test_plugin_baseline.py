"""Real runs with known failures: expected failures pass, and each incorrect entry fails the run."""

from __future__ import annotations

from textwrap import dedent
from xml.etree import ElementTree

import pytest
from plugin_runs import MODE, SET, SHOULD, Finished, Folder

from clasp_e2e.results.outcome import Outcome, Verdict

WRONG_MODE = ("p2p_routing_mode", "is_wrong")
NO_CONNECTION = ("connect_to_peer", "refuses")
PREFERS = """
    @requirement("RTE-3")
    async def test_it_prefers(single):
        '''It prefers the direct way.'''
"""
ONE_CAUSE = """
    @requirement("CON-5")
    async def test_they_connect(unconnected):
        pair = await unconnected.attach()
        await pair.offerer.connect_to_peer(pair.answerer)

    @requirement("SND-1")
    async def test_they_talk(unconnected):
        raise Unmet("a payload", "none")
"""


def entry(requirement: str, pairing: str, seen: str, **more: str) -> str:
    lines = [f'requirement = "{requirement}"', f'pairing = "{pairing}"', 'reason = "Not built yet."']
    lines += [f"seen = '{seen}'", *(f"{key} = {value}" for key, value in more.items())]
    return "\n".join(["[[known]]", *lines, ""])


def baseline(folder: Folder, *entries: str) -> Folder:
    (folder.path / "known.toml").write_text("\n".join(entries))
    return folder


def complaints(found: Finished) -> list[str]:
    """What each complaint says, without the file's name."""
    return [each.partition("known.toml, ")[2] for each in found.results.complaints]


def test_each_wrong_entry_of_a_baseline_is_reported_and_fails_the_run(folder: Folder) -> None:
    folder.write(MODE, SET, PREFERS, SHOULD)
    baseline(
        folder,
        entry("RTE-1", "iut", "seen: ServerOnly"),
        entry("RTE-2", "iut", "seen: PreferP2P"),
        entry("RTE-3", "*", "seen: Relay"),
        entry("SND-9", "iut-iut", "seen: another order"),
        entry("CON-9", "iut", "seen: harm", expires="2020-01-01"),
    )
    found = folder.run("--baseline", "known.toml", act=WRONG_MODE)
    assert found.status == 1, found.out
    assert found.is_calm
    assert found.outcomes == {
        "test_the_mode[iut]": "expected_failure",
        "test_the_mode_that_was_set[iut]": "failed",
        "test_it_prefers[iut]": "unexpected_pass",
        "test_a_second_call_does_no_harm[iut]": "deviation",
    }
    told = complaints(found)
    assert [each.partition(": ")[2].split(":")[0].split(" on ")[0] for each in told] == [
        "another reason",
        "unexpected pass",
        "stale",
        "expired",
    ]
    assert told[0].startswith("entry 2 (RTE-2, iut): ")
    for each in found.results.complaints:
        assert f"  {each}\n" in found.out  # A line each, whatever the width.


def test_correct_baseline_lets_the_gate_pass_and_keeps_the_verdict(folder: Folder) -> None:
    beside_it = """
        from pathlib import Path
        from fakes import Acting

        class Mine(Acting):
            baseline = Path(__file__).with_name("known.toml")
    """
    (folder.path / "mine.py").write_text(dedent(beside_it))
    folder.environment |= {"FAKE_CALL": NO_CONNECTION[0], "FAKE_ACT": NO_CONNECTION[1]}
    folder.write(MODE, SHOULD, ONE_CAUSE)
    baseline(folder, entry("CON-5", "*", "it was refused"), entry("CON-9", "iut", "seen: harm"))
    found = folder.run("--offerer", "mine:Mine", "--strict", "--junitxml", "junit.xml", "-v")
    assert found.status == 0, found.out
    assert found.results.complaints == ()
    assert found.results.verdict is Verdict.NON_CONFORMANT
    assert found.outcomes["test_they_connect[iut-reference]"] == "expected_failure"
    assert found.outcomes["test_they_talk[iut-reference]"] == "blocked"
    assert found.outcomes["test_a_second_call_does_no_harm[iut]"] == "expected_failure"
    expected = [s for s in found.results.scenarios if s.outcome is Outcome.EXPECTED_FAILURE]
    assert {each.known_failure for each in expected} == {"Not built yet."}
    assert "test_they_connect[iut-reference] EXPECTED FAILURE" in found.out
    assert "Every failure is a known one" in found.out
    assert "known: Not built yet." in found.out
    cases = ElementTree.parse(folder.path / "junit.xml").iter("testcase")
    skipped = {
        case.get("name"): each.get("message") for case in cases if (each := case.find("skipped")) is not None
    }
    assert skipped["test_they_connect[iut-reference]"] == "Not built yet."


def test_part_of_the_scenarios_does_not_make_entries_stale(folder: Folder) -> None:
    again = MODE.replace("test_the_mode", "test_the_mode_again").replace(
        "PREFER)", "RoutingMode.SERVER_ONLY)"
    )
    folder.write(MODE, again, SET)
    baseline(folder, entry("RTE-1", "iut", "seen: ServerOnly"), entry("RTE-2", "iut", "seen: ServerOnly"))
    passing = folder.run("--baseline", "known.toml", "-k", "again", act=WRONG_MODE)
    assert (passing.status, passing.results.complaints) == (0, ()), passing.out
    assert passing.outcomes == {"test_the_mode_again[iut]": "passed"}
    assert "a run of all cases shows whether to delete the entry" in passing.out
    whole = folder.run("--baseline", "known.toml", act=WRONG_MODE)
    assert (whole.status, whole.results.complaints) == (0, ()), whole.out


def test_workers_of_xdist_make_the_same_complaints(folder: Folder) -> None:
    pytest.importorskip("xdist")
    folder.write(MODE, SHOULD, ONE_CAUSE)
    baseline(
        folder,
        entry("CON-5", "iut-reference", "it was refused"),
        entry("RTE-1", "iut", "seen: ServerOnly"),
        entry("SND-9", "iut-reference", "seen: another order"),
    )
    options = ("--baseline", "known.toml")
    runs = [
        folder.run(*options, *workers, act=NO_CONNECTION, role="--offerer", xdist=bool(workers))
        for workers in ((), ("-n", "2"))
    ]
    alone, together = (each.results for each in runs)
    assert together.totals == alone.totals
    assert together.complaints == alone.complaints
    assert [each.outcomes["test_they_talk[iut-reference]"] for each in runs] == ["blocked"] * 2
    assert [each.outcomes["test_they_connect[iut-reference]"] for each in runs] == ["expected_failure"] * 2
    assert [each.status for each in runs] == [1, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            entry("RTE-99", "iut", "seen: x"),
            "known.toml, entry 1 (RTE-99, iut): RTE-99 is not in the catalogue",
        ),
        (entry("RTE-1", "uit-iut", "seen: x"), "there is no pairing 'uit-iut'"),
        (None, "known.toml: the known failures cannot be read: No such file or directory"),
    ],
)
def test_baseline_that_cannot_be_used_is_one_message(folder: Folder, text: str | None, says: str) -> None:
    folder.write(MODE)
    if text is not None:
        baseline(folder, text)
    found = folder.run("--baseline", "known.toml", "--peer", "fakes:Honest")
    assert found.status == 2
    assert says in found.out
    assert found.is_calm
    assert found.kept is None
