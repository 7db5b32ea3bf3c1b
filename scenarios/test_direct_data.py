"""Direct data: what flows between connected peers, and what does not pass through the router."""

from __future__ import annotations

from clasp_e2e.p2p_types import Data, RoutingMode
from clasp_e2e.testbed import PeerPair, expect, random_payload, remark, requirement


@requirement("DIR-1")
async def test_data_between_connected_peers_avoids_the_router(connected_pair: PeerPair) -> None:
    """In PreferP2P and P2POnly, payloads for a connected peer do not pass through the router."""
    sender, receiver = connected_pair
    for mode in (RoutingMode.PREFER_P2P, RoutingMode.P2P_ONLY):
        await sender.set_p2p_routing_mode(mode)
        payload = random_payload()
        async with connected_pair.path_of(sender, payload) as path:
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)
        path.avoided_the_router()


@requirement("DIR-3")
async def test_what_the_payload_is_wrapped_in(connected_pair: PeerPair) -> None:
    """The payload may be sent over the data channel raw or in an envelope: reported, not judged."""
    sender, receiver = connected_pair
    payload = random_payload(256)
    await sender.send_p2p(receiver, payload)
    event = await receiver.wait_for(Data)
    extra = len(event.data) - len(payload)
    expect(payload in event.data, "the data channel message contains the payload").is_true()
    remark("the payload is sent raw" if extra == 0 else f"the payload has an envelope of {extra} bytes")
