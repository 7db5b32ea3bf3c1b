"""Encoding and decoding of JSON-RPC 2.0 messages, one per line. Pure.

Source: the JSON-RPC 2.0 specification, and "Transport" of the driver protocol, version 1.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

MAX_LINE = 1 << 20
"""Maximum length of a line in bytes, without its line end."""

METHOD_NOT_FOUND = -32601
REFUSED = 1000


class BadLine(ValueError):
    """A line that violates the protocol; the message says how.

    `may_be_answer` is whether the line may have been meant as the answer to a call in progress.
    """

    def __init__(self, text: str, *, may_be_answer: bool = True) -> None:
        super().__init__(text)
        self.may_be_answer = may_be_answer


@dataclass(frozen=True, slots=True)
class ResultResponse:
    """The result that answers request `id`."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The error that answers request `id`; `id` is None if the adapter could not determine it."""

    id: int | None
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that answers no request."""

    method: str
    params: dict[str, Any]


Response: TypeAlias = ResultResponse | ErrorResponse


def cut(received: bytearray) -> Iterator[bytes]:
    """Yield the complete lines in `received`, without their line ends, and remove them from it.

    Raises `BadLine` for a line that is longer than the protocol allows.
    """
    while (end := received.find(b"\n")) >= 0:
        line = bytes(received[:end]).removesuffix(b"\r")
        del received[: end + 1]
        if len(line) > MAX_LINE:
            raise BadLine(f"a line over 1 MiB ({len(line)} bytes): {excerpt(line, 60)}")
        yield line
    if len(received) > MAX_LINE + 1:
        raise BadLine(f"a line over 1 MiB, its end not in sight: {excerpt(bytes(received[:1000]), 60)}")


def request(number: int, method: str, params: Mapping[str, object]) -> bytes:
    """Return the line of a request, including its line end. Raises `ValueError` if it is too long."""
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    line = json.dumps(message, separators=(",", ":")).encode()
    if len(line) > MAX_LINE:
        raise ValueError(f"{method} makes a line of {len(line)} bytes; the protocol allows {MAX_LINE}")
    return line + b"\n"


def parse(line: bytes) -> Response | Notification:
    """Return the message on `line`, which has no line end.

    Raises `BadLine` unless it is an answer or a notification.
    """
    message = _object(line)
    if message.get("jsonrpc") != "2.0":
        raise BadLine(f'a message without "jsonrpc": "2.0": {excerpt(line)}')
    if "method" in message:
        return _notification(message, line)
    number = _whole(message.get("id"))
    if ("result" in message) == ("error" in message):
        raise BadLine(f"a message that is neither one answer nor a notification: {excerpt(line)}")
    if "error" in message:
        if number is None and message.get("id") is not None:
            raise BadLine(f"an error whose id is not a whole number: {excerpt(line)}")
        return _error(number, message["error"], line)
    if number is None:
        raise BadLine(f"an answer whose id is not a whole number: {excerpt(line)}")
    return ResultResponse(number, message["result"])


def excerpt(line: bytes, length: int = 120) -> str:
    """Return the beginning of `line` for use in an error message."""
    text = line[:length].decode("utf-8", "backslashreplace")
    return repr(text) + (f" and {len(line) - length} bytes more" if len(line) > length else "")


def _object(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
        message: object = json.loads(text, parse_constant=_no_constant)
        if "\\ud" in text.lower():
            # An unpaired surrogate is valid JSON, but cannot be encoded when it is printed.
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadLine(
            f"standard output carried something that is not JSON: {excerpt(line)} ({error}); "
            "redirect the output of libraries from file descriptor 1",
            may_be_answer=False,
        ) from None
    if not isinstance(message, dict):
        raise BadLine(f"a line that is not a JSON object: {excerpt(line)}")
    return cast("dict[str, Any]", message)


def _notification(message: dict[str, Any], line: bytes) -> Notification:
    method, params = message["method"], message.get("params")
    if "id" in message:
        raise BadLine(f"a request; adapters send answers and notifications only: {excerpt(line)}")
    if not isinstance(method, str) or not isinstance(params, dict):
        raise BadLine(f"a notification without a method name and named params: {excerpt(line)}")
    return Notification(method, cast("dict[str, Any]", params))


def _error(number: int | None, error: object, line: bytes) -> ErrorResponse:
    if isinstance(error, dict):
        fields = cast("dict[str, Any]", error)
        code, text = _whole(fields.get("code")), fields.get("message")
        if code is not None and isinstance(text, str):
            return ErrorResponse(number, code, text)
    raise BadLine(f"an error without a code and a message: {excerpt(line)}")


def _whole(value: object) -> int | None:
    """Return `value` as an int if it is a whole number, also if written as 1.0; otherwise None."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
