"""The time that two implementations need to connect, so that no scenario expects them to be faster.

A scenario configures a short time-out so that a failure does not take long. An implementation that is
slower than that, but keeps its default time-out, must not fail for it.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from math import ceil

from clasp_e2e.drivers.interface import DriverFault, NotOffered, Refused
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.testbed.attached_client import DEFAULT_TIMEOUT
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment, NoVerdict, Unmet
from clasp_e2e.testbed.partner_checks import both_connect
from clasp_e2e.testbed.testbed import Configs, Participant, Testbed

MARGIN = 3
"""How much longer than the measured time an attempt may take."""


class Pace:
    """The seconds that one attempt took in each pairing, measured when they are first needed."""

    def __init__(self) -> None:
        self._measured: dict[tuple[str, str], float] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def adapt(
        self,
        new_testbed: Callable[[], Testbed],
        configs: Configs,
        participants: tuple[Participant, Participant],
    ) -> Configs:
        """Return `configs` with each configured time-out long enough for `participants` to connect."""
        if not any(map(_is_short, configs)):
            return configs
        offerer, answerer = participants
        pairing = offerer.side.label, answerer.side.label
        async with self._locks[pairing]:
            if pairing not in self._measured:
                self._measured[pairing] = await _measure(offerer, answerer, new_testbed())
        least = min(DEFAULT_TIMEOUT, ceil(MARGIN * self._measured[pairing]))
        one, other = configs
        return _at_least(least, one), _at_least(least, other)


def _is_short(config: P2PConfig) -> bool:
    configured = config.connection_timeout_secs
    return configured is not None and configured < DEFAULT_TIMEOUT


def _at_least(least: int, config: P2PConfig) -> P2PConfig:
    configured = config.connection_timeout_secs
    if configured is None or configured >= least:
        return config
    return replace(config, connection_timeout_secs=least)


async def _measure(offerer: Participant, answerer: Participant, testbed: Testbed) -> float:
    """Return the seconds that an attempt takes, or 0 if it fails: other scenarios judge that."""
    token = JUDGMENT.set(Judgment(("CON-5",), random.Random(0)))
    now = asyncio.get_running_loop().time
    try:
        with suppress(NoVerdict, Unmet, Refused, DriverFault, NotOffered):
            await testbed.open()
            alice = await testbed.open_client("alice", offerer, P2PConfig())
            bob = await testbed.open_client("bob", answerer, P2PConfig())
            began = now()
            await both_connect(alice, bob)
            return now() - began
        return 0.0
    finally:
        JUDGMENT.reset(token)
        await testbed.close()
