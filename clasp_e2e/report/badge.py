"""The badge of a run: an SVG image of its verdict, or the JSON from which shields.io draws one."""

import json
from html import escape

from clasp_e2e.results.outcome import Verdict

LABEL = "CLASP P2P"
_HEIGHT = 20
_GLYPH = 6.6
"""Maximum width of a character in pixels; `textLength` fits the text to it."""
_MARGIN = 7

_SHOWN = {
    Verdict.CONFORMANT: ("conformant", "#1a7f37"),
    Verdict.CONFORMANT_WITH_DEVIATIONS: ("conformant, deviations", "#4d7a12"),
    Verdict.NON_CONFORMANT: ("not conformant", "#b3261e"),
    Verdict.PARTIAL: ("partial", "#8a5a00"),
    Verdict.INCONCLUSIVE: ("inconclusive", "#57606a"),
}


def render_badge(verdict: Verdict) -> str:
    """Return an SVG that shows `verdict` in words and by its colour."""
    words, colour = _SHOWN[verdict]
    left, right = (2 * _MARGIN + len(text) * _GLYPH for text in (LABEL, words))
    name = escape(f"{LABEL}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="{_HEIGHT}" role="img"'
        f' aria-label="{name}"><title>{name}</title>'
        f'<clipPath id="edge"><rect width="{left + right:.0f}" height="{_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#edge)"><rect width="{left:.0f}" height="{_HEIGHT}" fill="#24292f"/>'
        f'<rect x="{left:.0f}" width="{right:.0f}" height="{_HEIGHT}" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_word(LABEL, _MARGIN)}{_word(words, left + _MARGIN)}</g></svg>\n"
    )


def render_endpoint(verdict: Verdict) -> str:
    """Return the verdict as the JSON of a shields.io endpoint badge."""
    words, colour = _SHOWN[verdict]
    badge = {"schemaVersion": 1, "label": LABEL, "message": words, "color": colour.removeprefix("#")}
    return json.dumps(badge) + "\n"


def _word(text: str, x: float) -> str:
    return f'<text x="{x:.0f}" y="14" textLength="{len(text) * _GLYPH:.0f}">{escape(text)}</text>'
