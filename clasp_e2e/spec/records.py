"""Records of the catalogue file, read field by field for precise errors."""

import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, cast


class CatalogueError(Exception):
    """An invalid catalogue; the text names the record and its fault."""


class RequirementTable:
    """One `[[requirement]]` table. Every read method raises `CatalogueError` on a fault."""

    def __init__(self, fields: dict[str, Any], number: int) -> None:
        self._fields = dict(fields)
        self._name = f"record {number}"
        self.id = self.text("id")
        self._name = self.id

    def fault(self, what: str) -> CatalogueError:
        """Return the error for a fault of this record."""
        return CatalogueError(f"{self._name}: {what}")

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text that is not empty, or `default` if the field is missing."""
        if key not in self._fields:
            if default is None:
                raise self.fault(f"the field `{key}` is missing")
            return default
        value = self._fields.pop(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"`{key}` must be a text and not empty, it is {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of distinct texts, which may be empty."""
        if key not in self._fields:
            raise self.fault(f"the field `{key}` is missing")
        value = self._fields.pop(key)
        if not isinstance(value, list):
            raise self.fault(f"`{key}` must be a list of texts, it is {value!r}")
        items = cast("list[object]", value)
        texts = tuple(item for item in items if isinstance(item, str))
        if len(texts) != len(items):
            raise self.fault(f"`{key}` must be a list of texts, it is {value!r}")
        if len(set(texts)) != len(texts):
            raise self.fault(f"`{key}` names something twice: {', '.join(texts)}")
        return texts

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """Return a text that is one of `allowed`."""
        value = self.text(key)
        if value not in allowed:
            raise self.fault(f"`{key}` is {value!r}, and must be one of {', '.join(allowed)}")
        return value

    def choices(self, key: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Return a list of texts of `allowed` that is not empty."""
        values = self.texts(key)
        for value in values:
            if value not in allowed:
                raise self.fault(f"`{key}` names {value!r}, and may name {', '.join(allowed)}")
        if not values:
            raise self.fault(f"`{key}` is empty, and must name one or more of {', '.join(allowed)}")
        return values

    def finish(self) -> None:
        """Raise `CatalogueError` for fields that were not read, such as misspelt ones."""
        if self._fields:
            raise self.fault(f"unknown field `{next(iter(self._fields))}`")


def read_records(content: bytes, path: Path) -> Iterator[RequirementTable]:
    """Yield the records of a catalogue file in order."""
    try:
        document: dict[str, object] = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path}: this is not TOML ({error})") from None
    tables = document.get("requirement")
    if not isinstance(tables, list) or not tables:
        raise CatalogueError(f"{path}: holds no [[requirement]] records")
    for number, fields in enumerate(cast("list[object]", tables), start=1):
        if not isinstance(fields, dict):
            raise CatalogueError(f"record {number}: must be a [[requirement]] table")
        yield RequirementTable(cast("dict[str, Any]", fields), number)
