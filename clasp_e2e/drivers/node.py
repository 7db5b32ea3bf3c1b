"""The drivers of the JavaScript peer in Node, on other WebRTC stacks than the reference peer."""

from pathlib import Path
from typing import ClassVar

from clasp_e2e.drivers.building import node_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver

_ADAPTER = Path(__file__).parent / "adapters/node"


class NodeDriver(StdioDriver):
    """The driver of the Node adapter on node-datachannel (libdatachannel).

    The adapter is built at its first use. Raises `BuildError`.
    """

    baseline = _ADAPTER / "baseline.toml"
    arguments: ClassVar[tuple[str, ...]] = ()
    """The WebRTC stack of the adapter, unless it is the default."""

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        command = [*node_adapter_command(), *self.arguments]
        super().__init__(command, catalogue=catalogue, deadline_scale=deadline_scale)


class RoamhqDriver(NodeDriver):
    """The driver of the Node adapter on @roamhq/wrtc (libwebrtc). Raises `BuildError`."""

    baseline = _ADAPTER / "roamhq_baseline.toml"
    arguments = ("@roamhq/wrtc",)


class WeriftDriver(NodeDriver):
    """The driver of the Node adapter on werift (TypeScript). Raises `BuildError`."""

    baseline = _ADAPTER / "werift_baseline.toml"
    arguments = ("werift",)
