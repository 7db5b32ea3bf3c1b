from __future__ import annotations

import random
import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire
from clasp_e2e.fuzz.input_source import (
    Input,
    InputCounts,
    Origin,
    addressed,
    batches,
    random_frames,
    random_signals,
)
from clasp_e2e.fuzz.message_inputs import MESSAGE_TYPES, random_message
from clasp_e2e.fuzz.mutations import kept_on_loopback
from clasp_e2e.fuzz.signal_inputs import ATTACKER, ATTEMPT, TARGET
from clasp_e2e.results.documents import decode, encode

SEEDS = st.integers(0, 2**32)
ADDRESS = re.compile(rb"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])")


def decoded(each: Input) -> wire.Message:
    return wire.decode(each.data)[0]


def test_frames_are_mostly_mutated_and_of_every_type() -> None:
    tally = InputCounts()
    reached: set[type[object]] = set()
    for number, size in batches(2000, 500):
        inputs = random_frames(1, number, size)
        tally.count(inputs)
        reached |= {type(decoded(each)) for each in inputs if each.origin is Origin.VALID}
    print(tally)
    assert tally.origins.total() == 2000
    assert tally.origins[Origin.MUTATED] >= 1000
    assert reached == set(wire.Message.__args__)
    assert {kind.__name__ for kind in reached} == set(tally.kinds)
    assert len(reached) == 19


def test_signals_are_mostly_mutated_and_of_every_type() -> None:
    tally = InputCounts()
    kinds: set[str] = set()
    for number, size in batches(500, 100):
        inputs = random_signals(1, number, size)
        tally.count(inputs)
        for each in inputs:
            message = decoded(each)
            if each.origin is Origin.VALID:
                assert isinstance(message, wire.Publish)
                kinds.add(type(wire.decode_signal(message.value)).__name__)
    print(tally)
    assert tally.origins[Origin.MUTATED] >= 250
    assert kinds == {"Offer", "Answer", "IceCandidate", "ConnectedSignal", "DisconnectedSignal"}


@given(SEEDS, st.integers(-50, 50))
def test_seed_makes_the_same_batch_again(seed: int, number: int) -> None:
    assert random_frames(seed, number, 20) == random_frames(seed, number, 20)
    assert random_signals(seed, number, 10) == random_signals(seed, number, 10)


@given(SEEDS)
def test_valid_frames_decode_to_their_type(seed: int) -> None:
    for each in random_frames(seed, 0, 38):
        if each.origin is Origin.VALID:
            assert type(decoded(each)).__name__ == each.kind


@given(SEEDS)
def test_each_type_is_made_from_its_class(seed: int) -> None:
    for kind in MESSAGE_TYPES:
        message = random_message(random.Random(seed), kind)
        assert type(wire.decode(wire.encode(message))[0]) is kind


@given(SEEDS)
def test_signals_name_loopback_addresses_only(seed: int) -> None:
    for each in random_signals(seed, 0, 20):
        for found in ADDRESS.findall(each.data):
            assert found.startswith(b"127.")


@pytest.mark.parametrize(
    "host",
    ["10.1.2.3", "8.8.8.8", "203.0.113.7", "2001:db8::1", "example.org", "a.local", "2130706432", "1.1"],
)
def test_candidate_is_kept_on_loopback(host: str) -> None:
    kept = kept_on_loopback(f"a=candidate:1 1 udp 7 {host} 9 typ host\r\n".encode()).decode()
    address = kept.split(" ")[4]
    assert set(address) == {"#"} or ip_address(address).is_loopback


def test_loopback_address_is_kept() -> None:
    line = b"a=candidate:1 1 udp 7 127.0.0.1 9 typ host\r\n"
    assert kept_on_loopback(line) == line


def test_ids_are_put_in_when_a_signal_is_sent() -> None:
    value: wire.Value = {"from": ATTACKER, "correlation_id": ATTEMPT, "x": [TARGET]}
    data = wire.encode(wire.Publish(wire.SIGNAL_PREFIX + TARGET, value))
    message, _ = wire.decode(addressed(data, target="t", attacker="a", attempt="c"))
    assert message == wire.Publish(wire.SIGNAL_PREFIX + "t", {"from": "a", "correlation_id": "c", "x": ["t"]})


@given(st.binary(max_size=60))
def test_undecodable_data_is_sent_unchanged(data: bytes) -> None:
    sent = addressed(data, target="t", attacker="a", attempt="c")
    assert sent == data or isinstance(wire.decode(data)[0], wire.Publish)


@given(SEEDS)
def test_saved_inputs_are_the_same_when_they_are_read(seed: int) -> None:
    inputs = (*random_frames(seed, 0, 30), *random_signals(seed, 0, 10))
    assert decode(encode(inputs), tuple[Input, ...]) == inputs


def test_batches_hold_all() -> None:
    assert list(batches(1100, 500)) == [(0, 500), (1, 500), (2, 100)]
    assert list(batches(0, 500)) == []
