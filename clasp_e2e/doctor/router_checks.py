"""The check of a driver's router: it listens when it is open, and no longer once it is closed."""

import asyncio
from urllib.parse import urlsplit

from clasp_e2e.doctor.check_results import CheckFailed
from clasp_e2e.drivers.interface import Driver
from clasp_e2e.testbed.router_source import start_router
from clasp_e2e.testbed.waiting import Patience


async def check_router(driver: Driver, patience: Patience) -> str:
    """Check that the router listens at its URL as soon as it is open, and no longer once it is closed."""
    router = await start_router(driver, patience.open)
    try:
        if urlsplit(router.url).port in (0, None):
            raise CheckFailed(
                f"the router's URL {router.url!r} has no port that a client can connect to",
                "Port 0 asks for any free port: return the URL with the port that was bound.",
            )
        if not await _listens(router.url):
            raise CheckFailed(
                f"nothing listens at {router.url} right after router.open returned",
                "Return the URL only once the router listens there.",
            )
    finally:
        await router.close()
    if await _listens(router.url):
        raise CheckFailed(
            f"the router still listens at {router.url} after router.close",
            "Stop listening and end the sessions before you answer router.close.",
        )
    return "listens at its URL, and no longer once it is closed"


async def _listens(url: str) -> bool:
    """Return whether a TCP connection to the host and port of `url` is accepted."""
    address = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return False
    writer.close()
    return True
