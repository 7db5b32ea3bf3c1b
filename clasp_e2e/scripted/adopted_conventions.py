"""The conventions of an implementation, in the form in which a scripted partner uses them.

The names are those of `spec/conventions.toml`. A form that is None is that of the reference.
"""

from __future__ import annotations

import base64
from binascii import Error as BinasciiError
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from clasp_e2e import wire
from clasp_e2e.scripted.message_templates import MessageTemplate


@dataclass(frozen=True, slots=True)
class SignalForm:
    """Where signals go and what they look like, by type; a type that was never seen has none."""

    templates: Mapping[type[wire.Signal], MessageTemplate]
    numbers_attempts: bool = False
    """Whether correlation ids are integers."""

    @property
    def names_attempts(self) -> bool:
        """Whether each signal names its attempt by a correlation id."""
        return all("correlation" in template.variables for template in self.templates.values())


@dataclass(frozen=True, slots=True)
class ChannelForm:
    """One DataChannel; `stream` is its id if both sides create it in advance."""

    label: str
    protocol: str = ""
    stream: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelPair:
    """The DataChannels for reliable and for unreliable messages."""

    reliable: ChannelForm
    unreliable: ChannelForm

    @property
    def are_negotiated(self) -> bool:
        """Whether both sides create them in advance, so that none is opened in-band."""
        return self.reliable.stream is not None


@dataclass(frozen=True, slots=True)
class EnclosedPayload:
    """A payload, as `form` (raw, `base64` or `hex`), between constant bytes."""

    before: bytes = b""
    after: bytes = b""
    form: str = ""

    def frame(self, payload: bytes) -> bytes:
        """Return the message that carries `payload`."""
        match self.form:
            case "base64":
                inner = base64.b64encode(payload)
            case "hex":
                inner = payload.hex().encode()
            case _:
                inner = payload
        return self.before + inner + self.after

    def read(self, message: bytes) -> bytes | None:
        """Return the payload in `message`, or None if it has another form."""
        end = len(message) - len(self.after)
        if end < len(self.before) or not message.startswith(self.before) or not message.endswith(self.after):
            return None
        inner = message[len(self.before) : end]
        try:
            match self.form:
                case "base64":
                    return base64.b64decode(inner, validate=True)
                case "hex":
                    return bytes.fromhex(inner.decode())
                case _:
                    return inner
        except (BinasciiError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class FramedPayload:
    """A payload in a CLASP frame, in the variable `data` of its message."""

    template: MessageTemplate

    def frame(self, payload: bytes) -> bytes:
        """Return the frame that carries `payload`. Raises `WireError` if it is too large."""
        return wire.encode(self.template.message({"data": payload}))

    def read(self, message: bytes) -> bytes | None:
        """Return the payload in the frame `message`, or None if it has another form."""
        with suppress(wire.WireError):
            content, _ = wire.decode(message)
            if isinstance(content, wire.Publish | wire.Set) and (found := self.template.bindings(content)):
                payload = found["data"]
                return payload if isinstance(payload, bytes) else None
        return None


PayloadForm = EnclosedPayload | FramedPayload
"""How payloads are framed on the channels."""


@dataclass(frozen=True, slots=True)
class AdoptedConventions:
    """The conventions that a scripted partner takes over from the implementation opposite it."""

    signals: SignalForm | None = None
    channels: ChannelPair | None = None
    payloads: PayloadForm | None = None
    relay: MessageTemplate | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the conventions that differ from those of the reference."""
        names: list[str] = []
        if self.signals is not None:
            names += ["signal address", "signal form", "correlation id of an answer", "candidate form"]
        if self.channels is not None:
            names.append("channels")
        if self.payloads is not None:
            names.append("payload framing")
        if self.relay is not None:
            names.append("relay")
        return tuple(names)
