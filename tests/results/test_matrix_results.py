"""The results of a matrix: no cell is missing, and the exit status is that of its worst cell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report.runs import matrix_of, run_of, scenario

from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.matrix_results import Cell, Obstacle, State, cells_of
from clasp_e2e.results.outcome import Verdict
from clasp_e2e.results.verdict import requirement_results, run_verdict
from clasp_e2e.spec.catalogue import Catalogue

NAMES = st.lists(st.sampled_from(["reference", "rust", "node", "browser"]), min_size=1, unique=True)
OBSTACLES = st.dictionaries(
    st.tuples(st.sampled_from(["rust", "node"]), st.sampled_from(["peer", "router"])),
    st.builds(
        Obstacle,
        st.sampled_from([State.NOT_AVAILABLE, State.BROKEN]),
        st.sampled_from(["it is not built", "no Node.js here"]),
    ),
)


def cell(state: State, status: int | None = None) -> Cell:
    return Cell(offerer="a", answerer="b", router="c", state=state, exit_status=status)


@settings(max_examples=60)
@given(NAMES, NAMES, OBSTACLES)
def test_every_cell_is_there_once_and_what_cannot_be_judged_has_its_reason(peers, routers, obstacles) -> None:
    cells = cells_of(peers, routers, obstacles)
    assert len({each.name for each in cells}) == len(cells) == len(peers) ** 2 * len(routers)
    for each in cells:
        cast = [(each.offerer, "peer"), (each.answerer, "peer"), (each.router, "router")]
        met = [obstacles[role] for role in cast if role in obstacles]
        assert (each.state is State.NOT_RUN) == (not met)
        assert (each.state is State.NOT_AVAILABLE) == any(m.state is State.NOT_AVAILABLE for m in met)
        assert all(m.reason in (each.reason or "") for m in met)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([0, 0], 0),
        ([0, 3], 3),
        ([3, 1, 0], 1),
        ([2, 0], 2),
        ([0, -9], 3),
        ([0, 5], 3),
        ([0, None], 3),
    ],
)
def test_worst_cell_decides(statuses: list[int | None], expected: int) -> None:
    cells = [cell(State.JUDGED if status in (0, 1, 3) else State.BROKEN, status) for status in statuses]
    assert matrix_of(*cells).exit_status() == expected


def test_unavailable_cell_fails_only_on_request_or_if_no_other_is_left() -> None:
    missing, fine = cell(State.NOT_AVAILABLE), cell(State.JUDGED, 0)
    assert matrix_of(missing, fine).exit_status() == 0
    assert matrix_of(missing, fine).exit_status(require_all=True) == 3
    assert matrix_of(missing, cell(State.JUDGED, 1)).exit_status(require_all=True) == 1
    assert matrix_of(missing).exit_status() == 3
    assert matrix_of(fine, cell(State.NOT_RUN)).exit_status() == 3
    assert matrix_of(fine, cell(State.INTERRUPTED, 1)).exit_status() == 1


def test_fault_of_shared_drivers_leaves_the_matrix_inconclusive() -> None:
    stuck = replace(matrix_of(cell(State.JUDGED, 0)), faults=("the router did not end",))
    assert stuck.exit_status() == 3
    assert replace(stuck, cells=(cell(State.JUDGED, 1),)).exit_status() == 1


def test_cell_holds_what_its_run_says(small: Catalogue) -> None:
    scenarios = [
        scenario("M-1", "expected_failure"),
        scenario("M-2", "expected_failure"),
        scenario("M-2", "failed", id="b"),
        scenario("S-1", "deviation"),
        scenario("S-2", "unobserved"),
    ]
    roles = ("offerer", "answerer")
    requirements = requirement_results(small, scenarios, roles)
    run = replace(
        run_of(),
        verdict=run_verdict(requirements, False, roles, ()),
        requirements=tuple(requirements),
        scenarios=tuple(scenarios),
        complaints=("an entry is stale",),
    )
    found = cell(State.NOT_RUN).judged(run, small, exit_status=1, results="x/results.json", duration_s=2)
    assert found == replace(
        cell(State.JUDGED, 1),
        verdict=Verdict.NON_CONFORMANT,
        failed=("M-1", "M-2"),
        deviations=("S-1",),
        known=("M-1",),
        undecided=("S-2",),
        complaints=("an entry is stale",),
        results="x/results.json",
        duration_s=2,
    )
    document = to_plain(matrix_of(found))
    assert document["cells"][0] | {"failed": ["M-1", "M-2"], "state": "judged"} == document["cells"][0]


def test_matrix_with_opposite_pairs_each_with_itself_and_with_those() -> None:
    cells = cells_of(("a", "b", "c"), ("r",), {}, ("a",))
    assert [(each.offerer, each.answerer) for each in cells] == [
        ("a", "a"), ("a", "b"), ("a", "c"), ("b", "a"), ("b", "b"), ("c", "a"), ("c", "c"),
    ]  # fmt: skip
    matrix = matrix_of(*cells)
    assert matrix.cell("b", "c", "r") is None
    assert matrix.cell("c", "a", "r") is cells[5]
