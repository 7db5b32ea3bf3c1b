"""Rewriting of candidates in the values of CLASP messages. Pure.

SDPs and candidates are recognized by their content, not by the name of their field, including inside JSON
text, base64, bytes and lists of lines, so that the signals of any implementation are recognized.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from clasp_e2e import wire
from clasp_e2e.network.session_description import (
    Candidate,
    CandidateFilter,
    is_sdp,
    rewrite_sdp,
)


class _Verdict(Enum):
    DROP = "drop"


DROP: Final = _Verdict.DROP
"""What remains of a value that was a removed candidate."""

_Rewritten: TypeAlias = wire.Value | Literal[_Verdict.DROP]


@dataclass(slots=True)
class Contents:
    """The strings in the values of a message."""

    descriptions: list[str] = field(default_factory=list[str])
    """The SDPs, unchanged."""
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    strings: set[str] = field(default_factory=set[str])
    """All other strings, and the user name fragments of candidates."""

    def __bool__(self) -> bool:
        """Return whether there is any ICE content."""
        return bool(self.descriptions or self.candidates)


def contents_of(message: wire.Message) -> Contents:
    """Return the strings in the values of `message`."""
    contents = Contents()
    for value in _values(message):
        _collect(value, contents)
    return contents


def rewrite_message(message: wire.Message, judge: CandidateFilter) -> wire.Message | None:
    """Filter the candidates in `message`; return the same object if unchanged, `None` if it is removed."""
    match message:
        case wire.Publish() | wire.Set():
            value = rewrite_value(message.value, judge)
            if value is DROP:
                return None
            return message if value is message.value else replace(message, value=value)
        case wire.Snapshot():
            params: list[wire.Param] = []
            for param in message.params:
                value = rewrite_value(param.value, judge)
                if value is not DROP:
                    params.append(param if value is param.value else replace(param, value=value))
            return message if _same(params, message.params) else replace(message, params=tuple(params))
        case wire.Bundle():
            inner = [
                rewritten
                for each in message.messages
                if (rewritten := rewrite_message(each, judge)) is not None
            ]
            if _same(inner, message.messages):
                return message
            return replace(message, messages=tuple(inner)) if inner else None
        case _:
            return message


def rewrite_value(value: wire.Value, judge: CandidateFilter) -> _Rewritten:
    """Filter the candidates in `value`; return the same object if unchanged.

    Returns `DROP` if the value was a removed candidate, or a map with one: without its content, a signal
    would have another meaning. From a list, only the element is removed.
    """
    match value:
        case str():
            return _rewrite_text(value, judge)
        case bytes():
            return _rewrite_bytes(value, judge)
        case ["v=0", *_] if (sdp := _joined(value)) is not None:
            return value if (rewritten := rewrite_sdp(sdp, judge)) == sdp else [*rewritten.splitlines()]
        case list():
            rewritten = [each for each in (rewrite_value(item, judge) for item in value) if each is not DROP]
            return value if _same(rewritten, value) else rewritten
        case dict():
            changed: dict[str, wire.Value] = {}
            for key, item in value.items():
                each = rewrite_value(item, judge)
                if each is DROP:
                    return DROP
                changed[key] = each
            return value if all(changed[key] is value[key] for key in value) else changed
        case _:
            return value


def _rewrite_text(text: str, judge: CandidateFilter) -> _Rewritten:
    if is_sdp(text):
        rewritten = rewrite_sdp(text, judge)
        return text if rewritten == text else rewritten
    candidate = Candidate.read(text)
    if candidate is not None:
        judged = judge(candidate)
        if judged is None:
            return DROP
        return text if judged == candidate else str(judged)
    parsed = _parse_json(text)
    if parsed is not None:
        inner = rewrite_value(parsed, judge)
        if inner is DROP:
            return DROP
        return text if inner is parsed else json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
    if (decoded := _decode_base64(text)) is not None:
        inner = _rewrite_text(decoded, judge)
        if isinstance(inner, str):
            return text if inner == decoded else base64.b64encode(inner.encode()).decode()
        return inner
    return text


def _rewrite_bytes(data: bytes, judge: CandidateFilter) -> _Rewritten:
    if (text := _decode_text(data)) is None:
        return data
    inner = _rewrite_text(text, judge)
    if isinstance(inner, str):
        return data if inner == text else inner.encode()
    return inner


_STARTS = (b"v=0", b"{", b"[", b"candidate:", b"a=candidate:")
"""With what the bytes begin that may contain ICE."""


def _decode_text(data: bytes) -> str | None:
    """Return the text in `data` if it may contain ICE."""
    if data.startswith(_STARTS) and (b"candidate:" in data or b"a=ice-ufrag:" in data):
        with suppress(ValueError):
            return data.decode()
    return None


def _decode_base64(text: str) -> str | None:
    """Return the text in base64 `text` if it may contain ICE."""
    if text[:2] not in ("dj", "ey", "ew", "W3", "Ww", "Y2", "YT"):  # The base64 of `_STARTS`.
        return None
    with suppress(ValueError):
        return _decode_text(base64.b64decode(text, validate=True))
    return None


def _joined(lines: list[wire.Value]) -> str | None:
    """Return the SDP whose lines are the strings in `lines`."""
    texts = [line for line in lines if isinstance(line, str)]
    sdp = "".join(f"{text}\r\n" for text in texts)
    return sdp if len(texts) == len(lines) and is_sdp(sdp) else None


def _parse_json(text: str) -> list[Any] | dict[str, Any] | None:
    # Most strings that look like JSON are payloads: only those that can contain ICE are parsed.
    if text.lstrip()[:1] not in ("{", "[") or ("candidate:" not in text and "a=ice-ufrag:" not in text):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _values(message: wire.Message) -> Iterator[wire.Value]:
    match message:
        case wire.Publish() | wire.Set():
            yield message.value
        case wire.Snapshot():
            for param in message.params:
                yield param.value
        case wire.Bundle():
            for inner in message.messages:
                yield from _values(inner)
        case _:
            pass


def _collect(value: wire.Value, contents: Contents) -> None:
    match value:
        case str():
            candidate = Candidate.read(value)
            if is_sdp(value):
                contents.descriptions.append(value)
            elif candidate is not None:
                contents.candidates.append(candidate)
                if candidate.ufrag is not None:
                    contents.strings.add(candidate.ufrag)
            elif (parsed := _parse_json(value)) is not None:
                _collect(parsed, contents)
            elif (decoded := _decode_base64(value)) is not None:
                _collect(decoded, contents)
            else:
                contents.strings.add(value)
        case bytes():
            if (decoded := _decode_text(value)) is not None:
                _collect(decoded, contents)
        case ["v=0", *_] if (sdp := _joined(value)) is not None:
            contents.descriptions.append(sdp)
        case list():
            for item in value:
                _collect(item, contents)
        case dict():
            for item in value.values():
                _collect(item, contents)
        case _:
            pass


def _same(one: list[Any], other: list[Any] | tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
