"""The package as a whole: contents of the wheel, imports, sizes of files, and names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.util import find_spec, resolve_name
from pathlib import Path

import pytest

import clasp_e2e

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "clasp_e2e"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

MAY_USE: dict[str, set[str]] = {
    "p2p_types": set(),
    "notifier": set(),
    "certificates": set(),
    "spec": set(),
    "wire": set(),
    "lab": set(),
    "results": {"spec"},
    "router": {"wire"},
    "peer": {"wire", "p2p_types", "certificates"},
    "network": {"wire", "notifier", "certificates", "lab"},
    "drivers": {"p2p_types", "peer", "router", "lab"},
    "scripted": {"peer", "router", "drivers", "spec"},
    "testbed": {"drivers", "network", "results", "scripted"},
    "execution": {"testbed", "results"},
    "doctor": {"execution"},
    "modelbased": {"execution"},
    "fuzz": {"execution"},
    "report": {"results"},
    "plugin": {"execution", "report"},
    "commands": {"*"},
}
"""Which room may use which. What a room uses it may use the words of, too: see `reach`."""

ENTRANCES = {"plugin", "commands"}


def reach(room: str) -> set[str]:
    """The rooms that `room` may import: those that it may use, and those that these rest on."""
    found, ahead = set(), [*MAY_USE[room]]
    while ahead:
        if (current := ahead.pop()) == "*":
            ahead += [other for other in MAY_USE if other != "commands"]
        elif current not in found:
            found.add(current)
            ahead += MAY_USE[current]
    return found


def room_of(module: str) -> str | None:
    """`clasp_e2e.router.core` is in `router`; `clasp_e2e.__main__` is another way to start `commands`."""
    _, _, rest = module.partition(".")
    return "commands" if rest == "__main__" else rest.partition(".")[0] or None


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def imports(module: str, path: Path) -> Iterator[tuple[str, bool]]:
    """The modules of this package that `module` names, each with whether it is imported with the file."""
    tree = ast.parse(path.read_text())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    at_once = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (
                resolve_name("." * node.level + (node.module or ""), package)
                if node.level
                else node.module or ""
            )
            submodules = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in KNOWN else base for name in submodules]
        for name in names:
            if name.partition(".")[0] == "clasp_e2e":
                yield name, id(node) in at_once


KNOWN = {module for module, _ in modules()}


def test_the_room_table_knows_every_room() -> None:
    assert {room_of(module) for module in KNOWN} - {None} <= set(MAY_USE)


@pytest.mark.parametrize("room", sorted(MAY_USE))
def test_a_room_imports_only_what_it_may_use(room: str) -> None:
    allowed = reach(room) | {room, None}
    wrong = [
        f"{module} imports {target}"
        for module, path in modules()
        if room_of(module) == room
        for target, _ in imports(module, path)
        if room_of(target) not in allowed
    ]
    assert wrong == []


def test_the_rooms_have_no_circle() -> None:
    used = {room: {r for r in uses if r != "*"} for room, uses in MAY_USE.items()}
    assert list(TopologicalSorter(used).static_order())


def test_nobody_imports_the_entrances() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in modules()
        for target, _ in imports(module, path)
        if room_of(target) in ENTRANCES
        and room_of(module) != room_of(target)
        and room_of(module) != "commands"
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {target for target, at_once in imports(module, path) if at_once and target != module}
        for module, path in modules()
    }
    assert list(TopologicalSorter(graph).static_order())  # Raises CycleError, which names the circle.


def test_scenarios_import_only_the_public_names() -> None:
    public = {"clasp_e2e", "clasp_e2e.p2p_types", "clasp_e2e.testbed", "clasp_e2e.wire"}
    wrong = [
        f"{path.name} imports {target}"
        for path in sorted((ROOT / "scenarios").glob("*.py"))
        for target, _ in imports(path.stem, path)
        if target not in public
    ]
    assert wrong == []


def sources() -> list[Path]:
    return [
        path
        for folder in ("clasp_e2e", "scenarios", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


SAME_NAME = {"core.py", "effects.py", "errors.py", "__init__.py"}
"""Modules whose folders make the difference obvious, as `peer/core.py` and `router/core.py` do."""


def test_public_classes_and_modules_have_names_of_their_own() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if not {"adapters", "templates"} & {*path.parts}]
    modules = Counter(path.name for path in files if path.name not in SAME_NAME)
    classes = Counter(
        node.name
        for path in files
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    shared = [name for name, count in (modules + classes).items() if count > 1]
    assert shared == []


def test_no_file_is_longer_than_400_lines() -> None:
    long = {path.name: n for path in sources() if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def waits_for_time(call: ast.Call) -> bool:
    """Whether `call` is `time.sleep`, or `asyncio.sleep` of a constant that is not 0."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="time"), attr="sleep"):
            return True
        case ast.Attribute(value=ast.Name(id="asyncio" | "anyio"), attr="sleep") | ast.Name(id="sleep"):
            return not call.args or (isinstance(call.args[0], ast.Constant) and call.args[0].value != 0)
        case _:
            return False


