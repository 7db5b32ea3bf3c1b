"""The second implementation: a JavaScript peer on another WebRTC stack, in Node."""

from pathlib import Path

from clasp_e2e.drivers.building import node_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver


class NodeDriver(StdioDriver):
    """The Node adapter, built at its first use. Raises `BuildError`.

    The environment variable CLASP_E2E_WEBRTC chooses its WebRTC: `node-datachannel` (the default)
    or `@roamhq/wrtc`.
    """

    baseline = Path(__file__).parent / "adapters/node/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        super().__init__(node_adapter_command(), catalogue=catalogue, deadline_scale=deadline_scale)
