"""ICE consent on aioice 0.13, which takes no answer that comes more than half a second after its check.

On a busy machine each answer may come later than that. Source: RFC 7675, section 5.1.
"""

import asyncio
import random
from typing import Any

from aioice import stun

CONSENT_S = 30.0
"""Seconds after which consent expires, from the last check that was answered."""

INTERVAL_S = 5.0
"""Seconds between two checks, on the average."""

RETRANSMISSIONS = 5
"""Of each check; aioice then waits for an answer until consent expires."""


async def keep_consent(connection: Any) -> None:  # Untyped: what it uses is private to aioice.
    """Check consent until it has expired, and close `connection` then: aioice's `query_consent`."""
    now = asyncio.get_running_loop().time
    expires = now() + CONSENT_S
    while True:
        try:
            async with asyncio.timeout_at(expires):
                await asyncio.sleep(INTERVAL_S * random.uniform(0.8, 1.2))
                asked = now()
                for pair in connection._nominated.values():
                    await pair.protocol.request(
                        connection.build_request(pair, nominate=False),
                        pair.remote_addr,
                        integrity_key=connection.remote_password.encode(),
                        retransmissions=RETRANSMISSIONS,
                    )
                expires = asked + CONSENT_S
        except stun.TransactionError:
            continue
        except TimeoutError:
            connection._query_consent_task = None
            await connection.close()
            return
