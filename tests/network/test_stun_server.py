from __future__ import annotations

from aioice import stun

from clasp_e2e.network import StunServer

from .sockets import PATIENCE, Peer


def where(server: StunServer) -> tuple[str, int]:
    _, host, port = server.url.split(":")
    return host, int(port)


async def test_server_answers_with_the_address_of_the_sender(peers: tuple[Peer, Peer]) -> None:
    server = await StunServer.open()
    try:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        peers[0].send(b"not STUN at all", where(server))
        peers[0].send(bytes(request), where(server))
        answer = stun.parse_message(await peers[0].receive())
        assert answer.transaction_id == request.transaction_id
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == peers[0].address
        assert "FINGERPRINT" in answer.attributes
        assert [each.address for each in server.requests] == [peers[0].address]
        assert await server.asked(within=0)
    finally:
        await server.close()


async def test_silent_server_records_requests(peers: tuple[Peer, Peer]) -> None:
    server = await StunServer.open(answers=False)
    try:
        assert not await server.asked(within=0)
        peers[0].send(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), where(server))
        assert await server.asked(PATIENCE)
        assert server.requests[0].method == "BINDING"
        assert peers[0].nothing_waits()
    finally:
        await server.close()
        await server.close()


async def test_turn_request_is_noted_and_not_answered(peers: tuple[Peer, Peer]) -> None:
    server = await StunServer.open()
    try:
        peers[0].send(bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)), where(server))
        # Broken in a way that aioice's parser stumbles over: a LIFETIME of two bytes.
        peers[0].send(bytes.fromhex("000300082112a442") + bytes(12) + b"\0\x0d\0\x02\0\0\0\0", where(server))
        ask = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        peers[0].send(bytes(ask), where(server))
        answer = stun.parse_message(await peers[0].receive())
        assert answer.transaction_id == ask.transaction_id
        assert [each.method for each in server.requests] == ["ALLOCATE", "BINDING"]
        host, port = peers[0].address
        assert server.describe() == f"ALLOCATE from {host}:{port}, BINDING from {host}:{port}"
    finally:
        await server.close()
