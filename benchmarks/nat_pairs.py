"""Print which pairs of NATs the reference connects through without TURN, on the link or in the lab.

python benchmarks/nat_pairs.py [lab]
"""

from __future__ import annotations

import asyncio
import sys

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.lab import enter
from clasp_e2e.network import Nat, Side
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.fixtures import UnconnectedPair
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience

LIMIT = 8
"""Seconds for an attempt: longer than the checks of ICE take where there is a path."""


async def connects(driver: ReferenceDriver, side: SubjectInfo, one: Nat, other: Nat) -> bool:
    """Return whether a peer behind `one` connects to a peer behind `other`."""
    testbed = Testbed(RouterSource(driver, None), Timeline(), Patience())
    await testbed.open()
    try:
        participant = Participant(driver, side)
        unconnected = UnconnectedPair(testbed, participant, participant, "offerer")
        pair = await unconnected.attach_with_stun(P2PConfig(connection_timeout_secs=LIMIT))
        pair.link.put_behind(one, Side.A)
        pair.link.put_behind(other, Side.B)
        await pair.offerer.connect_to_peer(pair.answerer)
        return await testbed.switchboard.holds_within(lambda: pair.is_established, LIMIT)
    finally:
        await testbed.close()


async def main() -> None:
    """Try all pairs, one row at a time."""
    driver = ReferenceDriver()
    side = SubjectInfo("reference", await driver.initialize())
    print("| offerer / answerer | " + " | ".join(nat.value for nat in Nat) + " |")
    print("|---" * (len(Nat) + 1) + "|")
    for one in Nat:
        row = await asyncio.gather(*(connects(driver, side, one, other) for other in Nat))
        print(f"| {one.value} | " + " | ".join("yes" if each else "no" for each in row) + " |")


if __name__ == "__main__":
    if sys.argv[1:] == ["lab"]:
        enter()
    asyncio.run(main())
