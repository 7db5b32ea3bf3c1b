"""Changes to what the router hands to a client, made on the last leg."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from clasp_e2e import wire

Alteration: TypeAlias = Callable[[wire.Message, bytes], Sequence[bytes]]
"""What a client is handed in the place of a frame, which comes as a message and in bytes."""


def altering_texts(alter: Callable[[str], str]) -> Alteration:
    """Return the alteration that puts each text of what is published, but for keys, as `alter` has it."""

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
    """Return `value` with each text in it, but for the keys of maps, as `alter` has it."""
    match value:
        case str():
            return alter(value)
        case list():
            return [with_texts(item, alter) for item in value]
        case dict():
            return {key: with_texts(item, alter) for key, item in value.items()}
        case _:
            return value
