"""The build of clasp-wasm with cargo, and of its adapter, in the user's cache.

Compiling takes minutes and is done only on explicit request; the adapter around the module is made on demand.
"""

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

from clasp_e2e.drivers.building import (
    BuildError,
    build_once,
    cache_root,
    directory_of,
    javascript_sources,
    node_program,
)
from clasp_e2e.drivers.building_rust import find_cargo, run_cargo

TARGET = "wasm32-unknown-unknown"
COMPILED = ("Cargo.toml", "bindings/Cargo.toml", "bindings/src/main.rs", "src/lib.rs")
BROWSER = ("adapter.js", "browser_process.js", "chromium.js", "devtools.js", "page.html", "pages.js")
"""Files that are shared with the browser adapter; the Node adapter has `lines.js`."""


def wasm_adapter_command() -> list[str]:
    """Return the command that starts the adapter, without its arguments.

    Raises `BuildError` if clasp-wasm is not compiled from the current sources.
    """
    module = directory_of("wasm-module", _compiled_sources())
    if not module.is_dir():
        raise BuildError(
            "the adapter of clasp-wasm is not built yet, or not from the sources of this version. "
            "Run: clasp-e2e build-adapter wasm. It takes a few minutes, once"
        )
    return [node_program(), str(_around(module) / "adapter.js")]


def build_wasm_adapter() -> Path:
    """Return the directory of the adapter; build it if necessary, with cargo's messages on standard error.

    Compiled crates are kept until a build succeeds. Raises `BuildError`.
    """
    sources = _compiled_sources()
    if not (module := directory_of("wasm-module", sources)).is_dir():
        cargo = find_cargo("wasm", _missing_target())
        into = ("--target-dir", str(objects := cache_root() / "wasm-objects"))

        def build(place: Path) -> None:
            run_cargo([cargo, "build", "--release", "--target", TARGET, *into], place, "wasm")
            compiled = objects / TARGET / "release" / "clasp_e2e_wasm_adapter.wasm"
            bind = [cargo, "run", "--package", "bindings", *into, "--", str(compiled), str(place)]
            run_cargo(bind, place, "wasm")
            shutil.rmtree(objects, ignore_errors=True)

        build_once("wasm-module", sources, build)
    return _around(module)


def _around(module: Path) -> Path:
    """Return the directory of the adapter of a compiled module."""
    browser, own = javascript_sources("browser"), javascript_sources("wasm")
    sources = {name: browser[name] for name in BROWSER} | own
    sources["lines.js"] = javascript_sources("node")["lines.js"]
    for name in ("clasp_wasm.js", "clasp_wasm_bg.wasm"):
        sources[name] = (module / name).read_bytes()
    build_once("wasm", sources, lambda _: None)
    return directory_of("wasm", sources)


def _compiled_sources() -> dict[str, bytes]:
    """Return what cargo compiles, by path."""
    folder = files("clasp_e2e.drivers.adapters") / "wasm"
    return {path: folder.joinpath(*path.split("/")).read_bytes() for path in COMPILED}


def _missing_target() -> list[str]:
    """Return what is missing to compile for WebAssembly."""
    rustc = shutil.which("rustc")
    if rustc is None:  # It comes with cargo, whose absence is reported.
        return []
    asked = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [rustc, "--print", "target-libdir", "--target", TARGET],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    installed = asked.returncode == 0 and Path(asked.stdout.strip()).is_dir()
    return [] if installed else [f"Rust's target {TARGET}: `rustup target add {TARGET}`"]
