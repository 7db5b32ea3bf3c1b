from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from clasp_e2e import wire

from .conftest import Invoke, environment


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_router_runs_until_it_is_ended(
    clasp_e2e: list[str], tmp_path: Path, ending: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *clasp_e2e,
        *("router", "--port", "0"),
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            url = (await process.stdout.readline()).decode().strip()
            async with connect(url) as client:
                await client.send(wire.encode(wire.Hello(name="visitor")))
                answer = await client.recv()
                process.send_signal(ending)
                rest, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert isinstance(answer, bytes)
    assert isinstance(wire.decode(answer)[0], wire.Welcome)
    assert process.returncode == 0
    assert rest == b""
    assert said.decode().splitlines() == [
        "The reference router listens at this URL; press Ctrl-C to stop it."
    ]


def test_port_in_use_is_said_in_one_line(invoke: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = invoke("router", "--port", port)
    assert (result.exit_code, result.stdout) == (2, "")
    [line] = result.stderr.splitlines()
    assert line.startswith(f"Error: port {port} on 127.0.0.1 is in use: ")


def test_port_that_does_not_exist(invoke: Invoke) -> None:
    result = invoke("router", "--port", "99999")
    assert result.exit_code == 2
    assert "choose one up to 65535" in result.stderr
