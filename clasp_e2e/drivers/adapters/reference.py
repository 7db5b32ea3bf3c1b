"""The adapter of the reference peer and router, for the driver protocol, version 1.

Run as `python -m clasp_e2e.drivers.adapters.reference`, with `--webrtc libwebrtc` for a peer on
that stack. `--processes` is what `initialize` declares: by default `shared`, on libwebrtc `per_peer`.
It is an example for authors of adapters: it is independent of the harness, and maps each call to one
call of the implementation, without waiting, repeating or repairing anything.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeAlias

import clasp_e2e
from clasp_e2e import p2p_types
from clasp_e2e.peer import Clasp, PeerError
from clasp_e2e.peer.libwebrtc_transport import LibwebrtcTransport, install_advice, load_library
from clasp_e2e.peer.transport import TransportKind
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.router import RouterError, RouterServer

MAX_LINE = 1 << 20
"""Maximum length of a line in bytes, without its line end."""
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603
REFUSED = 1000
ONLY_LOOPBACK = os.environ.get("CLASP_E2E_NETWORK") != "lab"
"""Whether all traffic stays on the loopback interface; in the lab, each peer has a network interface."""
STACKS: dict[str, TransportKind] = {"aiortc": AiortcTransport, "libwebrtc": LibwebrtcTransport}
EVENT_TYPES: dict[type[p2p_types.P2PEvent], str] = {
    p2p_types.Connected: "connected",
    p2p_types.Data: "data",
    p2p_types.Disconnected: "disconnected",
    p2p_types.ConnectionFailed: "connection_failed",
    p2p_types.PeerAnnounced: "peer_announced",
}

Object: TypeAlias = dict[str, Any]


class CallError(Exception):
    """A call that this adapter cannot make; `code` is the error code of JSON-RPC."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Adapter:
    """The methods of the protocol, for the implementation on a WebRTC stack.

    `processes` is the value that `initialize` returns. `notify` sends a notification.
    """

    def __init__(self, webrtc: str, processes: str, notify: Callable[[str, Object], None]) -> None:
        self._webrtc = webrtc
        self._processes = processes
        self._notify = notify
        self._peers: dict[str, Clasp] = {}
        self._router: RouterServer | None = None
        self.methods: dict[str, Callable[[Object], Awaitable[Object]]] = {
            "initialize": self._initialize,
            "peer.open": self._open_peer,
            "peer.connect_to_peer": self._connect_to_peer,
            "peer.send_p2p": self._send_p2p,
            "peer.set_p2p_routing_mode": self._set_p2p_routing_mode,
            "peer.p2p_routing_mode": self._p2p_routing_mode,
            "peer.is_peer_connected": self._is_peer_connected,
            "peer.disconnect_peer": self._disconnect_peer,
            "peer.close": self._close_peer,
            "router.open": self._open_router,
            "router.close": self._close_router,
            "shutdown": self.shutdown,
        }

    async def _initialize(self, params: Object) -> Object:
        if params["protocol"] != 1:
            raise CallError(INVALID_PARAMS, f"protocol {params['protocol']} is not supported; 1 is")
        is_aiortc = self._webrtc == "aiortc"
        return {
            "protocol": 1,
            "implementation": {
                "name": "clasp-e2e reference" if is_aiortc else f"clasp-e2e reference on {self._webrtc}",
                "version": clasp_e2e.__version__,
                "language": "Python",
            },
            # The router does not depend on the WebRTC stack: it is offered once.
            "roles": ["peer", "router"] if is_aiortc else ["peer"],
            "capabilities": ["turn", "close", "disconnect_peer", "is_peer_connected", "announce", "reattach"],
            "processes": self._processes,
        }

    async def _open_peer(self, params: Object) -> Object:
        handle: str = params["peer"]
        builder = Clasp.builder(params["url"]).name(params["name"]).webrtc(STACKS[self._webrtc])
        if ONLY_LOOPBACK:
            builder = builder.loopback()
        # Registered before connecting: an event may arrive before this call is answered.
        builder = builder.on_p2p_event(
            lambda event: self._notify("peer.event", {"peer": handle, "event": event_object(event)})
        )
        builder = builder.reattach().token(params.get("token")).p2p_config(config(params["p2p"]))
        client = self._peers[handle] = await builder.connect()
        return {"session_id": client.session_id}

    async def _connect_to_peer(self, params: Object) -> Object:
        await self._peer(params).connect_to_peer(params["target"])
        return {}

    async def _send_p2p(self, params: Object) -> Object:
        data = base64.b64decode(params["data"], validate=True)
        result = await self._peer(params).send_p2p(params["target"], data, params["reliable"])
        return {"result": result.value}

    async def _set_p2p_routing_mode(self, params: Object) -> Object:
        self._peer(params).set_p2p_routing_mode(p2p_types.RoutingMode(params["mode"]))
        return {}

    async def _p2p_routing_mode(self, params: Object) -> Object:
        return {"mode": self._peer(params).p2p_routing_mode().value}

    async def _is_peer_connected(self, params: Object) -> Object:
        return {"connected": self._peer(params).is_peer_connected(params["target"])}

    async def _disconnect_peer(self, params: Object) -> Object:
        await self._peer(params).disconnect_peer(params["target"])
        return {}

    async def _close_peer(self, params: Object) -> Object:
        await self._peer(params).close()
        return {}

    async def _open_router(self, params: Object) -> Object:
        if self._router is not None:
            raise CallError(INVALID_REQUEST, "a router is open already")
        self._router = await RouterServer.open(params["host"], params["port"])
        return {"url": self._router.url}

    async def _close_router(self, _: Object) -> Object:
        if self._router is not None:
            router, self._router = self._router, None
            await router.close()
        return {}

    async def shutdown(self, _: Object) -> Object:
        """Free all resources immediately, without notifying other peers."""
        peers, self._peers = self._peers, {}
        await asyncio.gather(*(peer.kill() for peer in peers.values()))
        return await self._close_router({})

    def _peer(self, params: Object) -> Clasp:
        try:
            return self._peers[params["peer"]]
        except KeyError:
            raise CallError(INVALID_PARAMS, f"no peer {params.get('peer')!r} is open") from None


