"""The check of a driver's router: a reference client attaches to it, and it is closed."""

from urllib.parse import urlsplit

from clasp_e2e.doctor.check_results import CheckFailed
from clasp_e2e.doctor.context import CALL, NAME, ExaminationContext
from clasp_e2e.doctor.probe_servers import HOST
from clasp_e2e.peer import Clasp, PeerError


async def check_router(context: ExaminationContext) -> str:
    """Check that the router listens at its URL as soon as it is open, and no longer once it is closed."""
    opening = context.driver.open_router(host=HOST, port=0)
    router = await context.call("router.open", opening, 3 * CALL)
    try:
        if urlsplit(router.url).port in (0, None):
            raise CheckFailed(
                f"the router's URL {router.url!r} has no port that a client can connect to",
                "Port 0 asks for any free port: return the URL with the port that was bound.",
            )
        try:
            await _attach(router.url)
        except PeerError as error:
            raise CheckFailed(
                f"a client got no session at {router.url} right after router.open returned: {error}",
                "Return the URL only once the router listens there.",
            ) from error
    finally:
        await context.call("router.close", router.close())
    try:
        await _attach(router.url)
    except PeerError:
        return "listens at its URL, and no longer once it is closed"
    raise CheckFailed(
        f"a client got a session at {router.url} after router.close",
        "Stop listening and end the sessions before you answer router.close.",
    )


async def _attach(url: str) -> None:
    """Open a session and end it. Raises `PeerError`."""
    client = await Clasp.builder(url).name(NAME).connect()
    await client.kill()
