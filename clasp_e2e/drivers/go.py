"""The driver of the Go peer, on pion."""

from pathlib import Path

from clasp_e2e.drivers.building_go import go_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver


class GoDriver(StdioDriver):
    """The driver of the Go adapter, which is built at its first use. Raises `BuildError`."""

    baseline = Path(__file__).parent / "adapters/go/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        super().__init__(go_adapter_command(), catalogue=catalogue, deadline_scale=deadline_scale)
