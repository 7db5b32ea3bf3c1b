"""A TURN server's allocations, as observed from the datagrams between clients and server. Pure.

The embedded server and coturn are thus judged in the same way. Source: RFC 8656.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aioice import stun

from clasp_e2e.network.stun_messages import read_channel_data, read_stun
from clasp_e2e.network.udp_socket import Address

_FEW = 2
"""Maximum number of relayed addresses of a user that a description names."""


@dataclass(slots=True)
class Allocation:
    """A relayed address, its user, and its traffic. Bytes are those of the payloads."""

    user: str
    client: Address
    relayed: Address
    sent: int = 0
    """Bytes that the client sent to be relayed; the server may have refused some of them."""
    received: int = 0
    """Bytes that arrived at the relayed address and were forwarded to the client."""


class Allocations:
    """A server's allocations in the order in which they were granted, including those that have ended.

    Call `from_client` and `to_client` for every datagram, in order.
    """

    def __init__(self) -> None:
        self.granted: list[Allocation] = []
        self.requests = 0
        """The number of requests received, of any kind, with or without credentials."""
        self.refusals: list[str] = []
        """The refusals of requests with a user name, one line each."""
        self._asking: dict[tuple[Address, bytes], str] = {}
        self._of: dict[Address, Allocation] = {}

    def of(self, user: str) -> list[Allocation]:
        """Return the allocations of a user."""
        return [allocation for allocation in self.granted if allocation.user == user]

    def received(self, user: str) -> int:
        """Return the number of bytes that were relayed to a user, over all its allocations."""
        return sum(allocation.received for allocation in self.of(user))

    def describe(self, users: Iterable[str]) -> str:
        """Return a short description of the server's activity for each of `users`."""
        said: list[str] = []
        for user in users:
            relayed = [f"{a.relayed[0]}:{a.relayed[1]}" for a in self.of(user)]
            if len(relayed) > _FEW:
                relayed = [*relayed[:_FEW], f"{len(relayed) - _FEW} more addresses"]
            sent = sum(allocation.sent for allocation in self.of(user))
            if relayed:
                where = ", ".join(relayed)
                said.append(f"{user} has {where}, sent {sent} bytes and was sent {self.received(user)}")
            else:
                said.append(f"{user} has no allocation")
        refused = "".join(f"; {line}" for line in self.refusals[:3])
        return f"at the TURN server {'; '.join(said)} ({self.requests} requests arrived{refused})"

    def from_client(self, data: bytes, client: Address) -> None:
        """Record a datagram to the server."""
        allocation = self._of.get(client)
        if (channelled := read_channel_data(data)) is not None:
            if allocation is not None:
                allocation.sent += len(channelled[1])
            return
        if (message := read_stun(data)) is None:
            return
        if message.message_class is stun.Class.REQUEST:
            self.requests += 1
            if (user := message.attributes.get("USERNAME")) is not None:
                self._asking[client, message.transaction_id] = user
        elif message.message_method is stun.Method.SEND and allocation is not None:
            allocation.sent += len(message.attributes.get("DATA", b""))

    def to_client(self, data: bytes, client: Address) -> None:
        """Record a datagram from the server."""
        allocation = self._of.get(client)
        if (channelled := read_channel_data(data)) is not None:
            if allocation is not None:
                allocation.received += len(channelled[1])
            return
        if (message := read_stun(data)) is None:
            return
        if message.message_class is stun.Class.INDICATION:
            if message.message_method is stun.Method.DATA and allocation is not None:
                allocation.received += len(message.attributes.get("DATA", b""))
            return
        user = self._asking.pop((client, message.transaction_id), None)
        if user is None:
            return
        if message.message_class is stun.Class.ERROR:
            code, reason = message.attributes.get("ERROR-CODE", (0, ""))
            self.refusals.append(f"{user} was refused {message.message_method.name}: {code} {reason}")
        elif message.message_method is stun.Method.ALLOCATE:
            relayed: Address | None = message.attributes.get("XOR-RELAYED-ADDRESS")
            if relayed is not None and (allocation is None or allocation.relayed != relayed):
                self._of[client] = granted = Allocation(user, client, relayed)
                self.granted.append(granted)
