"""What the reference peer checks and changes in the descriptions and candidates of others.

Source: RFC 8866 (SDP), RFC 8839 (ICE in SDP), RFC 8841 (SCTP over DTLS in SDP).
"""

import json
from typing import cast

_NEEDED = {
    "a=ice-ufrag:": "an ICE user name fragment",
    "a=ice-pwd:": "an ICE password",
    "a=fingerprint:": "a DTLS fingerprint",
}


def flaw(sdp: str) -> str | None:
    """What `sdp` lacks to be the description of a DataChannel, or None.

    A signal without a usable description is malformed, and is ignored like any other malformed signal.
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
    """The description without its candidates, and the candidates that stood in it.

    Candidates are added one by one, so that a bad one spoils nothing but itself. End-of-candidates
    goes: after it aioice drops what trickles in. ICE lite goes too: towards a lite agent the
    full one nominates without the other proving that it has read our answer, so that an offer
    in another's name could become a connection (RFC 8445, section 7.2.2).
    """
    kept: list[str] = []
    candidates: list[str] = []
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            candidates.append(line)
        elif line.strip() not in ("a=end-of-candidates", "a=ice-lite", ""):
            kept.append(line)
    return "\r\n".join(kept) + "\r\n", candidates


def candidate_attribute(text: str) -> str | None:
    """The value of the candidate attribute in any of its public forms, or None if there is none to use.

    Taken are `candidate:...`, `a=candidate:...`, and either of them as the member `candidate` of a
    JSON object. An empty candidate means the end of candidates, which may be ignored; a
    multicast DNS name would be asked for beyond this machine, and is ignored on purpose: ICE
    learns the address behind it from the first check that comes from there.
    """
    text = text.strip()
    if text.startswith("{"):
        try:
            parsed: object = json.loads(text)
        except (ValueError, RecursionError):
            return None
        member = cast("dict[str, object]", parsed).get("candidate") if isinstance(parsed, dict) else None
        text = member.strip() if isinstance(member, str) else ""
    value = text.removeprefix("a=").removeprefix("candidate:")
    fields = value.split()
    if len(fields) < 8 or fields[6] != "typ" or fields[4].endswith(".local"):
        return None
    return value
