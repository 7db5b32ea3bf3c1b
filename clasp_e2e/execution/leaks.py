"""Whose task is this, whose socket: so that each scenario answers for its own leftovers.

Scenarios overlap in one event loop, so a count of all tasks says nothing. A context variable
names the scenario that is running; tasks inherit it, and so do the callbacks of the transports
that they open.
"""

import asyncio
import socket
import sys
import weakref
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any


class Ownership:
    """The tasks and sockets that came into being while a scenario ran."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def add_task(self, task: asyncio.Task[Any]) -> None:
        """Take `task` as one of this scenario's."""
        self._tasks.add(task)

    def add_socket(self, sock: socket.socket) -> None:
        """Take `sock` as one of this scenario's."""
        self._sockets.add(sock)

    def running_tasks(self) -> list[asyncio.Task[Any]]:
        """Return the tasks that have not ended, but for the one that asks."""
        current = asyncio.current_task()
        return [task for task in self._tasks if task is not current and not task.done()]

    def open_sockets(self) -> list[socket.socket]:
        """Return the sockets that are still open."""
        return [sock for sock in self._sockets if sock.fileno() != -1]

    async def leftovers(self, patience: float) -> list[str]:
        """Return a line for each task and socket still there after `patience` seconds.

        Closing takes some turns of the event loop (a transport tells its protocol, a task sees its
        cancellation), so tasks are awaited, not polled; what remains after that is a leak.
        """
        current = asyncio.current_task()
        running = self.running_tasks()
        if running:
            await asyncio.wait(running, timeout=patience)
        await _one_turn()
        lines = [
            f"task still running: {_describe(task)}" for task in self.running_tasks() if task is not current
        ]
        return lines + [f"socket still open: {sock!r}" for sock in self.open_sockets()]


OWNER: ContextVar[Ownership | None] = ContextVar("clasp_e2e_owner", default=None)
"""The scenario that the current task works for."""


async def _one_turn() -> None:
    """Let the callbacks run that are due already, a closed transport's among them."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def _describe(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    return f"{task.get_name()} ({getattr(coroutine, '__qualname__', coroutine)})"


def _owning_task_factory(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context = options.get("context")
    owner = OWNER.get() if context is None else context.get(OWNER)
    if owner is not None:
        owner.add_task(task)
    return task


def _notice_socket(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.__new__" and (owner := OWNER.get(None)) is not None:
        owner.add_socket(arguments[0])


_audited = False


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Have `loop` attribute its tasks, and the process its sockets, to their scenarios."""
    global _audited
    loop.set_task_factory(_owning_task_factory)  # pyright: ignore[reportArgumentType] - asyncio's own is as wide
    if not _audited:  # An audit hook cannot be taken away again.
        sys.addaudithook(_notice_socket)
        _audited = True