def config(p2p: Object | None) -> p2p_types.P2PConfig | None:
    """Return the configuration. Absent keys are None, so that the implementation uses its own defaults."""
    if p2p is None:
        return None
    turn: list[Object] | None = p2p.get("turn_servers")
    return p2p_types.P2PConfig(
        ice_servers=tuple(p2p["ice_servers"]),
        turn_servers=None if turn is None else tuple(p2p_types.TurnServer(**server) for server in turn),
        connection_timeout_secs=p2p.get("connection_timeout_secs"),
        max_retries=p2p.get("max_retries"),
        auto_fallback=p2p.get("auto_fallback"),
    )


def event_object(event: p2p_types.P2PEvent) -> Object:
    """Return the event as an object of the protocol, whose keys are the names of the event's fields."""
    fields: Object = {"type": EVENT_TYPES[type(event)], **asdict(event)}
    if isinstance(event, p2p_types.Data):
        fields["data"] = base64.b64encode(event.data).decode("ascii")
    return fields


class Flushed(asyncio.BaseProtocol):
    """A pipe protocol that sets `event` when all output is written, or when the pipe is broken."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report that the pipe has closed."""
        del exc
        self.event.set()


async def answer(
    adapter: Adapter, request_id: object, method: str, params: Object, send: Callable[[Object], None]
) -> None:
    """Make a call and send its result or error."""
    try:
        if method not in adapter.methods:
            raise CallError(METHOD_NOT_FOUND, f"no method {method!r}")
        outcome: Object = {"result": await adapter.methods[method](params)}
    except (PeerError, RouterError) as error:
        outcome = {"error": {"code": REFUSED, "message": str(error)}}
    except CallError as error:
        outcome = {"error": {"code": error.code, "message": str(error)}}
    except Exception as error:
        traceback.print_exc()
        outcome = {"error": {"code": INTERNAL_ERROR, "message": f"{type(error).__name__}: {error}"}}
    send({"id": request_id, **outcome})


async def serve(output: int, webrtc: str, processes: str) -> None:
    """Read requests from standard input until it is closed, and write answers to `output`."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=MAX_LINE + 2)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    # Writing never blocks: output is queued until the harness reads it.
    writer, flushed = await loop.connect_write_pipe(Flushed, os.fdopen(output, "wb"))

    def send(message: Object) -> None:
        writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    adapter = Adapter(webrtc, processes, lambda method, params: send({"method": method, "params": params}))
    calls: set[asyncio.Task[None]] = set()
    while line := await lines.readline():
        try:
            request = json.loads(line)
            request_id, method, params = request["id"], request["method"], request.get("params", {})
        except (ValueError, LookupError, TypeError) as error:
            code = PARSE_ERROR if isinstance(error, ValueError) else INVALID_REQUEST
            send({"id": None, "error": {"code": code, "message": f"not a request: {error!r}"}})
            continue
        # Tasks start in the order of their creation, and so do the calls on a peer.
        task = asyncio.create_task(answer(adapter, request_id, method, params, send))
        calls.add(task)
        task.add_done_callback(calls.discard)
        if method == "shutdown":
            await task
            break
    for task in calls:
        task.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await adapter.shutdown({})
    writer.close()
    await flushed.event.wait()


def main() -> None:
    """Run until the harness closes standard input or requests a shutdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--webrtc", choices=list(STACKS), default="aiortc", help="the WebRTC stack")
    parser.add_argument(
        "--processes",
        choices=["shared", "per_peer"],
        help="what initialize declares (default: shared, on libwebrtc per_peer)",
    )
    arguments = parser.parse_args()
    webrtc: str = arguments.webrtc
    processes: str = arguments.processes or ("shared" if webrtc == "aiortc" else "per_peer")
    if webrtc == "libwebrtc":
        if missing := install_advice():
            parser.error(missing)
        load_library(loopback=ONLY_LOOPBACK)  # Loaded here, not during an attempt, whose time is limited.
    # A library that prints would break the protocol: file descriptor 1 becomes standard error.
    output = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(output, webrtc, processes))


if __name__ == "__main__":
    main()
