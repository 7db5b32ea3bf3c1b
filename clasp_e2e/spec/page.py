"""The P2P page, passage by passage: which requirements quote each, and why the rest is not judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec

from clasp_e2e.spec.catalogue import Catalogue, Requirement

FILE = Path(__file__).parent / "exclusions.toml"

_HEADING = re.compile(r"#{2,6} +(.+)")
_ITEM = re.compile(r"(?:[-*+]|\d+\.) +")
_FENCE = re.compile(r"```|~~~")
_TABLE_RULE = re.compile(r"[|:\s-]+")
# A sentence ends before an upper-case letter, code or emphasis: not within "(e.g. provide".
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z`*\"(])")


class PassageKind(StrEnum):
    """The form of a passage."""

    HEADING = "heading"
    PROSE = "prose"
    ITEM = "item"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading, a sentence of prose, of a list item or of a table, or a line of code."""

    kind: PassageKind
    section: str
    text: str
    start: int
    """Its place in the page."""
    prefix: str = ""
    """The mark of a list item, or the indentation of a line of code."""

    @property
    def end(self) -> int:
        """The place after it."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Passages that no requirement quotes, and the reason."""

    section: str
    texts: tuple[str, ...]
    reason: str
    judged_by: tuple[str, ...]
    """The requirements that judge the same by another quote."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    exclusion: list[Exclusion]


@dataclass(frozen=True, slots=True)
class JudgedPassage:
    """A passage, the requirements that quote it, and the exclusions of what they do not quote."""

    passage: Passage
    requirements: tuple[Requirement, ...]
    exclusions: tuple[Exclusion, ...]
    rest: str
    """What nobody judges or excludes; empty if there are no words in it."""


@cache
def load_exclusions() -> tuple[Exclusion, ...]:
    """Return the exclusions in the order of the file."""
    return tuple(msgspec.toml.decode(FILE.read_bytes(), type=_File).exclusion)


def passages(page: str) -> Iterator[Passage]:
    """Yield the passages of a page in Markdown, without its front matter."""
    section, in_code, in_front_matter = "", False, page.startswith("---\n")
    place = 0
    for number, line in enumerate(page.splitlines(keepends=True)):
        start, text = place + len(line) - len(line.lstrip()), line.strip()
        place += len(line)
        if in_front_matter:
            in_front_matter = not (text == "---" and number)
        elif _FENCE.match(text):
            in_code = not in_code
        elif in_code:
            if text:
                indentation = line[: len(line) - len(line.lstrip())]
                yield Passage(PassageKind.CODE, section, text, start, indentation)
        elif heading := _HEADING.match(text):
            section = heading[1]
            yield Passage(PassageKind.HEADING, section, section, start + heading.start(1))
        elif text and not _TABLE_RULE.fullmatch(text):
            item = _ITEM.match(text)
            skipped = item.end() if item else 0
            kind = PassageKind.ITEM if item else PassageKind.PROSE
            prefix = item[0] if item else ""
            for sentence_start, sentence in _sentences(text[skipped:]):
                yield Passage(kind, section, sentence, start + skipped + sentence_start, prefix)
                prefix = ""


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for end in [*(match.start() for match in _SENTENCE.finditer(text)), len(text)]:
        sentence = text[start:end]
        stripped = sentence.lstrip()
        yield start + len(sentence) - len(stripped), stripped
        start = end


def judge_page(page: str, catalogue: Catalogue, exclusions: Iterable[Exclusion]) -> list[JudgedPassage]:
    """Return each passage with what judges or excludes it; a heading needs nothing."""
    quoted = [
        (span, requirement)
        for requirement in catalogue.values()
        if requirement.quote
        for span in _spans(page, requirement.section, requirement.quote)
    ]
    excluded = [
        (span, each)
        for each in exclusions
        for text in each.texts
        for span in _spans(page, each.section, text)
    ]
    found: list[JudgedPassage] = []
    for passage in passages(page):
        if passage.kind is PassageKind.HEADING:
            found.append(JudgedPassage(passage, (), (), ""))
            continue
        ours = [(span, each) for span, each in quoted if _overlap(span, passage)]
        others = [(span, each) for span, each in excluded if _overlap(span, passage)]
        covered = [span for span, _ in (*ours, *others)]
        rest = "".join(
            char
            for place, char in enumerate(passage.text, passage.start)
            if not any(place in span for span in covered)
        )
        found.append(
            JudgedPassage(
                passage,
                tuple(each for _, each in ours),
                tuple({id(each): each for _, each in others}.values()),
                rest.strip() if re.search(r"\w", rest) else "",
            )
        )
    return found


def out_of_date(page: str, catalogue: Catalogue, exclusions: Iterable[Exclusion]) -> list[str]:
    """Return a line for each quote and exclusion that is not in the page, and each passage without either."""
    exclusions = tuple(exclusions)
    missing: dict[tuple[str, str], list[str]] = {}
    for each in catalogue.values():
        if each.quote and not _spans(page, each.section, each.quote):
            missing.setdefault((each.section, each.quote), []).append(each.id)
    for each in exclusions:
        for text in each.texts:
            if not _spans(page, each.section, text):
                missing.setdefault((each.section, text), []).append("an exclusion")
    unjudged = [each for each in judge_page(page, catalogue, exclusions) if each.rest]
    wrong: list[str] = []
    for (section, text), names in missing.items():
        similar = get_close_matches(text, [each.rest for each in unjudged], n=1)
        now = f', perhaps now "{similar[0]}"' if similar else ""
        wrong.append(f'{", ".join(names)}: section "{section}" no longer says "{text}"{now}')
    wrong += [
        f"an exclusion names {name}, which is not in the catalogue"
        for each in exclusions
        for name in each.judged_by
        if name not in catalogue
    ]
    wrong += [
        f'section "{each.passage.section}": no requirement judges and no exclusion names "{each.rest}"'
        for each in unjudged
    ]
    return wrong


def _spans(page: str, section: str, text: str) -> list[range]:
    """Return where `text` is in the section of the page whose title begins with `section`."""
    bounds = [each for each in passages(page) if each.kind is PassageKind.HEADING]
    found: list[range] = []
    for place, heading in enumerate(bounds):
        if heading.text.startswith(section):
            end = bounds[place + 1].start if place + 1 < len(bounds) else len(page)
            found += [
                range(match.start(), match.end())
                for match in re.finditer(re.escape(text), page)
                if heading.end <= match.start() and match.end() <= end
            ]
    return found


def _overlap(span: range, passage: Passage) -> bool:
    return span.start < passage.end and passage.start < span.stop
