"""The fixture of scenarios that judge a router."""

from urllib.parse import urlsplit

from clasp_e2e.network import ask_stun
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.stalled_client import StalledClient
from clasp_e2e.testbed.testbed import Testbed


class RouterClients:
    """The router under test, and the signaling clients that a scenario opens."""

    def __init__(self, testbed: Testbed) -> None:
        self.testbed = testbed
        self.patience = testbed.patience
        self.url = testbed.router_url

    async def client(self, name: str, *, subscribes: bool = True) -> SignalingClient:
        """Attach a signaling client whose session the router must keep open.

        It subscribes to its own signal address, as the public clients do, if `subscribes`.
        """
        return await self.testbed.open_signaling_client(name, judges_router=True, subscribes=subscribes)

    async def client_that_stops_reading(self, name: str) -> StalledClient:
        """Attach a client that subscribes to signals and announcements, and then reads nothing more."""
        return await self.testbed.open_stalled_client(name)

    async def unruly_client(self, name: str) -> SignalingClient:
        """Attach a signaling client that may break a rule of the router, which may then end its session."""
        return await self.testbed.open_signaling_client(name)

    async def ask_stun(self, transport: str) -> list[str]:
        """Send STUN and TURN requests to the router's port by `udp` or `tcp`; return the answers."""
        address = urlsplit(self.url)
        port = address.port or (443 if address.scheme == "wss" else 80)
        return await ask_stun(address.hostname or "127.0.0.1", port, transport)
