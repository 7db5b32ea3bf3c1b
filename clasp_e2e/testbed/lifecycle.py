"""Requirements on the life of connections: that they last, how they end, and the order of their events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from clasp_e2e.drivers.interface import NotOffered, Refused
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PEvent,
    PeerAnnounced,
    SendResult,
)
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Unmet, expect, precondition, random_payload
from clasp_e2e.testbed.fixtures import PeerPair
from clasp_e2e.testbed.partner_checks import both_connect
from clasp_e2e.testbed.trace import describe

USE_S = 0.5
"""Seconds between the payloads of a connection that is in use."""


async def lasts(seconds: float, *ends: tuple[Client, Client], since_connected: bool = False) -> None:
    """Require connections to last for `seconds`; `ends` names, for each side, the client and the other.

    Unmet as soon as a client receives Disconnected or ConnectionFailed about the other, or, with
    `since_connected`, has received it.
    """

    async def watch(client: Client, other: Client) -> None:
        since = 0 if since_connected else client.mark()
        event = await client.first_of((Disconnected, ConnectionFailed), other, within=seconds, since=since)
        if event is not None:
            expected = f"the connection of {client.name} and {other.name} to last for {seconds:g} s"
            raise Unmet(expected, f"{client.name} received {describe(event)}")

    watches = [asyncio.create_task(watch(client, other)) for client, other in ends]
    try:
        await asyncio.gather(*watches)
    finally:
        for each in watches:
            each.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


def both_ends(pair: PeerPair) -> tuple[tuple[Client, Client], tuple[Client, Client]]:
    """Return the two sides of the pair's connection, for `lasts`."""
    return (pair.subject, pair.partner), (pair.partner, pair.subject)


@asynccontextmanager
async def in_use(pair: PeerPair) -> AsyncGenerator[None]:
    """Send payloads in both directions during the block, so that the connection is never idle."""

    async def use() -> None:
        while True:
            for sender, receiver in both_ends(pair):
                with suppress(Refused):
                    await sender.send_p2p(receiver, random_payload(16))
            await asyncio.sleep(USE_S)

    using = asyncio.create_task(use())
    try:
        yield
    finally:
        using.cancel()
        await asyncio.gather(using, return_exceptions=True)


def closers(pair: PeerPair) -> list[Client]:
    """Return the clients of the pair that can end a single connection, the partner first.

    Raises `NotOffered` if neither can.
    """
    able = [each for each in (pair.partner, pair.subject) if "disconnect_peer" in each.capabilities]
    if not able:
        raise NotOffered("neither side declares the capability 'disconnect_peer'")
    return able


async def end_connection(pair: PeerPair, closer: Client) -> None:
    """End the connection by `disconnect_peer` of `closer`, and wait for the other side's Disconnected."""
    other = pair.other(closer)
    since = other.mark()
    await closer.disconnect_peer(other)
    with precondition("EVT-3"):
        await other.wait_for(Disconnected, closer, within=pair.patience.consent, since=since)


async def connect_again(pair: PeerPair, caller: Client, since: dict[Client, int]) -> None:
    """Require `caller` to connect to the other side again; `since` has the marks of the earlier end.

    An implementation that has connected again by itself has met this.
    """
    await both_connect(caller, pair.other(caller), since=since)


def marks(pair: PeerPair) -> dict[Client, int]:
    """Return the mark of each client."""
    return {client: client.mark() for client in pair}


async def works_like_the_first(pair: PeerPair) -> None:
    """Require a payload in each direction to arrive directly and once, with the result P2P."""
    for sender, receiver in both_ends(pair):
        payload = random_payload()
        async with pair.path_of(sender, payload) as path:
            result = await sender.send_p2p(receiver, payload)
            await receiver.receives(payload, within=pair.patience.retransmission)
        expect(result, f"the result of the send of {sender.name}").equals(SendResult.P2P)
        path.took_the_direct_path()
        # A second message is a barrier: what arrives twice has arrived twice before it.
        behind = random_payload(32)
        await sender.send_p2p(receiver, behind)
        await receiver.receives(behind)
        count = len(receiver.events_with(payload))
        expect(count, f"times that {receiver.name} received one payload").equals(1)


def events_are_in_order(
    client: Client,
    other: Client,
    *,
    own_ends: int = 0,
    kinds: tuple[type[P2PEvent], ...] = (Connected, Disconnected, ConnectionFailed, Data),
) -> None:
    """Require the events of `client` about `other` to be those of one connection after the other.

    Each connection has one Connected and at most one Disconnected, its Data is between them (nothing may
    have been relayed), and no attempt fails while it lasts. `own_ends` is the number of connections that the
    client itself ended: their Disconnected may be missing. Only events of `kinds` are considered.
    """
    is_connected = False
    silent_ends = own_ends
    for received in client.received:
        event = received.event
        if event.peer_session_id != other.session_id or not isinstance(event, kinds):
            continue
        match event:
            case Connected() if is_connected and not silent_ends:
                raise Unmet("one Connected for each connection", _history(client, other))
            case Connected():
                silent_ends -= is_connected
                is_connected = True
            case Disconnected() if not is_connected:
                raise Unmet(
                    "one Disconnected for each connection, and before the next", _history(client, other)
                )
            case Disconnected():
                is_connected = False
            case ConnectionFailed() if is_connected:
                raise Unmet("no ConnectionFailed while connected", _history(client, other))
            case Data() if not is_connected:
                raise Unmet("Data only while connected", _history(client, other))
            case _:
                pass


def _history(client: Client, other: Client) -> str:
    names = [
        type(each.event).__name__
        for each in client.received
        if each.event.peer_session_id == other.session_id and not isinstance(each.event, PeerAnnounced)
    ]
    return f"{client.name} received {', '.join(names)}"
