"""Access to what DTLS hides: the secrets and the SCTP packets of a peer of the harness, for captures."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

from aiortc import RTCPeerConnection, RTCSctpTransport
from OpenSSL import SSL


class Tap(Protocol):
    """What receives secrets and SCTP packets."""

    def secret(self, line: bytes) -> None:
        """Take a line of a DTLS key log (NSS format)."""
        ...

    def sctp(self, data: bytes, *, outgoing: bool) -> None:
        """Take an SCTP packet without its DTLS record."""
        ...


TAP: ContextVar[Tap | None] = ContextVar("TAP", default=None)
"""The tap of the clients and transports that are created in this context."""


@contextmanager
def tapped(tap: Tap | None) -> Generator[None]:
    """Give the transports that are created in this block to `tap`."""
    token = TAP.set(tap)
    try:
        yield
    finally:
        TAP.reset(token)


def tap_secrets(connection: RTCPeerConnection, tap: Tap | None) -> None:
    """Give the DTLS secrets of `connection` to `tap`, if there is one."""
    if tap is None:
        return
    (certificate,) = getattr(connection, "_RTCPeerConnection__certificates")  # noqa: B009 - prevents name mangling
    create = certificate._create_ssl_context  # pyright: ignore[reportPrivateUsage]

    def create_with_key_log(**options: Any) -> SSL.Context:
        context: SSL.Context = create(**options)
        context.set_keylog_callback(lambda _, line: tap.secret(line))
        return context

    certificate._create_ssl_context = create_with_key_log


def tap_packets(sctp: RTCSctpTransport, tap: Tap | None) -> None:
    """Give the SCTP packets of `sctp` to `tap`, if there is one."""
    if tap is None:
        return
    dtls: Any = sctp.transport
    send, receive = dtls._send_data, sctp._handle_data  # pyright: ignore[reportPrivateUsage]

    async def through(pass_on: Any, outgoing: bool, data: bytes) -> None:
        tap.sctp(data, outgoing=outgoing)
        await pass_on(data)

    dtls._send_data = partial(through, send, True)
    sctp._handle_data = partial(through, receive, False)  # pyright: ignore[reportPrivateUsage]
