"""The router's listening socket, and error messages for failures to open it."""

import asyncio
import errno
import os
import socket


class RouterError(Exception):
    """The router cannot listen at the given address; the message says what to do."""


async def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; `port` 0 selects a free one. Raises `RouterError`.

    It binds to one address only: a name with several addresses would get a different port for each.
    """
    if not 0 <= port <= 65535:
        raise RouterError(f"port {port} does not exist: choose one up to 65535 (0 selects a free one)")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        listener = socket.create_server((address[0], port), family=family)
    except UnicodeError:
        raise RouterError(f"{host!r} is not a host name: use 127.0.0.1") from None
    except OSError as error:
        raise RouterError(_describe_error(host, port, error)) from error
    # Accepted sockets inherit the option. asyncio sets it only on sockets that were created with a protocol
    # number; without it, a signal that waits for an acknowledgement is delayed by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def ws_url(listener: socket.socket) -> str:
    """Return the URL of a listening socket, as in `ws://127.0.0.1:7330`."""
    host, port = listener.getsockname()[:2]
    return f"ws://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"ws://{host}:{port}"


def _describe_error(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return (
            f"host {host!r} is unknown ({error.strerror}): use 127.0.0.1, or another address of this machine"
        )
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use: stop the process that listens there, or choose another "
            "(0 selects a free one)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: use 127.0.0.1, or one of its addresses"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} requires privileges: choose one above 1023 (0 selects a free one)"
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"the router cannot listen on {host}, port {port}: {reason}"
