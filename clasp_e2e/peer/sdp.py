"""Checks and changes of remote descriptions and candidates.

Source: RFC 8866 (SDP), RFC 8839 (ICE in SDP), RFC 8841 (SCTP over DTLS in SDP).
"""

import json
from typing import cast

LAST_PORT = 65535

_NEEDED = {
    "a=ice-ufrag:": "an ICE user name fragment",
    "a=ice-pwd:": "an ICE password",
    "a=fingerprint:": "a DTLS fingerprint",
}


def flaw(sdp: str) -> str | None:
    """Return what `sdp` lacks to describe a DataChannel, or None.

    A signal without a usable description is malformed, and is ignored like other malformed signals.
    """
    lines = sdp.splitlines()
    if not lines or lines[0].strip() != "v=0":
        return "it does not begin with v=0"
    media = [line for line in lines if line.startswith("m=")]
    if not any(line.startswith("m=application ") and "SCTP" in line for line in media):
        return "it has no SCTP section"
    for prefix, meaning in _NEEDED.items():
        if not any(line.startswith(prefix) and len(line.strip()) > len(prefix) for line in lines):
            return f"it lacks {meaning}"
    return None


def without_candidates(sdp: str) -> tuple[str, list[str]]:
    """Return the description without its candidates, and the candidates.

    Candidates are added one by one, so that an invalid one does not affect the others. end-of-candidates
    is removed because aioice drops candidates that trickle in after it. ice-lite is removed because the
    full agent would nominate without proof that the lite one has read the answer, so that a forged offer
    could become a connection (RFC 8445, section 7.2.2).
    """
    kept: list[str] = []
    candidates: list[str] = []
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            candidates.append(line)
        elif line.strip() not in ("a=end-of-candidates", "a=ice-lite", ""):
            kept.append(line)
    return "\r\n".join(kept) + "\r\n", candidates


def candidate_member(text: str) -> str:
    """Return the member `candidate` of a JSON object, or a text of another form as it is."""
    text = text.strip()
    if text.startswith("{"):
        try:
            parsed: object = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        member = cast("dict[str, object]", parsed).get("candidate") if isinstance(parsed, dict) else None
        text = member.strip() if isinstance(member, str) else ""
    return text


def candidate_attribute(text: str) -> str | None:
    """Return the value of the candidate attribute in any of its public forms, or None if unusable.

    The forms are `candidate:...`, `a=candidate:...`, and either as the member `candidate` of a JSON
    object. An empty candidate, the end of candidates, is ignored. An mDNS name is ignored because its
    query would leave this machine: ICE learns the address from the first check that comes from it. A port
    that does not exist is ignored because asyncio closes a socket that sends to it.
    """
    value = candidate_member(text).removeprefix("a=").removeprefix("candidate:")
    fields = value.split()
    if len(fields) < 8 or fields[6] != "typ" or fields[4].endswith(".local"):
        return None
    port = fields[5]
    return value if len(port) <= 5 and port.isdecimal() and int(port) <= LAST_PORT else None
