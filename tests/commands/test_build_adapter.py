from __future__ import annotations

from pathlib import Path

from .conftest import Invoke


def test_missing_program_is_one_message_and_no_verdict(invoke: Invoke, tmp_path: Path) -> None:
    for adapter, wanted in (("rust", "cargo, which comes with Rust"), ("node", "node is not on the PATH")):
        result = invoke("build-adapter", adapter, PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.count("Error:") == 1
        assert wanted in result.stderr


def test_path_of_the_adapter_is_all_that_is_printed(invoke: Invoke, tmp_path: Path) -> None:
    for name in ("cc", "pkg-config"):
        (tmp_path / name).write_text("#!/bin/sh\n")
    script = 'while [ $# -gt 1 ] && [ "$1" != --target-dir ]; do shift; done; [ $# -gt 1 ] || exit 0\n'
    script += '/bin/mkdir -p "$2/release"; : > "$2/release/clasp-e2e-rust-adapter"\n'
    (tmp_path / "cargo").write_text(f"#!/bin/sh\n{script}")
    for name in ("cc", "pkg-config", "cargo"):
        (tmp_path / name).chmod(0o755)
    result = invoke("build-adapter", "rust", PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert result.exit_code == 0, result.output
    [path] = result.stdout.splitlines()
    assert Path(path).is_file()
    assert Path(path).is_relative_to(tmp_path / "clasp-e2e")
    assert "clasp-e2e run --peer rust" in result.stderr
    again = invoke("build-adapter", "rust", PATH="", XDG_CACHE_HOME=str(tmp_path))
    assert again.stdout == result.stdout


def test_adapter_that_is_not_known_is_usage(invoke: Invoke) -> None:
    result = invoke("build-adapter", "cobol")
    assert result.exit_code == 2
    assert "'rust', 'node'" in result.stderr
