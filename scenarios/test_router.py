"""The router: signals reach the session they are addressed to, unchanged, and no other session."""

from __future__ import annotations

import asyncio
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
    remark,
    requirement,
    show,
)

SDP = (
    "v=0\r\no=- 3962 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=ice-ufrag:oxWm\r\na=ice-pwd:r4Bdu3Vn9mWsPlhy0jWQAh\r\na=setup:actpass\r\na=sctp-port:5000\r\n"
    f"a=fingerprint:sha-256 {':'.join(['0F'] * 32)}\r\n"
)
"""An SDP with line endings and values that a router might normalize."""

LENGTHS = (17_000, 33_000, 60_000)
"""Bytes of SDP: more than an attempt needs; a frame holds 65,535."""
NEEDED = 30
"""Signals in a row that one connection attempt may need; a router may refuse much more than that."""


def offer(sender: SignalingClient, correlation_id: str, sdp: str = SDP) -> dict[str, wire.Value]:
    """Return a well-formed offer of `sender`."""
    return wire.encode_signal(wire.Offer(sender.session_id, sdp, correlation_id))


@requirement("RTR-1")
async def test_a_signal_reaches_its_session(router: RouterClients) -> None:
    """A signal reaches the session it is addressed to, which has subscribed to its signal address."""
    alice, bob = await router.client("alice"), await router.client("bob")
    await alice.signal(bob.session_id, offer(alice, "c-1"))
    signal = await bob.gets_signal(correlation_id="c-1")
    expect(signal.get("type"), "the type of the signal that arrived").equals("offer")


@requirement("RTR-1")
async def test_all_signals_of_an_attempt_reach_their_session(router: RouterClients) -> None:
    """An offer of 12,000 bytes and all candidates of one attempt, sent in a row, reach their session."""
    alice, bob = await router.client("alice"), await router.client("bob")
    long = SDP + "".join(f"a=x-filler:{number:04} {'x' * 100}\r\n" for number in range(100))
    await alice.signal(bob.session_id, offer(alice, "offer", long))
    for number in range(NEEDED):
        await alice.candidate(bob.session_id, f"candidate-{number}")
    await alice.mark(bob.session_id, "end")
    for expected in ("offer", *(f"candidate-{number}" for number in range(NEEDED))):
        await bob.gets_signal(correlation_id=expected)


@requirement("RTR-1", "RTR-2")
async def test_long_signals_arrive_as_sent_or_are_refused(router: RouterClients) -> None:
    """Offers of 17,000 to 60,000 bytes arrive unchanged, or their sender gets an ERROR or is cut off."""
    alice, bob = await router.unruly_client("alice"), await router.client("bob")
    for length in LENGTHS:
        sent = offer(alice, f"long-{length}", SDP + "a=x-filler:" + "x" * length + "\r\n")
        with suppress(Unobserved):  # The router may end the session.
            await alice.signal(bob.session_id, sent)
        with judging("RTR-1"):
            arrived = await bob.gets_all([f"long-{length}"], unless=lambda: alice.is_refused)
            if not arrived and alice.is_refused:
                remark(f"the router refuses a signal with an SDP of {length} bytes")
                return
            expect(len(arrived), f"times that an offer of {length} bytes arrived").at_least(1)
        with judging("RTR-2"):
            signal = await bob.gets_signal(correlation_id=f"long-{length}")
            expect(signal == sent, f"an offer of {length} bytes is unchanged").is_true(show(signal))


@requirement("RTR-1")
async def test_equal_signals_all_arrive(router: RouterClients) -> None:
    """Four equal signals in a row, such as a repeated candidate, arrive at least four times."""
    alice, bob = await router.client("alice"), await router.client("bob")
    for _ in range(4):
        await alice.candidate(bob.session_id, "repeated")
    await alice.mark(bob.session_id, "end")
    await bob.gets_signal(correlation_id="end")
    await bob.barrier()
    expect(bob.ids().count("repeated"), "arrivals of a signal that was sent four times").at_least(4)


@requirement("RTR-4")
async def test_a_delivered_signal_causes_no_error(router: RouterClients) -> None:
    """The sender of a signal that reaches its session gets no ERROR."""
    alice, bob = await router.client("alice"), await router.client("bob")
    await alice.signal(bob.session_id, offer(alice, "c-1"))
    await bob.gets_signal(correlation_id="c-1")
    await alice.barrier()
    errors = [message for message in alice.received if isinstance(message, wire.Error)]
    expect(errors, "errors for a signal that was delivered").is_empty()


@requirement("RTR-9")
async def test_a_signal_reaches_a_session_without_subscription(router: RouterClients) -> None:
    """A signal reaches a session that has not subscribed to its signal address."""
    alice, bob = await router.client("alice"), await router.client("bob", subscribes=False)
    await alice.signal(bob.session_id, offer(alice, "c-1"))
    await bob.gets_signal(correlation_id="c-1")


@requirement("RTR-2")
async def test_a_signal_arrives_as_it_was_sent(router: RouterClients) -> None:
    """Signals of each kind arrive with all values equal, and their SDP byte for byte."""
    alice, bob = await router.client("alice"), await router.client("bob")
    sender = alice.session_id
    signals: list[wire.Signal] = [
        wire.Offer(sender, SDP, "\u03a9-42"),
        wire.Answer(sender, SDP.replace("actpass", "active"), "answer " + "x" * 100),
        wire.IceCandidate(sender, '{"candidate": "", "sdpMid": null,\n "more": "\u2713 \\u0041"}', "0"),
        wire.ConnectedSignal(sender, "connected"),
        wire.DisconnectedSignal(sender, "disconnected", 'the user said "bye"\t\u2014 \U0001f44b'),
        wire.DisconnectedSignal(sender, "no reason", ""),
    ]
    for signal in signals:
        sent = wire.encode_signal(signal)
        await alice.signal(bob.session_id, sent)
        await expect_equal(bob, sent)


