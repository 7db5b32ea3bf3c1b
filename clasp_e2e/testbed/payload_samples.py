"""Payloads with contents that an implementation may mistake for something else, by what they are."""

import base64
import json

from clasp_e2e import wire
from clasp_e2e.testbed.expectations import random_payload

CORE = 6
"""Random bytes between the ends of a payload, which make it unlike all others."""

_ENDS = {
    "a NUL": b"\0",
    "NULs": bytes(8),
    "a line feed": b"\n",
    "a carriage return and line feed": b"\r\n",
    "spaces": b"  ",
    "a tab": b"\t",
    "a byte order mark": b"\xef\xbb\xbf",
    "quotes": b'"',
    "an equals sign": b"=",
}


def samples() -> dict[str, bytes]:
    """Return payloads that look like text, JSON, base64 or frames, and payloads with unusual ends."""
    token = random_payload(CORE).hex()
    document = json.dumps({"type": "data", "from": token, "reliable": True}).encode()
    ping = wire.encode(wire.Ping())
    frame = wire.encode(wire.Publish(f"/{token}", {"data": random_payload(CORE), "reliable": True}))
    found = {
        "one NUL": b"\0",
        "one byte": b"a",
        "one line feed": b"\n",
        "one space": b" ",
        "a byte that is no UTF-8": b"\xff",
        "ASCII text": f"text {token}".encode(),
        "lines of text": f"{token}\nwith\r\nline ends\rof each kind\n".encode(),
        "UTF-8 text": f"{token} \u00e4\u20ac\U0001f600".encode(),
        "text in decomposed Unicode": f"{token} a\u0308".encode(),
        "text that is no UTF-8": token.encode() + b"\xc3\x28\xe2\x82\xed\xa0\x80\xfe\xff",
        "UTF-16 text": f"{token} \u00e4".encode("utf-16"),
        "base64": base64.b64encode(token.encode()),
        "hexadecimal digits": token.encode(),
        "a JSON object": document,
        "a JSON string": json.dumps(token).encode(),
        "a JSON number": str(int(token, 16)).encode(),
        "JSON null": b"null",
        "a data URL": b"data:;base64," + base64.b64encode(token.encode()),
        "escape sequences": f"{token}\\n\\u0000%00%0A&amp;".encode(),
        "a CLASP frame": ping,
        "a CLASP frame with a value": frame,
        "half a CLASP frame": frame[: len(frame) // 2],
        "a CLASP frame and more": frame + frame,
        "the first byte of a CLASP frame": b"S",
        "the first byte of a CLASP frame and random bytes": b"S" + random_payload(40),
        "the length of what follows": (40).to_bytes(4, "big") + random_payload(40),
        "the header of gzip": b"\x1f\x8b\x08\x00" + random_payload(20),
        "all byte values": bytes(range(256)),
        "256 NULs": bytes(256),
    }
    for name, end in _ENDS.items():
        found[f"{name} at the beginning"] = end + random_payload(CORE)
        found[f"{name} at the end"] = random_payload(CORE) + end
    return found


def each_byte_at_both_ends() -> dict[str, bytes]:
    """Return 256 payloads: each byte value is once at the beginning and once at the end."""
    return {
        f"0x{value:02x} at the beginning and 0x{255 - value:02x} at the end": bytes([value])
        + random_payload(CORE)
        + bytes([255 - value])
        for value in range(256)
    }
