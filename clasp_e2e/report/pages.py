"""HTML pages from templates: self-contained, with one style sheet and one script."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from clasp_e2e.report.words import OF_VERDICT, citation, seconds, sentence
from clasp_e2e.results.matrix_results import State
from clasp_e2e.results.outcome import Verdict

_MARKS = {
    "pass": ("met", "✓", "good"),
    "passed": ("passed", "✓", "good"),
    "fail": ("failed", "✗", "bad"),
    "failed": ("failed", "✗", "bad"),
    "deviation": ("deviation", "△", "odd"),
    "expected_failure": ("failed, as known", "✗", "odd"),
    "unexpected_pass": ("passed, though listed as failing", "!", "bad"),
    "error": ("error, no verdict", "!", "bad"),
    Verdict.CONFORMANT: ("conformant", "✓", "good"),
    Verdict.CONFORMANT_WITH_DEVIATIONS: ("conformant, with deviations", "△", "good"),
    Verdict.NON_CONFORMANT: ("not conformant", "✗", "bad"),
    Verdict.PARTIAL: ("partial", "…", "odd"),
    Verdict.INCONCLUSIVE: ("inconclusive", "?", "odd"),
    "partly": ("met in part, the rest not judged", "…", "odd"),
    "incomplete": ("judged by nobody", "!", "bad"),
    "excluded": ("not judged, with the reason", "·", "none"),
    "elsewhere": ("judged elsewhere", "·", "none"),
    State.BROKEN: ("error", "!", "bad"),
}
_HERE = Path(__file__).parent / "templates"
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def render_page(template: str, *, script: str = "filter.js", **values: object) -> str:
    """Return the page of a template, with the style sheet and the named script of the templates' folder."""
    code = (_HERE / script).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return _ENVIRONMENT.get_template(template).render(
        style=(_HERE / "page.css").read_text(encoding="utf-8"), script=code, digest=digest, **values
    )


def _mark(value: str) -> tuple[str, str, str]:
    """Return the words, sign and CSS class for a verdict or an outcome."""
    return _MARKS.get(value, (value.replace("_", " "), "·", "none"))


def _prose(text: str) -> Markup:
    """Return a text as HTML, with text in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped)


def _markdown(text: str) -> Markup:
    """Return a line of Markdown as HTML: code and strong emphasis, all else unchanged."""
    return Markup(_STRONG.sub(r"<strong>\1</strong>", str(_prose(text))))  # noqa: S704 (escaped)


def _verdict(verdict: Verdict) -> str:
    return OF_VERDICT[verdict].lower()


_FILTERS: dict[str, Callable[..., Any]] = {
    "mark": _mark,
    "citation": citation,
    "prose": _prose,
    "markdown": _markdown,
    "sentence": sentence,
    "seconds": seconds,
    "verdict": _verdict,
}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(_FILTERS)
