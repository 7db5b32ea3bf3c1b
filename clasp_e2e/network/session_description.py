"""The facts of an SDP and of an ICE candidate that the link needs, recognized by content. Pure.

Sources: RFC 8866 (SDP), RFC 8839 (ICE in SDP), RFC 8842 (DTLS in SDP), RFC 8841 (data channels in SDP).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

_CANDIDATE = re.compile(
    r"(?P<prefix>(?:a=)?candidate:)(?P<foundation>\S+) (?P<component>\d{1,20}) (?P<transport>\S+) "
    r"(?P<priority>\d{1,20}) (?P<address>\S+) (?P<port>\d{1,5}) typ (?P<type>\S+)(?P<extensions>[^\r\n]*)\s*"
)
_UFRAG_EXTENSION = re.compile(r" ufrag (\S+)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ICE candidate, as a line of SDP or on its own (RFC 8839 section 5.1)."""

    prefix: str
    """`candidate:`, or `a=candidate:` in SDP and from some libraries."""
    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    type: str
    extensions: str = ""
    """The text after the type, with its leading space."""

    @classmethod
    def read(cls, text: str) -> Candidate | None:
        """Return the candidate in `text`; `None` for anything else, including malformed candidates."""
        match = _CANDIDATE.fullmatch(text)
        if match is None:
            return None
        part = match.groupdict()
        return cls(
            part["prefix"],
            part["foundation"],
            int(part["component"]),
            part["transport"],
            int(part["priority"]),
            part["address"],
            int(part["port"]),
            part["type"],
            part["extensions"],
        )

    def __str__(self) -> str:
        return (
            f"{self.prefix}{self.foundation} {self.component} {self.transport} {self.priority} "
            f"{self.address} {self.port} typ {self.type}{self.extensions}"
        )

    @property
    def ufrag(self) -> str | None:
        """The user name fragment of its description, if the candidate has one."""
        match = _UFRAG_EXTENSION.search(self.extensions)
        return match[1] if match else None

    @property
    def ip_endpoint(self) -> tuple[str, int] | None:
        """Address and port; `None` if mDNS hides the address, or it is no IP address."""
        return (self.address, self.port) if _is_ipv4(self.address) or self.address == "::1" else None

    @property
    def rank(self) -> int:
        """How well the link can carry it: 0 not at all, 3 a UDP host candidate over IPv4, the best.

        The link has loopback sockets. It reaches any IPv4 address of this machine, but of the others only
        loopback ones: server-reflexive and relayed addresses (2), and `::1` (1).
        """
        if self.component != 1 or self.transport.lower() != "udp" or not 0 < self.port < 65536:
            return 0
        if self.type == "host":
            if _is_ipv4(self.address) or self.address.endswith(".local"):
                return 3
            return 1 if self.address == "::1" else 0
        is_known = self.type in ("srflx", "prflx", "relay")
        return 2 if is_known and _is_ipv4(self.address) and self.address.startswith("127.") else 0


CandidateFilter: TypeAlias = Callable[[Candidate], Candidate | None]
"""Returns the candidate to use in place of the given one, or None to remove it."""


def unchanged(candidate: Candidate) -> Candidate:
    """Return `candidate`: the filter for peers that are to connect without a link."""
    return candidate


class ToLink:
    """The filter that keeps one candidate and replaces its address by that of the link.

    The first candidate of the highest rank so far gets `address`, also when it is repeated; all others are
    removed. An instance is for one description and its trickled candidates.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.chosen: Candidate | None = None
        """The candidate that got the link's address last, as the peer sent it."""

    def __call__(self, candidate: Candidate) -> Candidate | None:
        """Return the replacement of `candidate`, or None."""
        chosen = self.chosen
        if chosen is None or candidate.rank > chosen.rank:
            if not candidate.rank:
                return None
            self.chosen = candidate
        elif (candidate.address, candidate.port) != (chosen.address, chosen.port) or not candidate.rank:
            return None
        host, port = self._address
        return replace(candidate, address=host, port=port)


def keep_relayed(candidate: Candidate) -> Candidate | None:
    """Keep relay candidates unchanged and remove all others: the filter of TURN scenarios."""
    return candidate if candidate.type == "relay" else None


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """The facts of an SDP that identify its sender and what it negotiates."""

    ufrag: str
    password: str | None
    fingerprint: str | None
    setup: str | None
    has_data_channel_section: bool
    candidates: tuple[Candidate, ...]
    ends_candidates: bool
    is_offer: bool
    """Whether it is an offer: only an offer may leave the DTLS role open (RFC 8842 section 5.2)."""

    @classmethod
    def read(cls, text: str) -> SessionDescription | None:
        """Return the facts of the SDP in `text`; `None` for anything else."""
        if not is_sdp(text):
            return None
        first: dict[str, str] = {}
        for name, value in re.findall(r"^a=([a-z-]+):([^\r\n]*)", text, re.MULTILINE):
            first.setdefault(name, value.strip())
        lines = text.splitlines()
        found = (Candidate.read(line) for line in lines if line.startswith("a=candidate:"))
        return cls(
            ufrag=first["ice-ufrag"],
            password=first.get("ice-pwd"),
            fingerprint=first.get("fingerprint"),
            setup=first.get("setup"),
            has_data_channel_section="webrtc-datachannel" in text
            and any(line.startswith("m=application ") and "SCTP" in line for line in lines),
            candidates=tuple(candidate for candidate in found if candidate is not None),
            ends_candidates="a=end-of-candidates" in lines,
            is_offer=first.get("setup") == "actpass",
        )


def is_sdp(text: str) -> bool:
    """Return whether `text` is an SDP with ICE credentials."""
    return text.startswith("v=0") and "\na=ice-ufrag:" in text


def rewrite_sdp(sdp: str, judge: CandidateFilter) -> str:
    """Return the SDP with its candidates filtered by `judge`.

    If the media and connection lines name an address, they then name that of the first remaining candidate,
    or none ("9" and "0.0.0.0", RFC 8839 section 4.3). Everything else is unchanged, including line endings.
    """
    lines = sdp.splitlines(keepends=True)
    read = {
        number: candidate
        for number, line in enumerate(lines)
        if line.startswith("a=candidate:") and (candidate := Candidate.read(line)) is not None
    }
    if not read:
        return sdp
    best_first = sorted(read, key=lambda number: -read[number].rank)
    in_order = {number: judge(read[number]) for number in best_first}
    judged = {number: in_order[number] for number in read}
    default = next((candidate for candidate in judged.values() if candidate is not None), None)
    rewritten: list[str] = []
    for number, line in enumerate(lines):
        body = line.rstrip("\r\n")
        ending = line[len(body) :]
        if number in judged:
            candidate = judged[number]
            if candidate is None:
                continue
            body = str(candidate)
        elif line.startswith("m="):
            body = _media_line(body, default)
        elif line.startswith("c="):
            body = _connection_line(body, default)
        rewritten.append(body + ending)
    return "".join(rewritten)


def _media_line(line: str, default: Candidate | None) -> str:
    media, _, rest = line.partition(" ")
    port, _, rest = rest.partition(" ")
    if port in ("0", "9"):
        return line
    return f"{media} {9 if default is None else default.port} {rest}"


def _connection_line(line: str, default: Candidate | None) -> str:
    if line.endswith((" 0.0.0.0", " ::")):
        return line
    address = "0.0.0.0" if default is None else default.address  # noqa: S104 - SDP's word for "none"
    return f"c=IN {'IP6' if ':' in address else 'IP4'} {address}"


def _is_ipv4(address: str) -> bool:
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return True
