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

Object = dict[str, Any]
RESULTS = {"send_p2p": "result", "p2p_routing_mode": "mode", "is_peer_connected": "connected"}
"""The key of the result of each call that has one."""
clients: dict[str, Client] = {}


def send(output: asyncio.WriteTransport, **message: Any) -> None:
    """Write a message on one line without blocking; unread messages are queued."""
    output.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def send_event(output: asyncio.WriteTransport, peer: str, event: Object) -> None:
    """Write an event of a peer."""
    event = {**event, "data": base64.b64encode(event["data"]).decode()} if "data" in event else event
    send(output, method="peer.event", params={"peer": peer, "event": event})


async def call(method: str, params: Object, output: asyncio.WriteTransport) -> Object:
    """Make one call of the implementation, whose arguments have the names of the protocol."""
    if method in ("initialize", "shutdown"):
        return {"protocol": 1, **DESCRIPTION} if method == "initialize" else {}
    peer: str = params.pop("peer", "")
    if method == "peer.open":
        client = clients[peer] = Client(lambda event: send_event(output, peer, event))
        return {"session_id": await client.open(**params)}
    name = method.removeprefix("peer.")
    if name == method or not hasattr(Client, name):
        raise NotImplementedError(f"{method} is not offered")
    if "data" in params:
        params["data"] = base64.b64decode(params["data"], validate=True)
    returned = await getattr(clients[peer], name)(**params)
    return {RESULTS[name]: returned} if name in RESULTS else {}


async def answer(request: Object, output: asyncio.WriteTransport) -> None:
    """Make a call, and send its result or error."""
    try:
        send(output, id=request["id"], result=await call(request["method"], request["params"], output))
    except Refused as error:
        send(output, id=request["id"], error={"code": 1000, "message": str(error)})
    except NotImplementedError as error:
        send(output, id=request["id"], error={"code": -32601, "message": str(error)})
    except Exception as error:
        traceback.print_exc()
        send(output, id=request["id"], error={"code": -32603, "message": repr(error)})


async def serve(descriptor: int) -> None:
    """Read requests until standard input is closed, or `shutdown` is answered."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=(1 << 20) + 2)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    pipe = os.fdopen(descriptor, "wb")
    output, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    calls: set[asyncio.Task[None]] = set()
    while line := await lines.readline():
        request: Object = json.loads(line)
        # Tasks start in the order of their creation, and so do the calls on a peer.
        calls.add(task := asyncio.create_task(answer(request, output)))
        task.add_done_callback(calls.discard)
        if request["method"] == "shutdown":
            await task
            break
    ending = [task for task in calls if task.cancel()] + [client.close() for client in clients.values()]
    await asyncio.gather(*ending, return_exceptions=True)
    output.set_write_buffer_limits(0)
    await asyncio.StreamWriter(output, protocol, None, loop).drain()
    output.close()


if __name__ == "__main__":
    # Only messages may go to standard output: output of libraries goes to standard error.
    messages = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(messages))
