"""Adapters that their author starts, for example in a debugger, and that connect to a loopback socket.

Source: "Transport", "Debugging", of the driver protocol, version 1.
"""

import asyncio
import contextlib
import ipaddress
import os
import shlex
import socket
from collections.abc import Callable, Sequence
from typing import cast

from clasp_e2e.drivers.interface import TimedLine
from clasp_e2e.drivers.stdio.jsonrpc import BadLine, cut, excerpt
from clasp_e2e.drivers.stdio.watchdog import STEP

ANY = "127.0.0.1:0"
"""The default address at which to wait for adapters: any free port."""


class AttachPointError(ValueError):
    """An unusable address; the message says why, and what to do."""


def parse_address(address: str) -> tuple[str, int]:
    """Return the host and port of a loopback address HOST:PORT. Raises `AttachPointError`."""
    host, _, port = address.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        if not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise AttachPointError(f"{address!r} is not HOST:PORT, as in 127.0.0.1:7331") from None
    if not is_loopback:
        raise AttachPointError(
            f"{host} is not on the loopback interface, where adapters attach: give 127.0.0.1:{port}"
        )
    return host, int(port)


class AttachPoint:
    """A loopback socket to which adapters connect, one after the other.

    `address` is HOST:PORT; port 0 means any free port. `announce` is called with a line of text before
    and after each connection. Raises `AttachPointError`.
    """

    def __init__(self, address: str, announce: Callable[[str], None]) -> None:
        host, port = parse_address(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise AttachPointError(
                f"{address} cannot be listened on: {reason}; give another port, or 0 for any"
            ) from None
        self._socket.setblocking(False)
        self._announce = announce
        self._turn = asyncio.Lock()
        self._count = 0
        name = f"[{host}]" if ":" in host else host
        self.address = f"{name}:{self._socket.getsockname()[1]}"

    async def accept(self, command: Sequence[str]) -> socket.socket:
        """Return the socket of the next adapter that connects; `command` is the command to announce."""
        async with self._turn:
            self._count += 1
            how = f"clasp-e2e connect {self.address} -- {shlex.join(command)}"
            self._announce(f"Waiting for adapter {self._count} at {self.address}: {how}")
            connected, _ = await asyncio.get_running_loop().sock_accept(self._socket)
            self._announce(f"Adapter {self._count} is attached")
            return connected

    def close(self) -> None:
        """Stop listening. Attached adapters stay attached."""
        self._socket.close()


class AttachedAdapter(asyncio.Protocol):
    """An adapter in a process that its author started.

    `command` is the command that it replaces; `on_line` and `on_broken` are those of `AdapterProcess`. The
    harness does not receive its standard error.
    """

    is_ours = False
    pid = 0
    host = None

    def __init__(
        self,
        command: Sequence[str],
        point: AttachPoint,
        *,
        on_line: Callable[[bytes], None],
        on_broken: Callable[[str], None],
    ) -> None:
        self.command = tuple(command)
        self._point = point
        self._on_line = on_line
        self._on_broken = on_broken
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._finished = asyncio.Event()
        self._ending = False

    async def start(self) -> None:
        """Wait without a time limit until it has connected."""
        connected = await self._point.accept(self.command)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self, connected)

    def write(self, line: bytes) -> None:
        """Send `line`, which includes its line end; do nothing if the adapter has disconnected."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line)

    def stderr(self) -> str:
        """Return an empty text."""
        return ""

    def stderr_lines(self) -> list[TimedLine]:
        """Return an empty list."""
        return []

    def kill_now(self) -> None:
        """Close the connection immediately."""
        self._ending = True
        if self._transport is not None:
            self._transport.abort()

    async def kill(self) -> None:
        """Close the connection immediately; return when the socket is closed. The process keeps running."""
        self.kill_now()
        if self._transport is not None:
            await self._finished.wait()

    async def end(self, farewell: bytes) -> None:
        """Send `farewell` and close its input; return when it has disconnected, after `STEP` at most."""
        self._ending = True
        self.write(farewell)
        try:
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write_eof()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STEP):
                        await self._finished.wait()
        finally:
            await self.kill()

    def __str__(self) -> str:
        return shlex.join(self.command)

    # Callbacks of asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Split the received data into lines."""
        if self._ending:
            return
        self._received += data
        try:
            for line in cut(self._received):
                self._on_line(line)
                if self._ending:
                    return
        except BadLine as error:
            self._break(str(error))

    def eof_received(self) -> None:
        """Report that the adapter has disconnected: it can no longer answer."""
        self._report_disconnect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report that the adapter has disconnected; complete `kill` and `end`."""
        del exc
        self._report_disconnect()
        self._finished.set()

    def _report_disconnect(self) -> None:
        middle = f", in the middle of a line: {excerpt(bytes(self._received), 60)}" if self._received else ""
        self._break(f"its connection ended{middle}")

    def _break(self, what: str) -> None:
        if not self._ending:
            self._ending = True
            self._on_broken(what)
