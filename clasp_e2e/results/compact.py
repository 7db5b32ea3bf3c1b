"""The compact trace of a case that passed: its main entries, and the number of those left out. Pure."""

import re

from clasp_e2e.results.timeline import Entry, EntryKind, Timeline

MOST = 40
"""Maximum number of entries that are kept; `GAP` entries are not counted."""
_IMPORTANT = frozenset({EntryKind.CONDITION, EntryKind.NETWORK, EntryKind.MISSED})


def compact(timeline: Timeline) -> tuple[list[Entry], int]:
    """Return the entries to keep of a timeline, and the number of those left out.

    Minor entries are dropped (see `Entry.minor`) unless all are minor, and so are the bytes of frames. Of
    more than `MOST` entries the first and the last are kept, and network events between them; an entry of
    the kind `GAP` replaces those left out. Session ids are replaced by the names of their owners.
    """
    candidates = [entry for entry in timeline.entries if not entry.minor] or timeline.entries
    kept = _chosen(candidates)
    trace: list[Entry] = []
    missing = 0
    for place, entry in enumerate(candidates):
        if place not in kept:
            missing += 1
            continue
        if missing:
            trace.append(_gap(entry.at, missing))
            missing = 0
        trace.append(_bare(entry, timeline))
    return trace, len(timeline.entries) - len(kept)


def _chosen(entries: list[Entry]) -> set[int]:
    """Return the indexes of the entries to keep; the last one is always kept."""
    if len(entries) <= MOST:
        return set(range(len(entries)))
    important = [place for place, entry in enumerate(entries) if entry.kind in _IMPORTANT][: MOST // 2]
    others = [place for place in range(len(entries)) if place not in set(important)]
    room = MOST - len(important)
    first = room // 3
    return {*important, *others[:first], *others[first - room :]}


def _gap(at: float, count: int) -> Entry:
    return Entry(
        at, "harness", f"{count} {'entry is' if count == 1 else 'entries are'} left out", EntryKind.GAP
    )


def _bare(entry: Entry, timeline: Timeline) -> Entry:
    what = entry.what
    if timeline.sessions:
        ids = "|".join(re.escape(session) for session in timeline.sessions)
        what = re.sub(ids, lambda found: timeline.sessions[found[0]], what)
    return Entry(entry.at, entry.who, what, entry.kind, entry.to)
