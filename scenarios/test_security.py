"""Security: signals that are tampered with, malformed, or sent in another session's name."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    Blocked,
    Client,
    PeerPair,
    Refused,
    SignalingClient,
    SinglePeer,
    UnconnectedPair,
    Unmet,
    Unobserved,
    altering_texts,
    carries_data_directly,
    connects,
    expect,
    mentions,
    precondition,
    requirement,
)

BRIEF = P2PConfig(connection_timeout_secs=5)
"""Long enough to connect on a busy machine, and short enough to wait for it."""

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1: 33 s)."""

CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"

SDP = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 127.0.0.1",
        "a=mid:0",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "a=ice-ufrag:stranger",
        "a=ice-pwd:the-password-of-a-stranger",
        "a=fingerprint:sha-256 " + ":".join(["5A"] * 32),
        "a=setup:actpass",
        f"a={CANDIDATE}",
        "a=end-of-candidates",
        "",
    ]
)
"""A valid offer of a peer that does not exist."""

MALFORMED: tuple[wire.Value, ...] = (
    None,
    True,
    7,
    -1.5,
    "",
    "offer",
    b"\x00\xff",
    [],
    ["offer"],
    {},
    {"type": "offer"},
    {"type": None, "from": None, "correlation_id": None},
    {"type": "offer", "from": 7, "correlation_id": [], "sdp": {}},
    {"type": "no-such-type", "from": "stranger", "correlation_id": "1", "sdp": SDP},
    {"type": "offer", "from": "", "correlation_id": "", "sdp": SDP},
    {"type": "offer", "from": "a/b", "correlation_id": "2", "sdp": SDP},
    {"type": "answer", "from": "stranger", "correlation_id": "3", "sdp": "senseless"},
    {"type": "ice_candidate", "from": "stranger", "correlation_id": "4", "candidate": "{"},
    {"type": "disconnected", "from": "stranger", "correlation_id": "5", "reason": {"why": []}},
    {"type": "disconnected", "from": "stranger", "correlation_id": "6" * 10_000},
)
"""Values that are not valid signals, or that belong to no attempt."""

BROKEN_SDP = (
    "",
    "v=0",
    "senseless",
    SDP[:150],
    SDP.replace("a=", "b="),
    SDP.replace("SCTP", "RTP"),
    "\x00" * 99,
)
"""Invalid SDPs. Only with `from` and a correlation id do they make a complete signal."""


def guesses(*clients: Client) -> list[str]:
    """Return correlation ids that an attacker might guess from the session ids alone."""
    return ["", "0", "1", *(client.session_id for client in clients), "00000000-0000-4000-8000-000000000000"]


@requirement("SIG-6")
async def test_malformed_signals_of_a_stranger_are_ignored(pair: PeerPair) -> None:
    """A client stays attached and connects after signals with wrong types, unknown kinds and broken SDP."""
    subject, _ = pair
    mallory = await pair.testbed.open_signaling_client("mallory")
    for value in MALFORMED:
        await mallory.signal(subject.session_id, value)
    for number, sdp in enumerate(BROKEN_SDP):
        offer: wire.Value = {
            "type": "offer",
            "from": mallory.session_id,
            "correlation_id": f"b{number}",
            "sdp": sdp,
        }
        await mallory.signal(subject.session_id, offer)
    await arrived(pair, mallory)
    await subject.all_is_written()
    expect(subject.leg.is_connected, f"{subject.name} is still attached to the router").is_true("it has left")
    await connects(pair)


@requirement("SEC-1", waits=True, role="offerer")
async def test_a_changed_fingerprint_in_the_answer_connects_nobody(unconnected: UnconnectedPair) -> None:
    """If the DTLS fingerprint in the answer is changed in transit, the offerer does not receive Connected."""
    pair = await unconnected.attach(BRIEF, BRIEF)
    await expect_no_connection(pair, pair.offerer, pair.answerer)


@requirement("SEC-1", waits=True, role="answerer")
async def test_a_changed_fingerprint_in_the_offer_connects_nobody(unconnected: UnconnectedPair) -> None:
    """If the DTLS fingerprint in the offer is changed in transit, the answerer does not receive Connected."""
    pair = await unconnected.attach(BRIEF, BRIEF)
    await expect_no_connection(pair, pair.answerer, pair.offerer)


async def expect_no_connection(pair: PeerPair, deceived: Client, other: Client) -> None:
    """Change the fingerprint in transit to `deceived`, and require that it receives no Connected and no Data.

    Wait until `deceived` receives ConnectionFailed, or its time-out is over.
    """
    changed: list[str] = []

    def other_fingerprint(text: str) -> str:
        altered = re.sub(
            r"(a=fingerprint:\S+ )([0-9A-Fa-f]{2})",
            lambda found: f"{found[1]}{int(found[2], 16) ^ 0xFF:02X}",
            text,
        )
        if altered != text:
            changed.append(altered)
        return altered

    pair.testbed.alterations[deceived.name] = altering_texts(other_fingerprint)
    try:
        async with pair.connecting():
            await attempt_is_over(deceived, other)
    except Refused:
        if deceived is pair.answerer:
            await attempt_is_over(deceived, other)
    if not changed:
        raise Unobserved(f"no fingerprint was seen in the signals to {deceived.name}")
    connected = [entry.event for entry in deceived.events(Connected, other)]
    what = f"no Connected event of {deceived.name}, which got a changed fingerprint of {other.name}"
    expect(not connected, what).is_true(f"{deceived.name} received Connected")
    expect(deceived.data(), f"Data events of {deceived.name}").is_empty()


async def attempt_is_over(client: Client, other: Client) -> None:
    """Wait until `client` receives ConnectionFailed, or its time-out is over."""
    with suppress(Unmet):
        await client.wait_for(ConnectionFailed, other, within=client.timeout + LATE)


@requirement("SEC-2")
async def test_a_stranger_cannot_end_a_connection_in_anothers_name(connected_pair: PeerPair) -> None:
    """A disconnected, an answer and a candidate from a third session in the partner's name change nothing."""
    subject, partner = connected_pair
    await connected_pair.drain()
    mallory = await connected_pair.testbed.open_signaling_client("mallory")
    for guess in guesses(subject, partner):
        common: dict[str, wire.Value] = {"from": partner.session_id, "correlation_id": guess}
        await mallory.signal(subject.session_id, {"type": "ice_candidate", **common, "candidate": CANDIDATE})
        answer: wire.Value = {"type": "answer", **common, "sdp": SDP.replace("actpass", "active")}
        await mallory.signal(subject.session_id, answer)
        await mallory.signal(subject.session_id, {"type": "disconnected", **common, "reason": "forged"})
    await arrived(connected_pair, mallory)
    await carries_data_directly(connected_pair)
    expect_no_disconnected(connected_pair)


@requirement("SEC-2", waits=True)
async def test_a_stranger_cannot_take_over_a_connection_in_anothers_name(
    unconnected: UnconnectedPair,
) -> None:
    """Offers from a third session in the partner's name do not replace the connection."""
    pair = await unconnected.attach(BRIEF, BRIEF)
    await pair.connect()
    await pair.drain()
    subject, partner = pair
    mallory = await pair.testbed.open_signaling_client("mallory")
    for guess in guesses(subject, partner):
        offer: wire.Value = {"type": "offer", "from": partner.session_id, "correlation_id": guess, "sdp": SDP}
        await mallory.signal(subject.session_id, offer)
    await arrived(pair, mallory)
    await carries_data_directly(pair)
    # The failing attempt is a barrier: when it ends, the forged offers have had their full time-out.
    with precondition("TMO-2"):
        await subject.attempt_fails(mallory.session_id, within=subject.timeout + LATE)
    await carries_data_directly(pair)
    expect_no_disconnected(pair)


async def arrived(pair: PeerPair, mallory: SignalingClient) -> None:
    """Wait until everything that `mallory` sent has been delivered to the subject."""
    subject = pair.subject
    await mallory.candidate(subject.session_id, "last")
    await pair.testbed.until_delivered(subject, lambda message: has_id(message, "last"), "a signal")


def has_id(message: wire.Publish, correlation_id: str) -> bool:
    """Return whether `message` is a signal with `correlation_id`."""
    return isinstance(message.value, dict) and message.value.get("correlation_id") == correlation_id


def expect_no_disconnected(pair: PeerPair) -> None:
    """Require that neither side received Disconnected."""
    for client, other in ((pair.subject, pair.partner), (pair.partner, pair.subject)):
        ended = [entry.event for entry in client.events(Disconnected, other)]
        expect(ended, f"Disconnected events that {client.name} received").is_empty()


def offer_to(session: str, peer: SinglePeer) -> str:
    """Return the messages of the peer that name `session` and have ICE credentials, as text."""
    named = (str(each.value) for _, each in peer.testbed.carriers if mentions(each, session))
    return "".join(text for text in named if "a=ice-pwd:" in text)


def is_offered(session: str, peer: SinglePeer) -> bool:
    """Return whether the peer has sent `session` an offer."""
    return offer_to(session, peer) != ""


@requirement("SEC-4")
async def test_each_attempt_has_ice_credentials_of_its_own(single: SinglePeer) -> None:
    """The offers to two sessions have different ICE credentials, of the prescribed length."""
    client = await single.attach(P2PConfig())
    offers: list[str] = []
    for name in ("mallory", "trudy"):
        session = (await single.signaling_client(name)).session_id
        before = len(client.published_at)
        async with client.connecting_to(session):
            has_offered = partial(is_offered, session, single)
            if not await single.testbed.switchboard.holds_within(has_offered, client.attempt_limit):
                if len(client.published_at) == before:
                    raise Blocked("CON-3", f"{client.name} published no offer to {name}")
                raise Unobserved(f"no offer to {name} with ICE credentials was read")
        offers.append(offer_to(session, single))
    for kind, least in (("ufrag", 4), ("pwd", 22)):
        seen = [set(re.findall(rf"a=ice-{kind}:([\w+/]+)", each)) for each in offers]
        expect(seen[0] & seen[1], f"values of ice-{kind} that both offers have").is_empty()
        length = min(len(value) for value in seen[0] | seen[1])
        expect(length, f"characters of the shortest ice-{kind}").at_least(least)
