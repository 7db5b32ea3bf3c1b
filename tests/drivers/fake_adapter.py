"""A small adapter that starts in a few milliseconds: well-behaved, or lying in the way its argument names.

It implements nothing: sessions are named after handles, and what is sent comes back as an event.
"""

import json
import os
import signal
import subprocess
import sys
import time

FAULT = sys.argv[1] if len(sys.argv) > 1 else "none"
LINE_END = "\r\n" if FAULT == "carriage_return" else "\n"


def say(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + LINE_END)
    sys.stdout.flush()


def answer(request, result):
    say({"id": request["id"], "result": result})


def error(request, code, message):
    say({"id": request["id"], "error": {"code": code, "message": message}})


def event(peer, kind, **fields):
    say({"method": "peer.event", "params": {"peer": peer, "event": {"type": kind, **fields}}})


def raw(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def note(word):
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(log, f"{word}\n".encode())
    os.close(log)


def describe(request):
    result = {
        "protocol": 1,
        "implementation": {"name": "fake", "version": "1", "language": "Python", "echo": request["params"]},
        "roles": ["peer", "router"],
        "capabilities": ["close", "is_peer_connected"],
        "processes": "shared" if FAULT.startswith("shared") else "per_peer",
    }
    changes = {
        "wrong_version": {"protocol": 2},
        "offers_all": {"capabilities": ["turn", "close", "disconnect_peer", "is_peer_connected", "announce"]},
        "shared_without_close": {"capabilities": []},
        "peer_only": {"roles": ["peer"], "capabilities": []},
    }
    if FAULT == "hang_on_initialize":
        return
    answer(request, {**result, **changes.get(FAULT, {})})


def open_peer(request):
    peer = request["params"]["peer"]
    print("opening", peer, file=sys.stderr, flush=True)
    if FAULT.endswith("holds"):
        os.write(alive, b"+")
    if FAULT == "hang_on_open":
        return None
    if FAULT == "crash_on_open":
        for number in range(60):
            print("line", number, file=sys.stderr)
        print("Segmentation fault, so to speak", file=sys.stderr, flush=True)
        os._exit(3)
    if FAULT == "refuse_open":
        return error(request, 1000, "no router there")
    event(peer, "peer_announced", peer_session_id="s", features=["p2p"])
    answer(request, {"session_id": f"session of {peer}"})
    if FAULT == "crash_between_calls":
        print("gone without being asked", file=sys.stderr, flush=True)
        os._exit(4)
    if FAULT == "noise_between_calls":
        raw(b"Listening on port 1234\n")
    return None


def connect(request):
    peer, target = request["params"]["peer"], request["params"]["target"]
    lines = {
        "not_json": b"Hello from a library\n",
        "too_long_line": b"x" * (1024 * 1024 + 1) + b"\n",
        "endless_line": b"x" * (1024 * 1024 + 2),
    }
    if FAULT in lines:
        return raw(lines[FAULT])
    match FAULT:
        case "hang_on_connect":
            return None
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "half_a_line":
            raw(b'{"jsonrpc": "2.0", ')
            os._exit(0)
        case "closed_pipe":
            os.close(1)
            return None
        case "internal_error":
            return error(request, -32603, "TypeError: undefined is not a function")
        case "not_offered":
            return error(request, -32601, "no such method")
        case "refuse":
            return error(request, 1000, "P2P is not enabled")
        case "wrong_result":
            return answer(request, None)
        case "leaves_child":
            alive = os.open(sys.argv[2], os.O_WRONLY)
            os.write(alive, b"+")
            subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=alive)
            os.close(alive)
        case _:
            pass
    event(peer, "connected", peer_session_id=target)
    return answer(request, {})


held = []
alive = -1


def send(request):
    params = request["params"]
    fields = {"peer_session_id": params["target"], "data": params["data"], "reliable": params["reliable"]}
    event(params["peer"], "data", **fields)
    if FAULT == "out_of_order":
        held.append(request)
        return
    answer(request, {"result": "p2p"})


def mode(request):
    answer(request, {"mode": "prefer_p2p"})
    while held:
        answer(held.pop(), {"result": "relay"})


def main():
    global alive
    if FAULT in ("ignores_all", "ignores_and_holds"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if FAULT.endswith("holds"):
        # A process that starts after the reader has ended must fail, not wait.
        alive = os.open(sys.argv[2], os.O_WRONLY | os.O_NONBLOCK)
    if FAULT == "crash_at_start":
        sys.exit("cannot find libclasp.so")
    if FAULT == "starts_once":
        try:
            os.close(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            sys.exit("there can be one only")
    if FAULT == "starts_slowly":
        note("begins")
        time.sleep(1)
        note("ready")
    for line in sys.stdin:
        request = json.loads(line)
        match request["method"]:
            case "initialize":
                describe(request)
            case "peer.open":
                open_peer(request)
            case "peer.connect_to_peer":
                connect(request)
            case "peer.send_p2p":
                send(request)
            case "peer.set_p2p_routing_mode" | "peer.disconnect_peer":
                answer(request, {})
            case "peer.p2p_routing_mode":
                mode(request)
            case "peer.is_peer_connected":
                if FAULT == "declared_only":
                    error(request, -32601, "not yet")
                else:
                    answer(request, {"connected": True})
            case "peer.close":
                answer(request, {})
                event(request["params"]["peer"], "disconnected", peer_session_id="s")
            case "router.open":
                answer(request, {"url": "ws://127.0.0.1:7330"})
            case "router.close":
                answer(request, {})
            case "shutdown":
                answer(request, {})
                if not FAULT.startswith("ignores"):
                    return
    while FAULT.startswith("ignores"):
        signal.pause()


main()
