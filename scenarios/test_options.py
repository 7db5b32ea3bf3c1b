"""The options `max_retries` and `auto_fallback`: peers connect with any value."""

from __future__ import annotations

from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.testbed import UnconnectedPair, both_connect, carries_data_directly, requirement


@requirement("CON-15")
async def test_peers_connect_without_retries_and_fallback(unconnected: UnconnectedPair) -> None:
    """With `max_retries` 0 and `auto_fallback` off, the peers connect, and data takes the direct path."""
    await connects_with(unconnected, P2PConfig(max_retries=0, auto_fallback=False))


@requirement("CON-15")
async def test_peers_connect_with_retries_and_fallback(unconnected: UnconnectedPair) -> None:
    """With `max_retries` 5 and `auto_fallback` on, the peers connect, and data takes the direct path."""
    await connects_with(unconnected, P2PConfig(max_retries=5, auto_fallback=True))


async def connects_with(unconnected: UnconnectedPair, config: P2PConfig) -> None:
    """Require peers with `config` to connect."""
    pair = await unconnected.attach(config, config)
    await both_connect(pair.offerer, pair.answerer)
    await carries_data_directly(pair)
