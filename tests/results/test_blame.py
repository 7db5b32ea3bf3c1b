"""The implementation to blame for an unmet requirement in a matrix."""

from __future__ import annotations

from report.runs import matrix_of

from clasp_e2e.results.blame import blame_of
from clasp_e2e.results.matrix_results import Cell, State

FAULT = ("SND-1",)


def cell(offerer: str, answerer: str, *failed: str, router: str = "r", **fields) -> Cell:
    state = fields.pop("state", State.JUDGED)
    return Cell(offerer=offerer, answerer=answerer, router=router, state=state, failed=failed, **fields)


def culprits(*cells: Cell) -> list[tuple[str, ...]]:
    return [each.culprits for each in blame_of(matrix_of(*cells))]


def test_one_that_fails_alone_is_to_blame() -> None:
    assert culprits(cell("a", "a", *FAULT), cell("b", "b"), cell("a", "b", *FAULT)) == [("a",)]
    assert culprits(cell("a", "a"), cell("b", "b", *FAULT), cell("a", "b", *FAULT)) == [("b",)]


def test_both_are_to_blame_if_each_fails_alone() -> None:
    cells = cell("a", "a", *FAULT), cell("b", "b", *FAULT), cell("a", "b", *FAULT)
    assert culprits(*cells) == [("a", "b")]


def test_nobody_is_to_blame_if_each_works_alone() -> None:
    assert culprits(cell("a", "a"), cell("b", "b"), cell("a", "b", *FAULT)) == [()]


def test_one_that_fails_with_the_reference_is_to_blame() -> None:
    cells = [
        cell(one, other, *(FAULT if other == "b" and one != "b" else ()))
        for one in ("reference", "a", "b")
        for other in ("reference", "a", "b")
    ]
    assert culprits(*cells) == [("b",) if "b" in each.name else () for each in cells if each.failed == FAULT]


def test_another_requirement_that_fails_alone_proves_nothing() -> None:
    assert culprits(cell("a", "a", "SND-2"), cell("b", "b"), cell("a", "b", *FAULT)) == [()]


def test_one_that_does_not_meet_what_it_rests_on_alone_is_to_blame() -> None:
    blocked = cell("b", "b", "CON-6", blocked={"SND-1": "CON-6"})
    (found,) = blame_of(matrix_of(cell("a", "a"), blocked, cell("a", "b", *FAULT)))
    assert str(found).endswith("b (it does not meet CON-6, on which it rests, alone either)")


def test_nobody_is_to_blame_if_what_it_rests_on_fails_for_both_or_not_each_time() -> None:
    one, other = (cell(who, who, "CON-6", blocked={"SND-1": "CON-6"}) for who in "ab")
    assert culprits(one, other, cell("a", "b", *FAULT)) == [()]
    undecided = cell("a", "a", undecided=FAULT)
    assert culprits(undecided, other, cell("a", "b", *FAULT)) == [()]
    met = cell("reference", "b")
    assert culprits(cell("a", "a"), other, met, cell("a", "b", *FAULT)) == [()]


def test_nobody_is_to_blame_without_the_cells_that_would_tell() -> None:
    assert culprits(cell("a", "a"), cell("a", "b", *FAULT)) == [()]
    not_run = cell("b", "b", *FAULT, state=State.BROKEN)
    assert culprits(cell("a", "a"), not_run, cell("a", "b", *FAULT)) == [()]


def test_router_over_which_two_references_fail_is_to_blame() -> None:
    cells = [cell(one, other, *FAULT) for one in ("reference", "a") for other in ("reference", "a")]
    assert culprits(*cells) == [("router r",), ("router r",)]


def test_router_over_which_nobody_works_is_to_blame() -> None:
    pairs = [("a", "a"), ("b", "b"), ("a", "b")]
    bad = [cell(one, other, *FAULT) for one, other in pairs]
    good = [cell(one, other, router="good") for one, other in pairs]
    assert culprits(*bad, *good) == [("router r",)]
    assert culprits(*bad, *good[:2], cell("a", "b", *FAULT, router="good")) == [("a", "b"), ()]
