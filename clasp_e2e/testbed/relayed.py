"""A pair of peers whose only path is through a TURN server."""

from clasp_e2e.network import Allocations
from clasp_e2e.p2p_types import Connected, ConnectionFailed, P2PConfig, TurnServer
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Unmet
from clasp_e2e.testbed.fixtures import PeerPair, UnconnectedPair

SECRET = "on loopback alone"  # noqa: S105 - of servers that end with their scenario

USERS = {"alice": SECRET, "bob": SECRET}


class RelayedPair(PeerPair):
    """A pair whose direct path is through the TURN server, where it is measured.

    Only relay candidates are delivered, and the server forwards only between relayed addresses: all
    data passes it twice.
    """

    def __init__(self, pair: PeerPair, subject: str, seen: Allocations) -> None:
        super().__init__(pair.testbed, pair.offerer, pair.answerer, subject, pair.newcomers)
        self._seen = seen

    @property
    def is_connected_unseen(self) -> bool:
        """False: the TURN server sees the connection."""
        return False

    async def connect_through_the_relay(self) -> None:
        """Connect both peers; unmet, with what the TURN server saw, if one does not receive Connected."""
        async with self.connecting():
            for client, other in ((self.offerer, self.answerer), (self.answerer, self.offerer)):
                try:
                    await client.wait_for(
                        Connected, other, within=self.connect_limit, unless=ConnectionFailed
                    )
                except Unmet as unmet:
                    raise Unmet(
                        f"{client.name} to receive Connected, the configured TURN server being the only path",
                        f"{unmet.seen}; {self._seen.describe(each.name for each in self)}",
                    ) from None
        self.testbed.timeline.note("harness", f"saw {self._seen.describe(each.name for each in self)}")

    def sent_directly(self, sender: Client, receiver: Client) -> int:  # noqa: ARG002 - seen at the receiver
        """Return the bytes that the TURN server has relayed to `receiver`."""
        return self._seen.received(receiver.name)


async def attach_with_turn(unconnected: UnconnectedPair) -> RelayedPair:
    """Attach both peers, each with its own TURN credentials, and drop all candidates that are not relayed.

    Not offered unless both declare `turn`.
    """
    server = await unconnected.testbed.open_turn_server(USERS)
    configs = [
        P2PConfig(turn_servers=(TurnServer(server.url, name, secret),)) for name, secret in USERS.items()
    ]
    pair = await unconnected.attach(*configs)
    for client in pair:
        client.needs("turn")
    pair.link.relay_only()
    return RelayedPair(pair, unconnected.subject, server.allocations)
