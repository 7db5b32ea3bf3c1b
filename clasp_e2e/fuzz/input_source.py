"""Generation of fuzzing inputs. The same seed produces the same inputs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import cast

from clasp_e2e import wire
from clasp_e2e.fuzz.message_inputs import MESSAGE_TYPES, as_messagepack, random_message, random_value
from clasp_e2e.fuzz.mutations import HUGE, kept_on_loopback, mutated_bytes
from clasp_e2e.fuzz.signal_inputs import (
    ATTACKER,
    ATTEMPT,
    TARGET,
    mutated_signal,
    senseless_signal,
    valid_signal,
)

_MUTATED, _VALID = 0.65, 0.15
_UNGREETED = 0.02


class Origin(StrEnum):
    """How an input was made."""

    VALID = "valid"
    MUTATED = "mutated"
    SENSELESS = "senseless"


@dataclass(frozen=True, slots=True)
class Input:
    """One WebSocket message, binary or text.

    `kind` is the name of the message's class from which it was made, or None. `ungreeted` is whether it is
    the first message of a connection, without a HELLO before it.
    """

    data: bytes
    origin: Origin
    kind: str | None = None
    ungreeted: bool = False
    is_text: bool = False

    @property
    def sent(self) -> bytes | str:
        """The message as it is given to a WebSocket."""
        return self.data.decode() if self.is_text else self.data


@dataclass(slots=True)
class InputCounts:
    """The number of inputs by origin and by message type."""

    origins: Counter[Origin] = field(default_factory=Counter[Origin])
    kinds: Counter[str] = field(default_factory=Counter[str])

    def count(self, inputs: Iterable[Input]) -> None:
        """Count `inputs`."""
        for each in inputs:
            self.origins[each.origin] += 1
            if each.kind is not None:
                self.kinds[each.kind] += 1

    def __str__(self) -> str:
        total = self.origins.total()
        share = 100 * self.origins[Origin.MUTATED] // max(total, 1)
        return f"{total} inputs, {share} % mutated valid ones, {len(self.kinds)} message types"


def random_frames(seed: int, number: int, count: int) -> list[Input]:
    """Return the `count` frames of batch `number`: each message type in turn, most of them mutated."""
    rng = random.Random(f"frames {seed} {number}")
    kinds = list(MESSAGE_TYPES)
    inputs: list[Input] = []
    for index in range(count):
        if index % len(kinds) == 0:
            rng.shuffle(kinds)
        made = _frame(rng, kinds[index % len(kinds)])
        inputs.append(replace(made, ungreeted=rng.random() < _UNGREETED))
    return inputs


def _frame(rng: random.Random, kind: type[object]) -> Input:
    drawn = rng.random()
    if drawn > _MUTATED + _VALID:
        return _senseless_frame(rng)
    message = random_message(rng, kind)
    timestamp = rng.getrandbits(64) if rng.random() < 0.2 else None
    data = wire.encode(message, qos=rng.choice(list(wire.QoS)), timestamp=timestamp)
    if rng.random() < 0.2 and _decodes(
        packed := wire.encode_frame(wire.Frame(as_messagepack(message), encoding=0))
    ):
        data = packed
    if drawn > _MUTATED:
        return Input(data, Origin.VALID, kind.__name__)
    return Input(kept_on_loopback(_mutated_frame(rng, data)), Origin.MUTATED, kind.__name__)


def _decodes(data: bytes) -> bool:
    try:
        wire.decode(data)
    except wire.WireError:
        return False
    return True


def _mutated_frame(rng: random.Random, data: bytes) -> bytes:
    """Return a mutated frame, usually with its correct length, so that the payload is decoded."""
    other = wire.encode_message(random_message(rng, rng.choice(MESSAGE_TYPES)))
    if rng.random() < 0.3:
        return mutated_bytes(rng, data, other)
    frame = wire.decode_frame(data)
    return wire.encode_frame(
        replace(frame, payload=mutated_bytes(rng, frame.payload, other)[: wire.MAX_PAYLOAD])
    )


def _senseless_frame(rng: random.Random) -> Input:
    publish = b"\x20\x20\x00\x02/x\x01"
    match rng.randrange(12):
        case 0:
            return Input(rng.choice((b"", b"no frame", b"{}", b"\x00" * 100)), Origin.SENSELESS, is_text=True)
        case 1:
            # Nested maps or arrays, as deep as a frame allows.
            opened = rng.choice((b"\x0a\x00\x01", b"\x0b\x00\x01\x00\x00"))
            data = _framed(publish + opened * (rng.choice((33, 1000, HUGE)) * 3 // len(opened)) + b"\x00")
        case 2:
            data = _framed(b"\x81\xa4type" + b"\x91" * rng.choice((33, 1000, HUGE)))
        case 3:
            data = _framed(publish + rng.choice((b"\x0a", b"\x0b", b"\x08", b"\x09")) + b"\xff\xff")
        case 4:
            count = rng.choice((300, 3000, 3000, 65000))  # Elements of an array, one byte each.
            data = _framed(publish + b"\x0a" + count.to_bytes(2, "big") + b"\x00" * count)
        case 5:
            data = _framed(rng.randbytes(rng.choice((0, 1, 1000))))
        case 6:
            data = wire.encode(wire.Publish("/x", "y" * HUGE))
        case _:
            data = _framed(bytes([rng.choice((0x10, 0x20, 0x21, 0x30, 0x51, 0xDE))]) + rng.randbytes(40))
    if rng.random() < 0.2:
        data = data[rng.randrange(5) :]
    return Input(kept_on_loopback(data), Origin.SENSELESS)


def _framed(payload: bytes) -> bytes:
    return wire.encode_frame(wire.Frame(payload[: wire.MAX_PAYLOAD]))


def random_signals(seed: int, number: int, count: int) -> list[Input]:
    """Return the `count` signals of batch `number`; `addressed` fills in their session ids."""
    rng = random.Random(f"signals {seed} {number}")
    inputs: list[Input] = []
    for _ in range(count):
        drawn = rng.random()
        if inputs and rng.random() < 0.05:
            inputs.append(rng.choice(inputs))  # A repeated signal.
        elif drawn < _MUTATED:
            inputs.append(_signal(rng, mutated_signal, Origin.MUTATED))
        elif drawn < _MUTATED + _VALID:
            inputs.append(_signal(rng, valid_signal, Origin.VALID))
        elif drawn < 0.98:
            inputs.append(_signal(rng, senseless_signal, Origin.SENSELESS))
        else:
            announcement: wire.Value = {
                "session_id": ATTACKER,
                "p2p_capable": True,
                "features": random_value(rng),
            }
            data = wire.encode(wire.Publish(wire.ANNOUNCE_ADDRESS, announcement))
            inputs.append(Input(data, Origin.MUTATED, "Publish"))
    return inputs


def _signal(rng: random.Random, make: Callable[[random.Random], wire.Value], origin: Origin) -> Input:
    kind = None if origin is Origin.SENSELESS else "Publish"
    while True:  # Until the signal fits into a frame.
        value = cast("wire.Value", _mapped(make(rng), _on_loopback))
        with suppress(wire.WireError):
            data = wire.encode(wire.Publish(wire.SIGNAL_PREFIX + TARGET, value, null_value=value is None))
            return Input(data, origin, kind)


def addressed(data: bytes, *, target: str, attacker: str, attempt: str) -> bytes:
    """Return a signal with its placeholders replaced by ids, unless it cannot be decoded."""
    names = {TARGET: target, ATTACKER: attacker, ATTEMPT: attempt}
    try:
        message, frame = wire.decode(data)
        if not isinstance(message, wire.Publish):
            return data
        message = replace(
            message,
            address=_filled_in(message.address, names),
            value=cast("wire.Value", _mapped(message.value, lambda text: _filled_in(text, names))),
        )
        return wire.encode(message, qos=frame.qos, timestamp=frame.timestamp)
    except wire.WireError:
        return data


def _filled_in(text: str, names: Mapping[str, str]) -> str:
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    return text


def _on_loopback(text: str) -> str:
    return kept_on_loopback(text.encode()).decode()


def _mapped(value: object, change: Callable[[str], str]) -> object:
    """Return a value with each text in it changed."""
    match value:
        case str():
            return change(value)
        case list():
            return [_mapped(item, change) for item in cast("list[object]", value)]
        case dict():
            return {key: _mapped(item, change) for key, item in cast("dict[str, object]", value).items()}
        case _:
            return value


def batches(total: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the number and size of each batch of `total` inputs."""
    for number in range(-(-total // size)):
        yield number, min(size, total - number * size)
