from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.drivers import DriverFault, NotOffered, registry
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import (
    ExternalRouter,
    UnknownDriver,
    known_drivers,
    resolve_driver,
    resolve_router,
    split_driver_names,
)
from clasp_e2e.drivers.stdio import StdioDriver

MODULE = """
from clasp_e2e.drivers.reference import ReferenceDriver
made = ReferenceDriver()
def factory(): return made
def broken(): raise OSError("no licence")
def wrong(): return 3
number = 3
class Mine(ReferenceDriver): pass
class Keywords(ReferenceDriver):
    def __init__(self, catalogue="", *, deadline_scale=1.0):
        super().__init__()
        self.received = (catalogue, deadline_scale)
def half(deadline_scale): return Keywords(deadline_scale=deadline_scale)
def anything(**how): return Keywords(**how)
class Holder: driver = made
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working directory, which is not on the path."""
    (tmp_path / "users_drivers.py").write_text(MODULE)
    (tmp_path / "needs_more.py").write_text("import a_package_that_is_not_there")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "users_drivers", raising=False)
    return "users_drivers"


def test_reference_is_known_without_installation() -> None:
    assert isinstance(resolve_driver("reference"), ReferenceDriver)
    assert isinstance(resolve_router("reference"), ReferenceDriver)


def test_entry_point_and_the_built_in_table_agree() -> None:
    assert known_drivers()["reference"] == registry.BUILT_IN["reference"]


def test_module_and_an_attribute(module: str) -> None:
    instance = resolve_driver(f"{module}:made")
    assert resolve_driver(f"{module}:factory") is instance
    assert resolve_driver(f"{module}:Holder.driver") is instance
    assert type(resolve_driver(f"{module}:Mine")).__name__ == "Mine"


@pytest.mark.parametrize(
    ("attribute", "expected"), [("Keywords", ("abc", 2.0)), ("half", ("", 2.0)), ("anything", ("", 1.0))]
)
def test_driver_is_given_what_it_names(module: str, attribute: str, expected: tuple[str, float]) -> None:
    driver = resolve_driver(f"{module}:{attribute}", catalogue="abc", deadline_scale=2.0)
    assert driver.received == expected


async def test_registered_adapter_has_the_given_deadline_scale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The adapters that come along are stdio drivers like any other."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    monkeypatch.setattr("clasp_e2e.drivers.node.node_adapter_command", lambda: command)
    driver = resolve_driver("node", deadline_scale=0.01)
    with pytest.raises(DriverFault, match=r"no answer to initialize within 0\.15 s"):
        await driver.initialize()
    await driver.aclose()


def test_command_line_is_split_as_a_shell_does() -> None:
    driver = resolve_driver("cmd:node 'my adapter.mjs' --x=1")
    assert isinstance(driver, StdioDriver)
    assert driver.command == ("node", "my adapter.mjs", "--x=1")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "referense",
            "no driver named 'referense'; did you mean 'reference'? "
            "Known: browser, firefox, go, libwebrtc, node, reference, roamhq, rust, wasm, werift",
        ),
        ("xyz", "Or give one as module:attribute or cmd:COMMAND LINE"),
        ("", "no driver named ''"),
        ("cmd:", "names no program"),
        ("cmd:'half", "is not a command line: No closing quotation; check its quotes"),
        ("users_drivers:", "not of the form module:attribute"),
        ("no.such.module:Driver", "cannot be imported: ModuleNotFoundError: No module named 'no'"),
        ("needs_more:Driver", "No module named 'a_package_that_is_not_there'"),
        ("users_drivers:Mien", "did you mean 'Mine'?"),
        ("users_drivers:broken", "raised OSError: no licence"),
        ("users_drivers:wrong", "which is not a clasp_e2e.drivers.Driver"),
        ("users_drivers:number", "neither a driver nor a callable that returns one: 3"),
        ("ws://127.0.0.1:7330", "no driver named 'ws://127.0.0.1:7330'"),
    ],
)
@pytest.mark.usefixtures("module")
def test_unknown_driver_is_an_error_with_advice(spec: str, words: str) -> None:
    with pytest.raises(UnknownDriver) as caught:
        resolve_driver(spec)
    assert words in str(caught.value)


def test_import_error_keeps_its_cause(module: str) -> None:
    with pytest.raises(UnknownDriver) as caught:
        resolve_router("needs_more:Driver")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:7330/clasp", "wss://example.test"])
async def test_running_router_is_used_as_it_is(url: str) -> None:
    driver = resolve_router(url)
    assert (await driver.initialize()).roles == {"router"}
    router = await driver.open_router(host="127.0.0.1", port=0)
    assert isinstance(router, ExternalRouter)
    await router.close()
    assert router.url == url
    with pytest.raises(NotOffered):
        await driver.open_peer(url=url, name="x", p2p=None, on_event=print)


def test_unknown_router_suggests_a_url() -> None:
    with pytest.raises(UnknownDriver, match="or a running router by its ws:// or wss:// URL"):
        resolve_router("referense")


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("./peer", "cmd:./peer"),
        ("adapters/peer", "cmd:adapters/peer"),
        ("mine", "cmd:./mine"),
        ("peer.py", "cmd:python peer.py"),
        ("./peer.mjs", "cmd:node ./peer.mjs"),
        ("./mine.py", "cmd:./mine.py"),
        (f"{sys.executable} peer.py", f"cmd:{sys.executable} peer.py"),
    ],
)
def test_program_without_cmd_gets_a_suggestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, meant: str
) -> None:
    for name in ("mine", "mine.py"):
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "peer.py").touch(mode=0o644)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownDriver, match="did you mean") as caught:
        resolve_driver(spec)
    assert f"did you mean {meant!r}?" in str(caught.value)
    assert isinstance(resolve_driver(meant), StdioDriver)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["cmd:./x,reference,node"], ["cmd:./x", "reference", "node"]),
        (["reference, node", "rust", "node"], ["reference", "node", "rust"]),
        (["cmd:./x --list a,b,reference"], ["cmd:./x --list a,b", "reference"]),
        (["cmd:./x --list a,,b"], ["cmd:./x --list a,,b"]),
        (["cmd:a,cmd:b, cmd:c"], ["cmd:a", "cmd:b", "cmd:c"]),
        (
            ["cmd:./x,my.module:Driver,ws://127.0.0.1:1/x"],
            ["cmd:./x", "my.module:Driver", "ws://127.0.0.1:1/x"],
        ),
        (["cmd:./x 'a,node',rust"], ["cmd:./x 'a,node'", "rust"]),
        (['cmd:./x "a\\",node",rust'], ['cmd:./x "a\\",node"', "rust"]),
        (["cmd:./x a\\,node,rust"], ["cmd:./x a\\,node", "rust"]),
        (["cmd:./x 'never closed,node"], ["cmd:./x 'never closed,node"]),
        (["cmd:./x,", ",", ""], ["cmd:./x"]),
    ],
)
def test_driver_names_are_split_at_commas_before_a_driver(values: list[str], names: list[str]) -> None:
    assert split_driver_names(values) == names


@given(
    st.lists(
        st.sampled_from(["reference", "node", "cmd:./x", "cmd:node a.mjs 'b,rust'", "m.n:D", "ws://h:1"]),
        unique=True,
    )
)
def test_driver_names_joined_by_commas_are_split_again(names: list[str]) -> None:
    assert split_driver_names([",".join(names)]) == names
