"""A client that loses its router, and is back with a new session id."""

from __future__ import annotations

import asyncio

from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Unmet, Unobserved
from clasp_e2e.testbed.testbed import Testbed


async def lose_router_and_return(testbed: Testbed, client: Client) -> str:
    """Cut the client off from the router, let it return, and return its new session id.

    Not offered without the capability `reattach`; unobserved if the client keeps its session id.
    """
    client.needs("reattach")
    limit = testbed.patience.open
    before = len(client.leg.session_ids)
    client.leg.cut()
    client.leg.heal()
    try:
        async with asyncio.timeout(limit):
            await client.leg.peer_is_back(before)
    except TimeoutError:
        raise Unmet(f"{client.name} to attach to the router again within {limit:g} s", "it did not") from None
    # It has handled the WELCOME, and written what follows from that.
    await client.all_is_written()
    session = client.leg.session_id
    if session is None or session == client.session_id:
        raise Unobserved(f"{client.name} is back with the same session id")
    testbed.timeline.note("harness", f"{client.name} is back as session {session}")
    return session
