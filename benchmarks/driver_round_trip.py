"""Measure the round-trip time of a call to an adapter over stdio.

The call is `peer.p2p_routing_mode`, which the reference adapter answers without network traffic. Run as
`python benchmarks/driver_round_trip.py`; with `--limit`, the exit status is 1 if the median exceeds the
limit in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import statistics
import sys
import time

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.p2p_types import P2PConfig

ADAPTER = f"{shlex.quote(sys.executable)} -m clasp_e2e.drivers.adapters.reference"
WARM_UP = 20


async def measure(command: str, rounds: int) -> list[float]:
    """Return the milliseconds of each round trip."""
    router = await ReferenceDriver().open_router(host="127.0.0.1", port=0)
    driver = StdioDriver(shlex.split(command))
    try:
        await driver.initialize()
        peer = await driver.open_peer(
            url=router.url, name="benchmark", p2p=P2PConfig(), on_event=lambda _: None
        )
        taken: list[float] = []
        for number in range(WARM_UP + rounds):
            began = time.perf_counter()
            await peer.p2p_routing_mode()
            if number >= WARM_UP:
                taken.append(1000 * (time.perf_counter() - began))
        await peer.end()
        return taken
    finally:
        await driver.aclose()
        await router.close()


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Measure the time of a call to an adapter over stdio.")
    parser.add_argument("--rounds", type=int, default=1000, help="number of round trips (default: 1000)")
    parser.add_argument(
        "--command", default=ADAPTER, help="the adapter's command line (default: the reference adapter)"
    )
    parser.add_argument("--limit", type=float, help="fail if the median exceeds this, in milliseconds")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("--rounds: at least 2")
    taken = asyncio.run(measure(options.command, options.rounds))
    median = statistics.median(taken)
    print(f"{len(taken)} round trips, milliseconds")
    print(f"min {min(taken):.3f}   median {median:.3f}   99 % {statistics.quantiles(taken, n=100)[98]:.3f}")
    return int(options.limit is not None and median > options.limit)


if __name__ == "__main__":
    sys.exit(main())
