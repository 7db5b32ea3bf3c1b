"""Whether an implementation accepts signals only as they were sent, such as signed ones.

The link puts its own address in the place of candidates. Two of an implementation that signs its signals do
not connect then, which is no fault of theirs. This is measured where two of an implementation were not seen
to connect: once by what they send, and once with a change that has no meaning.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from clasp_e2e.drivers.interface import DriverFault, NotOffered, Refused
from clasp_e2e.network.session_description import Candidate, CandidateFilter, unchanged
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.testbed.expectations import NoVerdict, Unmet
from clasp_e2e.testbed.partner_checks import both_connect
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import together

PAIRS = (("alice", "bob"), ("carol", "dave"))
"""Two at a time, so that a connection that fails now and then is hardly taken for a refused signal."""

SIGNED = (
    "it does not accept signals that the link has altered: judge it with --network lab, which alters none"
)
"""Why an implementation that signs its signals is not judged."""


class SignedSignals:
    """What was measured, for each implementation when it is first needed."""

    def __init__(self) -> None:
        self._measured: dict[str, bool] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def are_used_by(self, subject: Participant, new_testbed: Callable[[], Testbed]) -> bool:
        """Return whether two of `subject` connect by what they send, and not if that is altered."""
        label = subject.side.label
        async with self._locks[label]:
            if label not in self._measured:
                self._measured[label] = await _accepts_only_unaltered(subject, new_testbed)
        return self._measured[label]


async def _accepts_only_unaltered(subject: Participant, new_testbed: Callable[[], Testbed]) -> bool:
    if not all(await _connected(subject, new_testbed(), unchanged, PAIRS[:1])):
        return False
    unaltered, altered = await together(
        _connected(subject, new_testbed(), unchanged, PAIRS),
        _connected(subject, new_testbed(), _of_another_priority, PAIRS),
    )
    return all(unaltered) and not any(altered)


def _of_another_priority(candidate: Candidate) -> Candidate:
    """Return `candidate` with a change that makes no difference to ICE."""
    return replace(candidate, priority=(candidate.priority - 1) or 2)


async def _connected(
    subject: Participant, testbed: Testbed, alter: CandidateFilter, pairs: Sequence[tuple[str, str]]
) -> list[bool]:
    """Return of each of `pairs` whether it connects, soon, if `alter` is done to its candidates."""
    testbed.switchboard.instead_of_links = alter
    try:
        await testbed.open()
        return await together(*(_connects(subject, testbed, names) for names in pairs))
    finally:
        await testbed.close()


async def _connects(subject: Participant, testbed: Testbed, names: tuple[str, str]) -> bool:
    try:
        one, other = await together(*(testbed.open_client(name, subject, P2PConfig()) for name in names))
        await both_connect(one, other, within=testbed.patience.event)
    except (NoVerdict, Unmet, Refused, DriverFault, NotOffered):
        return False
    return True
