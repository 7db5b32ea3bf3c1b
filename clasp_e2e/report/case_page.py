"""The page of one case: what was expected and seen, and all that happened, in the order of time."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from markupsafe import escape

from clasp_e2e.report.pages import render_page
from clasp_e2e.report.sequence import Row, lanes_of, rows_of, with_names
from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.evidence import CaseEvidence, Packets
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import NOT_MET
from clasp_e2e.results.timeline import EntryKind
from clasp_e2e.spec.catalogue import Catalogue

PACKET, LOG, DECISIVE, PAUSE = "packet", "log", "decisive", "pause"
"""The kinds of rows in addition to those of a timeline."""
MOST = 500
"""Maximum number of rows; of more, the beginning and what is around the outcome."""
_FRAMES = 250_000
"""Maximum number of characters of frames, escaped; those nearest to the outcome first."""
_PAUSE = 1.0
"""Seconds without an entry that are shown as a pause."""
_PAYLOAD = re.compile(r"\((?:[0-9a-f]{2})+…?\)")
"""The beginning of a payload, as messages and timelines show it."""
_GROUPS = (
    ("call", "calls", (EntryKind.CALL,)),
    ("event", "events", (EntryKind.EVENT, EntryKind.MISSED)),
    ("frame", "frames", (EntryKind.FRAME,)),
    (PACKET, "packets", (PACKET, EntryKind.NETWORK)),
    (LOG, "standard error", (LOG,)),
    ("condition", "harness", (EntryKind.CONDITION, EntryKind.NOTE, EntryKind.GAP)),
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row, the group that its filter has, and its place on the time axis."""

    row: Row
    group: str
    minor: bool
    related: bool
    """Whether it names a payload that the outcome names."""
    place: float
    """The time as a share of the whole case, from 0 to 1000."""


def render_case(evidence: CaseEvidence, catalogue: Catalogue) -> str:
    """Return the page of a case."""
    result = evidence.scenario
    timeline, left_out = _merged(evidence)
    lanes = lanes_of(timeline)
    lines = _lines(timeline, lanes, set(_PAYLOAD.findall(result.message)))
    message = with_names(result.message, timeline)
    expected, seen = expected_and_seen(message)
    requirements = [catalogue[name] for name in result.requirements if name in catalogue]
    roles = result.roles
    under = {} if roles is None else {"alice": roles.offerer, "bob": roles.answerer}
    return render_page(
        "case.html.j2",
        script="case.js",
        result=result,
        expected=expected,
        seen=seen,
        requirements=sorted(requirements, key=lambda each: result.judgment(each.id) not in NOT_MET),
        lanes=lanes,
        labels={lane: f"{lane}: {under[lane]}" if under.get(lane) else lane for lane in lanes},
        lines=lines,
        groups=[(name, words) for name, words, _ in _GROUPS if any(each.group == name for each in lines)],
        minor=sum(each.minor for each in lines),
        left_out=left_out,
        stderr=evidence.stderr or {},
        network=json.dumps(evidence.network, indent=2, ensure_ascii=False) if evidence.network else "",
        run=evidence.run,
        length=max((float(each["at"]) for each in timeline), default=0.0),
    )


def expected_and_seen(message: str) -> tuple[str, str]:
    """Return the two parts of the message of a failure; the first is empty in any other message."""
    expected, separator, seen = message.partition("; seen: ")
    if separator and expected.startswith("expected "):
        return expected.removeprefix("expected "), seen
    return "", message


