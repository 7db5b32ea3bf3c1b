"""Print, as JSON, how each kind of NAT of the lab behaves: for `test_nats_of_the_lab`."""

from __future__ import annotations

import asyncio
import json
import socket
import sys

from aioice import stun

from clasp_e2e.lab import LabUnavailable, current_internet, enter
from clasp_e2e.network import StunServer
from clasp_e2e.network.lab_switchboard import NAT_PROPERTIES
from clasp_e2e.network.nat import Nat
from clasp_e2e.network.turn_server import relay_host
from clasp_e2e.network.udp_socket import Address, UdpSocket

ARRIVES_WITHIN = 0.5


def ignore(data: bytes, sender: Address) -> None:
    del data, sender


async def behavior(nat: Nat) -> dict[str, object]:
    host = current_internet().open_host()
    random_ports, admits = NAT_PROPERTIES[nat]
    host.put_behind_nat(random_ports=random_ports, admits=admits)
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    servers = [await StunServer.open(), await StunServer.open()]
    strangers = [UdpSocket(ignore), UdpSocket(ignore, relay_host())]
    with host.inside():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((host.address, 0))
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    loop.add_reader(client, lambda: arrived.put_nowait(client.recv(2000)))

    async def mapped_for(server: StunServer) -> tuple[str, int]:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        client.sendto(bytes(request), server.address)
        return stun.parse_message(await arrived.get()).attributes["XOR-MAPPED-ADDRESS"]

    async def enters_from(stranger: UdpSocket, mapped: tuple[str, int]) -> bool:
        stranger.send(b"hello", mapped)
        try:
            async with asyncio.timeout(ARRIVES_WITHIN):
                await arrived.get()
        except TimeoutError:
            return False
        return True

    first = await mapped_for(servers[0])
    found: dict[str, object] = {
        "public": first[0] == str(host.public),
        "other port": await enters_from(strangers[0], first),
        "other address": await enters_from(strangers[1], first),
        "same mapping": first == await mapped_for(servers[1]),
    }
    loop.remove_reader(client)
    client.close()
    for stranger in strangers:
        stranger.close()
    for server in servers:
        await server.close()
    host.close()
    return found


if __name__ == "__main__":
    try:
        enter()
    except LabUnavailable as error:
        sys.exit(str(error))
    json.dump({nat.name: asyncio.run(behavior(nat)) for nat in Nat}, sys.stdout)
