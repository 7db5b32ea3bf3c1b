"""`--failed`: the cases of an earlier run that did not pass, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_runs import HONEST, MODE, SET, SHOULD, Folder

from clasp_e2e.plugin.failed_cases import cases_not_passed
from clasp_e2e.results.store import ResultsError

UNSEEN = """
    @requirement("EVT-8")
    async def test_it_is_not_offered(single):
        raise NotOffered("there is no such call")

    @requirement("RTE-10")
    async def test_it_cannot_be_seen(single):
        raise Unobserved("no datagram was seen")
"""


def test_failed_runs_what_did_not_pass_and_results_then_hold_that_part(folder: Folder) -> None:
    folder.write(MODE, SET, SHOULD, UNSEEN).run("--peer", HONEST, "--results", "first")
    again = folder.run("--peer", HONEST, "--failed", "first/results.json")
    assert set(again.outcomes) == {"test_a_second_call_does_no_harm[iut]", "test_it_cannot_be_seen[iut]"}
    assert again.results.subset
    latest = folder.run("--peer", HONEST, "--failed")
    assert set(latest.outcomes) == set(again.outcomes), "without a path: the last run in the output directory"


def test_failed_has_nothing_to_run_where_every_case_passed(folder: Folder) -> None:
    folder.write(MODE).run("--peer", HONEST)
    found = folder.run("--peer", HONEST, "--failed")
    assert found.status == 2
    assert "every case passed, so --failed has nothing to run" in found.out
    assert found.is_calm
    assert found.kept is not None, "the results of the earlier run are still there"


@pytest.mark.parametrize("named", ["nowhere", "nowhere/results.json"])
def test_failed_names_results_that_do_not_exist(tmp_path: Path, named: str) -> None:
    with pytest.raises(ResultsError, match="there are no results here"):
        cases_not_passed(str(tmp_path / named), tmp_path)


def test_results_on_a_file_are_refused_before_anything_runs(folder: Folder) -> None:
    (folder.path / "taken").write_text("mine")
    for place in ("taken", "taken/below"):
        found = folder.write(MODE).run("--peer", HONEST, "--results", place)
        assert found.status == 2, found.out
        assert "Error: " in found.out
        assert found.is_calm
        assert "PASSED" not in found.out
    assert (folder.path / "taken").read_text() == "mine"


def test_number_of_jobs_below_one_is_refused(folder: Folder) -> None:
    found = folder.write(MODE).run("--peer", HONEST, "--jobs", "0")
    assert found.status == 2
    assert "Error: --jobs 0: give a whole number above 0" in found.out
