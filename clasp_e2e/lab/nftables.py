"""A NAT of the kernel for one host, as nftables rules sent over netlink (linux/netfilter/nf_tables.h).

The rules translate the UDP traffic of a private address to a public one, which no interface has: what
no rule and no known flow translates is dropped.
"""

import os
import socket
import struct
from ipaddress import IPv4Address

_NETLINK_NETFILTER, _SUBSYSTEM = 12, 10
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE, _NEW_SET = 0, 2, 3, 6, 9
_REQUEST, _ACK, _CREATE = 1, 4, 0x400
_ERROR = 2
_NESTED = 0x8000
_IPV4 = 2
_PREROUTING, _OUTPUT, _POSTROUTING = 0, 3, 4
_TABLE = "nat"
_SEEN = "seen"
_REGISTER, _SECOND_REGISTER = 1, 2
_UDP = 17
_SOURCE_AT, _DESTINATION_AT = 12, 16
_MAP_ADDRESS, _RANDOM_PORT = 1, 16


def install_nat(private: IPv4Address, public: IPv4Address, *, random_ports: bool, admits: str) -> None:
    """Translate the UDP traffic of `private` to `public` in this thread's network namespace.

    With `random_ports`, each destination gets its own port: address and port-dependent mapping (RFC 4787
    section 4.1). `admits` says which other datagrams enter (section 5): `all`, those from `addresses` to
    which the host has sent, or only those of known `flows`. Raises `OSError`.
    """
    flags = _MAP_ADDRESS | (_RANDOM_PORT if random_ports else 0)
    messages = [
        _message(_NEW_TABLE, _text(1, _TABLE)),
        _chain("out", "nat", _POSTROUTING, 100),
        _rule("out", [*_is_udp(), *_is_address(_SOURCE_AT, private), *_translate(0, public, flags)]),
        _chain("in", "nat", _PREROUTING, -100),
    ]
    entering = [*_is_udp(), *_is_address(_DESTINATION_AT, public)]
    if admits == "addresses":
        messages += [
            _message(
                _NEW_SET,
                _text(1, _TABLE) + _text(2, _SEEN) + _number(3, 0x20) + _number(5, 4) + _number(10, 1),
            ),
            _chain("sent", "filter", _OUTPUT, 0),
            _rule("sent", [*_is_udp(), _load_address(_DESTINATION_AT), _add_to_set()]),
        ]
        entering += [_load_address(_SOURCE_AT), _in_set()]
    if admits != "flows":
        messages.append(_rule("in", [*entering, *_translate(1, private, _MAP_ADDRESS)]))
    _send(messages)


def remove_nat() -> None:
    """Remove the NAT from this thread's network namespace. Raises `OSError`."""
    _send([_message(_DELETE_TABLE, _text(1, _TABLE))])


def _send(messages: list[bytes]) -> None:
    batch = [_message(_BATCH_BEGIN, b"", batch=True), *messages, _message(_BATCH_END, b"", batch=True)]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        netlink.send(b"".join(batch))
        answers = 0
        while answers < len(messages):
            data = netlink.recv(1 << 16)
            while len(data) >= 20:
                length, kind = struct.unpack_from("=IH", data)
                if kind == _ERROR:
                    answers += 1
                    if error := -struct.unpack_from("=i", data, 16)[0]:
                        raise OSError(error, f"nftables: {os.strerror(error)}")
                data = data[(length + 3) & ~3 :]


def _message(kind: int, attributes: bytes, *, batch: bool = False) -> bytes:
    family, identifier = (0, _SUBSYSTEM) if batch else (_IPV4, 0)
    flags = _REQUEST if batch else _REQUEST | _ACK | _CREATE
    body = struct.pack("=BB", family, 0) + struct.pack(">H", identifier) + attributes
    return (
        struct.pack("=IHHII", 16 + len(body), kind if batch else _SUBSYSTEM << 8 | kind, flags, 0, 0) + body
    )


def _chain(name: str, kind: str, hook: int, priority: int) -> bytes:
    place = _nest(4, _number(1, hook) + _number(2, priority & 0xFFFFFFFF))
    return _message(_NEW_CHAIN, _text(1, _TABLE) + _text(3, name) + place + _text(7, kind))


def _rule(chain: str, expressions: list[bytes]) -> bytes:
    listed = _nest(4, b"".join(_nest(1, each) for each in expressions))
    return _message(_NEW_RULE, _text(1, _TABLE) + _text(2, chain) + listed)


def _expression(name: str, attributes: bytes) -> bytes:
    return _text(1, name) + _nest(2, attributes)


def _is_udp() -> list[bytes]:
    protocol = _expression("meta", _number(1, _REGISTER) + _number(2, 16))
    return [protocol, _equals(bytes([_UDP]))]


def _is_address(offset: int, address: IPv4Address) -> list[bytes]:
    return [_load_address(offset), _equals(address.packed)]


def _load_address(offset: int) -> bytes:
    place = _number(2, 1) + _number(3, offset) + _number(4, 4)
    return _expression("payload", _number(1, _REGISTER) + place)


def _equals(value: bytes) -> bytes:
    return _expression("cmp", _number(1, _REGISTER) + _number(2, 0) + _nest(3, _attribute(1, value)))


def _translate(kind: int, address: IPv4Address, flags: int) -> list[bytes]:
    """Return the expressions that translate the source (0) or the destination (1) to `address`."""
    load = _expression("immediate", _number(1, _REGISTER) + _nest(2, _attribute(1, address.packed)))
    target = _number(3, _REGISTER) + _number(4, _REGISTER)
    return [load, _expression("nat", _number(1, kind) + _number(2, _IPV4) + target + _number(7, flags))]


def _add_to_set() -> bytes:
    return _expression("dynset", _text(1, _SEEN) + _number(2, 1) + _number(3, 0) + _number(4, _REGISTER))


def _in_set() -> bytes:
    return _expression("lookup", _text(1, _SEEN) + _number(2, _REGISTER) + _number(4, 1))


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _nest(kind: int, attributes: bytes) -> bytes:
    return _attribute(kind | _NESTED, attributes)


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack(">I", value))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")
