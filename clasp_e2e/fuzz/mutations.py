"""Mutations of valid bytes, session descriptions, candidates and values.

`kept_on_loopback` replaces addresses of other machines in the results.
"""

import random
import re

from clasp_e2e import wire
from clasp_e2e.fuzz.message_inputs import SPECIAL_NUMBERS, random_value

_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x53)
_LENGTHS = (0, 1, 0x7FFF, 0x8000, 0xFFFF)
HUGE = 20_000
"""Length of an overlong text; three such texts still fit into a frame."""

_ADDRESS = re.compile(rb"(?<![0-9.])(?!127\.)[0-9]{1,10}(?:\.[0-9]{1,10}){1,3}(?![0-9])")
_HOST = re.compile(rb"(candidate:(?:[^\s\"]+[ ]+){4})([^\s\"]+)")
_LOOPBACK = re.compile(rb"127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|::1")
_HOST_LIKE = re.compile(rb"[A-Za-z0-9._:%\[\]-]+")


def kept_on_loopback(data: bytes) -> bytes:
    """Return `data` with other than loopback addresses replaced, if possible by ones of equal length.

    An implementation would send connectivity checks to the address of a candidate, or resolve its name.
    Texts that contain characters not allowed in a host name are kept.
    """
    data = _ADDRESS.sub(lambda found: _loopback_of(len(found[0])), data)
    return _HOST.sub(
        lambda found: (
            found[1] + _loopback_of(len(found[2]))
            if _HOST_LIKE.fullmatch(found[2]) and not _LOOPBACK.fullmatch(found[2])
            else found[0]
        ),
        data,
    )


def _loopback_of(length: int) -> bytes:
    """Return a loopback address of `length` characters, if there is one."""
    if length < 9:
        return b"127.0.0.1" if length > 3 else b"#" * length
    return b"127.0.0.1" if length == 9 else b"127.%s.0.1" % str(10 ** (min(length, 11) - 9)).encode()


def mutated_bytes(rng: random.Random, data: bytes, other: bytes = b"") -> bytes:
    """Return `data` with one to three changes; a part of it may be replaced by a part of `other`."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed) + 1)
        until = min(len(changed), at + rng.randint(1, 8))
        match rng.randrange(9):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(changed):
                changed[at] = rng.choice(_BYTES)
            case 2:
                del changed[at:until]
            case 3:
                changed[at:at] = rng.randbytes(rng.randint(1, 8))
            case 4:
                changed[at:at] = changed[at:until] * rng.randint(1, 20)
            case 5:
                del changed[at:]
            case 6:
                changed[at : at + 2] = rng.choice(_LENGTHS).to_bytes(2, "big")
            case 7 if other:
                start = rng.randrange(len(other))
                changed[at:until] = other[start : start + rng.randint(1, 40)]
            case _:
                changed += rng.randbytes(rng.randint(1, 8))
    return bytes(changed)


def mutated_sdp(rng: random.Random, sdp: str) -> str:
    """Return a session description with lines removed, repeated, garbled, reordered or made huge."""
    lines = sdp.split("\r\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        match rng.randrange(9):
            case 0 | 1 if len(lines) > 1:
                del lines[at]
            case 2:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 3 | 4:
                lines[at] = _garbled(rng, lines[at])
            case 5:
                lines[at] = re.sub(r"\d+", lambda _: str(rng.choice(SPECIAL_NUMBERS)), lines[at], count=1)
            case 6:
                lines[at] += rng.choice("x :0\t") * rng.choice((50, 1000, HUGE))
            case 7:
                lines[at:at] = [lines[at]] * rng.choice((10, 200))
            case _:
                rng.shuffle(lines)
    return rng.choice(("\r\n", "\r\n", "\r\n", "\n", "\r", ""))[:2].join(lines)[: 3 * HUGE]


def mutated_candidate(rng: random.Random, candidate: str) -> str:
    """Return a candidate with fields removed, repeated, garbled or replaced."""
    fields = candidate.split(" ")
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(fields))
        match rng.randrange(6):
            case 0 if len(fields) > 1:
                del fields[at]
            case 1:
                fields[at] = str(rng.choice(SPECIAL_NUMBERS))
            case 2:
                fields[at] = _garbled(rng, fields[at])
            case 3:
                fields[at] = rng.choice(("tcp", "srflx", "relay", "prflx", "raddr", "\u0000", "", "ssltcp"))
            case 4:
                fields[at] *= rng.choice((2, 1000))
            case _:
                fields.insert(at, fields[rng.randrange(len(fields))])
    return " ".join(fields)


def mutated_value(rng: random.Random, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
    """Return a map with a key removed or added, or with a value replaced."""
    changed = dict(value)
    for _ in range(rng.randint(1, 2)):
        key = rng.choice(list(changed) or ["type"])
        match rng.randrange(5):
            case 0:
                changed.pop(key, None)
            case 1:
                changed[key] = random_value(rng)
            case 2:
                changed[rng.choice(("x", "", key.upper(), key + " ", "to", "sdpMid"))] = random_value(rng)
            case 3 if isinstance(found := changed.get(key), str):
                changed[key] = _garbled(rng, found)
            case _:
                changed[key] = rng.choice(("", "x" * HUGE, [changed.get(key)], {key: changed.get(key)}))
    return changed


def _garbled(rng: random.Random, text: str) -> str:
    """Return a text with some characters replaced, also by control characters."""
    characters = list(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(characters) + 1)
        characters[at : at + rng.randrange(2)] = rng.choice(
            ("\x00", "é", "😀", ":", "=", " ", "-", "9", "\ufffd", "%")
        )
    return "".join(characters)