def _merged(evidence: CaseEvidence) -> tuple[list[Mapping[str, Any]], int]:
    """Return timeline, packets and outcome in the order of time, and the number of entries left out."""
    entries: list[Mapping[str, Any]] = to_plain(evidence.timeline)
    packets = evidence.packets or Packets()
    left_out = packets.left_out + (evidence.pruned.left_out if evidence.pruned else 0)
    if kept := [_packet(each) for each in to_plain(packets.kept)]:
        # The packets show what these entries summarize.
        entries = [each for each in entries if each["kind"] != EntryKind.NETWORK]
    merged = _grouped(sorted([*entries, *kept, *_log(evidence)], key=lambda each: each["at"]))
    if evidence.scenario.outcome is not Outcome.PASSED:
        ended = evidence.ended
        place = len(merged) if ended is None else sum(each["at"] <= ended for each in merged)
        at = ended if ended is not None else merged[-1]["at"] if merged else 0.0
        merged.insert(place, {"at": at, "kind": DECISIVE, "who": "", "what": ""})
    else:
        place = len(merged)
    if len(merged) > MOST:
        tail = min(len(merged), place + MOST // 5)
        head = MOST // 4
        first = max(head, tail - (MOST - head))
        gap = {
            "at": merged[head]["at"],
            "kind": EntryKind.GAP,
            "who": "harness",
            "what": f"{first - head} entries are not shown here; the evidence contains them",
        }
        left_out += first - head + len(merged) - tail
        merged = [*merged[:head], gap, *merged[first:tail]]
    return merged, left_out


def _log(evidence: CaseEvidence) -> Iterator[dict[str, Any]]:
    """Yield an entry for each line on standard error that an adapter wrote during the case."""
    for client, times in (evidence.stderr_at or {}).items():
        lines = (evidence.stderr or {}).get(client, "").split("\n")
        for at, line in zip(times, lines, strict=False):
            if at >= 0 and line.strip():
                yield {"at": at, "kind": LOG, "who": client, "what": line}


def _packet(packet: Mapping[str, Any]) -> dict[str, Any]:
    return {**packet, "kind": PACKET, "what": str(packet["kind"]), "count": 1, "until": packet["at"]}


def _grouped(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the entries, with equal packets between two other entries as one, in words."""
    found: list[dict[str, Any]] = []
    open_groups: dict[tuple[object, ...], dict[str, Any]] = {}
    for entry in entries:
        if entry["kind"] != PACKET:
            open_groups.clear()
            found.append(dict(entry))
            continue
        key = (entry["who"], entry["to"], entry["link"], entry["what"], entry.get("fate", ""))
        if (group := open_groups.get(key)) is not None:
            group["count"] += 1
            group["size"] += entry["size"]
            group["until"] = entry["at"]
        else:
            open_groups[key] = group = dict(entry)
            found.append(group)
    for each in found:
        if each["kind"] == PACKET:
            many = f"{each['count']} times " if each["count"] > 1 else ""
            until = f", until {each['until']:+.3f} s" if each["count"] > 1 else ""
            each["what"] = f"{many}{each['what']} ({each['size']} bytes, link {each['link']}){until}"
    return cast("list[Mapping[str, Any]]", found)


def _lines(
    timeline: Sequence[Mapping[str, Any]], lanes: Sequence[str], payloads: Iterable[str]
) -> list[_Line]:
    length = max((float(each["at"]) for each in timeline), default=0.0) or 1.0
    group_of = {kind: name for name, _, kinds in _GROUPS for kind in kinds}
    rows = rows_of(timeline, lanes)
    decisive = next((n for n, row in enumerate(rows) if row.kind == DECISIVE), len(rows))
    room = _FRAMES
    for place in sorted(range(len(rows)), key=lambda n: abs(n - decisive)):
        room -= (used := len(escape(rows[place].decoded)) + len(rows[place].dump))
        if used and room < 0:
            rows[place] = replace(rows[place], decoded="The evidence contains this frame.", dump="")
    lines: list[_Line] = []
    before = 0.0
    for entry, row in zip(timeline, rows, strict=True):
        at = float(entry["at"])
        if (pause := at - before) >= _PAUSE:
            words = replace(row, at="", kind=PAUSE, who="", to="", what=f"{pause:.1f} s", decoded="", dump="")
            lines.append(_Line(words, "", minor=False, related=False, place=0))
        before = max(at, before)
        place = round(1000 * max(at, 0.0) / length, 1)
        fate = f": {entry['fate']}" if entry.get("fate") else ""
        changed = replace(row, what=row.what + fate) if fate else row
        related = any(each in row.what for each in payloads)
        group = group_of.get(row.kind, "")
        lines.append(_Line(changed, group, minor=bool(entry.get("minor")), related=related, place=place))
    return lines
