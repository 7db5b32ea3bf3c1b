"""JSON files that somebody else may have written, cut short or changed: read, and found sound or not."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

_DEEPEST = 64
_LARGEST = 1 << 128


class DocumentError(ValueError):
    """A document is not what it should be; the text says where, and what is there."""


def read_document(path: Path) -> object:
    """Return what a JSON file holds; all of it can be shown.

    Raises `OSError`, and `DocumentError` on what is no JSON, nests deeper than sixty-four levels, or
    holds a number or a text that nothing can be made of.
    """
    try:
        document: object = json.loads(path.read_bytes())
    except RecursionError:
        raise DocumentError("it nests too deep") from None
    except ValueError as error:
        raise DocumentError(f"this is not JSON ({error})") from None
    _expect_soundness(document)
    return document


def _expect_soundness(document: object) -> None:
    level = [document]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for value in level:
            match value:
                case str():
                    _expect_characters(value)
                case float() | int():
                    if not -_LARGEST < value < _LARGEST:  # Nor is NaN.
                        raise DocumentError("a number in it is out of all bounds")
                case dict():
                    below += cast("dict[str, object]", value).keys()
                    below += cast("dict[str, object]", value).values()
                case list():
                    below += cast("list[object]", value)
                case _:
                    pass
        if not below:
            return
        level = below
    raise DocumentError("it nests too deep")


def _expect_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DocumentError("a text in it holds half a character") from None


def expect_shape(record: object, where: str = "") -> None:
    """Hold a dataclass to the types of its fields, and what these hold likewise.

    Raises `DocumentError` with the place of the first that differs: `scenarios[3].title`.
    """
    hints = get_type_hints(type(record))
    for field in fields(cast("Any", record)):
        place = f"{where}.{field.name}" if where else field.name
        _expect(getattr(record, field.name), hints[field.name], place)


def _expect(value: object, wanted: Any, where: str) -> None:
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return
        (wanted,) = (each for each in inner if each is not type(None))
        _expect(value, wanted, where)
    elif origin is tuple:
        _expect_type(value, tuple, where)
        for place, each in enumerate(cast("tuple[object, ...]", value)):
            _expect(each, inner[0], f"{where}[{place}]")
    elif origin is Mapping:
        _expect_type(value, Mapping, where)
        for key, each in cast("Mapping[object, object]", value).items():
            _expect(key, inner[0], where)
            _expect(each, inner[1], f"{where}.{key}")
    elif is_dataclass(wanted):
        _expect_type(value, wanted, where)
        expect_shape(value, where)
    else:
        _expect_type(value, wanted, where)


def _expect_type(value: object, wanted: Any, where: str) -> None:
    kinds = (int, float) if wanted is float else wanted
    if not isinstance(value, kinds) or (isinstance(value, bool) and wanted is not bool):
        raise DocumentError(f"{where} is {str(value)[:40]!r}, and should be {wanted.__name__}")
