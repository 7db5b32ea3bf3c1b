"""Patterns: their laws, compared with an oracle that tries all divisions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.wire import WireError, check_address, check_pattern, matches

from .strategies import ADDRESSES, PATTERNS

SMALL = st.lists(st.text("ab", max_size=3), max_size=5).map(lambda parts: "/" + "/".join(parts))
SMALL_PATTERNS = st.lists(st.text("ab*", max_size=4), max_size=5).map(lambda parts: "/" + "/".join(parts))


def oracle(pattern, address):
    """Tries every length for every `**`."""

    def fits(pattern, address):
        if not pattern:
            return not address
        if pattern[0] == "**":
            return any(fits(pattern[1:], address[skip:]) for skip in range(len(address) + 1))
        segment = ".*".join(re.escape(part) for part in pattern[0].split("*"))
        return bool(address) and bool(re.fullmatch(segment, address[0])) and fits(pattern[1:], address[1:])

    return fits(pattern.split("/"), address.split("/"))


@st.composite
def expanded(draw):
    """A pattern, and an address in which something stands for each of its wildcards."""
    pattern = draw(SMALL_PATTERNS)
    segments = []
    for segment in pattern.split("/"):
        if segment == "**":
            segments += draw(st.lists(st.text("ab", max_size=2), max_size=3))
        else:
            segments.append("".join(draw(st.text("ab", max_size=3)) if c == "*" else c for c in segment))
    return pattern, "/".join(segments)


@given(expanded())
def test_any_text_in_place_of_wildcards_matches(pair):
    assert matches(*pair)


@given(expanded() | st.tuples(SMALL_PATTERNS, SMALL), st.data())
def test_agrees_with_the_oracle(pair, data):
    pattern, address = pair
    assert matches(pattern, address) == oracle(pattern, address)
    cut = data.draw(st.integers(0, len(address)))
    changed = address[:cut] + data.draw(st.sampled_from(["", "a", "/"])) + address[cut + 1 :]
    assert matches(pattern, changed) == oracle(pattern, changed)


@given(ADDRESSES)
def test_address_matches_itself_and_wildcards_in_place_of_its_parts(address):
    assert matches(address, address)
    assert matches("/**", address)
    assert matches(re.sub("[^/]+", "*", address), address)
    assert matches(address + "/**", address)


@given(PATTERNS, ADDRESSES)
def test_widening_a_pattern_loses_nothing(pattern, address):
    wider = "/".join("**" if segment == "*" else segment for segment in pattern.split("/"))
    assert matches(wider, address) or not matches(pattern, address)


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("/lumen/scene/*/layer/*/opacity", "/lumen/scene/0/layer/3/opacity", True),
        ("/lumen/scene/*/layer/*/opacity", "/lumen/scene/0/layer/3/color", False),
        ("/lumen/*/opacity", "/lumen/scene/0/opacity", False),
        ("/lumen/**/opacity", "/lumen/opacity", True),
        ("/lumen/**/opacity", "/lumen/scene/0/opacity", True),
        ("/lumen/**", "/lumen", True),
        ("/zone5*", "/zone51", True),
        ("/zone5*", "/zone5", True),
        ("/zone5*", "/zone5/a", False),
        ("/*", "/", True),
        ("/a[b]?", "/a[b]?", True),
        ("/a[b]*", "/ab", False),
    ],
)
def test_examples(pattern, address, expected):
    assert matches(pattern, address) is expected


@pytest.mark.timeout(10)
def test_hostile_patterns_are_no_burden():
    address = "/a" * 500 + "/b"
    assert not matches("/**/a" * 200 + "/c", address)
    assert not matches("/" + "*a" * 2000 + "*c", "/" + "a" * 4000)


@given(ADDRESSES, PATTERNS)
def test_well_formed_ones_pass_the_check(address, pattern):
    check_address(address)
    check_pattern(pattern)


@pytest.mark.parametrize("address", ["", "a", "a/b", "//", "/a//b"])
def test_ill_formed_ones_do_not(address):
    for check in (check_address, check_pattern):
        with pytest.raises(WireError, match=re.escape(repr(address))):
            check(address)


def test_last_segment_may_be_empty():
    check_address("/a/")
    check_pattern("/a/*/")
