"""Changes to frames from the router, made on the leg of the receiving client."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from clasp_e2e import wire

Alteration: TypeAlias = Callable[[wire.Message, bytes], Sequence[bytes]]
"""Returns the frames to deliver instead of a frame, which is given as a message and as bytes."""


def altering_texts(alter: Callable[[str], str]) -> Alteration:
    """Return an alteration that applies `alter` to each string of a published value, except map keys."""

    def altered(message: wire.Message, data: bytes) -> Sequence[bytes]:
        if not isinstance(message, wire.Publish):
            return (data,)
        changed = replace(message, value=with_texts(message.value, alter))
        if changed == message:
            return (data,)
        frame = wire.decode_frame(data)
        return (wire.encode(changed, qos=frame.qos, timestamp=frame.timestamp),)

    return altered


def with_texts(value: wire.Value, alter: Callable[[str], str]) -> wire.Value:
    """Return `value` with `alter` applied to each string in it, except map keys."""
    match value:
        case str():
            return alter(value)
        case list():
            return [with_texts(item, alter) for item in value]
        case dict():
            return {key: with_texts(item, alter) for key, item in value.items()}
        case _:
            return value
