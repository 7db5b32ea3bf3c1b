"""A process that has imported what commands import, and forks for each command that a test starts.

Each command is a process with folder, environment, files and signals of its own, but does not spend a second
on imports. Modules in which pytest rewrites assertions are not imported: that would be an error in the fork.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

CLIENT = Path(__file__).with_name("fork_client.py")
IMPORTED = (
    "clasp_e2e.commands.doctor",
    "clasp_e2e.commands.fuzz",
    "clasp_e2e.commands.gate",
    "clasp_e2e.commands.matrix",
    "clasp_e2e.commands.replay",
    "clasp_e2e.commands.report",
    "clasp_e2e.execution.run_session",
    "pytest",
)


@contextmanager
def fork_server() -> Generator[list[str]]:
    """Run a fork server; yield the words that replace `python -m` in a command."""
    with tempfile.TemporaryDirectory(prefix="fork-") as folder:
        address = str(Path(folder) / "server")
        # The server ends when its standard input does, however this process ends.
        with subprocess.Popen(
            [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == b"ready\n"
            yield [sys.executable, "-IS", str(CLIENT), address]
            process.stdin.close()


def serve(address: str) -> list[str] | None:
    """Fork for each client; return the module and arguments in a fork, and None in the server at its end."""
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    clients: dict[socket.socket, int] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([sys.stdin, woken, listener, *clients], [], [])
            if woken in readable:
                os.read(woken, 4096)
                for client, pid in list(clients.items()):
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    if ended:
                        del clients[client]
                        with client, suppress(OSError):
                            client.send(b"%d" % os.waitstatus_to_exitcode(status))
            for client in clients.keys() & readable:  # Whoever started the command has killed the client.
                os.kill(clients[client], signal.SIGKILL)
            if listener in readable:
                client, _ = listener.accept()
                what, files, _, _ = socket.recv_fds(client, 1 << 20, 3)
                if (pid := os.fork()) == 0:
                    break
                for file in files:
                    os.close(file)
                clients[client] = pid
                with suppress(OSError):
                    client.send(b"%d" % pid)
            if sys.stdin in readable:
                return None
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(woken)
    os.close(wakes)
    for each in (client, *clients):
        each.close()
    return take_over(what, files)


def take_over(what: bytes, files: list[int]) -> list[str]:
    """Make this process that of the client; return the module and its arguments."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    command, folder, environment, signals = json.loads(what)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(number, handler if number in signals else signal.SIG_IGN)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:1] = ["", *environment.get("PYTHONPATH", "").split(os.pathsep)]
    return command


if __name__ == "__main__" and (command := serve(sys.argv[1])):
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