@requirement("RTR-2")
async def test_additional_fields_arrive_as_they_were_sent(router: RouterClients) -> None:
    """A signal with additional fields of every type arrives with all values equal, unless it is refused."""
    alice, bob = await router.client("alice"), await router.client("bob")
    sent: dict[str, wire.Value] = {
        **offer(alice, "more"),
        "nothing": None,
        "flag": True,
        "number": -(2**40),
        "large": 2**53 + 1,
        "ratio": 0.1,
        "bytes": bytes(range(256)),
        "decomposed": "a\u0308 \u1112\u1161",
        "with NUL": "a\0b",
        "nested": {"list": ["a", 1, [False, {"deep": "er"}]], "empty": {}},
        "no text": "",
        "no bytes": b"",
        "no items": [],
        "long": "x" * 8_000,
    }
    await alice.signal(bob.session_id, sent)
    await alice.mark(bob.session_id, "end")
    await bob.gets_signal(correlation_id="end")
    refused = [message for message in alice.received if isinstance(message, wire.Error)]
    if refused and "more" not in bob.ids():
        raise Unobserved(f"the router refuses a signal with additional fields: {refused[0].message}")
    await expect_equal(bob, sent)


async def expect_equal(receiver: SignalingClient, sent: dict[str, wire.Value]) -> None:
    """Require the signal `sent` to arrive with the same keys and values."""
    arrived = await receiver.gets_signal(correlation_id=str(sent["correlation_id"]))
    for key, value in sent.items():
        expect(arrived.get(key), f"`{key}` of the signal that arrived").equals(value)
    expect(set(arrived), "the keys of the signal that arrived").equals(set(sent))


@requirement("RTR-3")
async def test_signals_of_one_sender_keep_their_order(router: RouterClients) -> None:
    """A long offer and all candidates of an attempt, sent in a row, arrive in the order sent."""
    alice, bob = await router.client("alice"), await router.client("bob")
    sent = ["offer", *(f"candidate-{number}" for number in range(NEEDED))]
    await alice.signal(bob.session_id, offer(alice, "offer", SDP + "a=x-filler:" + "x" * 11_000 + "\r\n"))
    for correlation_id in sent[1:]:
        await alice.candidate(bob.session_id, correlation_id)
    await alice.mark(bob.session_id, "end")
    await bob.gets_signal(correlation_id="end")
    first_arrivals = [each for each in dict.fromkeys(bob.ids()) if each in sent]
    expect(first_arrivals, "the order of arrival").equals(sent)


@requirement("RTR-10")
async def test_a_signal_arrives_once(router: RouterClients) -> None:
    """Each of an attempt's signals arrives once."""
    alice, bob = await router.client("alice"), await router.client("bob")
    sent = ["offer", *(f"candidate-{number}" for number in range(NEEDED))]
    await alice.signal(bob.session_id, offer(alice, "offer"))
    for correlation_id in sent[1:]:
        await alice.candidate(bob.session_id, correlation_id)
    await alice.mark(bob.session_id, "end")
    await bob.gets_signal(correlation_id="end")
    await bob.barrier()
    repeated = [each for each in sent if bob.ids().count(each) > 1]
    expect(repeated, "signals that arrived more than once").is_empty()


@requirement("RTR-4")
async def test_a_signal_to_an_unknown_session_is_an_error(router: RouterClients) -> None:
    """A signal to an unknown session causes an ERROR to its sender, and reaches no session."""
    alice, bob = await router.client("alice"), await router.client("bob")
    unknown = "nonexistent-session-12345"
    before = len(alice.received)
    await alice.signal(unknown, offer(alice, "lost"))
    await alice.gets(wire.Error, lambda error: error in alice.received[before:])
    await alice.mark(bob.session_id, "end")
    await bob.gets_signal(correlation_id="end")
    await alice.barrier()
    for client, receiver in ((bob, "another session"), (alice, "its sender")):
        strays = [
            *(signal for signal in client.signals() if signal.address == wire.signal_address(unknown)),
            *(each for each in client.ids() if each == "lost"),
        ]
        expect(len(strays), f"signals to an unknown session that reached {receiver}").equals(0)


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
    """A signal does not reach other sessions that have subscribed to their own addresses only."""
    alice, bob, carol = [await router.client(name) for name in ("alice", "bob", "carol")]
    await alice.signal(bob.session_id, offer(alice, "for bob"))
    await bob.gets_signal(correlation_id="for bob")
    await alice.mark(carol.session_id, "end")
    await carol.gets_signal(correlation_id="end")
    await asyncio.gather(alice.barrier(), carol.barrier())
    for client in (alice, carol):
        expect(client.ids().count("for bob"), f"signals for bob that reached {client.name}").equals(0)
    if await overhears(router, alice, bob):
        remark("a session that subscribes to the signals of others gets them")


async def overhears(router: RouterClients, alice: SignalingClient, bob: SignalingClient) -> bool:
    """Return whether a session that subscribes to the signals of others gets them; this is not judged."""
    mallory = await router.unruly_client("mallory")
    try:
        for pattern in (wire.signal_address(bob.session_id), f"{wire.SIGNAL_PREFIX}**"):
            await mallory.subscribe(pattern)
        await alice.mark(bob.session_id, "overheard")
        await bob.gets_signal(correlation_id="overheard")
        await mallory.barrier()
    except (Blocked, Unobserved, Unmet):  # The router may refuse the subscription, or end the session.
        return False
    return "overheard" in mallory.ids()
