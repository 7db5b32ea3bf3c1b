"""The steps of a script, and a script as plain JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, cast

from clasp_e2e.p2p_types import RoutingMode

NAMES = ("alice", "bob", "carol")
"""The sessions that a script can speak of."""

UNRELIABLE_BURST = 10
"""Messages in one unreliable send, for a single one may be lost (SND-2: of several at least one arrives)."""


class ScriptError(Exception):
    """A text is no script; the message says where, and what a script looks like."""


@dataclass(frozen=True, slots=True)
class Attach:
    """A new session."""

    who: str


@dataclass(frozen=True, slots=True)
class Connect:
    """A call of `connect_to_peer`, started."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class Send:
    """A call of `send_p2p`, started; or several calls in a row, if unreliable."""

    who: str
    to: str
    size: int
    reliable: bool


@dataclass(frozen=True, slots=True)
class SetMode:
    """A call of `set_p2p_routing_mode`, started."""

    who: str
    mode: RoutingMode


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A call of `disconnect_peer`, started."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """A call of `close`, started."""

    who: str


@dataclass(frozen=True, slots=True)
class Kill:
    """The end of a session without a word, as if its process had died."""

    who: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The link between two goes black."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class Heal:
    """The link between two lets everything pass again."""

    who: str
    to: str


@dataclass(frozen=True, slots=True)
class AwaitCalls:
    """All calls under way return."""


@dataclass(frozen=True, slots=True)
class Quiesce:
    """All calls under way return, and all that is to follow from them has happened and is checked."""


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
    """Return the script that plain data describes. Raises `ScriptError`.

    `document` is the list of steps, or an object that holds it as `script`, as a saved one does.
    """
    if isinstance(document, dict):
        document = cast("dict[str, object]", document).get("script")
    if not isinstance(document, list):
        raise ScriptError('a script is a list of steps, or an object with such a list as "script"')
    return tuple(_step(number, each) for number, each in enumerate(cast("list[object]", document), 1))


def _step(number: int, written: object) -> Step:
    if not isinstance(written, Mapping):
        raise ScriptError(f"step {number} is no object")
    told = dict(cast("Mapping[str, Any]", written))
    word = told.pop("step", None)
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise ScriptError(f'step {number}: "step" is {word!r}; it is one of {", ".join(_KINDS)}')
    names = {field.name for field in fields(kind)}
    if set(told) != names:
        raise ScriptError(f"step {number}: {word} takes {', '.join(sorted(names)) or 'nothing'}")
    for name in names & {"who", "to"}:
        if told[name] not in NAMES:
            raise ScriptError(f"step {number}: {name!r} is {told[name]!r}; it is one of {', '.join(NAMES)}")
    if "size" in names and not (type(told["size"]) is int and 16 <= told["size"] <= 16 * 1024):
        raise ScriptError(f'step {number}: "size" is a number of bytes from 16 to 16384')
    if "reliable" in names and not isinstance(told["reliable"], bool):
        raise ScriptError(f'step {number}: "reliable" is true or false')
    if "mode" in names:
        try:
            told["mode"] = RoutingMode(told["mode"])
        except ValueError:
            modes = ", ".join(mode.value for mode in RoutingMode)
            raise ScriptError(f'step {number}: "mode" is one of {modes}') from None
    return kind(**told)
