"""ICE candidates of every form that a peer may receive, and candidates that precede their description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clasp_e2e.testbed import Candidate, DescribedCandidates, PeerPair, Trickle, as_json, requirement

MDNS = "6d5f5c2e-9f0a-4a62-8f4e-0a8b6f1e7a11.local"

BY_NAME = (
    f"1 udp 1 {MDNS} 9 typ host",
    f"1 UDP 2 {MDNS} 50000 typ host generation 0 network-cost 999",
    "1 udp 1 localhost 9 typ host",
    f"1 udp 1 {MDNS} 9 typ srflx raddr {MDNS} rport 9",
)
"""Candidates whose addresses are names: browsers hide host addresses behind `.local` ones."""

BY_OTHER_WAYS = (
    "1 udp 1 ::1 9 typ host",
    "1 udp 1 fe80::1 9 typ host",
    "1 udp 1 ::ffff:127.0.0.1 9 typ host",
    "1 tcp 1 127.0.0.1 9 typ host tcptype active",
    "1 TCP 1 127.0.0.1 9 typ host tcptype passive",
    "1 tcp 1 127.0.0.1 9 typ host tcptype so",
    "1 tcp 1 ::1 9 typ host tcptype active",
)
"""Candidates of other address families and transports."""

OF_OTHER_KINDS = (
    "1 udp 1 127.0.0.1 9 typ novel",
    "1 sctp 1 127.0.0.1 9 typ host",
    "2 udp 1 127.0.0.1 9 typ host",
    "256 udp 1 127.0.0.1 9 typ host",
    "1 udp 1 127.0.0.1 9 typ srflx raddr 0.0.0.0 rport 0",
    "1 udp 1 127.0.0.1 9 typ relay raddr 127.0.0.1 rport 9 x-note none",
)
"""Candidates of unknown types and transports, and of components that a data channel does not have."""

OUT_OF_RANGE = (
    "1 udp 0 127.0.0.1 9 typ host",
    "1 udp 4294967295 127.0.0.1 9 typ host",
    "1 udp 99999999999 127.0.0.1 9 typ host",
    "1 udp 1 127.0.0.1 0 typ host",
    "1 udp 1 127.0.0.1 65536 typ host",
    "1 udp 1 999.0.0.1 9 typ host",
    "1 udp 1 127.0.0.1 9 typ host unpaired",
)
"""Candidates that RFC 8839 does not allow."""


def named(ends: Sequence[str], mark: str) -> list[str]:
    """Return candidate attributes with these ends, each with a foundation that begins with `mark`."""
    return [f"candidate:{mark}{number} {end}" for number, end in enumerate(ends)]


def in_unusual_dress(candidate: Candidate) -> Candidate:
    """Return `candidate` in a form that is valid, and that few peers send (RFC 8839 section 5.1)."""
    return replace(
        candidate,
        foundation="aZ09+/" + "f" * 26,
        transport="UDP",
        priority=1,
        extensions=f"{candidate.extensions} generation 0 network-id 1 x-note a=b/c:d",
    )


async def expect_use_amid(pair: PeerPair, others: Sequence[str], mark: str = "") -> None:
    """Require the usable candidate to be used, after all of `others`, and before them again."""

    def texts(usable: list[str], mid: str) -> list[str]:
        return [
            as_json(each, mid) for each in (*named(others, f"o{mark}"), *usable, *named(others, f"p{mark}"))
        ]

    trickle = await Trickle.to_subject(pair, behind=1, texts=texts)
    async with pair.connecting():
        await trickle.is_put_to_use()


@requirement("ICE-6", waits=True)
async def test_candidates_with_names_do_no_harm(pair: PeerPair) -> None:
    """Candidates whose address is a `.local` name or a host name do not prevent the use of another."""
    await expect_use_amid(pair, BY_NAME)


@requirement("ICE-6", waits=True)
async def test_candidates_of_other_families_and_transports_do_no_harm(pair: PeerPair) -> None:
    """IPv6 and TCP candidates do not prevent the use of another."""
    await expect_use_amid(pair, BY_OTHER_WAYS)


@requirement("ICE-6", waits=True)
async def test_candidates_of_unknown_kinds_do_no_harm(pair: PeerPair) -> None:
    """Candidates of unknown types, transports and components do not prevent the use of another."""
    await expect_use_amid(pair, OF_OTHER_KINDS)


@requirement("ICE-6", waits=True)
async def test_candidates_out_of_range_do_no_harm(pair: PeerPair) -> None:
    """Candidates with invalid values do not prevent the use of another."""
    await expect_use_amid(pair, OUT_OF_RANGE, mark="f" * 200)


async def expect_use_in_sdp(pair: PeerPair, others: Sequence[str]) -> None:
    """Require the usable candidate of an SDP to be used, after all of `others`, and before them again."""

    def lines(candidate: Candidate) -> list[str]:
        usable = str(replace(candidate, prefix="candidate:"))
        return [f"a={each}" for each in (*named(others, "o"), usable, *named(others, "p"))]

    delivery = DescribedCandidates(pair, lines)
    async with pair.connecting():
        await delivery.is_put_to_use()


@requirement("ICE-6", waits=True)
async def test_candidates_with_other_addresses_in_an_sdp_do_no_harm(pair: PeerPair) -> None:
    """Names, IPv6 and TCP candidates in an SDP do not prevent the use of another that it contains."""
    await expect_use_in_sdp(pair, (*BY_NAME, *BY_OTHER_WAYS))


@requirement("ICE-6", waits=True)
async def test_candidates_of_unknown_kinds_in_an_sdp_do_no_harm(pair: PeerPair) -> None:
    """Candidates of unknown types and transports in an SDP do not prevent the use of another."""
    await expect_use_in_sdp(pair, OF_OTHER_KINDS)


@requirement("ICE-6", waits=True)
async def test_a_candidate_in_unusual_form_is_put_to_use(pair: PeerPair) -> None:
    """A trickled candidate with unknown extensions, a long foundation and the lowest priority is used."""

    def texts(usable: list[str], mid: str) -> list[str]:
        candidates = [Candidate.read(each) for each in usable]
        return [as_json(str(in_unusual_dress(each)), mid) for each in candidates if each is not None]

    trickle = await Trickle.to_subject(pair, behind=1, texts=texts)
    async with pair.connecting():
        await trickle.is_put_to_use()


@requirement("ICE-6", waits=True)
async def test_a_candidate_in_unusual_form_in_an_sdp_is_put_to_use(pair: PeerPair) -> None:
    """A candidate of an SDP with unknown extensions, a long foundation and the lowest priority is used."""
    delivery = DescribedCandidates(pair, lambda candidate: [str(in_unusual_dress(candidate))])
    async with pair.connecting():
        await delivery.is_put_to_use()


@requirement("ICE-6", waits=True)
async def test_a_candidate_written_as_in_sdp_is_put_to_use(pair: PeerPair) -> None:
    """A trickled candidate that begins with `a=`, as some libraries write it, is used."""
    trickle = await Trickle.to_subject(
        pair, behind=1, texts=lambda usable, mid: [as_json(f"a={each}", mid) for each in usable]
    )
    async with pair.connecting():
        await trickle.is_put_to_use()


@requirement("ICE-6", waits=True)
async def test_the_end_of_candidates_ends_no_attempt(pair: PeerPair) -> None:
    """The end of candidates, in each form that browsers give it, does not prevent the use of those before."""

    def texts(usable: list[str], mid: str) -> list[str]:
        return [*(as_json(each, mid) for each in (*usable, "", None)), "null", ""]

    trickle = await Trickle.to_subject(pair, behind=1, texts=texts)
    async with pair.connecting():
        await trickle.is_put_to_use()


@requirement("ICE-7", waits=True)
async def test_candidates_that_come_before_their_description_are_put_to_use(pair: PeerPair) -> None:
    """Candidates that arrive only before their offer or answer are used."""
    trickle = await Trickle.to_subject(pair, before=1)
    async with pair.connecting():
        await trickle.is_put_to_use()
