"""UDP sockets: how they are opened, and what a burst of datagrams yields."""

from __future__ import annotations

import socket

import pytest

from clasp_e2e.network.udp_socket import LARGEST_DATAGRAM, open_udp_socket, read_burst

from .sockets import Peer


def buffer() -> memoryview:
    return memoryview(bytearray(LARGEST_DATAGRAM))


def test_an_opened_socket_is_bound_and_does_not_block() -> None:
    with open_udp_socket("127.0.0.2") as opened:
        host, port = opened.getsockname()
        assert host == "127.0.0.2"
        assert port
        assert list(read_burst(opened, buffer())) == []


def test_opening_at_an_address_of_another_machine_raises_and_leaves_no_socket() -> None:
    with pytest.raises(OSError, match=r"assign requested address|not available"):
        open_udp_socket("192.0.2.1")


async def test_a_burst_yields_each_datagram_with_its_sender(peers: tuple[Peer, Peer]) -> None:
    with open_udp_socket() as opened:
        peers[0].send(b"one", opened.getsockname())
        peers[1].send(b"", opened.getsockname())
        received = [(bytes(data), sender) for data, sender in read_burst(opened, buffer())]
        assert received == [(b"one", peers[0].address), (b"", peers[1].address)]


async def test_a_burst_is_limited(peers: tuple[Peer, Peer]) -> None:
    with open_udp_socket() as opened:
        for number in range(100):
            peers[0].send(b"%d" % number, opened.getsockname())
        first = len(list(read_burst(opened, buffer())))
        assert 0 < first < 100
        assert first + len(list(read_burst(opened, buffer()))) == 100


async def test_a_burst_ends_when_its_socket_is_closed(peers: tuple[Peer, Peer]) -> None:
    with open_udp_socket() as opened:
        peers[0].send(b"one", opened.getsockname())
        peers[0].send(b"two", opened.getsockname())
        received: list[bytes] = []
        for data, _ in read_burst(opened, buffer()):
            received.append(bytes(data))
            opened.close()
        assert received == [b"one"]


async def test_an_unreachable_port_does_not_end_a_burst(peers: tuple[Peer, Peer]) -> None:
    with open_udp_socket() as opened:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            address = closed.getsockname()
        opened.connect(address)
        opened.send(b"to nobody")
        assert list(read_burst(opened, buffer())) == []
