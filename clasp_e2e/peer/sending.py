"""The path of each payload, and the result of each send.

Source: the P2P page of the CLASP documentation, "Rust Client API": the routing modes.

The result is P2P when an open channel has accepted the payload, Relay when it is written to the router.
The relay uses an ordinary address to which each client subscribes: any CLASP router supports it.
"""

from collections.abc import Callable

from clasp_e2e.p2p_types import Data, RoutingMode, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.attempt import Settings
from clasp_e2e.peer.errors import NotConnected, PayloadTooLarge, PeerNotConnected
from clasp_e2e.wire import Value

RELAY_PREFIX = "/clasp/p2p/relay/"
RELAY_LIMIT = 65000
"""Bytes: a frame holds 65535, including the address and the sender."""


class Sending:
    """The routing mode, and the sends without a result."""

    def __init__(self, session_id: str, settings: Settings, do: Callable[[fx.Effect], None]) -> None:
        self.mode = RoutingMode.PREFER_P2P
        self.session_id = session_id
        self._settings = settings
        self._do = do
        self._on_channel: dict[int, inputs.SendP2P] = {}

    def send(self, call: inputs.SendP2P, transport: int | None, *, router_lost: str | None) -> None:
        """Send on the open connection `transport`, or by relay if the mode allows it."""
        if self.mode is RoutingMode.SERVER_ONLY:
            self._relay(call, router_lost)
        elif transport is not None:
            self._on_channel[call.call] = call
            label = fx.RELIABLE.label if call.reliable else fx.UNRELIABLE.label
            self._do(fx.SendOnChannel(call.call, transport, label, call.data))
        else:
            self._without_connection(call, "there is none", router_lost)

    def channel_answered(
        self, answer: inputs.ChannelAccepted | inputs.ChannelRefused, *, router_lost: str | None
    ) -> None:
        """Resolve the call, or try the relay if the channel was closed."""
        call = self._on_channel.pop(answer.call, None)
        if call is None:
            return
        if isinstance(answer, inputs.ChannelAccepted):
            self._do(fx.Resolve(call.call, SendResult.P2P))
        elif answer.limit is not None:
            self._too_large(call, answer.limit, "a DataChannel to this peer")
        else:
            self._without_connection(call, answer.reason, router_lost)

    def relay_answered(self, answer: inputs.RelayWritten | inputs.RelayRefused) -> None:
        """Resolve or reject the call of a relayed payload."""
        if isinstance(answer, inputs.RelayWritten):
            self._do(fx.Resolve(answer.call, SendResult.RELAY))
        else:
            self._do(fx.Reject(answer.call, answer.error))

    def _without_connection(self, call: inputs.SendP2P, reason: str, router_lost: str | None) -> None:
        if self.mode is RoutingMode.P2P_ONLY:
            obstacle = "the routing mode P2P_ONLY allows no relay"
        elif not self._settings.auto_fallback:
            obstacle = "auto_fallback is off"
        else:
            self._relay(call, router_lost)
            return
        self._do(
            fx.Reject(
                call.call,
                PeerNotConnected(
                    f"no direct connection to {call.peer} ({reason}), and {obstacle}: "
                    "call connect_to_peer and wait for Connected, or allow the relay"
                ),
            )
        )

    def _relay(self, call: inputs.SendP2P, router_lost: str | None) -> None:
        if router_lost is not None:
            self._do(
                fx.Reject(
                    call.call, NotConnected(f"nothing can be relayed: the router is gone ({router_lost})")
                )
            )
        elif len(call.data) > RELAY_LIMIT:
            self._too_large(call, RELAY_LIMIT, "the relay")
        else:
            value: dict[str, Value] = {
                "from": self.session_id,
                "data": call.data,
                "reliable": call.reliable,
            }
            self._do(fx.PublishRelay(call.call, RELAY_PREFIX + call.peer, value))

    def _too_large(self, call: inputs.SendP2P, limit: int, path: str) -> None:
        text = f"{len(call.data)} bytes: {path} takes up to {limit} in one message; send smaller pieces"
        self._do(fx.Reject(call.call, PayloadTooLarge(text)))


def decode_relay(value: Value) -> Data | None:
    """Return the event for a relayed payload, or None if the value is not one."""
    if not isinstance(value, dict):
        return None
    match value.get("from"), value.get("data"), value.get("reliable"):
        case str(sender), bytes(data), bool(reliable):
            return Data(sender, data, reliable)
        case _:
            return None
