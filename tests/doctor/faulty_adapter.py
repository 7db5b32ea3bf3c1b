"""An adapter without libraries, wrong in the way its argument names: a stub, or a client that only attaches.

It imports little, and some of it late, because each examination starts several of its processes.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import signal
import sys
import threading
import time

FAULT = sys.argv[1]
ATTACHES = FAULT in ("wants_each_key", "internal_refusal", "answers_all_the_same", "dies_of_refusal")
"""Whether `peer.open` connects to the server: faults that a stub cannot have."""

MESSAGES = os.dup(1)
CAPABILITIES = ["close", "is_peer_connected"]
GET_MODE, SET_MODE = "peer.p2p_routing_mode", "peer.set_p2p_routing_mode"
OFFERED = {
    "peer.connect_to_peer",
    "peer.send_p2p",
    SET_MODE,
    GET_MODE,
    "peer.is_peer_connected",
    "peer.close",
}
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
unflushed: list[bytes] = []
held: list[tuple] = []
sockets: list = []
state = {"mode": "prefer_p2p"}


class Refused(Exception):
    pass


class NotOffered(Exception):
    pass


def write_lines():
    while (line := lines.get()) is not None:
        more = [lines.get() for _ in range(lines.qsize())]
        write_now(line + b"".join(each for each in more if each is not None))
        if None in more:
            return


def write_now(data):
    while data:
        try:
            data = data[os.write(MESSAGES, data) :]
        except OSError:
            return


def send(**message):
    match FAULT:
        case "missing_id":
            message.pop("id", None)
        case "text_for_id" if "id" in message:
            message["id"] = str(message["id"])
        case "null_for_id" if "error" in message:
            message["id"] = None
        case "unknown_id" if "error" in message:
            message["id"] += 10_000
        case "no_answer_at_all" if "result" in message:
            del message["result"]
        case "odd_error" if "error" in message:
            message["error"] = "oh"
        case "noise" if "session_id" in message.get("result", {}):
            lines.put(b"Listening for peers\n")
        case _:
            pass
    version = {} if FAULT == "no_version" and "result" in message else {"jsonrpc": "2.0"}
    line = json.dumps({**version, **message}).encode() + b"\n"
    if FAULT == "blocking_write":
        write_now(line)
    else:
        for _ in range(2 if FAULT == "doubled_id" and "result" in message else 1):
            (unflushed.append if FAULT == "no_flush" else lines.put)(line)


def send_event(peer, event):
    match FAULT, event["type"]:
        case ("no_events", _) | ("no_data", "data"):
            return
        case "late_events", _ if (peer, event) not in held:
            held.append((peer, event))
            return
        case "wrong_handle", _:
            peer = "somebody"
        case "own_name", "connected":
            event["peer_session_id"] = "me"
        case "nobody", "connected":
            del event["peer_session_id"]
        case "wrong_type", "connected":
            event["type"] = "conected"
        case "cut_data", "data":
            event["data"] = base64.b64encode(base64.b64decode(event["data"])[:100]).decode()
        case (("urlsafe" | "mime" | "unpadded"), "data"):
            encode = base64.encodebytes if FAULT == "mime" else base64.urlsafe_b64encode
            text = encode(base64.b64decode(event["data"])).decode()
            event["data"] = text.rstrip("=") if FAULT == "unpadded" else text
        case _:
            pass
    send(method="peer.event", params={"peer": peer, "event": event})


def attach(url):
    """Return once the server answers a WebSocket handshake."""
    import socket

    host, port = url.removeprefix("ws://").rstrip("/").split(":")
    sockets.append(socket.create_connection((host, int(port))))
    try:
        sockets[-1].sendall(HANDSHAKE)
        answer = sockets[-1].recv(1)
    except ConnectionError:
        answer = b""
    if answer or FAULT == "answers_all_the_same":
        return
    if FAULT == "dies_of_refusal":
        os._exit(5)
    raise OSError("no handshake") if FAULT == "internal_refusal" else Refused("no handshake")


def open_peer(params):
    match FAULT:
        case "wants_each_key":
            params["p2p"]["max_retries"]
        case "blocks_reading" if params["peer"] == "doctor-2":
            signal.pause()
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "half_a_line":
            write_now(b'{"jsonrpc": "2.0", ')
            os._exit(0)
        case "long_line":
            lines.put(b'"' + b"x" * (1 << 20) + b'"\n')
        case "closes_output":
            os.close(MESSAGES)
        case "a_request":
            send(id=1, method="peer.event", params={})
        case "a_list":
            lines.put(b"[]\n")
        case "no_params":
            send(method="peer.event")
        case "own_notification":
            send(method="peer.log", params={})
        case "early_wrong_event":
            send_event(params["peer"], {"type": "opened"})
        case "early_wrong_handle":
            send_event("somebody", {"type": "connected", "peer_session_id": "s"})
        case "crash":
            sys.stderr.write("Segmentation fault, so to speak\n")
            sys.stderr.flush()
            os._exit(4)
        case "number_for_session":
            return {"session_id": 5}
        case "leaves_child" | "leaves_child_outside":
            import subprocess

            null, outside = subprocess.DEVNULL, FAULT == "leaves_child_outside"
            command = ["sleep", "60"]
            subprocess.Popen(command, start_new_session=outside, stdin=null, stdout=null, stderr=null)
        case _:
            pass
    if ATTACHES:
        attach(params["url"])
    return {"session_id": "stub-session"}


def describe():
    who = {"name": "faulty", "version": "1", "language": "Python", "stub": not ATTACHES}
    return {
        "protocol": 2 if FAULT == "wrong_version" else 1,
        "implementation": who,
        "roles": [] if FAULT == "no_roles" else ["peer"],
        "capabilities": ["is_peer_conected"] if FAULT == "unknown_capability" else CAPABILITIES,
        "processes": "per_peer",
    }


def call(method, params):
    while held:
        send_event(*held[0])
        held.pop(0)
    match FAULT, method:
        case "unknown_method", "doctor.probe":
            return {}
        case "unknown_method_fails", "doctor.probe":
            raise LookupError(method)
        case "rude", "shutdown":
            os._exit(3)
        case ("declared_only", "peer.is_peer_connected") | ("no_modes", "peer.p2p_routing_mode"):
            raise NotOffered(method)
        case ("declared_and_refused", "peer.is_peer_connected") | ("refuses", "peer.send_p2p"):
            raise Refused("not now")
        case "deaf_mode", "peer.set_p2p_routing_mode":
            return {}
        case "later_wrong_mode", "peer.p2p_routing_mode":
            return {"mode": state["mode"].replace("p2p_only", "p2ponly")}
        case "slow_start", "initialize":
            time.sleep(1.3)
        case _:
            pass
    if method in ("initialize", "shutdown"):
        return describe() if method == "initialize" else {}
    if method == "peer.open":
        return open_peer(params)
    if method not in OFFERED:
        raise NotOffered(method)
    about = {"peer_session_id": params.get("target")}
    match method:
        case "peer.connect_to_peer":
            send_event(params["peer"], {"type": "connected", **about})
        case "peer.send_p2p":
            base64.b64decode(params["data"], validate=True)
            event = {"type": "data", **about, "data": params["data"], "reliable": params["reliable"]}
            send_event(params["peer"], event)
            return {"result": "sideways" if FAULT == "wrong_result" else "p2p"}
        case "peer.set_p2p_routing_mode":
            state["mode"] = params["mode"]
        case "peer.p2p_routing_mode":
            return {"mode": state["mode"]}
        case "peer.is_peer_connected":
            return {"connected": True}
        case _:
            pass
    return {}


def answer(request):
    try:
        send(id=request["id"], result=call(request["method"], request["params"]))
    except Refused as error:
        send(id=request["id"], error={"code": 1000, "message": str(error)})
    except NotOffered as error:
        send(id=request["id"], error={"code": -32601, "message": str(error)})
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        send(id=request["id"], error={"code": -32603, "message": message})


def serve():
    for line in sys.stdin.buffer:
        if FAULT == "short_lines" and len(line) > 65536:
            sys.exit(1)
        request = json.loads(line)
        method = request["method"]
        if FAULT == "hang" and method == "initialize":
            continue
        if FAULT == "out_of_order" and method == SET_MODE:
            threading.Timer(0.01, answer, (request,)).start()
        elif FAULT == "silent_mode" and method == SET_MODE:
            continue
        elif ATTACHES and method == "peer.open":
            threading.Thread(target=answer, args=(request,), daemon=True).start()
        else:
            answer(request)


def main():
    os.dup2(2, 1)
    if FAULT == "banner":
        write_now(b"Adapter 1.0\n")
    if FAULT == "early_exit":
        sys.exit("cannot find libclasp.so")
    if FAULT == "lock_file":
        os.mkdir(os.path.join(sys.argv[2], "lock"))  # noqa: PTH102, PTH118
    writer = threading.Thread(target=write_lines, daemon=True)
    writer.start()
    serve()
    lines.put(None)
    writer.join()
    write_now(b"".join(unflushed))
    while FAULT == "stays":
        signal.pause()


if __name__ == "__main__":
    main()
