"""Announcements, relayed messages and signals in many forms: all sessions concerned get them, once each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
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
IN_A_ROW = 304
"""Messages in a row of one sender: more than the queues of 64 to 256 that routers have."""
FEW = 20
"""Messages in a row to many subscribers."""

TIMESTAMP = 1_700_000_000_000_000
"""Microseconds since 1970."""


async def attach_many(router: RouterClients, count: int) -> list[SignalingClient]:
    """Attach `count` clients at once."""
    return await together(*(router.client(f"client-{number}") for number in range(count)))


@requirement("RTR-1", "RTR-3", "RTR-5", "RTR-10")
async def test_many_sessions_at_once_get_signals_and_announcements(router: RouterClients) -> None:
    """Each of 24 sessions gets its signal, and two announcements of each of 12, once each and in order."""
    clients = await attach_many(router, MANY)
    await together(*(client.subscribe(wire.ANNOUNCE_ADDRESS) for client in clients))
    with judging("RTR-1"):
        for number, client in enumerate(clients):
            await clients[number - 1].mark(client.session_id, f"for-{number}")
        for number, client in enumerate(clients):
            await client.gets_signal(correlation_id=f"for-{number}")
    announced = {client: _announcements(client) for client in clients[:ANNOUNCERS]}
    for client, values in announced.items():
        for value in values:
            await client.send(wire.Publish(address=wire.ANNOUNCE_ADDRESS, value=value))
    with judging("RTR-5"):
        for client in clients:
            for announcer, values in announced.items():
                for value in values if announcer is not client else ():
                    await client.gets(wire.Publish, _with_value(value))
    await asyncio.gather(*(client.barrier() for client in clients))
    for client in clients:
        got = [each.value for each in client.received if isinstance(each, wire.Publish)]
        with judging("RTR-10"):
            repeated = [each.name for each, values in announced.items() if max(map(got.count, values)) > 1]
            expect(repeated, f"announcers whose announcement {client.name} got more than once").is_empty()
        with judging("RTR-3"):
            swapped = [
                each.name
                for each, (first, second) in announced.items()
                if each is not client and got.index(first) > got.index(second)
            ]
            expect(swapped, f"announcers whose second announcement {client.name} got first").is_empty()


def _announcements(client: SignalingClient) -> list[wire.Value]:
    """Return two announcements of `client`, as of one that has changed its features."""
    features = [(client.name,), (client.name, "p2p")]
    return [
        wire.encode_announcement(wire.Announcement(client.session_id, features=each)) for each in features
    ]


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
            with suppress(Unobserved):  # The router may end the session.
                await self._sender.send(self.message(size))

    def message(self, size: int) -> wire.Publish:
        """Return the next message, which publishes a payload of `size` bytes."""
        value: wire.Value = {
            "from": self._sender.session_id,
            "data": _between_nuls(size),
            "reliable": True,
            "number": len(self.sent),
        }
        self.sent.append(value)
        return wire.Publish(address=self.address, value=value)

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
        for client in subscribers:
            await self._all_arrives(client)
            await client.barrier()
            places = [self._place(value) for value in self.arrived(client)]
            if self._sender.is_refused:
                remark("the router refuses relayed messages of this length, or as many in a row")
            else:
                lost = [str(number) for number in range(len(self.sent)) if number not in set(places)]
                expect(lost, f"published messages that did not reach {client.name} unchanged").is_empty()
            whole = [place for place in places if place is not None]
            repeated = [number for number, count in Counter(whole).items() if count > 1]
            expect(repeated, f"messages that {client.name} got twice").is_empty()
            expect(whole == sorted(whole), f"{client.name} gets the messages in the order sent").is_true(
                f"the order of arrival: {whole}"
            )

    def _place(self, value: wire.Value) -> int | None:
        """Return the number of a message that arrived unchanged."""
        number = value.get("number") if isinstance(value, dict) else None
        if not isinstance(number, int | float) or not 0 <= number < len(self.sent):
            return None
        return int(number) if self.sent[int(number)] == value else None

    async def _all_arrives(self, client: SignalingClient) -> None:
        while (count := len(self.arrived(client))) < len(self.sent) and not self._sender.is_refused:
            if not await client.gets_more(len(client.received)) and not self._sender.is_refused:
                raise Unmet(
                    f"each of {len(self.sent)} published messages to reach {client.name}",
                    f"{count} arrived, and no more within the time limit",
                )


@requirement("RTR-13")
async def test_published_messages_reach_their_subscribers(router: RouterClients) -> None:
    """Of 304 payloads in a row, and of three longer ones, each reaches two subscribers, and nobody else."""
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
    await relaying.publish(*([256] * FEW))
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
    expect(len(relaying.arrived(bob)), "messages that a former subscriber got").at_most(1)
    again = Relaying(alice)
    for _ in range(2):  # The same pattern, after its subscription has ended too.
        await bob.subscribe(again.address)
        await again.publish(100)
        await again.reaches(bob)
        await bob.unsubscribe(again.address)
        again.sent.clear()
        bob.received.clear()


@requirement("RTR-13")
async def test_patterns_match_whole_segments(router: RouterClients) -> None:
    """`*` matches one segment, in the middle too; an address does not match what begins like it."""
    alice = await router.unruly_client("alice")
    base = f"/clasp-e2e/{random_payload(8).hex()}"
    middle = base.replace("/clasp-e2e/", "/*/") + "/relay"
    patterns = {"bob": f"{base}/*", "carol": f"{base}/relay", "dave": middle}
    reached = {"/relayed": {"bob"}, "/deep/relay": set[str](), "/relay": set(patterns)}
    clients = {name: await router.client(name) for name in patterns}
    for name, client in clients.items():
        await client.subscribe(patterns[name])
    for end in reached:
        await alice.send(wire.Publish(address=base + end, value={"end": end}))
    for client in clients.values():
        with suppress(Unmet):  # What the router refuses may be lost.
            await client.gets(wire.Publish, _with_value({"end": "/relay"}))
        await client.barrier()
    if alice.is_refused:
        remark("the router refuses messages at addresses of the harness's own")
        return
    for end, subscribers in reached.items():
        got = {name for name, client in clients.items() if _count(client, {"end": end})}
        expect(got, f"subscribers that get what is published at {base}{end}").equals(subscribers)


@requirement("RTR-13")
async def test_equal_messages_and_values_of_any_form_arrive(router: RouterClients) -> None:
    """Text, bytes, a list and a number arrive, and a message that is published three times, three times."""
    alice, bob = await router.unruly_client("alice"), await router.client("bob")
    address = f"/clasp-e2e/{random_payload(8).hex()}/relay"
    await bob.subscribe(address)
    equal: wire.Value = {"data": random_payload(64)}
    values: list[wire.Value] = ["text", random_payload(32), ["a", 1], 7, equal, equal, equal, {"last": True}]
    for value in values:
        await alice.send(wire.Publish(address=address, value=value))
    with suppress(Unmet):
        await bob.gets(wire.Publish, _with_value(values[-1]))
    await bob.barrier()
    if alice.is_refused:
        remark("the router refuses messages of a form, or at an address, of the harness's own")
        return
    got = [each.value for each in bob.received if isinstance(each, wire.Publish) and each.address == address]
    expect(got, "values that reach the subscriber").equals(values)


@requirement("RTR-13")
async def test_overlapping_subscriptions_get_one_copy(router: RouterClients) -> None:
    """With several subscriptions that match, a client gets each message once, until the last one ends."""
    alice = await router.unruly_client("alice")
    bob, carol = [await router.client(name) for name in ("bob", "carol")]
    relaying = Relaying(alice)
    await bob.subscribe(one_segment := relaying.address.replace("/relay", "/*"))
    for pattern in (relaying.address, relaying.pattern, relaying.address):
        await carol.subscribe(pattern)
    await relaying.publish(100, 100)
    await relaying.reaches(bob, carol)
    await bob.subscribe(relaying.pattern)
    await bob.unsubscribe(one_segment)
    await carol.unsubscribe(relaying.address)
    await relaying.publish(100, 100)
    await relaying.reaches(bob, carol)


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


@requirement("RTR-1", "RTR-13")
async def test_messages_in_a_bundle_arrive_or_are_refused(router: RouterClients) -> None:
    """Two signals and two other messages in a BUNDLE arrive, or their sender gets an ERROR or is cut off."""
    alice, bob = await router.unruly_client("alice"), await router.client("bob")
    relaying = Relaying(alice)
    await bob.subscribe(relaying.address)
    address, names = wire.signal_address(bob.session_id), ["first", "second", "third", "fourth"]
    signals = [
        wire.Publish(address, wire.encode_signal(wire.ConnectedSignal(alice.session_id, name)))
        for name in names
    ]
    await alice.send(wire.Bundle((*signals[:2], relaying.message(100), relaying.message(100))))
    with suppress(Blocked, Unobserved):  # The router may have ended the session.
        await alice.barrier()
    arrived = await bob.gets_all(names[:2], unless=lambda: alice.is_refused)
    if alice.is_refused:
        remark("the router refuses signals in a BUNDLE")
        return
    expect(sorted(map(str, set(arrived))), "the signals of the bundle that arrived").equals(names[:2])
    with judging("RTR-13"):
        await relaying.reaches(bob)
    # No source says that a WebSocket message may have several frames.
    with suppress(Blocked, Unobserved):
        await alice.send_in_one(*signals[2:])
        await alice.barrier()
        await bob.barrier()
        if names[3] not in bob.ids():
            remark("the router handles the first frame of a WebSocket message only")


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
