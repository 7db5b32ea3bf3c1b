"""A STUN server on loopback that records its requests (RFC 8489, Binding only)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from aioice import stun

from clasp_e2e.network.stun_messages import ALTERNATE_SERVER, read_stun
from clasp_e2e.network.udp_socket import Address, UdpSocket
from clasp_e2e.notifier import Notifier


@dataclass(frozen=True, slots=True)
class StunRequest:
    """One request; `at` is the event loop's time of its arrival."""

    address: Address
    method: str
    """`BINDING`, or a TURN method, which this server does not support."""
    at: float


class StunServer:
    """A UDP socket that answers Binding requests, only listens, or refuses all requests.

    `refusal` is the code of its error responses (RFC 8489 section 14.8), `alternate` the server that they
    name. Create it with `open`.
    """

    def __init__(
        self, *, answers: bool = True, refusal: int | None = None, alternate: Address | None = None
    ) -> None:
        self.answers = answers
        self._refusal = refusal
        self._alternate = alternate
        self.requests: list[StunRequest] = []
        """Every STUN request received, including retransmissions, oldest first."""
        self._received = Notifier()
        self._socket = UdpSocket(self._receive, name="STUN server")

    @classmethod
    async def open(
        cls, *, answers: bool = True, refusal: int | None = None, alternate: Address | None = None
    ) -> StunServer:
        """Start a server; with `answers=False` it is silent, like an unreachable one."""
        return cls(answers=answers, refusal=refusal, alternate=alternate)

    def describe(self) -> str:
        """Return a short description of the requests."""
        asked = dict.fromkeys(
            f"{each.method} from {each.address[0]}:{each.address[1]}" for each in self.requests
        )
        return ", ".join(asked) or "no request"

    @property
    def address(self) -> Address:
        """The address of the server."""
        return self._socket.address

    @property
    def url(self) -> str:
        """The server's `stun:` URL (RFC 7064)."""
        host, port = self.address
        return f"stun:{host}:{port}"

    @property
    def turn_url(self) -> str:
        """The `turn:` URL (RFC 7065) of the server as one that is no TURN server, or refuses."""
        host, port = self.address
        return f"turn:{host}:{port}?transport=udp"

    async def asked(self, within: float, method: str = "BINDING") -> bool:
        """Return whether a request of `method` arrives within `within` seconds, or has arrived before."""
        return await self._received.holds_within(
            lambda: any(each.method == method for each in self.requests), within
        )

    async def close(self) -> None:
        """Stop listening. Safe to call repeatedly."""
        self._socket.close()

    def _receive(self, data: bytes, sender: Address) -> None:
        request = read_stun(data)
        if request is None or request.message_class is not stun.Class.REQUEST:
            return
        now = asyncio.get_running_loop().time()
        self.requests.append(StunRequest(sender, request.message_method.name, now))
        self._received.notify()
        if self._refusal is not None:
            with contextlib.suppress(OSError):
                self._socket.send(self._error(request, self._refusal), sender)
        elif self.answers and request.message_method is stun.Method.BINDING:
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=request.transaction_id,
                attributes={"XOR-MAPPED-ADDRESS": sender},
            )
            response.add_fingerprint()
            with contextlib.suppress(OSError):
                self._socket.send(bytes(response), sender)

    def _error(self, request: stun.Message, code: int) -> bytes:
        attributes: dict[str, object] = {"ERROR-CODE": (code, "Refused")}
        if code == 401:
            attributes |= {"REALM": "clasp-e2e", "NONCE": b"nonce"}
        if self._alternate is not None:
            attributes[ALTERNATE_SERVER] = self._alternate
        error = stun.Message(request.message_method, stun.Class.ERROR, request.transaction_id, attributes)
        error.add_fingerprint()
        return bytes(error)
