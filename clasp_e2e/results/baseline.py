"""Baselines: files of known failures, each with its reason and with what is expected to be seen.

```toml
[[known]]
requirement = "CON-8"
pairing = "node-node"              # as in a test's id; "*" is each in which the implementation stands
reason = "Both calls open a connection, and neither side gives one up."
seen = 'seen: 2 of Connected'      # a regular expression, looked for in the failure's message
expires = 2027-01-31               # optional: the last day on which this excuses anything
scenario = "test_glare"            # optional: only the scenario of this name
router = "rust"                    # optional: only over this router
intermittent = true                # optional: it comes and goes, and a pass is no news
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
"""What every failure's message holds: an expression that is found here would excuse them all."""


class BaselineError(ValueError):
    """A baseline that cannot be used as it stands; the text says where and what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFailure:
    """An entry: a requirement that is not met in a pairing, why, and what is seen of it."""

    requirement: str
    pairing: str
    """A pairing's id, or `*` for each in which the implementation stands."""
    reason: str
    seen: str
    """A regular expression, looked for in the message of the failure."""
    expires: date | None = None
    """The last day on which the entry holds."""
    scenario: str | None = None
    router: str | None = None
    intermittent: bool = False
    """Whether the failure comes and goes: that it did not come is then no reason to delete the entry."""
    where: str = ""
    """The file and the entry, for complaints."""
    number: int = 0
    """Its place in its file, from 1."""

    def explains(self, message: str) -> bool:
        """Return whether a failure with this message is the one that is known; line breaks do not matter."""
        return re.search(self.seen, " ".join(message.split())) is not None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known failures of the implementations with the labels `owners`, from the file `source`."""

    source: str
    entries: tuple[KnownFailure, ...]
    owners: frozenset[str]
    text: str = ""


def parse_baseline(text: str, source: str, owners: Collection[str], catalogue: Catalogue) -> Baseline:
    """Read the baseline `text`, which lies in the file `source`.

    Raises `BaselineError`, which names the entry and its fault: an unknown id or key, a key that is
    missing, an expression that is none or that everything matches, an entry written twice.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BaselineError(f"{source}: this is not TOML: {error}") from None
    records: object = document.pop("known", [])
    if document or not isinstance(records, list):
        found = f"found {', '.join(map(repr, document))}" if document else "`known` is something else"
        raise BaselineError(f"{source}: a baseline is a list of [[known]] entries; {found}")
    entries: list[KnownFailure] = []
    for number, record in enumerate(cast("list[object]", records), 1):
        if not isinstance(record, dict):
            raise BaselineError(f"{source}: a baseline is a list of [[known]] entries; {record!r} is none")
        entry = _entry(cast("dict[str, object]", record), source, number, catalogue)
        for earlier in entries:
            if _same(earlier, entry):
                raise BaselineError(f"{entry.where}: the same as {earlier.where}; delete one of them")
        entries.append(entry)
    return Baseline(source, tuple(entries), frozenset(owners), text)


def says_something(seen: str) -> bool:
    """Return whether the expression `seen` is not one that every failure matches. Raises `re.error`."""
    return not any(re.search(seen, text) for text in _SAYS_NOTHING)


def _entry(record: Mapping[str, object], source: str, number: int, catalogue: Catalogue) -> KnownFailure:
    place = f"{source}, entry {number}"
    said = [str(record[name]) for name in ("requirement", "pairing") if isinstance(record.get(name), str)]
    where = f"{place} ({', '.join(said)})" if said else place
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
                raise BaselineError(f"{where}: `expires` is a date without quotes, as in 2027-01-31")
        elif key == "intermittent":
            if not isinstance(value, bool):
                raise BaselineError(f"{where}: `intermittent` is true or false, without quotes")
        elif not isinstance(value, str) or not value.strip():
            raise BaselineError(f"{where}: `{key}` is a text, and not an empty one")
    entry = KnownFailure(where=where, number=number, **cast("dict[str, Any]", dict(record)))
    try:
        catalogue.get(entry.requirement)
    except UnknownRequirement as error:
        raise BaselineError(f"{where}: {error}") from None
    try:
        is_specific = says_something(entry.seen)
    except re.error as error:
        raise BaselineError(
            f"{where}: `seen` is no regular expression: {error}; a backslash goes before . ( ) [ ] * + ? that"
            " stand for themselves"
        ) from None
    if not is_specific:
        raise BaselineError(f"{where}: everything matches `seen`; write what this failure alone shows")
    return entry


def _same(one: KnownFailure, other: KnownFailure) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("requirement", "pairing", "seen", "scenario", "router")
    )
