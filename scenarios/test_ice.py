"""ICE: the servers that a client is configured with."""

from __future__ import annotations

from clasp_e2e.model import P2PConfig
from clasp_e2e.testbed import Sides, StunServer, expect, requirement


@requirement("ICE-1")
async def test_the_configured_stun_server_is_asked(sides: Sides) -> None:
    """The STUN server that a client is configured with gets a Binding request when it connects."""
    server = await StunServer.open()
    try:
        pair = await sides.attach(**{sides.subject: P2PConfig(ice_servers=(server.url,))})
        await pair.offerer.connect_to_peer(pair.answerer)
        asked = await server.asked(sides.patience.connect)
        expect(asked, "a Binding request to reach the configured STUN server").is_true("none came")
    finally:
        await server.close()
