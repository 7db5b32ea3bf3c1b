"""The router: signals reach the session they are addressed to, unchanged, and no other session."""

from __future__ import annotations

import asyncio

from clasp_e2e import wire
from clasp_e2e.testbed import RouterClients, expect, requirement

SDP = (
    "v=0\r\no=- 3962 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=ice-ufrag:oxWm\r\na=ice-pwd:r4Bdu3Vn9mWsPlhy0jWQAh\r\na=setup:actpass\r\na=sctp-port:5000\r\n"
)
"""An SDP with line endings and values that a router might normalize."""


@requirement("RTR-1")
async def test_a_signal_reaches_its_session(router: RouterClients) -> None:
    """A signal reaches the session it is addressed to, even if that session has no subscription."""
    alice, bob = await router.client("alice"), await router.client("bob")
    await alice.signal(bob.session_id, {"type": "offer", "from": alice.session_id, "sdp": SDP})
    signal = await bob.gets_signal()
    expect(signal.get("type"), "the type of the signal that arrived").equals("offer")


@requirement("RTR-2")
async def test_a_signal_arrives_as_it_was_sent(router: RouterClients) -> None:
    """A signal arrives with all values equal, and its SDP byte for byte."""
    alice, bob = await router.client("alice"), await router.client("bob")
    sent: dict[str, wire.Value] = {
        "type": "offer",
        "from": alice.session_id,
        "correlation_id": "Ω-42",
        "sdp": SDP,
        "nothing": None,
        "flag": True,
        "number": -(2**40),
        "ratio": 0.1,
        "bytes": bytes(range(256)),
        "nested": {"list": ["a", 1, [False, {"deep": "er"}]], "empty": {}},
        "long": "x" * 20_000,
    }
    await alice.signal(bob.session_id, sent)
    arrived = await bob.gets_signal()
    for key, value in sent.items():
        expect(arrived.get(key), f"`{key}` of the signal that arrived").equals(value)
    expect(set(arrived), "the keys of the signal that arrived").equals(set(sent))


@requirement("RTR-3")
async def test_signals_of_one_sender_keep_their_order(router: RouterClients) -> None:
    """A hundred signals of one sender arrive in the order in which they were sent."""
    alice, bob = await router.client("alice"), await router.client("bob")
    for number in range(100):
        await alice.signal(bob.session_id, {"type": "ice_candidate", "number": number})
    await alice.signal(bob.session_id, {"type": "end"})
    await bob.gets_signal(kind="end")
    numbers = [signal.value.get("number") for signal in bob.signals() if isinstance(signal.value, dict)]
    expect(numbers[:-1], "the order of arrival").equals(list(range(100)))


@requirement("RTR-4")
async def test_a_signal_to_an_unknown_session_is_an_error(router: RouterClients) -> None:
    """A signal to an unknown session causes an ERROR to its sender, and reaches no session."""
    alice, bob = await router.client("alice"), await router.client("bob")
    await alice.signal("nonexistent-session-12345", {"type": "offer", "sdp": SDP})
    await alice.gets(wire.Error)
    await alice.signal(bob.session_id, {"type": "end"})
    await bob.gets_signal(kind="end")
    await alice.barrier()
    expect(len(bob.signals()), "signals that reached another session").equals(1)
    expect(alice.signals(), "signals that came back to the sender").is_empty()


@requirement("RTR-5")
async def test_an_announcement_reaches_its_subscribers(router: RouterClients) -> None:
    """An announcement reaches its subscribers, but not its sender, even if the sender subscribed."""
    clients = [await router.client(name) for name in ("alice", "bob", "carol")]
    alice, bob, carol = clients
    for client in (alice, bob):
        await client.subscribe(wire.ANNOUNCE_ADDRESS)
    announcement = wire.encode_announcement(wire.Announcement(alice.session_id, features=("webrtc",)))
    await alice.send(wire.Publish(address=wire.ANNOUNCE_ADDRESS, value=announcement))

    def announced(message: wire.Publish) -> bool:
        return message.address == wire.ANNOUNCE_ADDRESS and message.value == announcement

    await bob.gets(wire.Publish, announced)
    await asyncio.gather(*(client.barrier() for client in clients))
    for client, receiver in ((alice, "its sender"), (carol, "a client without a subscription")):
        got = [m for m in client.received if isinstance(m, wire.Publish) and announced(m)]
        expect(len(got), f"announcements that reached {receiver}").equals(0)


@requirement("RTR-6", waits=True)
async def test_the_router_answers_no_stun_over_udp(router: RouterClients) -> None:
    """STUN Binding and TURN Allocate requests to the router's port over UDP get no answer."""
    answers = await router.ask_stun("udp")
    expect(answers, "answers to STUN and TURN requests over UDP").is_empty()


@requirement("RTR-6", waits=True)
async def test_the_router_answers_no_stun_over_tcp(router: RouterClients) -> None:
    """STUN Binding and TURN Allocate requests to the router's port over TCP get no answer."""
    answers = await router.ask_stun("tcp")
    expect(answers, "answers to STUN and TURN requests over TCP").is_empty()


@requirement("RTR-8")
async def test_a_signal_reaches_no_other_session(router: RouterClients) -> None:
    """A signal does not reach other sessions, even if they subscribed to its address or to all addresses."""
    alice, bob, carol = [await router.client(name) for name in ("alice", "bob", "carol")]
    for pattern in (wire.signal_address(bob.session_id), f"{wire.SIGNAL_PREFIX}**", "/**"):
        await carol.subscribe(pattern)
    await alice.signal(bob.session_id, {"type": "offer", "sdp": SDP})
    await bob.gets_signal(kind="offer")
    await alice.signal(carol.session_id, {"type": "end"})
    await carol.gets_signal(kind="end")
    await carol.barrier()
    overheard = [s for s in carol.signals() if s.address != wire.signal_address(carol.session_id)]
    expect(len(overheard), "signals that reached a session they were not addressed to").equals(0)
