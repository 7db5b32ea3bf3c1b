"""Forms of session descriptions that the reference does not use (RFC 8866, RFC 8839, RFC 8122)."""

from __future__ import annotations


def with_lines_before_media(sdp: str, *lines: str) -> str:
    """Return `sdp` with `lines` at the end of its session part."""
    session, media, rest = sdp.partition("m=")
    return session + "".join(f"{line}\r\n" for line in lines) + media + rest


def at_session_level(sdp: str) -> str:
    """Return `sdp` with its ICE credentials, fingerprints and DTLS role before the media section."""
    moved = [
        line
        for line in sdp.splitlines()
        if line.startswith(("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"))
    ]
    for line in moved:
        sdp = sdp.replace(f"{line}\r\n", "")
    return with_lines_before_media(sdp, *moved)


def with_other_attributes(sdp: str) -> str:
    """Return `sdp` with attributes and a session name that the reference does not use."""
    sdp = sdp.replace("s=-", "s=CLASP session").replace("o=- ", "o=clasp ")
    sdp = with_lines_before_media(sdp, "a=ice-options:trickle ice2", "a=extmap-allow-mixed", "a=x-app:1 2 3")
    return sdp + "a=x-unknown\r\na=ice-options:trickle\r\n"


def with_an_unknown_fingerprint(sdp: str) -> str:
    """Return `sdp` with a fingerprint of an unknown hash function before those of known ones."""
    return sdp.replace("a=fingerprint:sha-256 ", "a=fingerprint:x-hash 00:11:22\r\na=fingerprint:sha-256 ")
