"""The pcapng writer: a reader of the format reads what was written, and checksums are valid."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.network import pcapng
from clasp_e2e.network.ip_packets import TcpStream, udp

ports = st.tuples(st.ip_addresses(v=4).map(str), st.integers(1, 65535))


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, length - 4) == (length,)
        found.append((kind, data[8 : length - 4]))
        data = data[length:]
    return found


def options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while data:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            assert data == bytes(4)
            break
        found[code] = data[4 : 4 + length]
        data = data[4 + length + -length % 4 :]
    return found


def internet_sum(data: bytes) -> int:
    words = struct.unpack(f"!{len(data) // 2}H", data + bytes(len(data) % 2)) if len(data) % 2 == 0 else ()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(st.integers(0, 9), st.integers(0, 2**64 - 1), st.binary(max_size=99), st.text(max_size=99))
def test_packet_is_read_as_written(number: int, at: int, data: bytes, comment: str) -> None:
    ((kind, body),) = blocks(pcapng.packet(number, at, data, comment, pcapng.OUTBOUND))
    interface, high, low, captured, original = struct.unpack_from("<IIIII", body)
    assert (kind, interface, high << 32 | low) == (6, number, at)
    assert captured == original == len(data)
    assert body[20 : 20 + captured] == data
    found = options(body[20 + captured + -captured % 4 :])
    assert found.get(1, b"") == comment.encode()
    assert found[2] == struct.pack("<I", 2)


@given(st.text(max_size=99), st.binary(max_size=99))
def test_section_interface_and_secrets_are_read_as_written(text: str, log: bytes) -> None:
    written = pcapng.section(text, "x") + pcapng.tls_secrets(log) + pcapng.interface(pcapng.LINK_SCTP, text)
    (first, section), (second, secrets), (third, interface) = blocks(written)
    assert (first, second, third) == (0x0A0D0D0A, 10, 1)
    assert section[:4] == bytes.fromhex("4d3c2b1a")
    assert options(section[16:])[1] == text.encode()
    assert secrets[:8] == b"KSLT" + struct.pack("<I", len(log))
    assert secrets[8 : 8 + len(log)] == log
    assert struct.unpack_from("<H", interface) == (248,)
    assert options(interface[8:])[2] == text.encode()


@given(ports, ports, st.binary(max_size=2000))
def test_udp_packet_has_its_addresses_and_header_checksum(
    source: tuple[str, int], to: tuple[str, int], data: bytes
) -> None:
    packet = udp(source, to, data)
    assert internet_sum(packet[:20]) == 0xFFFF
    assert struct.unpack_from("!H", packet, 2) == (len(packet),)
    assert struct.unpack_from("!HHH", packet, 20) == (source[1], to[1], 8 + len(data))
    assert packet[28:] == data


@given(ports, ports, st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=70_000)), max_size=5))
def test_tcp_segments_continue_their_streams(
    one: tuple[str, int], other: tuple[str, int], parts: list[tuple[bool, bytes]]
) -> None:
    if one == other:
        return
    stream = TcpStream()
    sent = {one: b"", other: b""}
    for forward, data in parts:
        source, to = (one, other) if forward else (other, one)
        for packet in stream.segments(source, to, data):
            sequence, acknowledged = struct.unpack_from("!II", packet, 24)
            assert (sequence, acknowledged) == (1 + len(sent[source]), 1 + len(sent[to]))
            assert len(packet) <= 65535
            sent[source] += packet[40:]
    for end, forward in ((one, True), (other, False)):
        assert sent[end] == b"".join(data for way, data in parts if way is forward)


@given(
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(str),
    st.binary(max_size=99).filter(lambda x: len(x) % 2 == 0),
)
def test_udp_packet_over_ipv6_has_a_valid_checksum(source: str, destination: str, data: bytes) -> None:
    packet = udp((source, 5), (destination, 6), data)
    assert packet[0] >> 4 == 6
    assert packet[8:40] == IPv6Address(source).packed + IPv6Address(destination).packed
    pseudo = packet[8:40] + struct.pack("!II", 8 + len(data), 17)
    assert internet_sum(pseudo + packet[40:]) == 0xFFFF
    assert packet[48:] == data
