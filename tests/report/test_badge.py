"""The badge is a self-contained image with an accessible text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from clasp_e2e.report.badge import render_badge
from clasp_e2e.results.outcome import Verdict

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_badge_is_valid_svg_with_the_verdict(verdict: Verdict) -> None:
    badge = ET.fromstring(render_badge(verdict))
    words = (
        verdict.value.replace("_", " ").replace("non ", "not ").replace(" with deviations", ", deviations")
    )
    assert badge.get("aria-label") == badge.findtext(f"{SVG}title") == f"CLASP P2P: {words}"
    assert [text.text for text in badge.iter(f"{SVG}text")] == ["CLASP P2P", words]
    for rect in badge.iter(f"{SVG}rect"):
        if fill := rect.get("fill"):
            assert 1.05 / (luminance(fill) + 0.05) >= 4.5, "contrast by WCAG 2.2, 1.4.3"


def test_no_two_verdicts_look_the_same() -> None:
    assert len({render_badge(verdict) for verdict in Verdict}) == len(Verdict)
