"""Leak detection: attributes tasks and sockets to the scenario that created them.

Scenarios overlap in one event loop, so all tasks together do not show a leak of one scenario. A context
variable names the running scenario; its tasks and the callbacks of its transports inherit it.
"""

import asyncio
import socket
import sys
import weakref
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any


class Ownership:
    """The tasks and sockets that a scenario created."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def add_task(self, task: asyncio.Task[Any]) -> None:
        """Add `task` to this scenario's tasks."""
        self._tasks.add(task)

    def add_socket(self, sock: socket.socket) -> None:
        """Add `sock` to this scenario's sockets."""
        self._sockets.add(sock)

    def running_tasks(self) -> list[asyncio.Task[Any]]:
        """Return the tasks that have not ended, except the current one."""
        current = asyncio.current_task()
        return [task for task in self._tasks if task is not current and not task.done()]

    def open_sockets(self) -> list[socket.socket]:
        """Return the sockets that are still open."""
        return [sock for sock in self._sockets if sock.fileno() != -1]

    async def leftovers(self, patience: float) -> list[str]:
        """Return a line for each task or socket that is left after `patience` seconds: a leak.

        Closing takes some iterations of the event loop (connection_lost callbacks, cancellation), so
        the tasks are awaited first.
        """
        current = asyncio.current_task()
        running = self.running_tasks()
        if running:
            await asyncio.wait(running, timeout=patience)
        await _run_due_callbacks()
        lines = [
            f"task still running: {_describe(task)}" for task in self.running_tasks() if task is not current
        ]
        return lines + [f"socket still open: {sock!r}" for sock in self.open_sockets()]


OWNER: ContextVar[Ownership | None] = ContextVar("clasp_e2e_owner", default=None)
"""The scenario of the current task."""


async def _run_due_callbacks() -> None:
    """Let the event loop run the callbacks that are due, including those of closed transports."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        iteration = loop.create_future()
        loop.call_soon(iteration.set_result, None)
        await iteration


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


def _attribute_socket(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.__new__" and (owner := OWNER.get(None)) is not None:
        owner.add_socket(arguments[0])


_audited = False


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Attribute the tasks of `loop` and the sockets of the process to their scenarios."""
    global _audited
    loop.set_task_factory(_owning_task_factory)  # pyright: ignore[reportArgumentType] - asyncio's own is as wide
    if not _audited:  # An audit hook cannot be removed.
        sys.addaudithook(_attribute_socket)
        _audited = True
