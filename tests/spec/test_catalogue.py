"""The catalogue is complete and agrees with its sources; invalid catalogues are refused."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.spec.catalogue import (
    Catalogue,
    CatalogueError,
    Level,
    Requirement,
    Source,
    UnknownRequirement,
    concerns,
    load_catalogue,
    specification_text,
)

CATALOGUE = load_catalogue()

# Level and source of each: M must, s should, r remark; S, W, R, N, E.
EXPECTED = """
CON: 1 MS, 2 sW, 3 MS, 4 MS, 5 MS, 6 MS, 7 sS, 8 sE, 9 sE, 10 sS, 11 sE, 12 sE, 13 sE, 14 sE, 15 sE, 16 sE
CON: 17 sE, 18 sE
ICE: 1 sS, 2 sE, 3 MS, 4 sR, 5 sE, 6 sN, 7 sE, 8 sN, 9 sE, 10 sN, 11 sE, 12 sN, 13 sN
DIR: 1 MS, 2 sS, 3 rR
SND: 1 MS, 2 MS, 3 MS, 4 MS, 5 MS, 6 sE, 7 sR, 8 sW, 9 sW, 10 sN, 11 sE, 12 sN, 13 MS, 14 sE, 15 sE
RTE: 1 MS, 2 MS, 3 MS, 4 MS, 5 MS, 6 MS, 7 MS, 8 MS, 9 MS, 10 sS, 11 sS
EVT: 1 MS, 2 sE, 3 MS, 4 sS, 5 MS, 6 sE, 7 sE, 8 sS, 9 sE, 10 sS, 11 sR
TMO: 1 MS, 2 MS, 3 MS, 4 MS, 5 MS, 6 sE, 7 sE, 8 sS, 9 sE
SIG: 1 sR, 2 sR, 3 sR, 4 sW, 5 sR, 6 sE, 7 sW, 8 sE, 9 sN, 10 sW
RTR: 1 MS, 2 MS, 3 sE, 4 sR, 5 sR, 6 MS, 7 sE, 8 sR, 9 sR, 10 sE, 11 sE, 12 sE, 13 sW, 14 sN
SEC: 1 sN, 2 sE, 3 sE, 4 sN
"""


def expected() -> list[tuple[str, str, str]]:
    levels = {"M": "must", "s": "should", "r": "remark"}
    return [
        (f"{chapter}-{number}", levels[kind[0]], kind[1])
        for chapter, records in re.findall(r"(\w+): (.+)", EXPECTED)
        for number, kind in (record.split() for record in records.split(", "))
    ]


def test_every_requirement_is_there_with_its_level_and_source() -> None:
    assert [(r.id, r.level.value, r.source.value) for r in CATALOGUE.values()] == expected()


def test_capabilities() -> None:
    capabilities = {r.id: r.capability for r in CATALOGUE.values() if r.capability}
    announce = {"SIG-5": "announce", "EVT-11": "announce"}
    reattach = {"CON-16": "reattach", "SIG-8": "reattach"}
    turn = dict.fromkeys(("ICE-3", "ICE-8", "ICE-9", "ICE-10", "ICE-12", "ICE-13"), "turn")
    assert (
        capabilities
        == turn | {"EVT-8": "is_peer_connected", "CON-18": "disconnect_peer"} | announce | reattach
    )


def sections() -> dict[str, str]:
    """The sections of the specification page by title; a `##` section ends where a `###` one begins."""
    parts = re.split(r"^#{2,3} (.+)$", specification_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("requirement", [r for r in CATALOGUE.values() if r.quote], ids=lambda r: r.id)
def test_quote_is_in_its_section_word_for_word(requirement: Requirement) -> None:
    found = [text for title, text in sections().items() if title.startswith(requirement.section)]
    assert len(found) == 1
    assert requirement.quote in found[0]


def test_only_the_specification_is_quoted_and_only_what_it_says_is_a_must() -> None:
    for requirement in CATALOGUE.values():
        from_page = requirement.source is Source.SPECIFICATION
        assert bool(requirement.quote) == bool(requirement.section) == from_page
        assert bool(requirement.source_text) != from_page
        assert from_page or requirement.level is not Level.MUST


def test_preconditions_come_first_and_the_order_is_stable() -> None:
    order = [requirement.id for requirement in CATALOGUE.ordered()]
    assert sorted(order) == sorted(CATALOGUE)
    for requirement in CATALOGUE.values():
        for needed in requirement.precondition:
            assert order.index(needed) < order.index(requirement.id)
    assert order == [requirement.id for requirement in load_catalogue().ordered()]


def test_no_precondition_follows_from_another() -> None:
    for requirement in CATALOGUE.values():
        for needed in requirement.precondition:
            others = set(requirement.precondition) - {needed}
            implied = {r.id for other in others for r in CATALOGUE.preconditions_of(other)}
            assert needed not in implied, f"{requirement.id} need not name {needed}"


def blocked_by_failing(requirement_id: str) -> set[str]:
    return {
        r.id for r in CATALOGUE.values() if requirement_id in {p.id for p in CATALOGUE.preconditions_of(r.id)}
    }


def test_peer_that_cannot_connect_is_blamed_once() -> None:
    needs_a_connection = {r for r in CATALOGUE if r.startswith(("DIR", "SND"))}
    needs_a_connection |= {"CON-6", "EVT-1", "EVT-3", "RTE-3", "RTE-4", "RTE-9", "TMO-6", "TMO-7", "SEC-1"}
    blocked = blocked_by_failing("CON-5")
    assert needs_a_connection <= blocked
    assert blocked.isdisjoint(
        {"CON-1", "CON-3", "CON-4", "CON-7", "ICE-1", "RTE-1", "RTE-2", "RTE-8", "RTR-1"}
    )
    assert blocked.isdisjoint({"TMO-1", "TMO-2", "TMO-3", "TMO-4", "TMO-5", "EVT-5", "SIG-1", "SIG-2"})


def test_peer_whose_relay_never_delivers_is_blamed_once() -> None:
    assert {"RTE-4", "RTE-5", "RTE-6", "RTE-9", "RTE-10"} <= blocked_by_failing("SND-3")


def test_each_requirement_of_peers_rests_on_attaching() -> None:
    for requirement in CATALOGUE.values():
        if requirement.id != "CON-1":
            assert CATALOGUE.preconditions_of(requirement.id)[0].id == "CON-1"


def test_preconditions_are_listed_from_the_ground_up() -> None:
    chain = [requirement.id for requirement in CATALOGUE.preconditions_of("CON-6")]
    assert chain == ["CON-1", "RTR-1", "CON-3", "CON-4", "RTR-2", "CON-5", "EVT-1"]
    assert CATALOGUE.preconditions_of("CON-1") == []


def test_chapters_are_those_of_the_source_in_its_order() -> None:
    assert CATALOGUE.chapters() == [
        "Connecting",
        "ICE",
        "Direct data",
        "Sending",
        "Routing mode",
        "Events",
        "Time-out",
        "Signaling on the wire",
        "The router",
        "Security",
    ]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("CON-99", "CON-99 is not in the catalogue; did you mean CON-9?"),
        ("rte-8", "rte-8 is not in the catalogue; did you mean RTE-8"),
        ("nonsense", "nonsense is not in the catalogue"),
    ],
)
def test_unknown_id_is_answered_with_those_that_come_close(asked: str, answer: str) -> None:
    with pytest.raises(UnknownRequirement) as raised:
        CATALOGUE.get(asked)
    assert str(raised.value).startswith(answer.rstrip("?"))
    assert asked not in CATALOGUE


def test_hash_is_that_of_the_file() -> None:
    content = (Path(CATALOGUE_FILE)).read_bytes()
    assert hashlib.sha256(content).hexdigest() == CATALOGUE.hash


CATALOGUE_FILE = Path(__file__).parents[2] / "clasp_e2e" / "spec" / "requirements.toml"

RECORD = {
    "id": '"A-1"',
    "chapter": '"A"',
    "level": '"should"',
    "source": '"E"',
    "source_text": '"why"',
    "statement": '"what"',
    "judges": '["peer"]',
    "opposite": '["same"]',
    "precondition": "[]",
    "observed_by": '"how"',
}


def load(tmp_path: Path, *records: dict[str, str]) -> Catalogue:
    path = tmp_path / "catalogue.toml"
    tables = ["[[requirement]]\n" + "\n".join(f"{k} = {v}" for k, v in record.items()) for record in records]
    path.write_text("\n".join(tables), encoding="utf-8")
    return load_catalogue(path)


def test_sound_record_is_read(tmp_path: Path) -> None:
    (requirement,) = load(tmp_path, RECORD).values()
    assert (requirement.id, requirement.level, requirement.capability) == ("A-1", Level.SHOULD, None)


@pytest.mark.parametrize("field", sorted(RECORD))
def test_missing_field_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(CatalogueError, match=rf"^(A-1|record 1): .*{field}"):
        load(tmp_path, {key: value for key, value in RECORD.items() if key != field})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"level": '"may"'}, "A-1: Invalid enum value 'may' - at `$.level`"),
        ({"source": '"X"'}, "A-1: Invalid enum value 'X' - at `$.source`"),
        ({"level": '"must"'}, "A-1: only what the specification says"),
        ({"judges": '["nobody"]'}, "A-1: Invalid enum value 'nobody' - at `$.judges[0]`"),
        ({"judges": "[]"}, "A-1: Expected `array` of length >= 1 - at `$.judges`"),
        ({"judges": '"peer"'}, "A-1: Expected `array`, got `str` - at `$.judges`"),
        ({"judges": "[1]"}, "A-1: Expected `str`, got `int` - at `$.judges[0]`"),
        ({"precondition": '["B-1", "B-1"]'}, "A-1: something is named twice: B-1, B-1"),
        ({"opposite": '["other"]'}, "A-1: Invalid enum value 'other' - at `$.opposite[0]`"),
        ({"statement": '" "'}, "A-1: Expected `str` matching regex '\\\\S' - at `$.statement`"),
        ({"precondition": '["A-7"]'}, "A-1: precondition A-7 is not in the catalogue"),
        ({"precondition": '["A-1"]'}, "A-1: its preconditions lead back to itself: A-1 -> A-1"),
        ({"statment": '"what"'}, "A-1: unknown field `statment`"),
        ({"source": '"S"', "quote": '"q"'}, "A-1: source S needs a quote and the section"),
    ],
)
def test_faulty_record_is_named_with_its_fault(tmp_path: Path, change: dict[str, str], fault: str) -> None:
    with pytest.raises(CatalogueError, match=f"^{re.escape(fault)}"):
        load(tmp_path, RECORD | change)


def test_id_used_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"^A-1: this id is used twice"):
        load(tmp_path, RECORD, RECORD)


@pytest.mark.parametrize("content", ["", "requirement = []", "requirement = [1]", "[[[", "[requirement]"])
def test_file_that_is_no_catalogue_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CatalogueError):
        load_catalogue(path)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere\.toml: cannot be read"):
        load_catalogue(tmp_path / "nowhere.toml")


@given(st.lists(st.integers(min_value=0, max_value=11), max_size=24), st.randoms())
def test_any_acyclic_preconditions_are_ordered(edges: list[int], rng) -> None:
    template = CATALOGUE.get("CON-2")
    needs: dict[int, set[int]] = {n: set() for n in range(12)}
    for a, b in itertools.pairwise(edges):
        if a != b:
            needs[max(a, b)].add(min(a, b))
    records = [
        replace(template, id=f"A-{n}", precondition=tuple(f"A-{m}" for m in sorted(below)))
        for n, below in needs.items()
    ]
    rng.shuffle(records)
    catalogue = Catalogue(records)
    order = [requirement.id for requirement in catalogue.ordered()]
    assert sorted(order) == sorted(catalogue)
    assert all(order.index(p) < order.index(r.id) for r in records for p in r.precondition)


def test_longer_circle_is_refused() -> None:
    template = CATALOGUE.get("CON-2")
    records = [
        replace(template, id=name, precondition=(needs,))
        for name, needs in (("A", "C"), ("B", "A"), ("C", "B"))
    ]
    with pytest.raises(CatalogueError, match="lead back to itself"):
        Catalogue(records)


@pytest.mark.parametrize(
    ("judges", "roles", "whether"),
    [
        (["peer"], ["offerer"], True),
        (["answerer"], ["peer"], True),
        (["offerer"], ["answerer"], False),
        (["router"], ["peer"], False),
        (["peer", "router"], ["router"], True),
        (["peer"], [], False),
    ],
)
def test_requirement_concerns_the_roles_it_judges(judges: list[str], roles: list[str], whether: bool) -> None:
    assert concerns(judges, roles) is whether
