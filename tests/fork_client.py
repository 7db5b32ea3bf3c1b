"""Run a module as `python -m` does, in a fork of the server at an address: ADDRESS MODULE ARGUMENTS...

This process only passes on signals and the exit status. It imports little, to start in 20 ms.
"""

import json
import os
import signal
import socket
import sys

signals = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect(sys.argv[1])
    folder = os.getcwd()  # noqa: PTH109 - importing pathlib takes 10 ms
    request = json.dumps([sys.argv[2:], folder, dict(os.environ), signals]).encode()
    socket.send_fds(server, [request], [0, 1, 2])
    pid = int(server.recv(64))
    for number in signals:
        signal.signal(number, lambda sent, _: os.kill(pid, sent))
    status = int(server.recv(64))
sys.exit(status if status >= 0 else 128 - status)
