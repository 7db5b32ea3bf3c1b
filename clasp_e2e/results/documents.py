"""Records as JSON and as plain data: msgspec reads, validates and writes them."""

import re
from typing import Any, TypeVar, cast

import msgspec

_DEEPEST = 64
_T = TypeVar("_T")


class DocumentError(ValueError):
    """A malformed document; the text names the place and the problem."""


def decode(data: bytes | str, kind: type[_T]) -> _T:
    """Parse JSON text as a record of type `kind`. Raises `DocumentError`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise DocumentError(_with_place(error)) from None
    except RecursionError:
        raise DocumentError("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(f"this is not JSON ({error})") from None


def encode(record: object, *, indent: int | None = None) -> bytes:
    """Return a record or plain data as JSON in UTF-8; values without a JSON form are written as text.

    Lone surrogates, which an adapter can send but UTF-8 cannot encode, are replaced by question marks.
    """
    try:
        data = msgspec.json.encode(record, enc_hook=str)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_valid(msgspec.to_builtins(record, enc_hook=str)))
    return data if indent is None else msgspec.json.format(data, indent=indent)


def to_plain(record: object) -> Any:
    """Return a record as the dictionaries, lists, strings and numbers of its JSON form."""
    return msgspec.json.decode(encode(record))


def from_plain(kind: type[_T], data: object) -> _T:
    """Convert plain data to a record of type `kind`. Raises `DocumentError`."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise DocumentError(_with_place(error)) from None


def expect_shallow(value: object, where: str) -> None:
    """Raise `DocumentError` if plain data of arbitrary form is nested too deeply to be displayed."""
    level = [value]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below += cast("dict[str, object]", each).values()
            elif isinstance(each, list):
                below += cast("list[object]", each)
        if not below:
            return
        level = below
    raise DocumentError(f"{where} is nested too deeply")


def _with_place(error: msgspec.ValidationError) -> str:
    """Return the problem, preceded by its place: `scenarios[3].title: expected str, got int`."""
    problem, _, place = str(error).partition(" - at `$")
    problem = re.sub(r"`(.*?)`", r"\1", problem)
    place = place.rstrip("`").lstrip(".")
    return f"{place}: {problem[0].lower()}{problem[1:]}" if place else f"{problem[0].lower()}{problem[1:]}"


def _valid(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            return {_valid(key): _valid(each) for key, each in cast("dict[Any, Any]", value).items()}
        case list() | tuple():
            return [_valid(each) for each in cast("list[Any]", value)]
        case _:
            return value