def test_nothing_waits_for_time() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("clasp_e2e", "scenarios")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and waits_for_time(node)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time.sleep(x)", True),
        ("asyncio.sleep(0.1)", True),
        ("sleep(1)", True),
        ("asyncio.sleep(0)", False),
        ("asyncio.sleep(self.delay)", False),
        ("event.wait()", False),
    ],
)
def test_what_counts_as_waiting_for_time(text: str, expected: bool) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert waits_for_time(call) is expected


def test_repository_has_one_name() -> None:
    repository = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    guides = [ROOT / "README.md", ROOT / "action.yml", *(ROOT / "docs").glob("*.md")]
    named = re.compile(r"(?:github\.com/|uses: )([\w.-]+/clasp-e2e)\b")
    found = [name for path in guides for name in named.findall(path.read_text())]
    assert {*found} == {repository}


def test_lower_constraints_are_the_lower_ends_of_the_ranges() -> None:
    lines = (ROOT / "constraints-lower.txt").read_text().splitlines()[1:]
    lower = {line.partition("==")[0]: line.partition("==")[2] for line in lines}
    ranges = {re.split("[<>=]", each)[0]: each for each in PROJECT["dependencies"]}
    assert lower.keys() == ranges.keys()
    for name, version in lower.items():
        assert re.match(rf"{name}>=([\d.]+),<", ranges[name])
        assert f"{version}.0".startswith(f"{ranges[name].partition('>=')[2].partition(',')[0]}.")


def test_the_version_is_one() -> None:
    assert PROJECT["version"] == clasp_e2e.__version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed")
    target = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = target.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_all_that_an_installed_harness_needs(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for path in sorted((ROOT / "scenarios").glob("*.py")):
        assert f"clasp_e2e/scenarios/{path.name}" in names
    assert {"clasp_e2e/spec/p2p.md", "clasp_e2e/spec/requirements.toml", "clasp_e2e/py.typed"} <= names
    for path in sorted((PACKAGE / "report" / "templates").iterdir()):
        assert path.relative_to(ROOT).as_posix() in names
    for _, path in modules():
        assert path.relative_to(ROOT).as_posix() in names


def test_the_wheel_puts_nothing_beside_the_package(wheel: zipfile.ZipFile) -> None:
    version = PROJECT["version"]
    assert {name.partition("/")[0] for name in wheel.namelist()} == {
        "clasp_e2e",
        f"clasp_e2e-{version}.dist-info",
    }
    metadata = wheel.read(f"clasp_e2e-{version}.dist-info/METADATA").decode()
    assert f"\nVersion: {version}\n" in metadata
    entry_points = wheel.read(f"clasp_e2e-{version}.dist-info/entry_points.txt").decode()
    assert "clasp_e2e.drivers" in entry_points
    assert "pytest11" not in entry_points
