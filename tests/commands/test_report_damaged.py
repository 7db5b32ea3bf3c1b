"""Results that are cut short, changed or foreign give a report or a clear error, never a traceback."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from report.runs import matrix_of, run_of, scenario

from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.matrix_results import cells_of
from clasp_e2e.results.store import write_document, write_results
from clasp_e2e.spec.catalogue import load_catalogue

from .conftest import Invoke

FORMS = ("--html", "--markdown", "--junit", "--badge")

FAILED = scenario("SND-1", "failed", message="expected x; seen: y", evidence="evidence/x.json")
RUN = run_of(FAILED, scenario("SND-2", "blocked", blocked_by="CON-5"), scenario("SND-4", "error"))
EVIDENCE = {
    "scenario": to_plain(FAILED),
    "timeline": [
        {"at": 0.1, "kind": "frame", "who": "router", "to": "bob", "what": "WELCOME", "frame": "5301ff",
         "decoded": {"message": "WELCOME", "session": "s-1"}},
        {"at": 5.0, "kind": "missed", "who": "bob", "what": "timed out after 5 s waiting for Data"},
    ],
    "network": [{"offerer": "alice"}],
    "stderr": {"bob": "lost"},
    "pruned": {"left_out": 3},
}  # fmt: skip
(EMPTY,) = cells_of(("a",), ("r",), {})
MATRIX = matrix_of(EMPTY.judged(RUN, load_catalogue(), exit_status=1, results="a/results.json", duration_s=1))

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
STRANGE = st.sampled_from(["\ud800", "\x00", 10**400, -1, "../../x", "x" * 300, float("nan"), {}, [], "fail"])


def places(document: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items: Any = document.items() if isinstance(document, dict) else enumerate(document)  # type: ignore[arg-type]
    for key, value in items:
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))
        else:
            yield (*path, key)


@dataclass(frozen=True)
class File:
    """What lies in a file, and how it came to be; only that is shown when a test fails."""

    content: bytes = field(repr=False)
    made: str


NOISE = st.binary(max_size=9).map(lambda content: File(content, f"{content!r}"))
TOO_DEEP = File(b"[" * 100_000, "100,000 lists in one another")


@st.composite
def damaged(draw: st.DrawFn, document: dict[str, Any]) -> File:
    """The document with one place changed or gone, or the file cut short."""
    text = json.dumps(document)
    path = draw(st.sampled_from(list(places(document))))
    if not path:
        length = draw(st.integers(0, len(text)))
        return File(text.encode()[:length], f"cut after {length} bytes")
    changed: Any = json.loads(text)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if draw(st.booleans()):
        holder[path[-1]] = draw(STRANGE | ANYTHING)
        made = f"{path} is {str(holder[path[-1]])[:80]!r}"
    else:
        del holder[path[-1]]
        made = f"{path} is gone"
    return File(json.dumps(changed).encode(), made)


def expect_a_report_or_a_clear_error(invoke: Invoke, *arguments: str) -> Result:
    result = invoke("report", *arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code in (0, 2)
    assert result.output.startswith("Error: ") == (result.exit_code == 2)
    return result


@pytest.fixture
def whole() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_document(to_plain(MATRIX), folder / "matrix.json")
        write_results(RUN, folder / "a/results.json")
        write_document(EVIDENCE, folder / "a/evidence/x.json")
        yield folder


LAW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LAW
@given(file=damaged(to_plain(RUN)) | NOISE, form=st.sampled_from(FORMS))
@example(file=TOO_DEEP, form="--html")
@example(file=File(b'{"schema": 1}', "no results"), form="--junit")
def test_damaged_results(invoke: Invoke, whole: Path, file: File, form: str) -> None:
    with tempfile.TemporaryDirectory(dir=whole) as name:
        (Path(name) / "results.json").write_bytes(file.content)
        expect_a_report_or_a_clear_error(invoke, name, form, "-")


@LAW
@given(file=damaged(EVIDENCE) | NOISE)
@example(file=TOO_DEEP)
@example(file=File(b'{"a":' * 500 + b"1" + b"}" * 500, "500 objects in one another"))
@example(file=File(json.dumps(EVIDENCE | {"timeline": {}}).encode(), "a timeline that is no list"))
def test_damaged_evidence_leaves_a_report_that_says_so(invoke: Invoke, whole: Path, file: File) -> None:
    (whole / "a/evidence/x.json").write_bytes(file.content)
    output = expect_a_report_or_a_clear_error(invoke, str(whole / "a"), "--html", "-").output
    assert output.startswith("<!doctype html>")
    assert ("What happened is not drawn" in output) != ('class="happened"' in output)


@LAW
@given(file=damaged(to_plain(MATRIX)) | NOISE)
def test_damaged_matrix(invoke: Invoke, whole: Path, file: File) -> None:
    with tempfile.TemporaryDirectory(dir=whole) as name:
        (Path(name) / "matrix.json").write_bytes(file.content)
        expect_a_report_or_a_clear_error(invoke, name, "--html", "-")


@settings(LAW, max_examples=20)
@given(file=damaged(to_plain(RUN)))
def test_damaged_results_of_a_cell_leave_the_others(invoke: Invoke, whole: Path, file: File) -> None:
    (whole / "a/results.json").write_bytes(file.content)
    output = expect_a_report_or_a_clear_error(invoke, str(whole), "--html", "-").output
    assert output.startswith("<!doctype html>")


def test_evidence_that_is_gone_or_anothers_is_named(invoke: Invoke, tmp_path: Path) -> None:
    write_results(RUN, tmp_path / "results.json")
    page = invoke("report", str(tmp_path), "--html", "-").output
    assert "What happened is not drawn: evidence/x.json: there is no such file" in page
    write_document(EVIDENCE | {"scenario": to_plain(FAILED) | {"id": "other"}}, tmp_path / "evidence/x.json")
    assert "this is the evidence of other" in invoke("report", str(tmp_path), "--html", "-").output
