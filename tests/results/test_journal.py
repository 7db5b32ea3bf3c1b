"""The journal can be read however a run ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.journal import Journal, RunFacts, finish_results, is_unfinished, read_journal
from clasp_e2e.results.outcome import Outcome, Verdict
from clasp_e2e.results.planned_cases import Plan
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.run_record import ScenarioResult, Subject
from clasp_e2e.results.store import JOURNAL, RESULTS, ResultsError, write_results
from clasp_e2e.spec.catalogue import Catalogue

CASES = {f"file::test_{number}[x-x]": ("M-1",) for number in range(4)}
PLAN = Plan(cases=CASES, all_files=True, roles={"offerer": "x", "answerer": "x", "router": "r"})
SUBJECTS = {"offerer": Subject("x", "1", "Rust", "cmd:x")}


def facts(catalogue: str = "abc") -> RunFacts:
    return RunFacts(
        catalogue=catalogue, command="clasp-e2e run", seed=3, judged_roles=("answerer", "offerer")
    )


def result(case: str, outcome: Outcome = Outcome.PASSED) -> ScenarioResult:
    return ScenarioResult(id=case, title="t", requirements=("M-1",), pairing="x-x", outcome=outcome)


def begun(directory: Path, *, cases: int = 2) -> Journal:
    """The journal of a run of four cases in which some have run."""
    journal = Journal.create(directory, facts())
    journal.note(plan=PLAN, subset=False, strict=True)
    journal.note(subjects=SUBJECTS, capabilities={"turn", "close"})
    for case in list(CASES)[:cases]:
        journal.append(result(case))
    return journal


def test_journal_holds_the_facts_and_results_as_they_come(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.close()
    run = read_journal(tmp_path / JOURNAL)
    assert run == replace(journal.draft(PLAN, subset=False, strict=True), duration_s=run.duration_s)
    assert (run.seed, run.command, run.judged_roles) == (3, "clasp-e2e run", ("answerer", "offerer"))
    assert (run.subjects, run.capabilities, run.plan) == (SUBJECTS, ("close", "turn"), PLAN)
    assert run.scenarios == journal.results == tuple(result(case) for case in list(CASES)[:2])
    assert (run.subset, run.strict) == (False, True)
    assert len((tmp_path / JOURNAL).read_bytes().splitlines()) == 5


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("journal")
    begun(directory, cases=4).close()
    return (directory / JOURNAL).read_bytes()


@given(st.data())
def test_journal_cut_off_anywhere_holds_what_was_whole(
    written: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, len(written)))
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.write_bytes(written[:length])
    whole = written[:length].count(b"\n")
    if whole == 0:
        with pytest.raises(ResultsError, match="does not begin with the facts of a run"):
            read_journal(path)
        return
    run = read_journal(path)
    assert len(run.scenarios) == max(0, whole - 3)
    assert run.plan == (PLAN if whole > 1 else Plan(cases={}, roles=dict.fromkeys(PLAN.roles, "")))
    assert (run.subset, run.subjects) == (whole == 1, SUBJECTS if whole > 2 else {})


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"at": "soon"}', b"\xff"])
def test_damage_before_the_last_line_is_named(tmp_path: Path, damage: bytes) -> None:
    begun(tmp_path).close()
    path = tmp_path / JOURNAL
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:3], damage, *lines[4:], b""]))
    with pytest.raises(ResultsError, match=r"journal\.jsonl, line 4: .*; run the scenarios again"):
        read_journal(path)


def test_journal_without_a_directory_writes_nothing_and_keeps_results() -> None:
    journal = Journal(facts())
    journal.note(plan=PLAN, subjects=SUBJECTS)
    journal.append(result("a"))
    journal.finish(journal.draft(PLAN, subset=False))
    assert (journal.results, journal.path) == ((result("a"),), None)


def test_draft_has_no_verdict_yet() -> None:
    draft = Journal(facts()).draft(PLAN, subset=False)
    assert (draft.verdict, draft.requirements) == (Verdict.PARTIAL, ())


def test_journal_wins_until_the_run_is_finished(tmp_path: Path, small: Catalogue) -> None:
    journal = begun(tmp_path)
    write_results(replace(journal.draft(PLAN, subset=False), scenarios=()), tmp_path / RESULTS)
    assert is_unfinished(tmp_path)
    run = read_run(tmp_path / RESULTS, small)
    assert (len(run.scenarios), run.verdict) == (2, Verdict.PARTIAL)
    assert run.missing == tuple(CASES)[2:]
    journal.finish(replace(run, notes=("finished",)))
    assert not is_unfinished(tmp_path)
    assert read_run(tmp_path / RESULTS, small).notes == ("finished",)


def test_results_written_over_an_unfinished_run_win(tmp_path: Path, small: Catalogue) -> None:
    begun(tmp_path).close()
    run = read_run(tmp_path / RESULTS, small)
    finish_results(replace(run, notes=("judged again",)), tmp_path / RESULTS)
    assert read_run(tmp_path / RESULTS, small).notes == ("judged again",)


def test_journal_of_another_catalogue_is_refused(tmp_path: Path, small: Catalogue) -> None:
    Journal.create(tmp_path, facts("another")).close()
    with pytest.raises(ResultsError, match="another catalogue of requirements"):
        read_run(tmp_path / RESULTS, small)


def test_new_journal_deletes_an_earlier_run(tmp_path: Path) -> None:
    begun(tmp_path).close()
    write_results(read_journal(tmp_path / JOURNAL), tmp_path / RESULTS)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence/x.json").touch()
    (tmp_path / "report.html").touch()
    Journal.create(tmp_path, facts()).close()
    assert sorted(each.name for each in tmp_path.iterdir()) == [JOURNAL, "report.html"]
    assert read_journal(tmp_path / JOURNAL).scenarios == ()


@pytest.mark.parametrize("name", ["file", "file/below", "dangling", "taken", "/proc/self", "/proc/self/new"])
def test_directory_that_cannot_hold_results_is_refused_before_a_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere/at/all")
    (tmp_path / "taken" / JOURNAL).mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"no results can be written here \(.+\); name another directory"):
        Journal.create(tmp_path / name, facts())


def test_disk_that_fills_up_is_named(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).symlink_to("/dev/full")
    journal = Journal(facts(), tmp_path)
    journal._file = (tmp_path / JOURNAL).open("wb", buffering=0)
    with journal._file, pytest.raises(ResultsError, match=r"No space left on device.*name another directory"):
        journal.append(result("a"))
