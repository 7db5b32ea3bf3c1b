"""Edits of a baseline's text: remove, narrow or add entries. Pure; comments are kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import AoT

from clasp_e2e.results.baseline import says_something
from clasp_e2e.results.known_failures import Spent
from clasp_e2e.results.message_patterns import pattern
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult


def shrink(text: str, spent: Iterable[Spent]) -> str:
    """Return the baseline `text` without the `spent` entries; no other failure becomes excused."""
    document: Any = tomlkit.parse(text)  # tomlkit does not type the content.
    known: Any = document.get("known")
    gone = {each.entry.number: each for each in spent}
    if not gone or not isinstance(known, AoT):
        return text
    left: Any = tomlkit.aot()
    for number, entry in enumerate(known.body, 1):
        each = gone.get(number)
        if each is None:
            left.append(entry)
            continue
        for pairing in each.still:
            narrowed: Any = tomlkit.table()
            narrowed.update({**entry.unwrap(), "pairing": pairing})
            left.append(narrowed)
    if len(left):
        document["known"] = left
    else:
        document.remove("known")
    return tomlkit.dumps(document)


def extend(text: str, entries: Sequence[Mapping[str, str]]) -> str:
    """Return the baseline `text` with `entries` appended."""
    for entry in entries:
        body = tomlkit.document()
        for key, value in entry.items():
            body.add(key, _expression(value) if key == "seen" else tomlkit.string(value))
        text = f"{text.rstrip()}\n\n[[known]]\n{tomlkit.dumps(body)}".lstrip()
    return text


def _expression(value: str) -> Any:
    """Return a regular expression as a TOML string, literal where possible: it needs no escapes."""
    if "'" not in value:
        return tomlkit.string(value, literal=True)
    if "'''" not in value and not value.endswith("'"):
        return tomlkit.string(value, literal=True, multiline=True)
    return tomlkit.string(value)


def new_entries(results: Iterable[ScenarioResult], reason: str, *, strict: bool) -> list[dict[str, str]]:
    """Return an entry for each requirement that is not met in a pairing and is not listed.

    With `strict`, deviations are included. A failure without a message is omitted, because no expression
    distinguishes it from others.
    """
    wanted = {Outcome.FAILED, Outcome.DEVIATION} if strict else {Outcome.FAILED}
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for result in results:
        for name in result.requirements:
            if result.outcome in wanted and result.judgment(name) in wanted:
                entry = {
                    "requirement": name,
                    "pairing": result.pairing,
                    "reason": reason,
                    "seen": pattern(result.message),
                }
                if says_something(entry["seen"]):
                    found.setdefault((name, result.pairing, entry["seen"]), entry)
    return list(found.values())
