"""A STUN server on loopback that records its requests (RFC 8489, Binding only)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from aioice import stun

from clasp_e2e.network.stun_messages import read_stun
from clasp_e2e.notifier import Notifier


@dataclass(frozen=True, slots=True)
class StunRequest:
    """One request; `at` is the event loop's time of its arrival."""

    address: tuple[str, int]
    method: str
    """`BINDING`, or a TURN method, which this server does not support."""
    at: float


class StunServer(asyncio.DatagramProtocol):
    """A UDP socket that answers Binding requests, or only listens.

    Create it with `open`.
    """

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.requests: list[StunRequest] = []
        """Every STUN request received, including retransmissions, oldest first."""
        self._received = Notifier()
        self._closed = asyncio.get_running_loop().create_future()
        self._transport: asyncio.DatagramTransport

    @classmethod
    async def open(cls, *, answers: bool = True) -> StunServer:
        """Start a server; with `answers=False` it is silent, like an unreachable one."""
        _, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(answers=answers), local_addr=("127.0.0.1", 0)
        )
        return server

    def describe(self) -> str:
        """Return a short description of the requests."""
        asked = dict.fromkeys(
            f"{each.method} from {each.address[0]}:{each.address[1]}" for each in self.requests
        )
        return ", ".join(asked) or "no request"

    @property
    def address(self) -> tuple[str, int]:
        """The address of the server."""
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    @property
    def url(self) -> str:
        """The server's `stun:` URL (RFC 7064)."""
        host, port = self.address
        return f"stun:{host}:{port}"

    async def asked(self, within: float, method: str = "BINDING") -> bool:
        """Return whether a request of `method` arrives within `within` seconds, or has arrived before."""
        return await self._received.holds_within(
            lambda: any(each.method == method for each in self.requests), within
        )

    async def close(self) -> None:
        """Stop listening. Safe to call repeatedly."""
        self._transport.close()
        await self._closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Implement asyncio's protocol interface."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Implement asyncio's protocol interface."""
        if not self._closed.done():
            self._closed.set_result(None)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Implement asyncio's protocol interface."""
        request = read_stun(data)
        if request is None or request.message_class is not stun.Class.REQUEST:
            return
        self.requests.append(
            StunRequest(addr, request.message_method.name, asyncio.get_running_loop().time())
        )
        self._received.notify()
        if self.answers and request.message_method is stun.Method.BINDING:
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=request.transaction_id,
                attributes={"XOR-MAPPED-ADDRESS": addr},
            )
            response.add_fingerprint()
            self._transport.sendto(bytes(response), addr)
