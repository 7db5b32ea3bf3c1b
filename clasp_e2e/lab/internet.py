"""The network between the hosts of the lab and this process, in user space: it forwards every packet."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Interface, IPv6Interface
from weakref import WeakKeyDictionary

from clasp_e2e.lab import syscalls
from clasp_e2e.lab.host import LabHost, adopt_calls, prepared
from clasp_e2e.lab.packet_headers import UDP, IpPacket

SERVER_HOST, RELAY_HOST, SERVER_HOST6 = "192.0.2.1", "192.0.2.2", "fd6c:6162::1"
"""The addresses of this process: for servers, for what a TURN server relays, and for servers over IPv6."""

_INTERFACE = "internet"
_LARGEST_PACKET = 65535
_BURST = 64
"""Packets that are read from a device before the event loop serves others again."""

_home: int | None = None
"""The network namespace of this process, once it has entered the lab."""
_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Internet] = WeakKeyDictionary()
_device: int | None = None
_only_ipv6 = ContextVar("clasp_e2e_only_ipv6", default=False)


def enter() -> None:
    """Move this process into the lab, for the rest of its life. It must have one thread.

    Raises `LabUnavailable`.
    """
    global _home, _device
    if _home is not None:
        return
    syscalls.enter_user_namespace()
    try:
        _home = syscalls.open_network()
        _device = syscalls.open_tun(_INTERFACE)
        for label, address in ((_INTERFACE, SERVER_HOST), (f"{_INTERFACE}:1", RELAY_HOST)):
            syscalls.set_address(label, IPv4Interface((address, 32)))
        syscalls.bring_up(_INTERFACE)
        syscalls.route_all(_INTERFACE)
        with contextlib.suppress(OSError):  # A kernel without IPv6
            syscalls.skip_address_detection(_INTERFACE)
            syscalls.set_address6(_INTERFACE, IPv6Interface((SERVER_HOST6, 64)))
            syscalls.route_all6(_INTERFACE)
    except OSError as error:
        raise syscalls.LabUnavailable(
            f"the lab cannot configure its network namespace ({error.strerror}): a security module limits"
            " user namespaces. On Ubuntu, run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; or"
            " use --network link"
        ) from error
    adopt_calls()


def is_entered() -> bool:
    """Return whether this process is in the lab."""
    return _home is not None


def reachable_host() -> str:
    """Return the address at which peers reach servers of this process."""
    if not is_entered():
        return "127.0.0.1"
    return SERVER_HOST6 if _only_ipv6.get() else SERVER_HOST


@contextmanager
def only_ipv6() -> Generator[None]:
    """Give the hosts of the clients that attach in the block only IPv6 addresses, and the servers too."""
    token = _only_ipv6.set(True)
    try:
        with prepared(lambda host: host.use_ipv6(only=True)):
            yield
    finally:
        _only_ipv6.reset(token)


def current_internet() -> Internet:
    """Return the network of the running event loop; the process must be in the lab."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Internet()
    return _of_loop[loop]


class Internet:
    """The hosts of the lab, and the forwarding of their packets in the running event loop."""

    def __init__(self) -> None:
        if _home is None or _device is None:
            raise RuntimeError("this process has not entered the lab")
        self._home = _home
        self._loop = asyncio.get_running_loop()
        self._by_address: dict[str, tuple[LabHost, str]] = {}
        self._of_host: dict[LabHost, set[str]] = {}
        self._read: dict[LabHost, set[int]] = {}
        self._free: deque[int] = deque()
        self._next = 1
        self._device = _device
        self._loop.add_reader(self._device, self._from_device, self._device, None)

    def open_host(self) -> LabHost:
        """Open a new host. Raises `OSError`, `LabUnavailable`."""
        # Numbers are used again as late as possible: packets to a former host may be in transit.
        if len(self._free) > 1000:
            number = self._free.popleft()
        else:
            number, self._next = self._next, self._next + 1
        return LabHost(number, self._home, self._changed)

    def host_at(self, address: str) -> LabHost | None:
        """Return the host with `address`, private or public."""
        found = self._by_address.get(address)
        return found[0] if found else None

    def _changed(self, host: LabHost) -> None:
        """Adopt the addresses and devices of `host`."""
        for address in self._of_host.pop(host, ()):
            del self._by_address[address]
        reading = self._read.setdefault(host, set[int]())
        wanted = set(host.devices.values()) if host.addresses else set[int]()
        for device in reading - wanted:
            self._loop.remove_reader(device)
        for device in wanted - reading:
            self._loop.add_reader(device, self._from_device, device, host)
        self._read[host] = wanted
        if not host.addresses:
            del self._read[host]
            self._free.append(host.number)
            return
        places = host.addresses | {str(host.public): next(iter(host.addresses.values()))}
        self._of_host[host] = set(places)
        self._by_address |= {address: (host, interface) for address, interface in places.items()}

    def _from_device(self, device: int, sender: LabHost | None) -> None:
        for _ in range(_BURST):
            try:
                data = os.read(device, _LARGEST_PACKET)
            except OSError:  # Nothing is left, or the device was removed.
                return
            if (packet := IpPacket.read(data)) is not None:
                self._forward(packet, sender)

    def _forward(self, packet: IpPacket, sender: LabHost | None) -> None:
        if packet.destination in (SERVER_HOST, RELAY_HOST, SERVER_HOST6):
            if sender is not None and self._passes(packet, sender):
                self._write(self._device, packet)
            return
        receiver, interface = self._by_address.get(packet.destination, (None, ""))
        if receiver is None or receiver is sender or not self._passes(packet, receiver):
            return
        device = receiver.devices.get(interface)
        if device is None:
            return
        if sender is None:
            self._write(device, packet)
            return
        if not self._passes(packet, sender) or sender.cross is None or receiver.cross is None:
            return
        is_udp = packet.protocol == UDP
        if (
            is_udp
            and receiver.is_behind_nat
            and packet.destination in receiver.addresses
            and ":" not in packet.destination
        ):
            return  # Nobody routes to private addresses.
        if is_udp and (datagram := packet.udp()) is not None:
            sender.cross(sender, receiver, datagram, lambda: self._deliver(receiver, interface, packet))
        else:
            self._write(device, packet)

    def _deliver(self, receiver: LabHost, interface: str, packet: IpPacket) -> None:
        """Write a packet that may have been delayed to a device that may be gone. Raises `OSError`."""
        if (device := receiver.devices.get(interface)) is None:
            raise OSError(f"the host has no interface {interface}")
        os.write(device, packet.data)

    def _passes(self, packet: IpPacket, host: LabHost) -> bool:
        if host.path_limit is not None and len(packet.data) > host.path_limit:
            return False
        return not (host.blocks_udp and packet.protocol == UDP)

    def _write(self, device: int, packet: IpPacket) -> None:
        with contextlib.suppress(OSError):
            os.write(device, packet.data)
