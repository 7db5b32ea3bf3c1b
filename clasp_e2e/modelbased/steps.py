"""The steps of a script, and their JSON form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, cast

from clasp_e2e.p2p_types import RoutingMode

NAMES = ("alice", "bob", "carol")
"""The sessions that a script can use."""

UNRELIABLE_BURST = 10
"""Messages in one unreliable send: a single one may be lost (SND-2: at least one of several arrives)."""


class ScriptError(Exception):
    """An invalid script; the message says where, and what is expected."""


@dataclass(frozen=True, slots=True)
class Attach:
    """The attachment of a new session."""

    who: str


@dataclass(frozen=True, slots=True)
class Connect:
    """The start of a call of `connect_to_peer`."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class Send:
    """The start of a call of `send_p2p`; if unreliable, of several calls in a row."""

    who: str
    to: str
    size: int
    reliable: bool


@dataclass(frozen=True, slots=True)
class SetMode:
    """The start of a call of `set_p2p_routing_mode`."""

    who: str
    mode: RoutingMode


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The start of a call of `disconnect_peer`."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """The start of a call of `close`."""

    who: str


@dataclass(frozen=True, slots=True)
class Kill:
    """The end of a session without notification of the peers, as in a crash."""

    who: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The loss of all datagrams on the link between two sessions."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class Heal:
    """The end of a cut."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class AwaitCalls:
    """The return of all calls in progress."""


@dataclass(frozen=True, slots=True)
class Quiesce:
    """The return of all calls in progress; all their effects are awaited and checked."""


Step: TypeAlias = (
    Attach | Connect | Send | SetMode | Disconnect | ClosePeer | Kill | Cut | Heal | AwaitCalls | Quiesce
)
Script: TypeAlias = tuple[Step, ...]

_KINDS: dict[str, type[Step]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): kind
    for kind in (
        Attach,
        Connect,
        Send,
        SetMode,
        Disconnect,
        ClosePeer,
        Kill,
        Cut,
        Heal,
        AwaitCalls,
        Quiesce,
    )
}
_WORDS = {kind: word for word, kind in _KINDS.items()}


def script_to_json(script: Script) -> list[dict[str, Any]]:
    """Return `script` as plain data: `{"step": "send", "who": "alice", "to": "bob", ...}` for each step."""
    return [
        {"step": _WORDS[type(step)]}
        | {
            field.name: value.value if isinstance(value := getattr(step, field.name), RoutingMode) else value
            for field in fields(step)
        }
        for step in script
    ]


def read_script(document: object) -> Script:
    """Return the script in `document`. Raises `ScriptError`.

    `document` is a list of steps, or an object with such a list as `script`, as in a saved script.
    """
    if isinstance(document, dict):
        document = cast("dict[str, object]", document).get("script")
    if not isinstance(document, list):
        raise ScriptError('a script is a list of steps, or an object with such a list as "script"')
    return tuple(_step(number, each) for number, each in enumerate(cast("list[object]", document), 1))


def _step(number: int, written: object) -> Step:
    if not isinstance(written, Mapping):
        raise ScriptError(f"step {number} is not an object")
    values = dict(cast("Mapping[str, Any]", written))
    word = values.pop("step", None)
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise ScriptError(f'step {number}: "step" is {word!r}; it is one of {", ".join(_KINDS)}')
    names = {field.name for field in fields(kind)}
    if set(values) != names:
        raise ScriptError(f"step {number}: {word} takes {', '.join(sorted(names)) or 'nothing'}")
    for name in names & {"who", "to"}:
        if values[name] not in NAMES:
            raise ScriptError(f"step {number}: {name!r} is {values[name]!r}; it is one of {', '.join(NAMES)}")
    if "size" in names and not (type(values["size"]) is int and 16 <= values["size"] <= 16_000):
        raise ScriptError(f'step {number}: "size" is a number of bytes from 16 to 16000')
    if "reliable" in names and not isinstance(values["reliable"], bool):
        raise ScriptError(f'step {number}: "reliable" is true or false')
    if "mode" in names:
        try:
            values["mode"] = RoutingMode(values["mode"])
        except ValueError:
            modes = ", ".join(mode.value for mode in RoutingMode)
            raise ScriptError(f'step {number}: "mode" is one of {modes}') from None
    return kind(**values)
