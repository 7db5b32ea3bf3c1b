"""The socket that the router listens on, and what to do when there is none to be had."""

import asyncio
import errno
import os
import socket


class RouterError(Exception):
    """The router cannot listen where it was told to; the text says what to do."""


async def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; `port` 0 takes any free one. Raises `RouterError`.

    It has one address: a name that stands for several would listen on a port of its own for each.
    """
    if not 0 <= port <= 65535:
        raise RouterError(f"there is no port {port}: choose one up to 65535 (0 takes any free one)")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        listener = socket.create_server((address[0], port), family=family)
    except UnicodeError:
        raise RouterError(f"{host!r} is not a host's name: use 127.0.0.1") from None
    except OSError as error:
        raise RouterError(_trouble(host, port, error)) from error
    # What is accepted inherits it; asyncio sets it only on sockets that were made with a protocol number,
    # and a signal that waits for an acknowledgement waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def ws_url(listener: socket.socket) -> str:
    """The address of a listening socket, as in `ws://127.0.0.1:7330`."""
    host, port = listener.getsockname()[:2]
    return f"ws://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"ws://{host}:{port}"


def _trouble(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return (
            f"host {host!r} is not known ({error.strerror}): "
            "use 127.0.0.1, or another address of this machine"
        )
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use: stop what listens there, or choose another "
            "(0 takes any free one)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: use 127.0.0.1, or one that is"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is not for this user: choose one above 1023 (0 takes any free one)"
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"the router cannot listen on {host}, port {port}: {reason}"
