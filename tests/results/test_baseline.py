"""The files of known failures: what is read from them, and what they may not say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clasp_e2e.results.baseline import Baseline, BaselineError, parse_baseline
from clasp_e2e.results.known_failures import check_pairings
from clasp_e2e.spec.catalogue import Catalogue

ENTRY = """
[[known]]
requirement = "M-1"
pairing = "node-node"
reason = "It was never built."
seen = 'seen: nothing'
"""
LABELS = {"node", "rust", "reference", "my-own"}


def parse(catalogue: Catalogue, text: str) -> Baseline:
    return parse_baseline(text, "node/baseline.toml", {"node"}, catalogue)


def test_entry_is_read_with_its_place(small: Catalogue) -> None:
    more = ENTRY + 'expires = 2027-01-31\nscenario = "test_it"\nrouter = "rust"\n'
    first, second = parse(small, ENTRY + more).entries
    assert (first.requirement, first.pairing, first.reason) == ("M-1", "node-node", "It was never built.")
    assert (first.expires, first.scenario, first.router) == (None, None, None)
    assert (second.expires, second.scenario, second.router) == (date(2027, 1, 31), "test_it", "rust")
    assert second.where == "node/baseline.toml, entry 2 (M-1, node-node)"


def test_empty_file_lists_nothing(small: Catalogue) -> None:
    assert parse(small, "# none is known\n").entries == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"M-1"', '"M-3"'), "entry 1 (M-3, node-node): M-3 is not in the catalogue"),
        (("reason", "raeson"), "entry 1 (M-1, node-node): unknown key `raeson`; did you mean `reason`?"),
        (("reason", "xyz"), "unknown key `xyz`; there are requirement, pairing, reason, seen, expires"),
        (("requirement = ", "# "), "entry 1 (node-node): `requirement` is missing"),
        (('"It was never built."', '""'), "`reason` must be a text that is not empty"),
        (('"node-node"', "7"), "`pairing` must be a text"),
        (("'seen: nothing'", "'(half'"), "`seen` is not a regular expression: "),
        (("'seen: nothing'", "'.*'"), "everything matches `seen`"),
        (("'seen: nothing'", "'.'"), "everything matches `seen`"),
        (("'seen: nothing'", "'expected'"), "everything matches `seen`"),
        (("seen = ", 'expires = "2027-01-31"\nseen = '), "`expires` must be a date without quotes"),
        (("seen = ", 'intermittent = "yes"\nseen = '), "`intermittent` must be true or false"),
        (("seen = ", "expires = 2027-01-31T10:00:00\nseen = "), "`expires` must be a date without quotes"),
        (("[[known]]", "[known]"), "a baseline is a list of [[known]] entries"),
        (("[[known]]", "[[knwon]]"), "a baseline is a list of [[known]] entries; found 'knwon'"),
        (("[[known]]", "[[known]"), "node/baseline.toml: this is not TOML"),
    ],
)
def test_malformed_baseline_is_an_error_with_its_place(
    small: Catalogue, change: tuple[str, str], says: str
) -> None:
    with pytest.raises(BaselineError) as caught:
        parse(small, ENTRY.replace(*change))
    assert says in str(caught.value)
    assert str(caught.value).startswith("node/baseline.toml")


def test_known_list_contains_entries_only(small: Catalogue) -> None:
    with pytest.raises(BaselineError, match=r"3 is not one"):
        parse(small, "known = [3]")


def test_same_twice_is_once_too_often(small: Catalogue) -> None:
    with pytest.raises(BaselineError, match=r"entry 2 .* the same as .* entry 1"):
        parse(small, ENTRY + ENTRY.replace("never", "not"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"[[known]]\nseen = {text}"))
def test_any_text_is_read_or_refused_in_a_sentence(small: Catalogue, text: str) -> None:
    try:
        found = parse(small, text).source
    except BaselineError as error:
        found = str(error)
    assert found.startswith("node/baseline.toml")


@pytest.mark.parametrize(
    "pairing",
    ["*", "node", "node-reference", "rust-node-answering", "router-node", "my-own-node", "node-my-own"],
)
def test_pairings_of_known_drivers_are_taken(small: Catalogue, pairing: str) -> None:
    check_pairings(parse(small, ENTRY.replace("node-node", pairing)), LABELS, own=True)


@pytest.mark.parametrize("pairing", ["nod-reference", "node-", "node-rust-node", "router-nod", "node-own"])
def test_pairing_that_cannot_be_is_refused(small: Catalogue, pairing: str) -> None:
    with pytest.raises(
        BaselineError, match="the names of drivers, which here are my-own, node, reference, rust"
    ):
        check_pairings(parse(small, ENTRY.replace("node-node", pairing)), LABELS, own=False)


def test_failures_of_others_have_no_place_beside_an_adapter(small: Catalogue) -> None:
    baseline = parse(small, ENTRY.replace("node-node", "rust-reference"))
    check_pairings(baseline, LABELS, own=False)
    with pytest.raises(BaselineError, match="node has no part in 'rust-reference', and this is its baseline"):
        check_pairings(baseline, LABELS, own=True)
    of_its_router = ENTRY.replace("node-node", "rust-reference") + 'router = "node"\n'
    check_pairings(parse(small, of_its_router), LABELS, own=True)
