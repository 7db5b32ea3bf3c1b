"""Measure the overhead of the testbed for connecting, compared with two plain aiortc peers.

Each round connects two peers over loopback in three ways:

- bare: two aiortc connections that exchange the offer and the answer in the process;
- router: two reference peers, directly attached to the reference router;
- testbed: two reference peers as in a scenario, behind signaling proxies and a UDP link.

The time is measured from `RTCPeerConnection()` or `connect_to_peer` until both sides are connected. Run as
`python benchmarks/connect_overhead.py`; with `--limit`, the exit status is 1 if the ratio of the testbed's
median to the bare median exceeds the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from unittest.mock import patch

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.p2p_types import Connected, P2PConfig, P2PEvent
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.fixtures import UnconnectedPair
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience

LABELS = ("clasp", "clasp-reliable")
LIMIT = 10.0
"""Seconds within which peers must connect."""


@contextmanager
def loopback_only() -> Generator[None]:
    """Make aiortc gather only 127.0.0.1, as the reference peer does."""
    with patch("aioice.ice.get_host_addresses", return_value=["127.0.0.1"]):
        yield


class Opened:
    """A counter of open channels on both sides, which sets `all` when all are open."""

    def __init__(self) -> None:
        self._missing = 2 * len(LABELS)
        self.all = asyncio.Event()

    def watch(self, channel: RTCDataChannel) -> None:
        """Count `channel` when it opens, or now if the other side has opened it."""
        if channel.readyState == "open":
            self._count()
        else:
            channel.on("open", self._count)

    def _count(self) -> None:
        self._missing -= 1
        if not self._missing:
            self.all.set()


async def bare() -> float:
    """Return the seconds that two aiortc peers take to connect."""
    now = asyncio.get_running_loop().time
    with loopback_only():
        began = now()
        offerer, answerer = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
        opened = Opened()
        answerer.on("datachannel", opened.watch)
        opened.watch(offerer.createDataChannel(LABELS[0], ordered=False, maxRetransmits=0))
        opened.watch(offerer.createDataChannel(LABELS[1]))
        try:
            async with asyncio.timeout(LIMIT):
                await offerer.setLocalDescription(await offerer.createOffer())
                await answerer.setRemoteDescription(offerer.localDescription)
                await answerer.setLocalDescription(await answerer.createAnswer())
                await offerer.setRemoteDescription(answerer.localDescription)
                await opened.all.wait()
            return now() - began
        finally:
            await asyncio.gather(offerer.close(), answerer.close())


async def router() -> float:
    """Return the seconds that two reference peers take, directly attached to the router."""
    now = asyncio.get_running_loop().time
    driver = ReferenceDriver()
    server = await driver.open_router(host="127.0.0.1", port=0)
    connected = [asyncio.Event(), asyncio.Event()]

    def sink(event: asyncio.Event) -> Callable[[P2PEvent], None]:
        return lambda received: event.set() if isinstance(received, Connected) else None

    offerer, answerer = [
        await driver.open_peer(url=server.url, name=name, p2p=P2PConfig(), on_event=sink(event))
        for name, event in zip(("alice", "bob"), connected, strict=True)
    ]
    try:
        async with asyncio.timeout(LIMIT):
            began = now()
            await offerer.connect_to_peer(answerer.session_id)
            for event in connected:
                await event.wait()
        return now() - began
    finally:
        await asyncio.gather(offerer.kill(), answerer.kill())
        await server.close()


async def testbed() -> float:
    """Return the seconds that two reference peers take in the testbed."""
    now = asyncio.get_running_loop().time
    driver = ReferenceDriver()
    participant = Participant(driver, SubjectInfo("reference", await driver.initialize()))
    world = Testbed(RouterSource(driver, None), Timeline(now), Patience())
    await world.open()
    try:
        pair = await UnconnectedPair(world, participant, participant, "offerer").attach()
        began = now()
        await pair.connect()
        return now() - began
    finally:
        if faults := await world.close():
            raise RuntimeError("; ".join(faults))


WAYS: dict[str, Callable[[], Awaitable[float]]] = {"bare": bare, "router": router, "testbed": testbed}


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way in each round, without the warm-up round."""
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    for number in range(rounds + 1):
        for name, connect in WAYS.items():
            seconds = await connect()
            if number:
                taken[name].append(seconds)
    return taken


def report(taken: dict[str, list[float]]) -> float:
    """Print the results; return the ratio of the testbed's median to the bare median."""
    base = taken["bare"]
    print(f"{len(base)} rounds, milliseconds")
    print(f"{'':9}{'min':>8}{'median':>8}{'max':>8}{'of medians':>12}{'of rounds':>12}")
    for name, seconds in taken.items():
        low, middle, high = (
            1000 * value for value in (min(seconds), statistics.median(seconds), max(seconds))
        )
        of_medians = statistics.median(seconds) / statistics.median(base)
        of_rounds = statistics.median(one / other for one, other in zip(seconds, base, strict=True))
        print(f"{name:9}{low:8.1f}{middle:8.1f}{high:8.1f}{of_medians:12.2f}{of_rounds:12.2f}")
    return statistics.median(taken["testbed"]) / statistics.median(base)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Measure the testbed's overhead for connecting.")
    parser.add_argument("--rounds", type=int, default=30, help="number of rounds (default: 30)")
    parser.add_argument("--limit", type=float, help="fail if the ratio of the medians exceeds this")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    ratio = report(asyncio.run(measure(options.rounds)))
    return int(options.limit is not None and ratio > options.limit)


if __name__ == "__main__":
    sys.exit(main())
