"""Announcements, relayed messages and signals in many forms: all sessions concerned get them, once each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from clasp_e2e import wire
from clasp_e2e.testbed import (
    Blocked,
    RouterClients,
    SignalingClient,
    Unmet,
    Unobserved,
    expect,
    judging,
    precondition,
    random_payload,
    remark,
    requirement,
    together,
)

MANY = 24
"""Sessions at the same time: as many as a small application has users."""
ANNOUNCERS = 12
"""Sessions that announce themselves at once, as when a router has been restarted."""

SIZES = (0, 1, 512, 3, 1_200, 40, 255, 256)
"""Bytes of relayed payloads that are published in a row."""
LONG_SIZES = (4_096, 16_000, 48_000)
"""Bytes of relayed payloads that are published one by one."""
IN_A_ROW = 40
"""Messages in a row of one sender."""

TIMESTAMP = 1_700_000_000_000_000
"""Microseconds since 1970."""


async def attach_many(router: RouterClients, count: int) -> list[SignalingClient]:
    """Attach `count` clients at once."""
    return await together(*(router.client(f"client-{number}") for number in range(count)))


@requirement("RTR-1", "RTR-5", "RTR-10")
async def test_many_sessions_at_once_get_signals_and_announcements(router: RouterClients) -> None:
    """Each of 24 sessions gets its signal, and the announcements of 12 of them, sent at once, once each."""
    clients = await attach_many(router, MANY)
    await together(*(client.subscribe(wire.ANNOUNCE_ADDRESS) for client in clients))
    with judging("RTR-1"):
        for number, client in enumerate(clients):
            await clients[number - 1].mark(client.session_id, f"for-{number}")
        for number, client in enumerate(clients):
            await client.gets_signal(correlation_id=f"for-{number}")
    announced = {
        client: wire.encode_announcement(wire.Announcement(client.session_id, features=(client.name,)))
        for client in clients[:ANNOUNCERS]
    }
    for client, value in announced.items():
        await client.send(wire.Publish(address=wire.ANNOUNCE_ADDRESS, value=value))
    with judging("RTR-5"):
        for client in clients:
            for announcer, value in announced.items():
                if announcer is not client:
                    await client.gets(wire.Publish, _with_value(value))
    await asyncio.gather(*(client.barrier() for client in clients))
    with judging("RTR-10"):
        for client in clients:
            repeated = [each.name for each, value in announced.items() if _count(client, value) > 1]
            expect(repeated, f"announcers whose announcement {client.name} got more than once").is_empty()


def _with_value(value: wire.Value) -> Callable[[wire.Publish], bool]:
    return lambda message: message.value == value


def _count(client: SignalingClient, value: wire.Value) -> int:
    return sum(isinstance(each, wire.Publish) and each.value == value for each in client.received)


def _between_nuls(size: int) -> bytes:
    """Return `size` random bytes, the first and the last of which are NUL."""
    return b"\0" * size if size < 3 else b"\0" + random_payload(size - 2) + b"\0"


class Relaying:
    """A sender that publishes numbered payloads at an address of its own, as clients relay."""

    def __init__(self, sender: SignalingClient) -> None:
        self.address = f"/clasp-e2e/{random_payload(8).hex()}/relay"
        self.pattern = self.address.replace("/relay", "/**")
        self.sent: list[wire.Value] = []
        self._sender = sender

    async def publish(self, *sizes: int) -> None:
        """Publish a payload of each of `sizes`, in a row."""
        for size in sizes:
            value: wire.Value = {
                "from": self._sender.session_id,
                "data": _between_nuls(size),
                "reliable": True,
                "number": len(self.sent),
            }
            self.sent.append(value)
            with suppress(Unobserved):  # The router may end the session.
                await self._sender.send(wire.Publish(address=self.address, value=value))

    def arrived(self, client: SignalingClient) -> list[wire.Value]:
        """Return what `client` has got of this sender, in order."""
        return [
            message.value
            for message in client.received
            if isinstance(message, wire.Publish) and message.address == self.address
        ]

    async def reaches(self, *subscribers: SignalingClient) -> None:
        """Require all that was published to reach `subscribers`, once each, unchanged and in order.

        What the router refuses may be lost.
        """
        numbers = [str(number) for number in range(len(self.sent))]
        for client in subscribers:
            while len(self.arrived(client)) < len(self.sent) and not self._sender.is_refused:
                before = len(self.arrived(client))
                await self._more_arrives(client, before, numbers)
            await client.barrier()
            arrived = self.arrived(client)
            if self._sender.is_refused:
                remark("the router refuses relayed messages of this length, or as many in a row")
            else:
                lost = [
                    number for number, value in zip(numbers, self.sent, strict=True) if value not in arrived
                ]
                expect(lost, f"published messages that did not reach {client.name} unchanged").is_empty()
            places = [self.sent.index(value) for value in arrived if value in self.sent]
            counts = Counter(places)
            expect([n for n in counts if counts[n] > 1], f"messages that {client.name} got twice").is_empty()
            expect(places == sorted(places), f"{client.name} gets the messages in the order sent").is_true(
                f"the order of arrival: {places}"
            )

    async def _more_arrives(self, client: SignalingClient, before: int, numbers: Sequence[str]) -> None:
        try:
            await client.gets(wire.Publish, lambda _: len(self.arrived(client)) > before)
        except Unmet as unmet:
            if not self._sender.is_refused:
                expected = f"each of {len(numbers)} published messages to reach {client.name}"
                raise Unmet(expected, f"{before} arrived, and then {unmet.seen}") from unmet


@requirement("RTR-13")
async def test_published_messages_reach_their_subscribers(router: RouterClients) -> None:
    """Of 40 payloads in a row, and of three longer ones, each reaches two subscribers, and nobody else."""
    alice = await router.unruly_client("alice")
    bob, carol, dave = [await router.client(name) for name in ("bob", "carol", "dave")]
    relaying = Relaying(alice)
    await bob.subscribe(relaying.address)
    await carol.subscribe(relaying.pattern)
    await relaying.publish(*(SIZES * (IN_A_ROW // len(SIZES))))
    await relaying.reaches(bob, carol)
    for size in LONG_SIZES:
        if alice.is_refused:
            break
        await relaying.publish(size)
        await relaying.reaches(bob, carol)
    await dave.barrier()
    for client in (alice, dave):
        expect(len(relaying.arrived(client)), f"messages that reached {client.name}").equals(0)


@requirement("RTR-13")
async def test_published_messages_reach_many_subscribers(router: RouterClients) -> None:
    """Each of 24 subscribers of an address gets 20 messages of one sender, in the order sent."""
    alice = await router.unruly_client("alice")
    subscribers = await attach_many(router, MANY)
    relaying = Relaying(alice)
    await together(*(client.subscribe(relaying.address) for client in subscribers))
    await relaying.publish(*([256] * (IN_A_ROW // 2)))
    await relaying.reaches(*subscribers)


@requirement("RTR-13")
async def test_published_messages_end_with_a_subscription(router: RouterClients) -> None:
    """After UNSUBSCRIBE a client gets no more, and another subscriber of the same address gets all."""
    alice = await router.unruly_client("alice")
    bob, carol = [await router.client(name) for name in ("bob", "carol")]
    relaying = Relaying(alice)
    for client in (bob, carol):
        await client.subscribe(relaying.address)
    await relaying.publish(100)
    await relaying.reaches(bob, carol)
    await bob.unsubscribe(relaying.address)
    await relaying.publish(100, 100)
    await relaying.reaches(carol)
    await bob.barrier()
    expect(len(relaying.arrived(bob)), "messages that a former subscriber got").equals(1)


@requirement("RTR-1")
async def test_signals_of_other_forms_arrive_or_are_refused(router: RouterClients) -> None:
    """Signals that are JSON text, lists or bytes arrive, or their sender gets an ERROR or is cut off."""
    bob = await router.client("bob")
    values: dict[str, wire.Value] = {
        "JSON text": f'{{"type": "offer", "id": "{random_payload(8).hex()}"}}',
        "a list": ["offer", random_payload(8).hex()],
        "bytes": random_payload(64),
    }

    async def arrives(form: str, value: wire.Value) -> None:
        sender = await router.unruly_client(f"sender of {form}")
        try:
            await sender.signal(bob.session_id, value)
            await sender.barrier()
        except (Blocked, Unobserved):  # The router has ended the session.
            pass
        if not sender.is_refused:
            await bob.gets(wire.Publish, _with_value(value))
        elif not _count(bob, value):
            remark(f"the router refuses a signal that is {form}")

    await together(*(arrives(form, value) for form, value in values.items()))


@requirement("RTR-1")
async def test_signals_in_a_bundle_arrive_or_are_refused(router: RouterClients) -> None:
    """Two signals in one BUNDLE arrive, or their sender gets an ERROR or is cut off."""
    alice, bob = await router.unruly_client("alice"), await router.client("bob")
    address = wire.signal_address(bob.session_id)
    names = ["first", "second"]
    values = [wire.encode_signal(wire.ConnectedSignal(alice.session_id, name)) for name in names]
    try:
        await alice.send(wire.Bundle(tuple(wire.Publish(address=address, value=value) for value in values)))
        await alice.barrier()
    except (Blocked, Unobserved):  # The router has ended the session.
        pass
    arrived = await bob.gets_all(names, unless=lambda: alice.is_refused)
    if alice.is_refused:
        remark("the router refuses signals in a BUNDLE")
        return
    expect(sorted(map(str, set(arrived))), "the signals of the bundle that arrived").equals(names)


@requirement("RTR-14")
async def test_websocket_pings_are_answered(router: RouterClients) -> None:
    """A WebSocket PING frame is answered by a PONG with the same content, idle or among signals."""
    alice, bob = await router.client("alice"), await router.client("bob")
    await alice.ping(b"")
    for number in range(4):
        await alice.mark(bob.session_id, f"signal-{number}")
        await alice.ping(random_payload(8))
        await bob.gets_signal(correlation_id=f"signal-{number}")


@requirement("RTR-1")
async def test_signals_in_frames_of_each_kind_arrive(router: RouterClients) -> None:
    """Signals reach their session with each QoS, and with a timestamp in the frame."""
    alice, bob = await router.client("alice"), await router.client("bob")
    for qos in wire.QoS:
        for timestamp in (None, TIMESTAMP):
            name = f"{qos.name}-{timestamp}"
            value = wire.encode_signal(wire.ConnectedSignal(alice.session_id, name))
            message = wire.Publish(address=wire.signal_address(bob.session_id), value=value)
            await alice.send(message, qos=qos, timestamp=timestamp)
            await bob.gets_signal(correlation_id=name)
            with precondition("RTR-1"):
                await alice.barrier()
