from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire
from clasp_e2e.router.codes import ErrorCode
from clasp_e2e.router.state import MAX_PARAMS, Params, SetRefusedError


class Clock:
    """A clock that a test advances in seconds and reads in microseconds."""

    seconds = 0

    def __call__(self) -> int:
        return self.seconds * 1_000_000


def refused(params: Params, message: wire.Set, writer: str = "me") -> ErrorCode:
    with pytest.raises(SetRefusedError) as caught:
        params.set(message, writer)
    return caught.value.code


def test_revisions_count_from_one() -> None:
    params = Params(Clock())
    assert [params.set(wire.Set("/a", value), "me") for value in "xyz"] == [1, 2, 3]
    assert params.get("/a") == wire.Param("/a", "z", 3, "me", 0)


def test_expected_revision_must_be_current() -> None:
    params = Params(Clock())
    params.set(wire.Set("/a", 1), "me")
    assert params.set(wire.Set("/a", 2, revision=1), "you") == 2
    assert refused(params, wire.Set("/a", 3, revision=1)) is ErrorCode.REVISION_CONFLICT
    param = params.get("/a")
    assert param is not None
    assert param.value == 2


def test_lock_excludes_others_until_unlocked() -> None:
    params = Params(Clock())
    params.set(wire.Set("/a", 1, lock=True), "me")
    assert refused(params, wire.Set("/a", 2), "you") is ErrorCode.LOCK_HELD
    assert refused(params, wire.Set("/a", 2, unlock=True), "you") is ErrorCode.LOCK_HELD
    params.set(wire.Set("/a", 2), "me")
    assert refused(params, wire.Set("/a", 3, lock=True), "you") is ErrorCode.LOCK_HELD
    params.set(wire.Set("/a", 3, unlock=True), "me")
    assert params.set(wire.Set("/a", 4), "you") == 4


def test_lock_ends_with_its_holder() -> None:
    params = Params(Clock())
    params.set(wire.Set("/a", 1, lock=True), "me")
    params.set(wire.Set("/b", 1, lock=True), "you")
    params.release("me")
    assert params.set(wire.Set("/a", 2), "you") == 2
    assert refused(params, wire.Set("/b", 2), "me") is ErrorCode.LOCK_HELD


def test_absolute_ttl_counts_from_write_and_sliding_from_each_use() -> None:
    clock = Clock()
    params = Params(clock)
    params.set(wire.Set("/absolute", 1, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 10)), "me")
    params.set(wire.Set("/sliding", 1, ttl=wire.Ttl(wire.TtlMode.SLIDING, 10)), "me")
    params.set(wire.Set("/never", 1, ttl=wire.Ttl(wire.TtlMode.NEVER)), "me")
    clock.seconds = 9
    assert None not in (params.get("/absolute"), params.get("/sliding"))
    clock.seconds = 10
    assert params.get("/absolute") is None
    assert params.get("/sliding") is not None
    clock.seconds = 100
    assert [p.address for s in params.snapshots() for p in s.params] == ["/never"]
    assert params.set(wire.Set("/sliding", 2), "me") == 1


def test_value_too_large_for_snapshot_is_refused() -> None:
    params = Params(Clock())
    assert refused(params, wire.Set("/a", "x" * 65_520)) is ErrorCode.INVALID_VALUE
    assert refused(params, wire.Set("/a", "x" * 70_000)) is ErrorCode.INVALID_VALUE
    assert params.snapshots() == []
    params.set(wire.Set("/a", "x" * 65_000), "me")
    (snapshot,) = params.snapshots()
    wire.encode(snapshot)


def test_number_of_parameters_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PARAMS == 10_000
    monkeypatch.setattr("clasp_e2e.router.state.MAX_PARAMS", 2)
    clock = Clock()
    params = Params(clock)
    params.set(wire.Set("/a", 1), "me")
    params.set(wire.Set("/b", 1, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 1)), "me")
    assert refused(params, wire.Set("/c", 1)) is ErrorCode.INTERNAL_ERROR
    assert params.set(wire.Set("/a", 2), "me") == 2
    clock.seconds = 1
    assert params.set(wire.Set("/c", 1), "me") == 1


@given(st.lists(st.integers(0, 60_000), max_size=12))
def test_snapshots_fit_into_frames_and_are_complete(sizes: list[int]) -> None:
    params = Params(Clock())
    for number, size in enumerate(sizes):
        params.set(wire.Set(f"/{number}", bytes(size)), "me")
    snapshots = params.snapshots()
    for snapshot in snapshots:
        assert snapshot.params
        assert len(wire.encode_message(snapshot)) <= wire.MAX_PAYLOAD
    told = [(param.address, param.value) for snapshot in snapshots for param in snapshot.params]
    assert told == [(f"/{number}", bytes(size)) for number, size in enumerate(sizes)]


def test_snapshot_holds_matching_parameters() -> None:
    params = Params(Clock())
    for address in ("/a/b", "/a/c", "/b"):
        params.set(wire.Set(address, 1), "me")
    (snapshot,) = params.snapshots("/a/*")
    assert [param.address for param in snapshot.params] == ["/a/b", "/a/c"]
