"""Baselines: files of known failures, each with its reason and its expected observation.

```toml
[[known]]
requirement = "CON-8"
pairing = "node-node"              # as in a test's id; "*" is each that the implementation takes part in
reason = "Both calls open a connection, and neither side gives one up."
seen = 'seen: 2 of Connected'      # a regular expression, searched for in the failure's message
expires = 2027-01-31               # optional: the last day on which the entry applies
scenario = "test_glare"            # optional: only the scenario of this name
router = "rust"                    # optional: only with this router
intermittent = true                # optional: the failure does not occur in every run
```
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from clasp_e2e.spec.catalogue import Catalogue, UnknownRequirement

ANY = "*"
_NEEDED = ("requirement", "pairing", "reason", "seen")
_OPTIONAL = ("expires", "scenario", "router", "intermittent")
_SAYS_NOTHING = ("", "expected ; seen: ")
"""Texts that every failure's message contains: an expression that matches one would excuse every failure."""


class BaselineError(ValueError):
    """An invalid baseline; the text says where and what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFailure:
    """An entry: a requirement that is not met in a pairing, the reason, and the observation."""

    requirement: str
    pairing: str
    """A pairing's id, or `*` for each that the implementation takes part in."""
    reason: str
    seen: str
    """A regular expression, searched for in the message of the failure."""
    expires: date | None = None
    """The last day on which the entry applies."""
    scenario: str | None = None
    router: str | None = None
    intermittent: bool = False
    """Whether the failure does not occur in every run: its absence is then no reason to delete the entry."""
    where: str = ""
    """The file and the entry, for complaints."""
    number: int = 0
    """The position in the file, from 1."""

    def explains(self, message: str) -> bool:
        """Return whether a failure with this message is the known one; line breaks do not matter."""
        return re.search(self.seen, " ".join(message.split())) is not None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known failures of the implementations with the labels `owners`, from the file `source`."""

    source: str
    entries: tuple[KnownFailure, ...]
    owners: frozenset[str]
    text: str = ""


def parse_baseline(text: str, source: str, owners: Collection[str], catalogue: Catalogue) -> Baseline:
    """Parse the baseline `text` of the file `source`.

    Raises `BaselineError`, which names the entry and its fault: an unknown id or key, a missing key, an
    expression that is invalid or matches everything, a duplicate entry.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BaselineError(f"{source}: this is not TOML: {error}") from None
    records: object = document.pop("known", [])
    if document or not isinstance(records, list):
        found = f"found {', '.join(map(repr, document))}" if document else "`known` is not a list"
        raise BaselineError(f"{source}: a baseline is a list of [[known]] entries; {found}")
    entries: list[KnownFailure] = []
    for number, record in enumerate(cast("list[object]", records), 1):
        if not isinstance(record, dict):
            raise BaselineError(f"{source}: a baseline is a list of [[known]] entries; {record!r} is not one")
        entry = _entry(cast("dict[str, object]", record), source, number, catalogue)
        for earlier in entries:
            if _same(earlier, entry):
                raise BaselineError(f"{entry.where}: the same as {earlier.where}; delete one of them")
        entries.append(entry)
    return Baseline(source, tuple(entries), frozenset(owners), text)


def says_something(seen: str) -> bool:
    """Return whether the expression `seen` does not match every failure. Raises `re.error`."""
    return not any(re.search(seen, text) for text in _SAYS_NOTHING)


def _entry(record: Mapping[str, object], source: str, number: int, catalogue: Catalogue) -> KnownFailure:
    place = f"{source}, entry {number}"
    names = [str(record[name]) for name in ("requirement", "pairing") if isinstance(record.get(name), str)]
    where = f"{place} ({', '.join(names)})" if names else place
    for key in record:
        if key not in (*_NEEDED, *_OPTIONAL):
            close = difflib.get_close_matches(key, (*_NEEDED, *_OPTIONAL), n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(_NEEDED + _OPTIONAL)}"
            raise BaselineError(f"{where}: unknown key `{key}`; {hint}")
    for key in _NEEDED:
        if key not in record:
            raise BaselineError(f"{where}: `{key}` is missing")
    for key, value in record.items():
        if key == "expires":
            if not isinstance(value, date) or isinstance(value, datetime):
                raise BaselineError(f"{where}: `expires` must be a date without quotes, as in 2027-01-31")
        elif key == "intermittent":
            if not isinstance(value, bool):
                raise BaselineError(f"{where}: `intermittent` must be true or false, without quotes")
        elif not isinstance(value, str) or not value.strip():
            raise BaselineError(f"{where}: `{key}` must be a text that is not empty")
    entry = KnownFailure(where=where, number=number, **cast("dict[str, Any]", dict(record)))
    try:
        catalogue.get(entry.requirement)
    except UnknownRequirement as error:
        raise BaselineError(f"{where}: {error}") from None
    try:
        is_specific = says_something(entry.seen)
    except re.error as error:
        raise BaselineError(
            f"{where}: `seen` is not a regular expression: {error}; put a backslash before each literal"
            " . ( ) [ ] * + ?"
        ) from None
    if not is_specific:
        raise BaselineError(f"{where}: everything matches `seen`; use text that only this failure contains")
    return entry


def _same(one: KnownFailure, other: KnownFailure) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("requirement", "pairing", "seen", "scenario", "router")
    )
