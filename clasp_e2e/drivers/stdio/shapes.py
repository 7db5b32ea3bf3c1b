"""Conversion of the params, results and events of the driver protocol from and to JSON. Pure.

Source: "Requests" and "Notifications" of the driver protocol, version 1. Keys that the protocol
does not define are ignored, so that an adapter may send more than is required.
"""

import base64
import binascii
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, cast

from clasp_e2e.drivers.interface import CAPABILITIES, Description, Implementation
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    P2PEvent,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)

PROTOCOL = 1
ROLES = frozenset({"peer", "router"})


class WrongShape(ValueError):
    """A result or an event that does not conform to the protocol; the message says why."""


def config_params(config: P2PConfig | None) -> dict[str, object] | None:
    """Return the `p2p` of `peer.open`: null without P2P, otherwise without the keys that are not set."""
    if config is None:
        return None
    params: dict[str, object] = {"ice_servers": list(config.ice_servers)}
    if config.turn_servers is not None:
        params["turn_servers"] = [
            {"url": turn.url, "username": turn.username, "credential": turn.credential}
            for turn in config.turn_servers
        ]
    for key in ("connection_timeout_secs", "max_retries", "auto_fallback"):
        if (value := getattr(config, key)) is not None:
            params[key] = value
    return params


def encode_data(data: bytes) -> str:
    """Return `data` in base64 (RFC 4648, with padding)."""
    return base64.b64encode(data).decode("ascii")


def description(result: Any) -> tuple[Description, bool]:
    """Decode the result of `initialize`; return it and whether the adapter's peers share one process."""
    fields = _object(result, "result")
    version: object = fields.get("protocol")
    if version != PROTOCOL or isinstance(version, bool):
        raise WrongShape(f"it speaks protocol {version!r}; this harness speaks {PROTOCOL}")
    who = _object(fields.get("implementation"), "implementation")
    implementation = Implementation(
        _text(who, "name"),
        _text(who, "version"),
        _text(who, "language"),
        _text_or_none(who, "url"),
        stub="stub" in who and _flag(who, "stub"),
    )
    roles = _words(fields, "roles", ROLES)
    if not roles:
        raise WrongShape('roles is empty; it must name "peer", "router" or both')
    processes = fields.get("processes")
    if processes not in ("per_peer", "shared"):
        raise WrongShape(f'processes is {processes!r}; it must be "per_peer" or "shared"')
    return Description(
        implementation, roles, _words(fields, "capabilities", CAPABILITIES)
    ), processes == "shared"


def session_id(result: Any) -> str:
    """Decode the result of `peer.open`."""
    return _some_text(_object(result, "result"), "session_id")


def send_result(result: Any) -> SendResult:
    """Decode the result of `peer.send_p2p`."""
    return SendResult(_one_of(_object(result, "result"), "result", [path.value for path in SendResult]))


def routing_mode(result: Any) -> RoutingMode:
    """Decode the result of `peer.p2p_routing_mode`."""
    return RoutingMode(_one_of(_object(result, "result"), "mode", [mode.value for mode in RoutingMode]))


def connected(result: Any) -> bool:
    """Decode the result of `peer.is_peer_connected`."""
    return _flag(_object(result, "result"), "connected")


def router_url(result: Any) -> str:
    """Decode the result of `router.open`."""
    url = _some_text(_object(result, "result"), "url")
    if not url.startswith(("ws://", "wss://")):
        raise WrongShape(f"url is {url!r}; it must start with ws:// or wss://")
    return url


def nothing(result: Any) -> None:
    """Check the empty result of a call without a result."""
    _object(result, "result")


def peer_event(params: dict[str, Any]) -> tuple[str, P2PEvent]:
    """Decode the params of a `peer.event` notification; return the peer's handle and the event."""
    fields = _object(params.get("event"), "event")
    kind = _text(fields, "type")
    decode = _EVENTS.get(kind)
    if decode is None:
        raise WrongShape(f"unknown event type {kind!r}; the protocol knows {', '.join(sorted(_EVENTS))}")
    return _text(params, "peer"), decode(fields)


def _data(fields: dict[str, Any]) -> Data:
    encoded = _text(fields, "data")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WrongShape(f"data is not base64 with padding: {encoded[:60]!r} ({error})") from None
    reliable = None if fields.get("reliable") is None else _flag(fields, "reliable")
    return Data(_text_or_none(fields, "peer_session_id"), data, reliable)


def _announced(fields: dict[str, Any]) -> PeerAnnounced:
    return PeerAnnounced(_text(fields, "peer_session_id"), tuple(_texts(fields, "features")))


_EVENTS: dict[str, Callable[[dict[str, Any]], P2PEvent]] = {
    "connected": lambda f: Connected(_text(f, "peer_session_id")),
    "data": _data,
    "disconnected": lambda f: Disconnected(_text(f, "peer_session_id"), _text_or_none(f, "reason")),
    "connection_failed": lambda f: ConnectionFailed(_text(f, "peer_session_id"), _text(f, "reason")),
    "peer_announced": _announced,
}


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongShape(f"{name} is {_shown(value)}; it must be an object")
    return cast("dict[str, Any]", value)


def _text(fields: dict[str, Any], key: str) -> str:
    value: object = fields.get(key)
    if not isinstance(value, str):
        raise WrongShape(f"{key} is {_shown(value, key in fields)}; it must be a string")
    return value


def _some_text(fields: dict[str, Any], key: str) -> str:
    text = _text(fields, key)
    if not text:
        raise WrongShape(f"{key} is empty")
    return text


def _text_or_none(fields: dict[str, Any], key: str) -> str | None:
    return None if fields.get(key) is None else _text(fields, key)


def _flag(fields: dict[str, Any], key: str) -> bool:
    value: object = fields.get(key)
    if not isinstance(value, bool):
        raise WrongShape(f"{key} is {_shown(value, key in fields)}; it must be true or false")
    return value


def _one_of(fields: dict[str, Any], key: str, choices: list[str]) -> str:
    value = _text(fields, key)
    if value not in choices:
        raise WrongShape(f"{key} is {value!r}; it must be one of {', '.join(choices)}")
    return value


def _texts(fields: dict[str, Any], key: str) -> list[str]:
    value: object = fields.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in cast("list[object]", value)):
        raise WrongShape(f"{key} is {_shown(fields.get(key), key in fields)}; it must be a list of strings")
    return cast("list[str]", value)


def _words(fields: dict[str, Any], key: str, known: frozenset[str]) -> frozenset[str]:
    words = frozenset(_texts(fields, key))
    for word in sorted(words - known):
        close = get_close_matches(word, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the protocol knows {', '.join(sorted(known))}"
        raise WrongShape(f"unknown word {word!r} in {key}; {hint}")
    return words


def _shown(value: object, present: bool = True) -> str:
    return repr(value)[:80] if present else "missing"
