"""The sequence diagram of a case, with a lane for each party. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from clasp_e2e.results.timeline import EntryKind

HEAD, TAIL = 24, 56
"""Number of entries shown from the beginning and from the end of a long timeline."""
BRIEF = 20
"""Number of entries in a brief diagram."""
_LONGEST_DUMP = 512
"""Maximum number of bytes of a frame that are shown; the evidence contains more."""
_ASIDE = ("harness", "")
_LAST = ("router", "network")
_NAMED = (EntryKind.FRAME, EntryKind.CALL, EntryKind.EVENT, EntryKind.MISSED)
"""The kinds of entries in which names replace session ids."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: its text, and the columns of the grid that it occupies.

    A lane is two columns wide, so that arrows connect the centres of lanes. Column 1 holds the time.
    `start` and `end` are CSS grid line numbers.
    """

    at: str
    kind: str
    party: str
    who: str
    to: str
    what: str
    start: int
    end: int
    arrow: str = ""
    """`right` or `left`; empty without a recipient."""
    decoded: str = ""
    dump: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """The rows of a case in their lanes; between `before` and `after`, `left_out` entries are not shown.

    Routine entries of every case (greetings, pings, announcements) are separate.
    """

    lanes: tuple[str, ...]
    before: tuple[Row, ...]
    after: tuple[Row, ...]
    left_out: int
    routine: tuple[Row, ...] = ()

    @property
    def count(self) -> int:
        """The number of entries of the timeline, without `GAP` entries."""
        gaps = sum(row.kind == EntryKind.GAP for row in (*self.before, *self.after))
        return len(self.before) + len(self.after) + len(self.routine) + self.left_out - gaps


def diagram(timeline: Sequence[Mapping[str, Any]], *, brief: bool = False) -> Diagram:
    """Return the diagram of a timeline; a `brief` one has only the end, without routine and frames.

    Routine entries have no frames. In the text of frames, calls and events, the names of the owners replace
    session ids; the decoded content is unchanged.
    """
    named = _sessions(timeline)
    lanes = lanes_of(timeline)
    shown = [entry for entry in timeline if not entry.get("minor")] or timeline
    minor = [entry for entry in timeline if entry.get("minor")] if shown is not timeline else []
    head, tail = (0, BRIEF) if brief else (HEAD, TAIL)
    if len(shown) <= head + tail:
        head, tail = (0, len(shown)) if brief else (len(shown), 0)
    before, after, routine = (
        tuple(_row(entry, lanes, named, frames) for entry in entries)
        for entries, frames in (
            (shown[:head], not brief),
            (shown[len(shown) - tail :], not brief),
            ([] if brief else minor[:TAIL], False),
        )
    )
    return Diagram(lanes, before, after, len(timeline) - len(before) - len(after) - len(routine), routine)


def rows_of(timeline: Sequence[Mapping[str, Any]], lanes: Sequence[str]) -> list[Row]:
    """Return the rows of all entries, with their frames."""
    named = _sessions(timeline)
    return [_row(entry, lanes, named, frames=True) for entry in timeline]


def with_names(text: str, timeline: Sequence[Mapping[str, Any]]) -> str:
    """Return `text` with the names of their owners in place of session ids."""
    for session, name in _sessions(timeline).items():
        text = text.replace(session, name)
    return text


def lanes_of(timeline: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return one peer, the router, the other peers, the network, so that signals cross few lanes."""
    met = {str(entry.get(role, "")) for entry in timeline for role in ("who", "to")} - set(_ASIDE)
    first, *others = [*sorted(met - set(_LAST)), ""]
    router, network = (name for name in _LAST)
    ordered = [first, router if router in met else "", *others, network if network in met else ""]
    return tuple(name for name in ordered if name)


def _sessions(timeline: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the owner of each session id, from the router's WELCOME."""
    named: dict[str, str] = {}
    for entry in timeline:
        decoded = entry.get("decoded")
        if isinstance(decoded, dict):
            message = cast("dict[str, object]", decoded)
            session = message.get("session")
            if message.get("message") == "WELCOME" and isinstance(session, str) and session:
                named[session] = str(entry.get("to", ""))
    return named


def _row(entry: Mapping[str, Any], lanes: Sequence[str], named: Mapping[str, str], frames: bool) -> Row:
    who, to = str(entry["who"]), str(entry.get("to", ""))
    what = str(entry["what"])
    kind = entry.get("kind")
    for session, name in named.items() if kind in _NAMED else ():
        what = what.replace(session, f"({name})" if kind == EntryKind.FRAME else name)
    start, end, arrow = _columns(who, to, lanes)
    decoded = entry.get("decoded") if frames else None
    return Row(
        at=f"{entry['at']:+.3f} s",
        kind=str(entry.get("kind", EntryKind.NOTE)),
        party=f"{who} → {to}" if to else who,
        who=who,
        to=to,
        what=what,
        start=start,
        end=end,
        arrow=arrow,
        decoded="\n".join(_lines(decoded)) if decoded is not None else "",
        dump=_dump(str(entry["frame"])) if frames and entry.get("frame") else "",
    )


def _columns(who: str, to: str, lanes: Sequence[str]) -> tuple[int, int, str]:
    """Return the first and last grid line, and the direction; -1 is the end of the grid."""
    present = [name for name in dict.fromkeys((who, to)) if name in lanes]
    if len(present) == 2:
        start, end = lanes.index(who), lanes.index(to)
        middles = sorted((3 + 2 * start, 3 + 2 * end))
        return middles[0], middles[1], "right" if start < end else "left"
    if present:
        lane = lanes.index(present[0])
        return 2 + 2 * lane, 4 + 2 * lane, ""
    return 2, -1, ""


def _lines(value: object, indent: str = "") -> Iterator[str]:
    """Yield a message as indented lines, one key per line; a text of several lines follows its key."""
    match value:
        case dict():
            items = [(f"{key}:", each) for key, each in cast("dict[str, object]", value).items()]
        case list():
            items = [("-", each) for each in cast("list[object]", value)]
        case _:
            yield f"{indent}{_word(value)}"
            return
    for key, each in items:
        if isinstance(each, dict | list) and each:
            yield f"{indent}{key}"
            yield from _lines(cast("object", each), f"{indent}  ")
        elif isinstance(each, str) and len(split := each.splitlines()) > 1:
            yield f"{indent}{key}"
            yield from (f"{indent}  {line}" for line in split)
        else:
            yield f"{indent}{key} {_word(cast('object', each))}"


def _word(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict() | list():
            return "(empty)"
        case _:
            return str(value)


def _dump(frame: str) -> str:
    """Return hexadecimal digits as lines of sixteen bytes, each preceded by its offset."""
    digits, _, rest = frame.partition("...")
    shown = digits[: 2 * _LONGEST_DUMP]
    bytes_ = [shown[n : n + 2] for n in range(0, len(shown), 2)]
    lines = [f"{n:04x}  {' '.join(bytes_[n : n + 16])}" for n in range(0, len(bytes_), 16)]
    if len(digits) > len(shown) or rest:
        lines.append("      ... the rest is left out")
    return "\n".join(lines)
