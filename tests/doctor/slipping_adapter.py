"""The Python template, wrong in the way its argument names: an adapter with a stub."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

import clasp_e2e

sys.path.insert(0, str(Path(clasp_e2e.__file__).parent / "drivers/templates/python"))

import adapter
from implementation import DESCRIPTION, Client, Refused

FAULT = sys.argv[1]
send, send_event, call, serve = adapter.send, adapter.send_event, adapter.call, adapter.serve
unflushed: list[dict] = []
held: list[tuple] = []
kept: list[int] = []


def wrong_send(output, **message):
    match FAULT:
        case "no_flush":
            unflushed.append(message)
            return
        case "blocking_write":
            os.set_blocking(output.get_extra_info("pipe").fileno(), True)
            os.write(
                output.get_extra_info("pipe").fileno(),
                (adapter.json.dumps({"jsonrpc": "2.0", **message}) + "\n").encode(),
            )
            return
        case "missing_id":
            message.pop("id", None)
        case "text_for_id" if "id" in message:
            message["id"] = str(message["id"])
        case "null_for_id" if "error" in message:
            message["id"] = None
        case "doubled_id" if "result" in message:
            send(output, **message)
        case "unknown_id" if "error" in message:
            message["id"] += 10_000
        case "no_answer_at_all" if "result" in message:
            del message["result"]
        case "odd_error" if "error" in message:
            message["error"] = "oh"
        case "no_version" if "result" in message:
            os.write(adapter.messages, adapter.json.dumps(message).encode() + b"\n")
            return
        case "noise" if "session_id" in message.get("result", {}):
            os.write(adapter.messages, b"Listening for peers\n")
        case _:
            pass
    send(output, **message)


def wrong_send_event(output, peer, event):
    match FAULT:
        case "no_events":
            return
        case "no_data" if event["type"] == "data":
            return
        case "late_events":
            held.append((output, peer, event))
            return
        case "wrong_handle":
            peer = "somebody"
        case "own_name" if event["type"] == "connected":
            event["peer_session_id"] = "me"
        case "nobody" if event["type"] == "connected":
            del event["peer_session_id"]
        case "wrong_type" if event["type"] == "connected":
            event["type"] = "conected"
        case "cut_data" if event["type"] == "data":
            event["data"] = event["data"][:100]
        case "urlsafe" | "mime" | "unpadded" if event["type"] == "data":
            encode = base64.encodebytes if FAULT == "mime" else base64.urlsafe_b64encode
            text = encode(event["data"]).decode()
            told = {**event, "data": text.rstrip("=") if FAULT == "unpadded" else text}
            send(output, method="peer.event", params={"peer": peer, "event": told})
            return
        case _:
            pass
    send_event(output, peer, event)


async def wrong_call(method, params, output):
    while held:
        send_event(*held.pop(0))
    match FAULT, method:
        case "hang", "initialize":
            await asyncio.Event().wait()
        case "wrong_version", "initialize":
            return {"protocol": 2, **DESCRIPTION}
        case "unknown_method", "doctor.probe":
            return {}
        case "unknown_method_fails", "doctor.probe":
            raise LookupError(method)
        case "blocks_reading", "peer.open" if params["peer"] == "doctor-2":
            signal.pause()
        case "out_of_order", "peer.set_p2p_routing_mode":
            late = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.01, late.set_result, None)
            await late
        case "rude", "shutdown":
            os._exit(3)
        case "wrong_result", "peer.send_p2p":
            await call(method, params, output)
            return {"result": "sideways"}
        case "killed", "peer.open":
            os.kill(os.getpid(), signal.SIGKILL)
        case "half_a_line", "peer.open":
            os.write(adapter.messages, b'{"jsonrpc": "2.0", ')
            os._exit(0)
        case "long_line", "peer.open":
            sent = await asyncio.to_thread(write_all, b'"' + b"x" * (1 << 20) + b'"\n')
            assert sent
        case "closes_output", "peer.open":
            output.abort()
            os.close(kept.pop())
        case "a_request", "peer.open":
            send(output, id=1, method="peer.event", params={})
        case "a_list", "peer.open":
            os.write(adapter.messages, b"[]\n")
        case "no_params", "peer.open":
            send(output, method="peer.event")
        case "own_notification", "peer.open":
            send(output, method="peer.log", params={})
        case "early_wrong_event", "peer.open":
            send_event(output, params["peer"], {"type": "opened"})
        case "early_wrong_handle", "peer.open":
            send_event(output, "somebody", {"type": "connected", "peer_session_id": "s"})
        case "slow_start", "initialize":
            ready = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(1.3, ready.set_result, None)
            await ready
        case "later_wrong_mode", "peer.p2p_routing_mode":
            told = await call(method, params, output)
            return {"mode": told["mode"].replace("p2p_only", "p2ponly")}
        case "crash", "peer.open":
            sys.stderr.write("Segmentation fault, so to speak\n")
            sys.stderr.flush()
            os._exit(4)
        case "number_for_session", "peer.open":
            return {"session_id": 5}
        case "leaves_child" | "leaves_child_outside", "peer.open":
            null, outside = subprocess.DEVNULL, FAULT == "leaves_child_outside"
            command = ["sleep", "60"]
            subprocess.Popen(command, start_new_session=outside, stdin=null, stdout=null, stderr=null)  # noqa: ASYNC220
        case _:
            pass
    return await call(method, params, output)


def write_all(data):
    os.set_blocking(adapter.messages, True)
    while data:
        data = data[os.write(adapter.messages, data) :]
    return True


async def wrong_serve(descriptor):
    if FAULT == "banner":
        os.write(descriptor, b"Adapter 1.0\n")
    if FAULT == "early_exit":
        sys.exit("cannot find libclasp.so")
    if FAULT == "lock_file":
        os.mkdir(os.path.join(sys.argv[2], "lock"))  # noqa: PTH102, PTH118
    kept.append(keep := os.dup(descriptor))
    await serve(descriptor)
    for message in unflushed:
        os.write(keep, (adapter.json.dumps({"jsonrpc": "2.0", **message}) + "\n").encode())
    if FAULT == "stays":
        os.close(keep)
        while True:
            signal.pause()


async def refuse(*_, **__):
    raise Refused("not now")


match FAULT:
    case "no_roles":
        DESCRIPTION["roles"] = []
    case "unknown_capability":
        DESCRIPTION["capabilities"] = ["is_peer_conected"]
    case "declared_only":
        del Client.is_peer_connected
    case "declared_and_refused":
        Client.is_peer_connected = refuse
    case "refuses":
        Client.send_p2p = refuse
    case "no_modes":
        del Client.p2p_routing_mode
    case "deaf_mode":
        Client.set_p2p_routing_mode = lambda self, mode: asyncio.sleep(0)
    case "short_lines":
        reader = asyncio.StreamReader
        asyncio.StreamReader = lambda limit: reader(limit=65536)
    case _:
        pass
adapter.send, adapter.send_event, adapter.call = wrong_send, wrong_send_event, wrong_call
if __name__ == "__main__":
    adapter.messages = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(wrong_serve(adapter.messages))
