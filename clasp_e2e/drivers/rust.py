"""The driver of the Rust implementation: the published `clasp-client` and `clasp-router`."""

from pathlib import Path

from clasp_e2e.drivers.building_rust import rust_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver


class RustDriver(StdioDriver):
    """The driver of the Rust adapter. Raises `BuildError` before `clasp-e2e build-adapter rust`.

    The environment variable RUST_LOG selects what it logs to standard error, by target and level.
    """

    baseline = Path(__file__).parent / "adapters/rust/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        super().__init__(rust_adapter_command(), catalogue=catalogue, deadline_scale=deadline_scale)
