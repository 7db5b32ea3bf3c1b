"""What a TLS server knows of a client that accepts, refuses or ignores its certificate."""

from __future__ import annotations

import contextlib
import ssl

from clasp_e2e.certificates import client_context, server_context
from clasp_e2e.network.tls_session import TlsSession

HOST = "127.0.0.1"


class TlsClient:
    """A TLS client in memory, and the session of its server."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.session = TlsSession(server_context(HOST))
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = (context or client_context()).wrap_bio(
            self._incoming, self._outgoing, server_hostname=HOST
        )

    def shake_hands(self) -> None:
        """Do what the client can, until it has accepted or refused the certificate."""
        for _ in range(3):
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                self.exchange()
                return
            self.exchange()

    def exchange(self) -> bytes | None:
        """Deliver what the client has written, and the server's answer; return the client's message."""
        message = self.session.decrypt(self._outgoing.read())
        self._incoming.write(self.session.outgoing())
        return message

    def say(self, message: bytes) -> bytes | None:
        self._tls.write(message)
        return self.exchange()

    def hear(self) -> bytes:
        self._incoming.write(self.session.outgoing())
        return self._tls.read(1 << 16)

    def leave(self) -> bytes | None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        return self.exchange()


def test_messages_cross_in_both_directions() -> None:
    client = TlsClient()
    client.shake_hands()
    assert client.say(b"a request") == b"a request"
    client.session.encrypt(b"an answer")
    assert client.hear() == b"an answer"
    assert client.session.refusal is None
    assert client.session.describe() == "established TLS"


def test_client_of_other_authorities_refuses_the_certificate() -> None:
    client = TlsClient(ssl.create_default_context())
    client.shake_hands()
    assert client.session.refusal == "tlsv1 alert unknown ca"
    assert client.session.describe() == "refused the certificate (tlsv1 alert unknown ca)"


def test_client_that_leaves_without_a_message_refuses_the_certificate() -> None:
    client = TlsClient()
    client.shake_hands()
    assert client.leave() is None
    assert client.session.refusal == "it closed the connection"


def test_client_that_stays_without_a_message_does_not_refuse_the_certificate() -> None:
    client = TlsClient()
    client.shake_hands()
    assert client.session.refusal is None
    assert client.session.describe() == "established TLS and sent no message"


def test_client_without_tls_does_not_refuse_the_certificate() -> None:
    session = TlsSession(server_context(HOST))
    assert session.describe() == "sent nothing"
    assert not session.decrypt(b"\0\3\0\0!\x12\xa4B" + bytes(12))
    assert session.refusal is None
    assert session.describe() == "sent no TLS"
