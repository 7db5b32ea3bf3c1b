"""`clasp-e2e connect HOST:PORT COMMAND`: start an adapter for a run with `--attach`."""

import asyncio
import shlex
import shutil
import signal
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress

import click

from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.drivers.stdio.attached import AttachPointError, parse_address
from clasp_e2e.results.exit_status import ExitStatus

CHUNK = 1 << 16


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("address", metavar="HOST:PORT")
@click.argument("command", metavar="COMMAND", nargs=-1, required=True, type=click.UNPROCESSED)
def connect(address: str, command: tuple[str, ...]) -> None:
    """Start COMMAND, an adapter, for a run that waits with --attach at HOST:PORT.

    COMMAND may begin with a debugger: `clasp-e2e connect HOST:PORT -- node --inspect-brk adapter.mjs`.
    The harness uses its standard input and output; standard error and Ctrl-C are left to COMMAND.

    Exit status: that of COMMAND; 2 usage; 3 no run waits at the address, or COMMAND cannot be started.
    """
    with reported(AttachPointError):
        host, port = parse_address(address)
    if shutil.which(command[0]) is None:
        raise CommandError(f"there is no program {command[0]!r}; check its name and the PATH")
    # A debugger may need Ctrl-C. COMMAND does not inherit a handler, but it would inherit SIG_IGN.
    signal.signal(signal.SIGINT, _leave_to_the_command)
    sys.exit(asyncio.run(_bridge(host, port, command)))


def _leave_to_the_command(*_: object) -> None:
    """Do nothing: the terminal sends the signal to COMMAND too."""


async def _bridge(host: str, port: int, command: Sequence[str]) -> int:
    """Copy data in both directions until the command exits; return its exit status."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        message = (
            f"no run waits at {host}:{port}; start the run with --attach first, which prints the address"
        )
        raise CommandError(message, ExitStatus.INCONCLUSIVE) from None
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
    except OSError as error:
        writer.close()
        message = f"`{shlex.join(command)}` cannot be started ({error.strerror}); check its path"
        raise CommandError(message, ExitStatus.INCONCLUSIVE) from None
    assert process.stdin is not None
    assert process.stdout is not None
    down = asyncio.create_task(_carry(reader, process.stdin))
    await _carry(process.stdout, writer)
    status = await process.wait()
    down.cancel()
    await asyncio.wait([down])
    return status if status >= 0 else 128 - status


async def _carry(source: StreamReader, sink: StreamWriter) -> None:
    """Copy data from `source` to `sink` until its end, then close `sink`."""
    with suppress(ConnectionError):
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
            await sink.drain()
    sink.close()
    with suppress(ConnectionError):
        await sink.wait_closed()
