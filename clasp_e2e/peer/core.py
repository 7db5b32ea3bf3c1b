"""The core of the reference peer: it maps inputs to effects, without I/O and without a clock.

Source: the P2P page of the CLASP documentation, "Rust Client API".
"""

import json
from collections.abc import Callable

from clasp_e2e import wire
from clasp_e2e.p2p_types import P2PConfig, PeerAnnounced
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.attempt import Settings
from clasp_e2e.peer.connections import Connections
from clasp_e2e.peer.errors import NotConnected, P2PNotConfigured, PeerError
from clasp_e2e.peer.sending import RELAY_PREFIX, Sending, decode_relay

FEATURES = ("webrtc", "reliable", "unreliable")


class PeerCore:
    """One client's state for all its connections.

    `new_id` creates correlation ids. They must be unguessable, since they distinguish a peer's own
    signals from forged ones. `config` is None for a client without P2P.
    """

    def __init__(self, session_id: str, config: P2PConfig | None, new_id: Callable[[], str]) -> None:
        self.session_id = session_id
        self._effects: list[fx.Effect] = []
        self._settings = Settings.of(config)
        self._connections = Connections(session_id, self._settings, new_id, self._do)
        self._sending = Sending(session_id, self._settings, self._do)

    def connection(self, peer: str) -> int | None:
        """Return the transport of the established connection to `peer`, or None."""
        return self._connections.connection(peer)

    def handle(self, event: inputs.Input) -> list[fx.Effect]:
        """Process one input and return the resulting effects, in order."""
        self._effects = []
        match event:
            case inputs.Start():
                self._start()
            case inputs.ConnectToPeer():
                self._connect(event)
            case inputs.SendP2P():
                self._send(event)
            case inputs.SetRoutingMode():
                self._sending.mode = event.mode
                self._do(fx.Resolve(event.call))
            case inputs.GetRoutingMode():
                self._do(fx.Resolve(event.call, self._sending.mode))
            case inputs.IsPeerConnected():
                self._do(fx.Resolve(event.call, self.connection(event.peer) is not None))
            case inputs.DisconnectPeer():
                self._connections.disconnect(event)
            case inputs.CloseClient():
                self._connections.close(event.call)
            case inputs.SignalReceived():
                self._signal(event.value)
            case inputs.AnnouncementReceived():
                self._announced(event.value)
            case inputs.RelayReceived():
                self._relayed(event.value)
            case inputs.SignalUndeliverable():
                self._connections.undeliverable(event)
            case inputs.RouterLost():
                self._connections.router_lost = event.reason
            case inputs.Reattached():
                self._reattached(event.session_id)
            case inputs.RelayWritten() | inputs.RelayRefused():
                self._sending.relay_answered(event)
            case inputs.ChannelAccepted() | inputs.ChannelRefused():
                self._sending.channel_answered(event, router_lost=self._connections.router_lost)
            case inputs.OtherMessageReceived():
                pass  # Only scripts use it.
            case inputs.TimerFired():
                self._connections.timer(event.key)
            case _:
                self._connections.progress(event)
        return self._effects

    def _do(self, *effects: fx.Effect) -> None:
        self._effects += effects

    def _reattached(self, session_id: str) -> None:
        """Go on under a new session id; existing connections keep the peers' ids by which they were made."""
        self.session_id = session_id
        self._connections.reattached(session_id)
        self._sending.session_id = session_id
        self._start()

    # Calls

    def _start(self) -> None:
        if not self._settings.enabled:
            return
        self._do(
            fx.SubscribeTo(wire.signal_address(self.session_id)),
            fx.SubscribeTo(wire.ANNOUNCE_ADDRESS),
            fx.SubscribeTo(RELAY_PREFIX + self.session_id),
            fx.PublishAnnouncement(wire.Announcement(self.session_id, True, FEATURES)),
        )

    def _refusal(self, peer: str, *, router_needed: bool) -> PeerError | None:
        """Return why a call for `peer` is refused, or None."""
        if not self._settings.enabled:
            return P2PNotConfigured(
                "P2P is not enabled on this client: give the builder a P2PConfig with p2p_config()"
            )
        if self._connections.closing:
            return NotConnected("this client has been closed: build and connect a new one")
        if peer == self.session_id:
            return PeerError(f"{peer!r} is this client's own session id: name another session")
        if not peer:
            return PeerError("'' is not a session id: name the session of the peer")
        if router_needed and self._connections.router_lost is not None:
            return NotConnected(f"the router is gone ({self._connections.router_lost}): connect a new client")
        return None

    def _connect(self, call: inputs.ConnectToPeer) -> None:
        is_established = self.connection(call.peer) is not None
        if error := self._refusal(call.peer, router_needed=not is_established):
            self._do(fx.Reject(call.call, error))
        else:
            self._connections.connect(call)

    def _send(self, call: inputs.SendP2P) -> None:
        if error := self._refusal(call.peer, router_needed=False):
            self._do(fx.Reject(call.call, error))
        else:
            transport = self._connections.usable(call.peer)
            self._sending.send(call, transport, router_lost=self._connections.router_lost)

    # Messages from the router

    def _signal(self, value: wire.Value) -> None:
        try:
            signal = wire.decode_signal(_with_candidate_as_text(value))
        except wire.WireError:
            return
        if self._settings.enabled:
            self._connections.signal(signal)

    def _announced(self, value: wire.Value) -> None:
        try:
            announcement = wire.decode_announcement(value)
        except wire.WireError:
            return
        if announcement.p2p_capable and announcement.session_id not in ("", self.session_id):
            self._do(fx.Emit(PeerAnnounced(announcement.session_id, announcement.features)))

    def _relayed(self, value: wire.Value) -> None:
        if (data := decode_relay(value)) is not None:
            self._do(fx.Emit(data))


def _with_candidate_as_text(value: wire.Value) -> wire.Value:
    """Return a signal whose candidate is a map, as some clients send it, with the same map as JSON text."""
    if isinstance(value, dict) and isinstance(candidate := value.get("candidate"), dict):
        try:
            return {**value, "candidate": json.dumps(candidate)}
        except (TypeError, RecursionError):  # Bytes have no JSON form.
            return value
    return value
