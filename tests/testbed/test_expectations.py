"""Expectations: what they judge, and their messages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest

from clasp_e2e.p2p_types import Connected
from clasp_e2e.testbed.expectations import (
    JUDGMENT,
    LARGE_PAYLOAD,
    Blocked,
    Expectation,
    Judgment,
    Unmet,
    expect,
    expect_refusal,
    judging,
    random_payload,
    remark,
    show,
)

from .fakes import never, raises, refuses


@pytest.fixture(autouse=True)
def judgment() -> Iterator[Judgment]:
    token = JUDGMENT.set(found := Judgment(("SND-1", "SND-3"), random.Random("seed")))
    yield found
    JUDGMENT.reset(token)


def value(it: object) -> Expectation:
    return expect(it, "the value")


@pytest.mark.parametrize(
    "require",
    [
        lambda: value(1).equals(1),
        lambda: value([1]).is_true(),
        lambda: value([]).is_empty(),
        lambda: value(3).at_least(3),
        lambda: value(2.9).below(3),
        lambda: value(2).at_most(2),
    ],
)
def test_expected_value_passes(require: Callable[[], None]) -> None:
    require()


@pytest.mark.parametrize(
    ("require", "expected", "seen"),
    [
        (lambda: value(1).equals(2), "the value: 2", "1"),
        (lambda: value(0).is_true("it is zero"), "the value", "it is zero"),
        (lambda: value([b"ab"]).is_empty(), "the value: nothing", "[2 bytes (6162)]"),
        (lambda: value(2.5).at_least(3), "the value: at least 3", "2.5"),
        (lambda: value(3).below(3), "the value: less than 3", "3"),
        (lambda: value(33.01).at_most(33), "the value: at most 33", "33.01"),
    ],
)
def test_unexpected_value_is_reported_with_expected_one(
    require: Callable[[], None], expected: str, seen: str
) -> None:
    with pytest.raises(Unmet) as caught:
        require()
    assert (caught.value.expected, caught.value.seen) == (expected, seen)
    assert caught.value.requirement == "SND-1"


def test_judging_block_judges_named_requirement(judgment: Judgment) -> None:
    with pytest.raises(Unmet) as caught, judging("SND-3"):
        value(1).equals(2)
    assert caught.value.requirement == "SND-3"
    assert judgment.requirement == "SND-1"
    assert judgment.met == set()
    with judging("SND-3"):
        pass
    assert judgment.met == {"SND-3"}


def test_judging_block_refuses_requirement_of_other_scenarios() -> None:
    with pytest.raises(LookupError, match="CON-5"), judging("CON-5"):
        pass


async def test_refusal_is_returned_with_its_message() -> None:
    assert await expect_refusal(refuses(), "the call") == "the address is in use"


async def test_call_without_required_refusal_is_unmet() -> None:
    async def succeeds() -> int:
        return 5

    with pytest.raises(Unmet, match="it returned 5"):
        await expect_refusal(succeeds(), "the call")
    with pytest.raises(Unmet, match=r"did not return within 0\.01 s"):
        await expect_refusal(never(), "the call", within=0.01)
    with pytest.raises(RuntimeError, match="cheese"):  # No refusal, and nothing to judge.
        await expect_refusal(raises(), "the call")


def test_payloads_follow_from_seed(judgment: Judgment) -> None:
    first, second = random_payload(), random_payload(5)
    assert (len(first), len(second)) == (LARGE_PAYLOAD, 5)
    judgment.rng.seed("seed")
    assert random_payload() == first


def test_remarks_are_kept(judgment: Judgment) -> None:
    remark("the payload goes raw")
    assert judgment.remarks == ["the payload goes raw"]


def test_values_are_shown_readably() -> None:
    assert show(b"\x01" * 9) == "9 bytes (0101010101010101…)"
    assert show(["a", 1]) == "['a', 1]"
    assert show(["a", 1, 1, 1, "a"]) == "['a', 3 times 1, 'a']"
    assert show(()) == "nothing"


async def test_judgment_belongs_to_its_task() -> None:
    async def other() -> str:
        JUDGMENT.set(Judgment(("CON-1",), random.Random(0)))
        return Unmet("a", "b").requirement

    assert await asyncio.create_task(other()) == "CON-1"
    assert Unmet("a", "b").requirement == "SND-1"


def test_blocking_requirement_is_named() -> None:
    assert str(Blocked("CON-5", "no connection")) == "blocked by CON-5: no connection"


def test_first_difference_of_two_long_texts_is_named() -> None:
    sent = "v=0\r\n" + "a=x\r\n" * 20
    with pytest.raises(Unmet) as raised:
        expect(sent.replace("\r", ""), "the SDP").equals(sent)
    first = r"the first difference, after 3 characters: '\r\na=x\r\na=x\r\n' became '\na=x\na=x\na=x'"
    assert raised.value.seen.endswith(first)


def test_events_are_shown_in_words() -> None:
    assert show([Connected("a-session")]) == "[Connected (a-session)]"
