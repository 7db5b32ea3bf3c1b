"""The server's side of a TLS connection, without its socket."""

from __future__ import annotations

import ssl

_HANDSHAKE = 22
"""The first byte of a TLS connection: the content type of a ClientHello (RFC 8446 section 5.1)."""

_CHUNK = 1 << 16


class TlsSession:
    """The TLS session of a server with one client. Send `outgoing` after each other call."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.has_read = False
        """Whether a message of the client has arrived."""
        self._first = b""
        self._has_ended = False
        self._error = ""

    def decrypt(self, data: bytes) -> bytes | None:
        """Return the client's messages in `data`, or None if the session has ended."""
        self._first = self._first or data[:1]
        self._incoming.write(data)
        plain = b""
        try:
            while chunk := self._tls.read(_CHUNK):
                plain += chunk
            self.end()  # The client has closed the session in an orderly way.
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._error = (error.reason or str(error)).lower().replace("_", " ")
            self.end()
        self.has_read = self.has_read or bool(plain)
        return None if self._has_ended and not plain else plain

    def encrypt(self, data: bytes) -> None:
        """Encrypt a message to the client."""
        self._tls.write(data)

    def outgoing(self) -> bytes:
        """Return the bytes to send to the client."""
        return self._outgoing.read()

    def end(self) -> None:
        """Record that the connection has ended."""
        self._has_ended = True

    @property
    def refusal(self) -> str | None:
        """How the client has refused the certificate, or None.

        Most clients send an alert. Others close the connection, or check the certificate after the handshake
        and send no message.
        """
        is_tls = self._first == bytes([_HANDSHAKE])
        is_established = self._tls.version() is not None
        if not is_tls or self.has_read or (is_established and not self._has_ended):
            return None
        if self._error:
            return self._error
        return "it closed the connection" if self._has_ended else "it did not continue the handshake"

    def describe(self) -> str:
        """Return what the client did, as a phrase."""
        if not self._first:
            return "sent nothing"
        if self._first != bytes([_HANDSHAKE]):
            return "sent no TLS"
        if (refusal := self.refusal) is not None:
            return f"refused the certificate ({refusal})"
        return "established TLS" if self.has_read else "established TLS and sent no message"
