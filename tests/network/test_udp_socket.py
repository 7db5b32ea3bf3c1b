from __future__ import annotations

import asyncio
import socket

import pytest

from clasp_e2e.network.udp_socket import Address, UdpSocket
from clasp_e2e.notifier import Notifier

from .sockets import PATIENCE, Peer


class Received(list[tuple[bytes, Address]]):
    """The datagrams of a socket in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._notifier = Notifier()

    def __call__(self, data: bytes, sender: Address) -> None:
        self.append((data, sender))
        self._notifier.notify()

    async def until(self, count: int) -> None:
        await self._notifier.wait_until(lambda: len(self) >= count, PATIENCE)


async def test_socket_is_bound_to_its_host_and_closes_twice() -> None:
    opened = UdpSocket(Received(), "127.0.0.2")
    host, port = opened.address
    assert (host, port > 0) == ("127.0.0.2", True)
    opened.close()
    opened.close()


async def test_socket_at_an_address_of_another_machine_raises() -> None:
    with pytest.raises(OSError, match=r"assign requested address|not available"):
        UdpSocket(Received(), "192.0.2.1")


async def test_datagrams_arrive_with_their_sender(peers: tuple[Peer, Peer]) -> None:
    received = Received()
    opened = UdpSocket(received)
    peers[0].send(b"one", opened.address)
    peers[1].send(b"", opened.address)
    await received.until(2)
    assert received == [(b"one", peers[0].address), (b"", peers[1].address)]
    opened.close()


async def test_burst_lets_the_event_loop_serve_others(peers: tuple[Peer, Peer]) -> None:
    received = Received()
    opened = UdpSocket(received)
    for number in range(100):
        peers[0].send(b"%d" % number, opened.address)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(received) < 100
    await received.until(100)
    opened.close()


async def test_socket_closed_by_its_receiver_reads_no_more(peers: tuple[Peer, Peer]) -> None:
    received = Received()

    def receive(data: bytes, sender: Address) -> None:
        received(data, sender)
        opened.close()

    opened = UdpSocket(receive)
    peers[0].send(b"one", opened.address)
    peers[0].send(b"two", opened.address)
    await received.until(1)
    await asyncio.sleep(0)
    assert [data for data, _ in received] == [b"one"]


async def test_unreachable_port_does_not_end_the_reading(peers: tuple[Peer, Peer]) -> None:
    received = Received()
    opened = UdpSocket(received)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()
    opened.send(b"to nobody", nobody)
    peers[0].send(b"one", opened.address)
    await received.until(1)
    opened.close()
