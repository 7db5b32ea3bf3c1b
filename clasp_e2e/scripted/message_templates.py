"""Templates of messages: learned from samples of an implementation, filled to send such messages. Pure.

A template has the parts of its samples that never change, and variables for those whose meaning is known,
such as the SDP of an offer or the session id of its sender.
"""

from __future__ import annotations

import base64
import json
import re
from binascii import Error as BinasciiError
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from clasp_e2e import wire

Bindings: TypeAlias = dict[str, wire.Value]
"""The value of each variable, by its name."""

RECOGNIZABLE = 8
"""Characters: a shorter text may occur in other text by chance, so only a whole text may be such a value."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is the same in all messages."""

    value: bool | int | float | bytes | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A place for the value `name`."""

    name: str
    form: str = ""
    """`bytes` and `bool` for a value; in a text, `base64` or `hex` for bytes."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of constant parts and variables."""

    parts: tuple[str | Variable, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """A map."""

    items: tuple[tuple[str, Template], ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """A list."""

    items: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class JsonText:
    """A map or a list as JSON text."""

    content: Template


Template: TypeAlias = Constant | Variable | Text | Fields | Elements | JsonText


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A template of a PUBLISH, or of a SET if `sets`."""

    address: Text
    value: Template
    sets: bool = False

    def message(self, bindings: Mapping[str, wire.Value]) -> wire.Publish | wire.Set:
        """Return the message with `bindings`. Raises `KeyError` without one of its variables."""
        address, value = fill(self.address, bindings), fill(self.value, bindings)
        assert isinstance(address, str)
        return wire.Set(address, value) if self.sets else wire.Publish(address, value)

    def bindings(self, message: wire.Publish | wire.Set) -> Bindings | None:
        """Return the values of the variables in `message`, or None if it does not match."""
        found: Bindings = {}
        is_matched = match(self.address, message.address, found) and match(self.value, message.value, found)
        return found if is_matched else None

    @property
    def variables(self) -> frozenset[str]:
        """The names of its variables."""
        return frozenset(
            variable.name for variable in (*variables_of(self.address), *variables_of(self.value))
        )

    def pattern(self, session: str) -> str:
        """Return the pattern of the addresses at which `session` receives such messages."""
        return "".join(
            part if isinstance(part, str) else session if part.name == "target" else "*"
            for part in self.address.parts
        )


def template_of(value: wire.Value, known: Mapping[str, wire.Value]) -> Template:
    """Return the template of a sample in which the values of `known` are the variables."""
    match value:
        case dict():
            return Fields(tuple((key, template_of(value[key], known)) for key in sorted(value)))
        case list():
            return Elements(tuple(template_of(item, known) for item in value))
        case str() if (name := _whole(value, known)) is not None:
            return Text((Variable(name),))
        case str() if (content := json_content(value)) is not None:
            return JsonText(template_of(content, known))
        case str():
            return text_template(value, known)
        case bytes() if (name := _whole(value, known)) is not None:
            return Variable(name, "bytes")
        case bool() | None | float() | bytes():
            return Constant(value)
        case int():
            name = _whole(value, known)
            return Constant(value) if name is None else Variable(name)


def text_template(text: str, known: Mapping[str, wire.Value]) -> Text:
    """Return the template of a text that contains values of `known`, the longest first."""
    parts: list[str | Variable] = [text]
    for variable, written in sorted(_texts(known), key=lambda each: len(each[1]), reverse=True):
        parts = [new for part in parts for new in _split(part, variable, written)]
    return Text(tuple(part for part in parts if part != ""))


def fill(template: Template, bindings: Mapping[str, wire.Value]) -> wire.Value:
    """Return the value of `template` with `bindings`. Raises `KeyError` without one of its variables."""
    match template:
        case Constant():
            return template.value
        case Variable():
            return bindings[template.name]
        case Text():
            return "".join(
                part if isinstance(part, str) else _written(bindings[part.name], part.form)
                for part in template.parts
            )
        case Fields():
            return {key: fill(item, bindings) for key, item in template.items}
        case Elements():
            return [fill(item, bindings) for item in template.items]
        case JsonText():
            return json.dumps(fill(template.content, bindings))


def match(template: Template, value: wire.Value, found: Bindings) -> bool:
    """Return whether `value` matches `template`; add the values of its variables to `found`."""
    match template, value:
        case Constant(), _:
            return type(template.value) is type(value) and template.value == value
        case Variable(form="bytes"), bytes():
            return _bind(template.name, value, found)
        case Variable(form="bool"), bool():
            return _bind(template.name, value, found)
        case Variable(form=""), int() if not isinstance(value, bool):
            return _bind(template.name, value, found)
        case Text(), str():
            return _match_text(template, value, found)
        case Fields(), dict():
            return {key for key, _ in template.items} == value.keys() and all(
                match(item, value[key], found) for key, item in template.items
            )
        case Elements(), list():
            return len(template.items) == len(value) and all(
                match(item, each, found) for item, each in zip(template.items, value, strict=True)
            )
        case JsonText(), str():
            content = json_content(value)
            return content is not None and match(template.content, content, found)
        case _:
            return False


def variables_of(template: Template) -> Iterator[Variable]:
    """Yield the variables of `template`, in order."""
    match template:
        case Variable():
            yield template
        case Text():
            yield from (part for part in template.parts if isinstance(part, Variable))
        case Fields():
            for _, item in template.items:
                yield from variables_of(item)
        case Elements():
            for item in template.items:
                yield from variables_of(item)
        case JsonText():
            yield from variables_of(template.content)
        case Constant():
            pass


def json_content(text: str) -> dict[str, wire.Value] | list[wire.Value] | None:
    """Return the map or the list in a JSON text, or None."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(content, dict | list):
        return cast("dict[str, wire.Value] | list[wire.Value]", content)
    return None


def scalars_of(value: wire.Value, *, in_json: bool = True) -> Iterator[str | int]:
    """Yield the texts and the integers in `value`, with `in_json` those inside JSON text instead of it."""
    match value:
        case dict():
            for item in value.values():
                yield from scalars_of(item, in_json=in_json)
        case list():
            for item in value:
                yield from scalars_of(item, in_json=in_json)
        case str() if in_json and (content := json_content(value)) is not None:
            yield from scalars_of(content)
        case bool():
            pass
        case str() | int():
            yield value
        case _:
            pass


def _whole(value: wire.Value, known: Mapping[str, wire.Value]) -> str | None:
    """Return the name of the known value that equals `value`."""
    return next((name for name, each in known.items() if type(each) is type(value) and each == value), None)


def _texts(known: Mapping[str, wire.Value]) -> Iterator[tuple[Variable, str]]:
    """Yield the ways in which known values are written in a text, without those that are too short."""
    for name, value in known.items():
        if isinstance(value, bytes) and len(value) >= RECOGNIZABLE:
            yield Variable(name, "base64"), base64.b64encode(value).decode()
            yield Variable(name, "hex"), value.hex()
        elif isinstance(value, str) and len(value) >= RECOGNIZABLE:
            yield Variable(name), value


def _split(part: str | Variable, variable: Variable, written: str) -> list[str | Variable]:
    if isinstance(part, Variable):
        return [part]
    first, *others = part.split(written)
    return [first, *(new for other in others for new in (variable, other))]


def _written(value: wire.Value, form: str) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if form == "base64" else value.hex()
    return str(value)


def _match_text(template: Text, text: str, found: Bindings) -> bool:
    expression = "".join(re.escape(part) if isinstance(part, str) else "(.*)" for part in template.parts)
    if (matched := re.fullmatch(expression, text, re.DOTALL)) is None:
        return False
    variables = [part for part in template.parts if isinstance(part, Variable)]
    for variable, written in zip(variables, matched.groups(), strict=True):
        try:
            value = _decoded(written, variable.form)
        except (ValueError, BinasciiError):
            return False
        if not _bind(variable.name, value, found):
            return False
    return True


def _decoded(written: str, form: str) -> wire.Value:
    if form == "base64":
        return base64.b64decode(written, validate=True)
    return bytes.fromhex(written) if form == "hex" else written


def _bind(name: str, value: wire.Value, found: Bindings) -> bool:
    return found.setdefault(name, value) == value
