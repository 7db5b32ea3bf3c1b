"""The steps of a script, and their JSON form: `{"step": "send", "who": "alice", "to": "bob", ...}`."""

import re
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from clasp_e2e.p2p_types import RoutingMode
from clasp_e2e.results.documents import DocumentError, decode

NAMES = ("alice", "bob", "carol")
"""The sessions that a script can use."""
Name: TypeAlias = Annotated[str, Meta(pattern=f"^({'|'.join(NAMES)})$")]

UNRELIABLE_BURST = 10
"""Messages in one unreliable send: a single one may be lost (SND-2: at least one of several arrives)."""


class ScriptError(Exception):
    """An invalid script; the message says where, and what is expected."""


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Step(Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag=_words):
    pass


class Attach(_Step, frozen=True):
    """The attachment of a new session."""

    who: Name


class Connect(_Step, frozen=True):
    """The start of a call of `connect_to_peer`."""

    who: Name
    to: Name


class Send(_Step, frozen=True):
    """The start of a call of `send_p2p`; if unreliable, of several calls in a row."""

    who: Name
    to: Name
    size: Annotated[int, Meta(ge=16, le=16_000)]
    reliable: bool


class SetMode(_Step, frozen=True):
    """The start of a call of `set_p2p_routing_mode`."""

    who: Name
    mode: RoutingMode


class Disconnect(_Step, frozen=True):
    """The start of a call of `disconnect_peer`."""

    who: Name
    to: Name


class ClosePeer(_Step, frozen=True):
    """The start of a call of `close`."""

    who: Name


class Kill(_Step, frozen=True):
    """The end of a session without notification of the peers, as in a crash."""

    who: Name


class Cut(_Step, frozen=True):
    """The loss of all datagrams on the link between two sessions."""

    who: Name
    to: Name


class Heal(_Step, frozen=True):
    """The end of a cut."""

    who: Name
    to: Name


class AwaitCalls(_Step, frozen=True):
    """The return of all calls in progress."""


class Quiesce(_Step, frozen=True):
    """The return of all calls in progress; all their effects are awaited and checked."""


Step: TypeAlias = (
    Attach | Connect | Send | SetMode | Disconnect | ClosePeer | Kill | Cut | Heal | AwaitCalls | Quiesce
)
Script: TypeAlias = tuple[Step, ...]


class SavedScript(Struct, frozen=True):
    """The part of a saved finding that repeats it."""

    script: Script
    seed: int | None = None


def read_script(data: bytes) -> SavedScript:
    """Return the script in JSON text: a list of steps, or an object that contains one, as in a saved finding.

    Raises `ScriptError`.
    """
    try:
        is_bare = data.lstrip().startswith(b"[")
        return SavedScript(decode(data, Script)) if is_bare else decode(data, SavedScript)
    except DocumentError as error:
        raise ScriptError(str(error)) from None
