"""Regular expressions that match the message of a failure in any run. Pure.

A token that is generated for a run (a number, digest, id or address) becomes an expression for any of its
kind; every other token is kept, so that another cause does not match.
"""

import re

_LONGEST = 500
"""Maximum length of an expression in characters; the rest of the message is ignored."""

_ENDS = r"\)(?:$|,\ [A-Z]|;|\]|\ [a-z])"
"""The text that follows an id at the end of an event: the next event, or the rest of the sentence."""
_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_ADDRESS = r"(?:\d+(?:\.\d+){3}|\[[0-9a-fA-F:]+(?:%\w+)?\]):\d+"
_CALL = rf"""\w+\((?:[^()'"]|{_QUOTED})*\)"""
"""The `repr` of a record: `Data(data=b'...')`."""
_TOKEN = re.compile(
    rf"""
      (?P<name>\b(?:[A-Z]{{2,5}}-\d+|\w*(?:P2P|e2e)\w*|IPv[46]|SHA-?\d+|UTF-?\d+)\b)
    | (?P<bytes>\d+\ bytes\ \([0-9a-f]*…?\)(?:,\ \d+\ bytes\ \([0-9a-f]*…?\))*)
    | (?P<addresses>{_ADDRESS}(?:,\ {_ADDRESS})*)
    | (?P<session>(?:(?<=\bConnected\ \()|(?<=\bPeerAnnounced\ \()).+?(?={_ENDS}))
    | (?P<sender>(?<=\(from\ ).+?(?=,\ )|(?<=,\ from\ ).+?(?={_ENDS}))
    | (?P<signal>(?<=/signal/)[^\s'",)\]]+)
    | (?P<naming>(?<=\ naming\ )(?![a-z]+\b)\S+)
    | (?P<value>(?:(?<=session_id=)|(?<='from':\ )|(?<='to':\ )|(?<='sdp':\ )|(?<='candidate':\ )|(?<=_id':\ )
        |(?<=\bb)){_QUOTED})
    | (?P<calls>{_CALL}(?:,\ {_CALL})*)
    | (?P<quoted>(?<!\w){_QUOTED})
    | (?P<uuid>\b[0-9a-fA-F]{{8}}-(?:[0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}\b)
    | (?P<hex>(?<![\w.])(?=[0-9a-f]*\d)[0-9a-f]{{6,}}…?(?!\w))
    | (?P<mixed>\b(?=\w*[A-Za-z]\w*\d\w*[A-Za-z]\w*\d|\w*\d\w*[A-Za-z]\w*\d)\w{{8,}}\b)
    | (?P<number>(?:(?<![\w-])-)?\d+(?:\.\d+)*(?:e[+-]?\d+)?)(?P<unit>\ [a-z]{{3,}}\b)?
    | (?P<word>.)
    """,
    re.VERBOSE,
)
_OF_ANY = {
    "addresses": r"\S+:\d+(?:, \S+:\d+)*",
    # An id may contain any character, but does not extend into the next event.
    "session": r"(?:(?!\), [A-Z]|\)\]?;).)+",
    "sender": r"(?:(?!\), [A-Z]|\)\]?;).)+",
    "signal": r"""[^\s'",)\]]+""",
    "naming": r"\S+",
    "value": """["'].*?["']""",
    "uuid": r"[\w-]+",
    "hex": "[0-9a-f]+…?",
    "mixed": r"\w+",
}
_BYTES = r"\d+ bytes \([0-9a-f]*…?\)"
_NUMBER = r"\d[\d.e+-]*"
_SPECIAL = re.compile(r"([.^$*+?{}\[\]\\|()])")
_OF_SESSIONS = re.compile(r"\bsession id\b|`(?:from|to)`|\bsender\b")
_OPAQUE = re.compile(r"[^\s/](?=\S*\d)\S{8,}")
"""A quoted text that is not a word, and that a run may have generated."""


def pattern(message: str) -> str:
    """Return a regular expression that matches the message of the same failure in any other run.

    Only the first line counts: the rest is the log of a process.
    """
    first, *rest = message.strip().splitlines() or [""]
    line = " ".join(first.split())
    parts: list[str] = []
    for part in _generalised(line, quotes=_OF_SESSIONS.search(line) is not None):
        if sum(map(len, parts)) + len(part) > _LONGEST:
            # A partial word would match other words.
            end = max((place for place, each in enumerate(parts) if each == " "), default=len(parts))
            return f"^{''.join(parts[:end])}"
        parts.append(part)
    return f"^{''.join(parts)}" + ("" if rest else "$")


def _generalised(text: str, *, quotes: bool) -> list[str]:
    """Return the expressions for the tokens of `text`; with `quotes`, quoted texts are ids."""
    return [_expression(found, quotes) for found in _TOKEN.finditer(text)]


def _expression(found: re.Match[str], quotes: bool) -> str:
    token, kind = found[0], found.lastgroup or ""
    kind = "number" if kind == "unit" else kind
    match kind:
        case "bytes":
            return f"(?:{_BYTES}(?:, )?)+" if found.string[: found.start()].endswith("[") else _BYTES
        case "calls":
            return _calls(token, quotes)
        case "quoted":
            if quotes or _OPAQUE.fullmatch(token[1:-1]):
                return _OF_ANY["value"]
            return token[0] + "".join(_generalised(token[1:-1], quotes=False)) + token[-1]
        case "number":
            unit = found["unit"] or ""
            sign = "-?" if token.startswith("-") else ""
            return f"{sign}{_NUMBER}" + (f"{unit.removesuffix('s')}s?" if unit else "")
        case "name" | "word":
            return _SPECIAL.sub(r"\\\1", token) if token.isprintable() else "."
        case _:
            return _OF_ANY[kind]


def _calls(token: str, quotes: bool) -> str:
    """Return the expression for the `repr` of records; equal ones may occur any number of times."""
    items = [_call(found[0], quotes) for found in re.finditer(_CALL, token)]
    return f"(?:{items[0]}(?:, )?)+" if len(set(items)) == 1 else ", ".join(items)


def _call(token: str, quotes: bool) -> str:
    name, _, rest = token.partition("(")
    return rf"{name}\(" + "".join(_generalised(rest[:-1], quotes=quotes)) + r"\)"
