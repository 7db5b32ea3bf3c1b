"""The Rust implementation: `clasp-client` and `clasp-router` as published, behind their adapter."""

from pathlib import Path

from clasp_e2e.drivers.building_rust import rust_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver


class RustDriver(StdioDriver):
    """The Rust adapter, built before by `clasp-e2e build-adapter rust`; otherwise raises `BuildError`.

    The environment variable RUST_LOG chooses what it logs to standard error, by target and level.
    """

    baseline = Path(__file__).parent / "adapters/rust/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        super().__init__(rust_adapter_command(), catalogue=catalogue, deadline_scale=deadline_scale)
