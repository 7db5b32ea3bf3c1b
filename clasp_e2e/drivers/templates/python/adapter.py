"""The driver protocol, version 1, around `implementation.py`. Nothing here needs to change."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import traceback
from typing import Any

from implementation import DESCRIPTION, Client, Refused

CALLS: dict[str, tuple[list[str], str | None]] = {
    "peer.connect_to_peer": (["target"], None),
    "peer.send_p2p": (["target", "data", "reliable"], "result"),
    "peer.set_p2p_routing_mode": (["mode"], None),
    "peer.p2p_routing_mode": ([], "mode"),
    "peer.is_peer_connected": (["target"], "connected"),
    "peer.disconnect_peer": (["target"], None),
    "peer.close": ([], None),
}
"""The arguments of each call, and the name of its result."""

clients: dict[str, Client] = {}
written = asyncio.Event()


class Output(asyncio.BaseProtocol):
    """Standard output, written without ever blocking: what is not read yet waits, and reading goes on."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        written.set()

    def send(self, **message: Any) -> None:
        self.transport.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def send_event(self, peer: str, event: dict[str, Any]) -> None:
        if "data" in event:
            event = {**event, "data": base64.b64encode(event["data"]).decode()}
        self.send(method="peer.event", params={"peer": peer, "event": event})


async def call(method: str, params: dict[str, Any], output: Output) -> dict[str, Any]:
    """One call of the protocol is one call of the implementation."""
    if method in ("initialize", "shutdown"):
        return {"protocol": 1, **DESCRIPTION} if method == "initialize" else {}
    peer = params.get("peer", "")
    if method == "peer.open":
        client = clients[peer] = Client(lambda event: output.send_event(peer, event))
        opening = client.open(params["url"], params["name"], params.get("token"), params["p2p"])
        return {"session_id": await opening}
    names, result = CALLS.get(method, ([], None))
    own = getattr(clients.get(peer), method.removeprefix("peer."), None)
    if method not in CALLS or own is None:
        raise NotImplementedError(f"{method} is not offered")
    values = [base64.b64decode(params[name]) if name == "data" else params[name] for name in names]
    returned = await own(*values)
    return {result: returned} if result else {}


async def answer(request: dict[str, Any], output: Output) -> None:
    """Make a call, and send its outcome, whatever it is."""
    try:
        output.send(id=request["id"], result=await call(request["method"], request["params"], output))
    except Exception as error:
        code = {Refused: 1000, NotImplementedError: -32601}.get(type(error), -32603)
        if code == -32603:
            traceback.print_exc()
        output.send(id=request["id"], error={"code": code, "message": str(error) or repr(error)})


async def serve(descriptor: int) -> None:
    """Read requests until standard input is closed, or `shutdown` is answered."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=(1 << 20) + 2)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    transport, output = await loop.connect_write_pipe(Output, os.fdopen(descriptor, "wb"))
    tasks: set[asyncio.Task[None]] = set()
    while line := await lines.readline():
        request = json.loads(line)
        # Tasks start in the order in which they are made, and so do the calls on a peer.
        tasks.add(task := asyncio.create_task(answer(request, output)))
        task.add_done_callback(tasks.discard)
        if request["method"] == "shutdown":
            await task
            break
    leaving = [task for task in tasks if task.cancel()] + [client.close() for client in clients.values()]
    await asyncio.gather(*leaving, return_exceptions=True)
    transport.close()
    await written.wait()


if __name__ == "__main__":
    # Whatever a library prints goes to standard error: standard output is for messages alone.
    messages = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(messages))
