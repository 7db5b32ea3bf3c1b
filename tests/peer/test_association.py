"""The SCTP association of the reference peer, between two aiortc connections on the loopback interface."""

from __future__ import annotations

import asyncio
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection

from clasp_e2e.peer.association import LEAST_PER_DATAGRAM, MOST_IN_FLIGHT, Association

SENDS = 1000
MOST = MOST_IN_FLIGHT // LEAST_PER_DATAGRAM + 2
"""Datagrams: aiortc has added up to a datagram to its window before the limit applies."""


async def test_small_payloads_do_not_fill_the_sockets() -> None:
    ours, theirs = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    channel, arrived, all_arrived = ours.createDataChannel("data"), list[bytes](), asyncio.Event()
    opened = asyncio.Event()
    channel.on("open", opened.set)

    def on_message(message: bytes) -> None:
        arrived.append(message)
        if len(arrived) == SENDS:
            all_arrived.set()

    def on_channel(their_channel: RTCDataChannel) -> None:
        their_channel.on("message", on_message)

    theirs.on("datachannel", on_channel)
    sctp: Any = ours.sctp
    association = Association(sctp)
    transmit, in_flight = sctp._transmit, list[int]()

    async def watched() -> None:
        await transmit()
        in_flight.append(sum(chunk._in_flight for chunk in sctp._sent_queue))

    sctp._transmit = watched
    async with asyncio.timeout(20):
        await ours.setLocalDescription(await ours.createOffer())
        await theirs.setRemoteDescription(ours.localDescription)
        await theirs.setLocalDescription(await theirs.createAnswer())
        await ours.setRemoteDescription(theirs.localDescription)
        await opened.wait()
        sent = [number.to_bytes(2, "big") for number in range(SENDS)]
        for each in sent:
            channel.send(each)
        await association.drained()
        await all_arrived.wait()
    await asyncio.gather(ours.close(), theirs.close())
    assert arrived == sent
    assert 1 < max(in_flight) <= MOST
