"""The embedded TURN server and, where it is installed, coturn, with aioice's client."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator

import pytest
from aioice import stun
from aioice.turn import TurnClientMixin, TurnTransport, create_turn_endpoint

from clasp_e2e.certificates import client_context, server_context, trust_store
from clasp_e2e.network import Coturn, CoturnFailed, EmbeddedTurnServer, ObservedTurnServer
from clasp_e2e.network.coturn import PROGRAM
from clasp_e2e.network.turn_server import relay_host

from .sockets import PATIENCE, Peer

USERS = {"alice": "in wonderland", "bob": "the builder"}

with_coturn = pytest.mark.skipif(not shutil.which(PROGRAM), reason="coturn is not installed")


@pytest.fixture(params=["embedded", pytest.param("coturn", marks=with_coturn)])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[ObservedTurnServer]:
    kind = EmbeddedTurnServer if request.param == "embedded" else Coturn
    server = await kind.open(USERS)
    yield server
    await server.close()
    await server.close()


def where(server: ObservedTurnServer, url: str = "") -> tuple[str, int]:
    _, host, port = (url or server.url).partition("?")[0].split(":")
    return host, int(port)


class Client(asyncio.DatagramProtocol):
    """An allocation, and what came to it."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.transport: TurnTransport
        self.relayed: tuple[str, int]

    @classmethod
    async def open(cls, server: ObservedTurnServer, user: str, *, over_tls: bool = False) -> Client:
        async with asyncio.timeout(PATIENCE):
            transport, client = await create_turn_endpoint(
                cls,
                server_addr=where(server, server.tls_urls[0] if over_tls else server.url),
                username=user,
                password=USERS[user],
                ssl=client_context() if over_tls else None,
                transport="tcp" if over_tls else "udp",
            )
        client.transport = transport
        client.relayed = transport.get_extra_info("sockname")
        return client

    @property
    def _inner(self) -> TurnClientMixin:
        return self.transport._TurnTransport__inner_protocol  # pyright: ignore

    async def send(self, data: bytes, to: tuple[str, int]) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._inner.send_data(data, to)

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        assert isinstance(data, bytes)
        self.arrived.put_nowait((data, addr))

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(PATIENCE):
            return await self.arrived.get()

    async def end(self) -> None:
        await self._inner.delete()


@pytest.fixture
async def clients(server: ObservedTurnServer) -> AsyncIterator[tuple[Client, Client]]:
    """Alice and Bob, each with a permission for the other's relayed address."""
    alice, bob = [await Client.open(server, user) for user in USERS]
    for text in (b"permits", b"is permitted"):  # The first of all may be lost, or arrive late.
        await alice.send(text, bob.relayed)
        await bob.send(text, alice.relayed)
    for client in (alice, bob):
        while (await client.receive())[0] != b"is permitted":
            pass
    yield alice, bob
    await alice.end()
    await bob.end()


async def test_data_is_relayed_both_ways_and_counted(
    server: ObservedTurnServer, clients: tuple[Client, Client]
) -> None:
    alice, bob = clients
    of_alice, of_bob = (server.allocations.of(user)[0] for user in USERS)
    assert (of_alice.relayed, of_bob.relayed) == (alice.relayed, bob.relayed)
    assert alice.relayed[0] == bob.relayed[0] == relay_host()
    before = of_alice.sent, of_alice.received, of_bob.sent, of_bob.received
    payload = os.urandom(1000)
    await alice.send(payload, bob.relayed)
    assert await bob.receive() == (payload, alice.relayed)
    await bob.send(payload[:300], alice.relayed)
    assert await alice.receive() == (payload[:300], bob.relayed)
    after = of_alice.sent, of_alice.received, of_bob.sent, of_bob.received
    assert [now - then for now, then in zip(after, before, strict=True)] == [1000, 300, 300, 1000]
    assert server.allocations.received("bob") == of_bob.received


async def test_peer_without_permission_does_not_get_through(
    clients: tuple[Client, Client], peers: tuple[Peer, Peer]
) -> None:
    alice, bob = clients
    peers[0].send(b"from a host's own address", alice.relayed)
    await bob.send(b"behind it", alice.relayed)
    assert await alice.receive() == (b"behind it", bob.relayed)


async def test_wrong_password_is_refused_and_recorded(server: ObservedTurnServer) -> None:
    with pytest.raises(stun.TransactionFailed):
        await create_turn_endpoint(
            Client, server_addr=where(server), username="alice", password="through the looking glass"
        )
    assert server.allocations.granted == []
    assert server.allocations.refusals[0].startswith("alice was refused ALLOCATE: 401")
    words = server.allocations.describe(USERS)
    assert "alice has no allocation; bob has no allocation (2 requests arrived; alice was refused" in words


async def test_released_allocation_is_gone(server: ObservedTurnServer) -> None:
    for _ in range(2):
        await (await Client.open(server, "alice")).end()
    assert len(server.allocations.of("alice")) == 2


async def test_data_is_relayed_over_tls() -> None:
    server = await EmbeddedTurnServer.open(USERS)
    try:
        bob = await Client.open(server, "bob")
        alice = await Client.open(server, "alice", over_tls=True)
        await bob.send(b"permits", alice.relayed)
        await alice.send(payload := os.urandom(999), bob.relayed)
        assert await bob.receive() == (payload, alice.relayed)
        await bob.send(payload[:301], alice.relayed)
        assert await alice.receive() == (payload[:301], bob.relayed)
        assert [session.describe() for session in server.tls_sessions] == ["established TLS"]
        await alice.end()
        await bob.end()
    finally:
        await server.close()


def test_trust_store_holds_the_authority_for_clients_in_other_processes() -> None:
    server_context("127.0.0.1")
    subjects = [each["subject"] for each in ssl.create_default_context(cafile=trust_store()).get_ca_certs()]
    assert (("commonName", "clasp-e2e, of one run"),) in [each[0] for each in subjects]


async def test_missing_coturn_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CoturnFailed, match=r"not installed.*apt-get"):
        await Coturn.open(USERS)


@with_coturn
async def test_coturn_that_does_not_start_is_an_error_with_its_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clasp_e2e.network.coturn._arguments", lambda users, files: ["--no-such-option"])
    with pytest.raises(CoturnFailed, match=r"did not open.*Its output: \S"):
        await Coturn.open(USERS)
