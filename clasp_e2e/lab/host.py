"""One host of the lab: a network namespace with its interface, its addresses and its NAT."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Any

import ifaddr

from clasp_e2e.lab import nftables, syscalls
from clasp_e2e.lab.packet_headers import UdpPacket

INTERFACE, SECOND_INTERFACE = "eth0", "wlan0"
_MOVES = 16
"""Addresses that a host can have, one after the other or on two interfaces."""

Crossing = Callable[["LabHost", "LabHost", UdpPacket, Callable[[], None]], None]
"""Called with sender, receiver and datagram; the last argument delivers it."""

_current: ContextVar[LabHost | None] = ContextVar("clasp_e2e_lab_host", default=None)


_preparation: ContextVar[Callable[[LabHost], None]] = ContextVar("clasp_e2e_lab_preparation")


@contextmanager
def prepared(preparation: Callable[[LabHost], None]) -> Generator[None]:
    """Have `preparation` called with each host that gets a client in the block, before it attaches."""
    token = _preparation.set(preparation)
    try:
        yield
    finally:
        _preparation.reset(token)


class LabHost:
    """The host `number`, whose TUN devices exist until `close`. Raises `OSError`, `LabUnavailable`.

    It has IPv4 only, and no NAT, until that is changed. `on_change` is called after each change of its
    addresses or devices.
    """

    def __init__(self, number: int, home: int, on_change: Callable[[LabHost], None]) -> None:
        self.number = number
        self.public = IPv4Address("198.18.0.0") + number
        """The address of its UDP traffic behind a NAT."""
        self.devices: dict[str, int] = {}
        """The file descriptors of its interfaces, by name."""
        self.addresses: dict[str, str] = {}
        """Its own addresses, each with the interface that has it."""
        self.is_behind_nat = False
        self.blocks_udp = False
        self.path_limit: int | None = None
        """The largest packet, in bytes, that reaches or leaves it; larger ones are lost without a message."""
        self.cross: Crossing | None = None
        """Decides about the datagrams between this and another host; None: they are lost."""
        self._moves = 0
        self._home = home
        self._on_change = on_change
        syscalls.unshare(syscalls.CLONE_NEWNET)
        try:
            self.namespace = syscalls.open_network()
            syscalls.forbid_ipv6()
            syscalls.bring_up("lo")
        finally:
            syscalls.join_network(home)
        try:
            self.add_interface(INTERFACE)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """Its first address."""
        return next(iter(self.addresses))

    def join(self) -> None:
        """Move this thread into the network namespace of the host."""
        syscalls.join_network(self.namespace)

    def prepare(self) -> None:
        """Configure the host for a client that is about to attach (`prepared`)."""
        if (preparation := _preparation.get(None)) is not None:
            preparation(self)

    @contextmanager
    def inside(self) -> Generator[None]:
        """Run the block, which must not await anything, in the network namespace of the host."""
        self.join()
        try:
            yield
        finally:
            syscalls.join_network(self._home)

    @contextmanager
    def at_home(self) -> Generator[None]:
        """Create the sockets of this task and of the tasks that it starts in the block on this host."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def add_interface(self, name: str = SECOND_INTERFACE) -> None:
        """Add an interface with an address of its own."""
        with self.inside():
            self.devices[name] = syscalls.open_tun(name)
            self._give_address(name)
            syscalls.bring_up(name)
            if len(self.devices) == 1:
                syscalls.route_all(name)
        self._on_change(self)

    def remove_interface(self, name: str = INTERFACE) -> None:
        """Take the interface `name` down; all traffic goes to the other one."""
        with self.inside():
            syscalls.take_down(name)
            others = [other for other in self.devices if other != name]
            if others:
                syscalls.route_all(others[0])
        self.addresses = {address: of for address, of in self.addresses.items() if of != name}
        self._on_change(self)

    def change_address(self) -> None:
        """Give the first interface another address, as if the host had moved to another network."""
        with self.inside():
            self.addresses = {address: of for address, of in self.addresses.items() if of != INTERFACE}
            syscalls.remove_address(INTERFACE)
            self._give_address(INTERFACE)
            syscalls.route_all(INTERFACE)
        self._on_change(self)

    def use_ipv6(self, *, only: bool) -> None:
        """Give the first interface an IPv6 address too, or instead of that of IPv4."""
        address = IPv6Interface(f"fd6c:6162::{0x100 + self.number:x}/64")
        with self.inside():
            syscalls.skip_address_detection(INTERFACE)
            syscalls.forbid_ipv6(False)
            syscalls.set_address6(INTERFACE, address)
            syscalls.route_all6(INTERFACE)
            if only:
                syscalls.remove_address(INTERFACE)
                self.addresses.clear()
            self.addresses[str(address.ip)] = INTERFACE
        self._on_change(self)

    def limit_packets(self, size: int) -> None:
        """Set the largest packet, in bytes, that its interfaces send (MTU)."""
        with self.inside():
            for name in self.devices:
                syscalls.set_mtu(name, size)

    def put_behind_nat(self, *, random_ports: bool, admits: str) -> None:
        """Put its UDP traffic over IPv4 behind a NAT of the kernel, replacing any other (`install_nat`)."""
        self.remove_nat()
        with self.inside():
            private = IPv4Address(self.address)
            nftables.install_nat(private, self.public, random_ports=random_ports, admits=admits)
        self.is_behind_nat = True

    def remove_nat(self) -> None:
        """Remove its NAT, if it has one."""
        if self.is_behind_nat:
            with self.inside():
                nftables.remove_nat()
            self.is_behind_nat = False

    def close(self) -> None:
        """Remove its devices; the namespace ends with its last process or socket. Safe to call repeatedly."""
        self.addresses.clear()
        self._on_change(self)
        self.cross = None
        for device in self.devices.values():
            os.close(device)
        self.devices.clear()
        if self.namespace != -1:
            os.close(self.namespace)
            self.namespace = -1

    def _give_address(self, name: str) -> None:
        if self._moves == _MOVES:
            raise RuntimeError(f"a host of the lab has at most {_MOVES} addresses")
        address = IPv4Address("10.0.0.0") + self.number * _MOVES + self._moves
        self._moves += 1
        syscalls.set_address(name, IPv4Interface((address, 32)))
        self.addresses[str(address)] = name


def adopt_calls() -> None:
    """Make Python's sockets, and the list of local addresses, those of the host of the calling task."""
    _switch(socket.socket, "__init__")
    _switch(ifaddr, "get_adapters")


def _switch(owner: object, name: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    @wraps(original)
    def switched(*args: Any, **kwargs: Any) -> Any:
        if (host := _current.get()) is None or host.namespace == -1:
            return original(*args, **kwargs)
        with host.inside():
            return original(*args, **kwargs)

    setattr(owner, name, switched)
