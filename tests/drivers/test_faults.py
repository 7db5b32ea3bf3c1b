"""The stdio driver with faulty adapters: each fault is named, in time, and leaves no process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from clasp_e2e.drivers import DriverFault
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.process import AdapterProcess
from clasp_e2e.drivers.stdio.watchdog import Watchdog
from clasp_e2e.p2p_types import P2PConfig

from .clients import Events
from .conftest import MakeDriver, is_gone
from .test_stdio import open_peer


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("crash_at_start", "exited with status 1"),
        ("wrong_version", "speaks protocol 2; this harness speaks 1"),
    ],
)
async def test_lie_about_itself(make_driver: MakeDriver, fault: str, words: str) -> None:
    with pytest.raises(DriverFault) as caught:
        await make_driver(fault).initialize()
    assert words in str(caught.value)
    assert caught.value.advice not in ("", advice_for(""))
    assert f"\n→ {caught.value.advice}" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("not_json", "not JSON: 'Hello from a library'"),
        ("too_long_line", "a line over 1 MiB (1048577 bytes)"),
        ("endless_line", "a line over 1 MiB, its end not in sight"),
        ("killed", "ended by signal 9"),
        ("half_a_line", "exited with status 0, in the middle of a line"),
    ],
)
async def test_lie_in_answer_to_a_call(make_driver: MakeDriver, fault: str, words: str) -> None:
    peer, _ = await open_peer(make_driver, fault)
    faults: list[DriverFault] = []
    peer.on_fault(faults.append)
    other = asyncio.ensure_future(peer.connect_to_peer("carol"))
    with pytest.raises(DriverFault) as caught:
        await peer.connect_to_peer("bob")
    assert words in str(caught.value)
    assert caught.value.advice not in ("", advice_for(""))
    assert "opening peer-1" in caught.value.stderr
    with pytest.raises(DriverFault):
        await other
    with pytest.raises(DriverFault):
        await peer.p2p_routing_mode()
    assert len(faults) == 1
    assert words in (peer.fault or "")
    await peer.kill()
    assert is_gone(peer.pid)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("internal_error", "answered with error -32603: TypeError"),
        ("wrong_result", "a wrong result of peer.connect_to_peer: result is None"),
    ],
)
async def test_fault_of_one_call_is_kept_though_the_process_lives(
    make_driver: MakeDriver, fault: str, words: str
) -> None:
    peer, _ = await open_peer(make_driver, fault)
    with pytest.raises(DriverFault) as caught:
        await peer.connect_to_peer("bob")
    assert words in str(caught.value)
    await peer.p2p_routing_mode()
    assert words in (peer.fault or "")


async def test_declared_call_that_is_not_offered_is_a_fault(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver, "declared_only")
    with pytest.raises(DriverFault, match=r"does not offer peer\.is_peer_connected, though it said"):
        await peer.is_peer_connected("bob")


async def test_crash_is_reported_with_the_last_fifty_lines(make_driver: MakeDriver) -> None:
    with pytest.raises(DriverFault) as caught:
        await open_peer(make_driver, "crash_on_open")
    assert "exited with status 3" in str(caught.value)
    lines = caught.value.stderr.splitlines()
    assert lines[0] == "line 11"
    assert lines[-1] == "Segmentation fault, so to speak"
    assert "    Segmentation fault" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("crash_between_calls", "exited with status 4"), ("noise_between_calls", "Listening on port")],
)
async def test_fault_that_no_call_meets_is_kept(make_driver: MakeDriver, fault: str, words: str) -> None:
    peer, _ = await open_peer(make_driver, fault)
    noticed: asyncio.Future[DriverFault] = asyncio.get_running_loop().create_future()
    peer.on_fault(noticed.set_result)
    async with asyncio.timeout(5):
        assert words in str(await noticed)
    assert words in (peer.fault or "")


async def test_deadlines(make_driver: MakeDriver) -> None:
    async def never_initialized() -> None:
        with pytest.raises(DriverFault, match=r"no answer to initialize within 0\.75 s"):
            await make_driver("hang_on_initialize", deadline_scale=0.05).initialize()

    async def never_open() -> None:
        with pytest.raises(DriverFault, match=r"no answer to peer\.open within 1\.5 s"):
            await open_peer(make_driver, "hang_on_open", deadline_scale=0.1)

    async def never_returns() -> None:
        driver = make_driver("hang_on_connect", deadline_scale=0.1)
        await driver.initialize()
        config = P2PConfig(connection_timeout_secs=0)
        peer = await driver.open_peer(url="ws://x", name="alice", p2p=config, on_event=Events())
        with pytest.raises(DriverFault, match=r"no answer to peer\.connect_to_peer within 4 s"):
            await peer.connect_to_peer("bob")

    await asyncio.gather(never_initialized(), never_open(), never_returns())


async def test_closed_output_is_reported_while_the_process_runs(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver, "closed_pipe", deadline_scale=0.1)
    with pytest.raises(DriverFault, match="closed its standard output, though it still runs"):
        await peer.connect_to_peer("bob")


@pytest.mark.parametrize("fault", ["ignores_eof", "ignores_all"])
async def test_adapter_that_will_not_go_is_made_to(make_driver: MakeDriver, fault: str) -> None:
    peer, _ = await open_peer(make_driver, fault, deadline_scale=0.1)
    await peer.end()
    assert is_gone(peer.pid)


async def end_of(pipe: int) -> bytes:
    """Return the content of a pipe after its last writer has closed it."""
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(pipe, "rb")
    )
    try:
        async with asyncio.timeout(5):
            return await stream.read()
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("/home/ada/bin/adapter", "--all"), "~/bin/adapter --all"),
        (("/home/adam/adapter",), "/home/adam/adapter"),
    ],
)
def test_command_is_shown_without_the_home_of_whoever_ran_it(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], shown: str
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    process = AdapterProcess(command, on_line=print, on_broken=print, watchdog=Watchdog(), patience=1)
    assert str(process) == shown


@pytest.mark.parametrize("how", ["end", "kill"])
async def test_processes_started_by_an_adapter_end_with_it(
    make_driver: MakeDriver, tmp_path: Path, how: str
) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    peer, _ = await open_peer(make_driver, "leaves_child", str(alive))
    await peer.connect_to_peer("bob")
    await (peer.end() if how == "end" else peer.kill())
    assert await end_of(reader) == b"+"


async def test_program_that_is_not_there() -> None:
    with pytest.raises(DriverFault, match="cannot be started: No such file or directory: no-such-adapter"):
        await StdioDriver(["no-such-adapter"]).initialize()
    with pytest.raises(DriverFault, match="cannot be started: Permission denied"):
        await StdioDriver([str(Path(__file__))]).initialize()


async def test_sink_that_fails_is_not_blamed_on_the_adapter(make_driver: MakeDriver) -> None:
    driver = make_driver()
    await driver.initialize()

    def broken(_: object) -> None:
        raise LookupError("no such scenario")

    with pytest.raises(DriverFault, match=r"not the adapter, but the harness: .*no such scenario"):
        await driver.open_peer(url="ws://x", name="alice", p2p=None, on_event=broken)


@pytest.mark.parametrize("adapter", ["holds", "ignores_and_holds"])
@pytest.mark.subprocess
async def test_no_process_survives_a_harness_that_is_killed(tmp_path: Path, adapter: str) -> None:
    """The adapters read the end of their input and leave; those that do not are made to."""
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    command = ["-I", "-S", str(Path(__file__).with_name("fake_adapter.py")), adapter, str(alive)]
    harness = f"""
import asyncio, os, signal, sys
from clasp_e2e.drivers.stdio import StdioDriver
async def main():
    driver = StdioDriver([sys.executable, *{command!r}], deadline_scale=0.2)
    await driver.initialize()
    await driver.open_peer(url="ws://x", name="a", p2p=None, on_event=lambda _: None)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", harness)
    assert await process.wait() == -signal.SIGKILL
    assert await end_of(reader) == b"+"
