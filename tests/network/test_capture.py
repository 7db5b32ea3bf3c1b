"""A capture keeps the first and last packets of a case, and everything that crosses sockets and legs."""

from __future__ import annotations

import asyncio

import pytest

from clasp_e2e.network.capture import CAPTURE, Capture
from clasp_e2e.network.udp_socket import UdpSocket

A, B = ("127.0.0.1", 1), ("127.0.0.1", 2)


async def test_packets_from_the_middle_are_left_out() -> None:
    capture = Capture(kept=100)
    for number in range(50):
        capture.datagram("link", A, B, bytes([number]) * 10)
    assert capture.left_out == 30
    file = capture.to_pcapng("the case")
    assert b"30 packets from the middle" in file
    kept = [number for number in range(50) if bytes([number]) * 10 in file]
    assert kept == [*range(10), *range(40, 50)]


async def test_comment_belongs_to_its_packet_also_at_the_end() -> None:
    capture = Capture(kept=100)
    for number in range(50):
        capture.comment(capture.datagram("link", A, B, bytes([number]) * 10), f"number {number:02}")
    file = capture.to_pcapng("the case")
    for number in [*range(10), *range(40, 50)]:
        assert file.index(bytes([number]) * 10) < file.index(b"number %02d" % number)
    assert file.count(b"number ") == 20
    assert b"number 25" not in file


async def test_large_packet_is_kept_as_the_last() -> None:
    capture = Capture(kept=10)
    capture.datagram("link", A, B, b"x" * 100)
    assert (b"x" * 100 in capture.to_pcapng(""), capture.left_out) == (True, 0)


async def test_secret_is_written_once_and_before_packets() -> None:
    capture = Capture()
    capture.datagram("link", A, B, b"datagram")
    for _ in range(2):
        capture.secret(b"CLIENT_RANDOM 00 11")
    file = capture.to_pcapng("")
    assert file.count(b"CLIENT_RANDOM") == 1
    assert file.index(b"CLIENT_RANDOM") < file.index(b"datagram")


async def test_socket_records_both_directions() -> None:
    capture = Capture()
    token = CAPTURE.set(capture)
    received: asyncio.Queue[bytes] = asyncio.Queue()
    one = UdpSocket(lambda data, _: received.put_nowait(data), name="one")
    CAPTURE.reset(token)
    other = UdpSocket(lambda _, __: None)
    one.send(b"there", other.address)
    other.send(b"back", one.address)
    assert await asyncio.wait_for(received.get(), 5) == b"back"
    one.comment("link: lost")
    one.close()
    other.close()
    file = capture.to_pcapng("")
    assert file.count(b"there") == file.count(b"back") == 1
    assert file.index(b"there") < file.index(b"back") < file.index(b"link: lost")


@pytest.mark.parametrize("outgoing", [True, False])
async def test_sctp_packet_has_its_direction(outgoing: bool) -> None:
    capture = Capture()
    capture.sctp("alice, SCTP", b"chunk", outgoing=outgoing)
    file = capture.to_pcapng("")
    assert bytes([2, 0, 4, 0, 2 if outgoing else 1]) in file
