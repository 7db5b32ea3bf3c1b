"""The TURN server coturn, if it is installed, behind a front that observes its traffic.

coturn provides no counts of a live allocation. Peers are therefore given the address of a front, which
forwards every datagram to coturn from one socket for each client and reads it. coturn does the relaying.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from clasp_e2e.network.turn_server import ObservedTurnServer, relay_host
from clasp_e2e.network.udp_socket import Address

PROGRAM = "turnserver"
REALM = "clasp-e2e"
START_LIMIT = 10.0
"""Seconds until coturn must listen; it usually takes 0.1 s."""
END_LIMIT = 2.0
"""Seconds from SIGTERM to SIGKILL."""

_LISTENS = b"Total General servers"
"""The line that coturn prints when its listeners are open."""


class CoturnFailed(Exception):
    """coturn is not installed, or did not start; the message says what to do."""


class Coturn(ObservedTurnServer):
    """A coturn process and its front.

    Create it with `open`.
    """

    def __init__(self, process: asyncio.subprocess.Process, files: tempfile.TemporaryDirectory[str]) -> None:
        super().__init__()
        self._process = process
        self._files = files
        self._output: asyncio.Task[None] | None = None
        self._server: Address = ("127.0.0.1", 0)

    @classmethod
    async def open(cls, users: Mapping[str, str]) -> Coturn:
        """Start a server for `users` (name to password). Raises `CoturnFailed`."""
        if (program := shutil.which(PROGRAM)) is None:
            raise CoturnFailed(
                f"coturn is not installed: {PROGRAM} is not on the PATH. Install it (on Debian, apt-get"
                " install coturn), or use the embedded TURN server"
            )
        files = tempfile.TemporaryDirectory(prefix="clasp-e2e-coturn-")
        process = await asyncio.create_subprocess_exec(
            program,
            *_arguments(users, Path(files.name)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        server = cls(process, files)
        try:
            await server._start()
        except BaseException:
            await server.close()
            raise
        return server

    async def _start(self) -> None:
        assert self._process.stdout is not None
        said: list[bytes] = []
        try:
            async with asyncio.timeout(START_LIMIT):
                async for line in self._process.stdout:
                    said.append(line)
                    if _LISTENS in line:
                        break
        except TimeoutError:
            pass
        ports = _udp_ports(self._process.pid)
        if len(ports) != 1:
            output = b"".join(said[-5:]).decode(errors="replace").strip()
            raise CoturnFailed(
                f"coturn did not open its one UDP listener within {START_LIMIT:g} s (ports seen: {ports})."
                f" Its output: {output or 'none'}"
            )
        self._server = ("127.0.0.1", ports[0])
        # If nothing read the pipe, it would fill up and block coturn.
        self._output = asyncio.create_task(_drain(self._process.stdout), name="output of coturn")

    async def close(self) -> None:
        """Stop coturn and the front. Safe to call repeatedly."""
        await super().close()
        for end in (self._process.terminate, self._process.kill):
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    end()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(END_LIMIT):
                        await self._process.wait()
        if self._output is None and self._process.stdout is not None:
            self._output = asyncio.create_task(_drain(self._process.stdout))
        if self._output is not None:
            await self._output
        self._files.cleanup()

    def _from_client(self, data: bytes, client: Address) -> None:
        self.allocations.from_client(data, client)
        if client not in self._sockets:
            try:
                self._open_for(client, "127.0.0.1")
            except OSError:
                return
        self._send_for(client, data, self._server)

    def _from_peer(self, data: bytes, client: Address, peer: Address) -> None:
        if peer == self._server:
            self._send_to_client(data, client)


def _arguments(users: Mapping[str, str], files: Path) -> list[str]:
    return [
        "-n",  # Use no configuration file, only these arguments.
        "--listening-ip=127.0.0.1",
        # The kernel selects the port. One thread has one listener, whose port is read from /proc.
        "--listening-port=0",
        "--relay-threads=1",
        f"--relay-ip={relay_host()}",
        "--allow-loopback-peers",
        "--lt-cred-mech",
        f"--realm={REALM}",
        *(f"--user={name}:{password}" for name, password in users.items()),
        "--no-tls",
        "--no-dtls",
        "--no-tcp",
        "--no-tcp-relay",
        "--no-multicast-peers",
        "--no-cli",
        f"--pidfile={files / 'pid'}",
        f"--userdb={files / 'users'}",
        "--log-file=stdout",
        "--simple-log",
    ]


def _udp_ports(pid: int) -> list[int]:
    """Return the ports of the IPv4 UDP sockets of a process, from Linux's /proc."""
    own = set[str]()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                own.add(str(entry.readlink()))
        lines = Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]
    except OSError:
        return []
    fields = [line.split() for line in lines]
    return [int(each[1].partition(":")[2], 16) for each in fields if f"socket:[{each[9]}]" in own]


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass
