from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.network.session_description import (
    Candidate,
    SessionDescription,
    ToLink,
    is_sdp,
    keep_relayed,
    rewrite_sdp,
)

from . import samples

LINK = ("127.0.0.1", 40404)

ports = st.integers(1, 65535)
candidates = st.builds(
    Candidate,
    prefix=st.just("a=candidate:"),
    foundation=st.text("abc123", min_size=1, max_size=8),
    component=st.sampled_from([1, 1, 1, 2]),
    transport=st.sampled_from(["udp", "UDP", "tcp"]),
    priority=st.integers(0, 2**31 - 1),
    address=st.sampled_from(["10.1.2.3", "192.168.7.8", "203.0.113.7", "fd00::9", "b4c1d2.local"]),
    port=ports,
    type=st.sampled_from(["host", "srflx", "prflx", "relay"]),
    extensions=st.sampled_from(["", " generation 0", " raddr 10.1.2.3 rport 5 ufrag xyz1"]),
)


@st.composite
def descriptions(draw: st.DrawFn) -> str:
    listed = draw(st.lists(candidates, max_size=6))
    port = draw(st.sampled_from(["9", "0", *(str(each.port) for each in listed)]))
    address = draw(st.sampled_from(["0.0.0.0", *(each.address for each in listed)]))
    family = "IP6" if ":" in address else "IP4"
    ending = draw(st.sampled_from(["\r\n", "\n"]))
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
        f"c=IN {family} {address}",
        "a=ice-ufrag:abcd",
        *map(str, listed),
        *draw(st.sampled_from([[], ["a=end-of-candidates"]])),
    ]
    return ending.join(lines) + ending


@given(descriptions())
def test_rewriting_twice_is_rewriting_once(sdp: str) -> None:
    once = rewrite_sdp(sdp, ToLink(LINK))
    assert rewrite_sdp(once, ToLink(LINK)) == once


@given(descriptions())
def test_no_address_but_the_links_is_left(sdp: str) -> None:
    read = SessionDescription.read(sdp)
    assert read is not None
    rewritten = rewrite_sdp(sdp, ToLink(LINK))
    left = SessionDescription.read(rewritten)
    assert left is not None
    assert {each.ip_endpoint for each in left.candidates} <= {LINK}
    assert bool(left.candidates) == any(each.rank for each in read.candidates)
    if read.candidates:
        connection = next(line for line in rewritten.splitlines() if line.startswith("c="))
        assert connection in ("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")
    else:
        assert rewritten == sdp


@given(descriptions())
def test_lines_without_addresses_are_unchanged(sdp: str) -> None:
    def rest(text: str) -> list[str]:
        lines = text.splitlines(keepends=True)
        return [line for line in lines if not line.startswith(("m=", "c=", "a=candidate:"))]

    assert rest(rewrite_sdp(sdp, ToLink(LINK))) == rest(sdp)


@given(candidates)
def test_candidate_is_written_as_it_was_read(candidate: Candidate) -> None:
    assert Candidate.read(str(candidate)) == candidate


@pytest.mark.parametrize("stack", samples.WITH_CANDIDATES)
def test_each_stacks_description_names_the_link_and_nothing_else(stack: str) -> None:
    rewritten = rewrite_sdp(samples.ALL[stack], ToLink(LINK))
    left = SessionDescription.read(rewritten)
    assert left is not None
    assert [each.ip_endpoint for each in left.candidates] == [LINK]
    assert f"m=application {LINK[1]} UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 {LINK[0]}\r\n" in rewritten
    for address in ("172.17.0.2", "192.168.1.4", "203.0.113.7", "10.0.0.5", "fd00", ".local"):
        assert address not in rewritten


def test_description_without_candidates_is_unchanged() -> None:
    assert rewrite_sdp(samples.WEBRTC_RS, ToLink(LINK)) == samples.WEBRTC_RS


def test_without_a_usable_candidate_no_address_is_named() -> None:
    only_ipv6 = samples.AIORTC.replace(
        "a=candidate:6815297761 1 udp 2130706431 172.17.0.2 41234 typ host\r\n", ""
    )
    rewritten = rewrite_sdp(only_ipv6, ToLink(LINK))
    assert "a=candidate" not in rewritten
    assert "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n" in rewritten
    assert "a=end-of-candidates\r\n" in rewritten


def test_repeated_candidate_is_rewritten_again_and_others_are_removed() -> None:
    judge = ToLink(LINK)
    host, other = Candidate.read(samples.HOST), Candidate.read(samples.SECOND_HOST)
    assert host is not None
    assert other is not None
    first = judge(host)
    assert first is not None
    assert first.ip_endpoint == LINK
    assert judge(other) is None
    assert judge(host) == first
    assert judge.chosen == host


