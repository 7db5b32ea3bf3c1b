"""Real runs of the plugin: what a user sees, what the exit status says, what is kept.

The implementations are the fakes of the testbed's tests; each run is a process of its own.
"""

from __future__ import annotations

from textwrap import dedent
from xml.etree import ElementTree

from plugin_runs import HONEST, MODE, SET, SHOULD, Folder

from clasp_e2e.results.outcome import Verdict


def test_peer_that_meets_every_must_is_conformant_and_the_seed_fixes_its_payloads(folder: Folder) -> None:
    payload = """
        @requirement("DIR-3")
        async def test_a_payload(unconnected):
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


def test_failed_must_is_reported_in_full_and_its_replay_repeats_it(folder: Folder) -> None:
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


def test_deviation_is_shown_as_such_and_fails_only_under_strict(folder: Folder) -> None:
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


def test_chosen_part_is_partial_and_no_failure(folder: Folder) -> None:
    folder.write(MODE, SET)
    for choice in (["-k", "mode_that_was_set"], ["test_sample.py"]):
        found = folder.run("--peer", HONEST, *choice)
        assert found.status == 0, found.out
        assert found.results.verdict is Verdict.PARTIAL


EXTENDED = """
    @requirement("EVT-8", extended=True)
    async def test_it_takes_minutes(single):
        pass
"""


def test_extended_scenario_runs_on_request_and_is_not_missing_otherwise(folder: Folder) -> None:
    known = """
        [[known]]
        requirement = "EVT-8"
        pairing = "iut"
        scenario = "test_it_takes_minutes"
        reason = "It loses connections after minutes."
        seen = "lost"
    """
    (folder.path / "known.toml").write_text(dedent(known), encoding="utf-8")
    found = folder.write(MODE, EXTENDED).run("--peer", HONEST, "--baseline", "known.toml")
    assert (found.status, found.results.verdict) == (0, Verdict.CONFORMANT), found.out
    assert "stale" not in found.out
    assert "takes minutes, needs --extended: EVT-8" in found.out
    assert set(found.outcomes) == {"test_the_mode[iut]"}
    assert found.results.plan is not None
    assert not found.results.plan.left_out
    for option in ("--extended", "-mextended"):
        found = folder.run("--peer", HONEST, option)
        assert found.outcomes["test_it_takes_minutes[iut]"] == "passed", option
    assert set(found.outcomes) == {"test_it_takes_minutes[iut]"}


ON_A_HOST = """
    @requirement("EVT-8", lab=True)
    async def test_it_has_a_host(single):
        pass
"""


def test_scenario_of_the_lab_is_left_out_of_the_link_and_is_not_missing_there(folder: Folder) -> None:
    known = """
        [[known]]
        requirement = "EVT-8"
        pairing = "iut"
        scenario = "test_it_has_a_host"
        reason = "It loses connections when its address changes."
        seen = "lost"
    """
    (folder.path / "known.toml").write_text(dedent(known), encoding="utf-8")
    folder.write(MODE, ON_A_HOST)
    for network in ((), ("--network", "link")):
        found = folder.run("--peer", HONEST, "--baseline", "known.toml", *network)
        assert (found.status, found.results.verdict) == (0, Verdict.CONFORMANT), found.out
        assert "stale" not in found.out
        assert "needs --network lab: EVT-8" in found.out
        assert set(found.outcomes) == {"test_the_mode[iut]"}
        assert found.results.plan is not None
        assert not found.results.plan.left_out


def test_scenario_of_the_lab_runs_there_or_the_message_says_what_forbids_it(folder: Folder) -> None:
    found = folder.write(MODE, ON_A_HOST).run("--peer", HONEST, "--network", "lab", "-k", "host")
    if found.status == 3:
        assert "the lab " in found.out
        assert "use --network link" in found.out
    else:
        assert (found.status, found.outcomes) == (0, {"test_it_has_a_host[iut]": "passed"}), found.out


def test_every_outcome_has_its_word_in_the_terminal_in_junit_and_in_the_results(folder: Folder) -> None:
    others = """
        @requirement("RTE-2")
        async def test_it_cannot_be_seen(single):
            raise Unobserved("no datagram was seen")

        @requirement("EVT-8")
        async def test_it_is_not_offered(single):
            raise NotOffered("there is no such call")

        @requirement("ICE-4")
        async def test_it_is_blocked(single):
            raise Blocked("CON-9", "harm was done")

        @requirement("TMO-1", slow=True)
        async def test_it_is_broken(single):
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


def test_must_that_was_not_judged_leaves_the_run_partial(folder: Folder) -> None:
    unjudged = """
        @requirement("TMO-2")
        async def test_it(single):
            raise NotOffered("there is no such call")
    """
    found = folder.write(MODE, unjudged).run("--peer", HONEST)
    assert (found.status, found.results.verdict) == (3, Verdict.PARTIAL)


def test_other_tests_among_the_scenarios_count(folder: Folder) -> None:
    plain = "def test_plain():\n    assert 1 == 2"
    found = folder.write(MODE, plain).run("--peer", HONEST)
    assert found.status == 1
    assert found.results.verdict is Verdict.CONFORMANT
