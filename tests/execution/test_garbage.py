"""The objects of cases are collected regularly, and long collections are not repeated."""

from __future__ import annotations

import gc
import weakref

import pytest

from clasp_e2e.execution import garbage
from clasp_e2e.execution.garbage import GarbageCollection


class Kept:
    """An object that the collector traverses."""

    itself: Kept


def test_objects_of_ended_cases_are_collected() -> None:
    collection = GarbageCollection()
    gc.disable()
    try:
        gone = [weakref.ref(in_a_cycle())]
        for _ in range(garbage.CASES - 1):
            collection.case_ended()
        assert gone[0]() is not None
        collection.case_ended()
        assert gone[0]() is None
    finally:
        gc.enable()


def test_collections_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "SHARE", 1e-9)
    collection, collected = GarbageCollection(), list[int]()
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    for _ in range(10 * garbage.CASES):
        collection.case_ended()
    assert len(collected) == 1


def in_a_cycle() -> Kept:
    kept = Kept()
    kept.itself = kept
    return kept


def test_survivors_of_a_long_collection_are_excluded_from_later_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "LONGEST_S", -1.0)
    collection = GarbageCollection()
    gc.unfreeze()
    kept = Kept()
    gone = weakref.ref(kept)
    for _ in range(garbage.CASES):
        collection.case_ended()
    assert gc.get_freeze_count() > 0
    del kept
    assert gone() is None, "without a cycle it is freed as before"
