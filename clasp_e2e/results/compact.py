"""The compact trace of a case that passed: what tells its story, and how much was left out. Pure."""

import re

from clasp_e2e.results.timeline import Entry, EntryKind, Timeline

MOST = 40
"""So many entries are kept at most; what stands in the place of others is not counted."""
_WEIGHTY = frozenset({EntryKind.CONDITION, EntryKind.NETWORK, EntryKind.MISSED})


def compact(timeline: Timeline) -> tuple[list[Entry], int]:
    """Return what is kept of a timeline, and how many of its entries are left out.

    What is minor goes (see `Entry.minor`), unless all is, and so do the bytes of frames. Of more than
    `MOST` entries the first and the last are kept, and between them what befell the network; an entry
    of the kind `GAP` stands where some are left out. Session ids stand as the names of their owners.
    """
    told = [entry for entry in timeline.entries if not entry.minor] or timeline.entries
    kept = _chosen(told)
    trace: list[Entry] = []
    missing = 0
    for place, entry in enumerate(told):
        if place not in kept:
            missing += 1
            continue
        if missing:
            trace.append(_gap(entry.at, missing))
            missing = 0
        trace.append(_bare(entry, timeline))
    return trace, len(timeline.entries) - len(kept)


def _chosen(told: list[Entry]) -> set[int]:
    """Return the places of those that are kept; the last entry always is."""
    if len(told) <= MOST:
        return set(range(len(told)))
    weighty = [place for place, entry in enumerate(told) if entry.kind in _WEIGHTY][: MOST // 2]
    others = [place for place in range(len(told)) if place not in set(weighty)]
    room = MOST - len(weighty)
    first = room // 3
    return {*weighty, *others[:first], *others[first - room :]}


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
