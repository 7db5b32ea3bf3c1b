"""System calls of Linux for namespaces and network interfaces (namespaces(7), netdevice(7))."""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

TUN_DEVICE = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_SIOCADDRT, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x890B, 0x8916, 0x891C
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFMTU = 0x8913, 0x8914, 0x8922
_RTM_NEWLINK, _IFLA_TXQLEN = 16, 13
_SIOCGIFINDEX = 0x8933
_IFF_UP, _RTF_UP = 1, 1
_QUEUE = 4096
"""Packets that wait in a TUN device until this process reads them."""


class LabUnavailable(Exception):
    """The machine does not allow the lab; the message says what to do."""


def unshare(flags: int) -> None:
    """Move this thread into new namespaces. Raises `OSError`."""
    _call("unshare", flags)


def join_network(namespace: int) -> None:
    """Move this thread into the network namespace of a file descriptor. Raises `OSError`."""
    _call("setns", namespace, CLONE_NEWNET)


def open_network() -> int:
    """Return a file descriptor of this thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter_user_namespace() -> None:
    """Move this process, which must have one thread, into a new user and a new network namespace.

    User and group stay the same. Raises `LabUnavailable`.
    """
    if sys.platform != "linux":
        raise LabUnavailable("the lab needs the network namespaces of Linux: use --network link")
    user, group = os.getuid(), os.getgid()
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        bring_up("lo")
    except OSError as error:
        raise LabUnavailable(
            f"the lab needs a user namespace, which this system forbids ({error.strerror}). Allow it by"
            " `sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000`, on Ubuntu by"
            " `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, in a container by `--security-opt"
            " seccomp=unconfined --security-opt apparmor=unconfined`; or use --network link"
        ) from error


def open_tun(name: str) -> int:
    """Create the TUN device `name` in this thread's namespace and return its file descriptor.

    The kernel keeps the device until the descriptor is closed. Raises `LabUnavailable`.
    """
    try:
        device = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise LabUnavailable(
            f"the lab needs {TUN_DEVICE}, which cannot be opened ({error.strerror}): load the module `tun`;"
            f" in a container, use `--device {TUN_DEVICE}`; or use --network link"
        ) from error
    try:
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
        _set_queue(name, _QUEUE)
    except OSError:
        os.close(device)
        raise
    return device


def bring_up(name: str) -> None:
    """Bring the interface `name` up."""
    flags = struct.unpack_from("h", _interface_call(name, _SIOCGIFFLAGS), 16)[0]
    _interface_call(name, _SIOCSIFFLAGS, struct.pack("h", flags | _IFF_UP))


def take_down(name: str) -> None:
    """Take the interface `name` down: its routes are lost."""
    flags = struct.unpack_from("h", _interface_call(name, _SIOCGIFFLAGS), 16)[0]
    _interface_call(name, _SIOCSIFFLAGS, struct.pack("h", flags & ~_IFF_UP))


def set_mtu(name: str, size: int) -> None:
    """Set the largest packet, in bytes, that the interface `name` sends."""
    _interface_call(name, _SIOCSIFMTU, struct.pack("i", size))


def set_address(name: str, address: IPv4Interface) -> None:
    """Set the IPv4 address of the interface `name`, replacing any other; `name:1` is a second address."""
    for call, value in ((_SIOCSIFADDR, address.ip), (_SIOCSIFNETMASK, address.netmask)):
        _interface_call(name, call, struct.pack("HH4s", socket.AF_INET, 0, value.packed))


def remove_address(name: str) -> None:
    """Remove the IPv4 address of the interface `name`."""
    _interface_call(name, _SIOCSIFADDR, struct.pack("HH4s", socket.AF_INET, 0, bytes(4)))


def set_address6(name: str, address: IPv6Interface) -> None:
    """Add an IPv6 address to the interface `name`."""
    request = struct.pack("16sIi", address.packed, address.network.prefixlen, _index(name))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SIOCSIFADDR, request)


def route_all(name: str) -> None:
    """Send all IPv4 traffic to the interface `name`."""
    device = ctypes.create_string_buffer(name.encode())
    anywhere = struct.pack("HH4s8x", socket.AF_INET, 0, bytes(4))
    # struct rtentry of net/route.h
    route = struct.pack(
        "@L16s16s16sHhLPhPLLH",
        *(0, anywhere, anywhere, anywhere, _RTF_UP, 0, 0, 0, 0, ctypes.addressof(device), 0, 0, 0),
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SIOCADDRT, route)


def route_all6(name: str) -> None:
    """Send all IPv6 traffic to the interface `name`."""
    # struct in6_rtmsg of linux/ipv6_route.h
    route = struct.pack(
        "@16s16s16sIHHILIi", bytes(16), bytes(16), bytes(16), 0, 0, 0, 1, 0, _RTF_UP, _index(name)
    )
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SIOCADDRT, route)


def skip_address_detection(name: str) -> None:
    """Make IPv6 addresses of the interface `name` usable at once, and give it none of its own accord."""
    settings = Path("/proc/sys/net/ipv6/conf") / name
    for setting, value in (("accept_dad", "0"), ("dad_transmits", "0"), ("addr_gen_mode", "1")):
        (settings / setting).write_text(value)


def forbid_ipv6(forbidden: bool = True) -> None:
    """Switch IPv6 off, or on again, in this thread's namespace, if the kernel has it."""
    setting = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    if setting.exists():
        setting.write_text("1" if forbidden else "0")


def _set_queue(name: str, packets: int) -> None:
    """Set the length of the queue of the interface `name`, by netlink: its ioctl is reserved to root."""
    # struct nlmsghdr, struct ifinfomsg, struct nlattr of linux/rtnetlink.h
    request = struct.pack("=IHHII", 40, _RTM_NEWLINK, 5, 0, 0) + struct.pack(
        "=BBHiII", 0, 0, 0, _index(name), 0, 0
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(request + struct.pack("=HHI", 8, _IFLA_TXQLEN, packets))
        if error := -struct.unpack_from("=i", netlink.recv(1 << 12), 16)[0]:
            raise OSError(error, os.strerror(error))


def _index(name: str) -> int:
    return struct.unpack_from("i", _interface_call(name, _SIOCGIFINDEX), 16)[0]


def _interface_call(name: str, call: int, value: bytes = b"") -> bytes:
    """Make an ioctl with a `struct ifreq` for the interface `name`, and return the struct."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return fcntl.ioctl(asking, call, struct.pack("16s24s", name.encode(), value))


def _call(function: str, *arguments: int) -> None:
    if getattr(_LIBC, function)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
