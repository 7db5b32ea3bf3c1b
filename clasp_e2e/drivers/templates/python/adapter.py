"""The driver protocol, version 1, around `implementation.py`. Nothing here needs to change.

JSON-RPC 2.0, one message a line, on standard input and output.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from implementation import DESCRIPTION, Client, Refused  # pyright: ignore

Object = dict[str, Any]
MAX_LINE = 1 << 20
REFUSED, NOT_OFFERED, INTERNAL_ERROR = 1000, -32601, -32603


class NotOffered(Exception):
    """There is no such method here."""


class Adapter:
    """The clients by their handles; `send` takes what is to be written."""

    def __init__(self, send: Callable[[Object], None]) -> None:
        self.send = send
        self.clients: dict[str, Client] = {}

    async def answer(self, request: Object) -> None:
        """Make a call, and send its outcome, whatever it is."""
        try:
            outcome: Object = {"result": await self.call(request["method"], request.get("params", {}))}
        except Refused as error:
            outcome = failure(REFUSED, str(error))
        except NotOffered:
            outcome = failure(NOT_OFFERED, f"{request['method']} is not offered")
        except Exception as error:
            traceback.print_exc()
            outcome = failure(INTERNAL_ERROR, repr(error))
        self.send({"id": request["id"], **outcome})

    async def call(self, method: str, params: Object) -> Object:
        """One call of the protocol is one call of the implementation."""
        if method == "initialize":
            return {"protocol": 1, **DESCRIPTION}
        if method == "shutdown":
            return {}
        if method == "peer.open":
            return await self.open(params["peer"], params)
        name = method.removeprefix("peer.")
        if name == method or name not in CALLS or not hasattr(Client, name):
            raise NotOffered
        arguments, result = CALLS[name]
        values = [params[key] for key in arguments]
        if name == "send_p2p":
            values[1] = base64.b64decode(values[1], validate=True)
        returned = await getattr(self.clients[params["peer"]], name)(*values)
        return {result: returned} if result else {}

    async def open(self, handle: str, params: Object) -> Object:
        """Open a client whose events bear its handle."""

        def raise_event(event: Object) -> None:
            if "data" in event:
                event = {**event, "data": base64.b64encode(event["data"]).decode()}
            self.send({"method": "peer.event", "params": {"peer": handle, "event": event}})

        client = self.clients[handle] = Client(raise_event)
        session = await client.open(params["url"], params["name"], params.get("token"), params["p2p"])
        return {"session_id": session}


CALLS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "connect_to_peer": (("target",), None),
    "send_p2p": (("target", "data", "reliable"), "result"),
    "set_p2p_routing_mode": (("mode",), None),
    "p2p_routing_mode": ((), "mode"),
    "is_peer_connected": (("target",), "connected"),
    "disconnect_peer": (("target",), None),
    "close": ((), None),
}
"""For each call of a peer: its arguments, and the name of its result."""


def failure(code: int, message: str) -> Object:
    """An answer that is an error."""
    return {"error": {"code": code, "message": message}}


class Output(asyncio.BaseProtocol):
    """Tells when all that was written has left."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio after the last byte."""
        self.closed.set()


async def serve(output: int) -> None:
    """Read requests until standard input is closed, or `shutdown` is answered."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=MAX_LINE + 2)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    # Never blocks: what the harness does not read yet waits, and reading goes on.
    writer, written = await loop.connect_write_pipe(Output, os.fdopen(output, "wb"))

    def send(message: Object) -> None:
        writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    adapter = Adapter(send)
    calls: set[asyncio.Task[None]] = set()
    while line := await lines.readline():
        request = json.loads(line)
        # Tasks start in the order in which they are made, and so do the calls on a peer.
        call = asyncio.create_task(adapter.answer(request))
        calls.add(call)
        call.add_done_callback(calls.discard)
        if request["method"] == "shutdown":
            await call
            break
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await asyncio.gather(*(client.close() for client in adapter.clients.values()))
    writer.close()
    await written.closed.wait()


if __name__ == "__main__":
    # Whatever a library prints goes to standard error: standard output is for messages alone.
    messages = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(messages))