def test_relayed_candidates_alone_pass_in_a_turn_scenario() -> None:
    relay, host = Candidate.read(samples.RELAY), Candidate.read(samples.HOST)
    assert relay is not None
    assert host is not None
    assert keep_relayed(relay) is relay
    assert keep_relayed(host) is None


@pytest.mark.parametrize(
    ("stack", "ufrag", "is_offer"),
    [
        ("aiortc", "aRtC", True),
        ("chromium", "ChRm", True),
        ("firefox", "f1refox0", False),
        ("webrtc-rs", "RuStRuStRuStRuSt", True),
        ("node-datachannel", "nOdE", False),
    ],
)
def test_facts_of_each_stacks_description(stack: str, ufrag: str, is_offer: bool) -> None:
    facts = SessionDescription.read(samples.ALL[stack])
    assert facts is not None
    assert facts.ufrag == ufrag
    assert facts.is_offer is is_offer
    assert facts.fingerprint == f"sha-256 {samples.FINGERPRINT}"
    assert facts.has_data_channel_section
    assert facts.ends_candidates == (stack not in ("chromium", "webrtc-rs"))


@pytest.mark.parametrize("text", ["", "v=0", "v=0\r\ns=-\r\n", "candidate:", "a=ice-ufrag:abcd", "hello"])
def test_other_text_is_no_description(text: str) -> None:
    assert not is_sdp(text)
    assert SessionDescription.read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "candidate:",
        "a=end-of-candidates",
        "candidate:1 1 udp x 1.2.3.4 5 typ host",
        "candidate:1 1 udp 1 1.2.3.4",
    ],
)
def test_malformed_candidate_is_not_read(text: str) -> None:
    assert Candidate.read(text) is None


def test_number_too_long_for_any_port_is_no_candidate() -> None:
    # int() itself refuses more than 4300 digits; found by fuzzing.
    assert Candidate.read(f"candidate:1 1 udp {'2' * 10_000} 127.0.0.1 9 typ host") is None


@pytest.mark.parametrize(
    ("candidate", "rank"),
    [
        ("candidate:1 1 udp 5 192.0.2.1 99 typ host", 3),
        ("candidate:1 1 UDP 5 hidden.local 99 typ host", 3),
        ("candidate:1 1 udp 5 127.0.0.1 99 typ srflx raddr 0.0.0.0 rport 9", 2),
        ("candidate:1 1 udp 5 127.0.0.1 99 typ relay raddr 0.0.0.0 rport 9", 2),
        ("candidate:1 1 udp 5 ::1 99 typ host", 1),
        ("candidate:1 1 udp 5 203.0.113.7 99 typ srflx raddr 0.0.0.0 rport 9", 0),
        ("candidate:1 1 udp 5 fd00::1 99 typ host", 0),
        ("candidate:1 1 tcp 5 127.0.0.1 99 typ host tcptype passive", 0),
        ("candidate:1 2 udp 5 127.0.0.1 99 typ host", 0),
        ("candidate:1 1 udp 5 127.0.0.1 99 typ unknown", 0),
    ],
)
def test_rank_says_what_the_link_can_carry(candidate: str, rank: int) -> None:
    read = Candidate.read(candidate)
    assert read is not None
    assert read.rank == rank


def test_best_candidate_of_a_description_is_chosen_wherever_it_is() -> None:
    host = "a=candidate:1 1 udp 5 127.0.0.1 41000 typ host\r\n"
    reflexive = "a=candidate:2 1 udp 5 127.0.0.9 42000 typ srflx raddr 0.0.0.0 rport 9\r\n"
    base = rewrite_sdp(samples.AIORTC, lambda _: None)
    judge = ToLink(LINK)
    rewritten = rewrite_sdp(base + reflexive + host, judge)
    assert rewritten.endswith(host.replace("127.0.0.1 41000", f"{LINK[0]} {LINK[1]}"))
    assert "127.0.0.9" not in rewritten
    assert judge.chosen == Candidate.read(host.strip())


def test_better_candidate_replaces_one_that_trickled_before() -> None:
    judge = ToLink(LINK)
    reflexive = Candidate.read("candidate:2 1 udp 5 127.0.0.9 42000 typ srflx raddr 0.0.0.0 rport 9")
    host = Candidate.read(samples.HOST)
    assert reflexive is not None
    assert host is not None
    for candidate in (reflexive, host):
        rewritten = judge(candidate)
        assert rewritten is not None
        assert rewritten.ip_endpoint == LINK
    assert judge.chosen == host
    assert judge(reflexive) is None
