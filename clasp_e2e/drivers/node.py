"""The driver of the JavaScript peer in Node, on other WebRTC stacks than the reference peer."""

from pathlib import Path

from clasp_e2e.drivers.building import node_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver


class NodeDriver(StdioDriver):
    """The driver of the Node adapter, which is built at its first use. Raises `BuildError`.

    The environment variable CLASP_E2E_WEBRTC selects the WebRTC stack: `node-datachannel` (the default)
    or `@roamhq/wrtc`.
    """

    baseline = Path(__file__).parent / "adapters/node/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        super().__init__(node_adapter_command(), catalogue=catalogue, deadline_scale=deadline_scale)
