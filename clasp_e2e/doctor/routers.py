"""The step that a driver's router goes through: a reference client comes to it, and it closes."""

from __future__ import annotations

from urllib.parse import urlsplit

from clasp_e2e.doctor.bench import CALL, Bench
from clasp_e2e.doctor.findings import Wrong
from clasp_e2e.doctor.surroundings import HOST
from clasp_e2e.peer import Clasp, PeerError


class RouterSteps:
    """One router of the driver's."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def router(self) -> str:
        """It listens where it says when it says so, and no more once it is closed."""
        opening = self._bench.driver.open_router(host=HOST, port=0)
        router = await self._bench.call("router.open", opening, 3 * CALL)
        try:
            if urlsplit(router.url).port in (0, None):
                raise Wrong(
                    f"the url {router.url!r} has no port that a client could use",
                    "Port 0 asks for any: return the port that was bound.",
                )
            try:
                client = await Clasp.builder(router.url).name("clasp-e2e doctor").connect()
            except PeerError as error:
                raise Wrong(
                    f"a client at {router.url}, as soon as router.open returned, got no session: {error}",
                    "Return the url once the router listens there.",
                ) from error
            await client.kill()
        finally:
            await self._bench.call("router.close", router.close())
        try:
            client = await Clasp.builder(router.url).name("clasp-e2e doctor").connect()
        except PeerError:
            return "listens where it says, and no more once it is closed"
        await client.kill()
        raise Wrong(
            f"after router.close a client still got a session at {router.url}",
            "Stop listening, end the sessions, and only then answer.",
        )
