"""The public API of the reference peer: the API of the CLASP P2P page in Python.

client = await Clasp.builder("ws://localhost:7330").p2p_config(P2PConfig()).connect()
await client.connect_to_peer(session_id)
result = await client.send_p2p(session_id, b"data", reliable=True)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from clasp_e2e.p2p_types import P2PConfig, P2PEvent, RoutingMode, SendResult
from clasp_e2e.peer import inputs
from clasp_e2e.peer.effects import Effect, Script
from clasp_e2e.peer.errors import PeerError
from clasp_e2e.peer.router_session import RouterSession
from clasp_e2e.peer.shell import Shell
from clasp_e2e.peer.transport import TransportKind
from clasp_e2e.peer.webrtc import AiortcTransport

EventCallback = Callable[[P2PEvent], None]


def _unchanged(effect: Effect) -> tuple[Effect]:
    return (effect,)


def _unfiltered(event: inputs.Input) -> tuple[inputs.Input]:
    return (event,)


class ClaspBuilder:
    """A builder of clients. Each method except `connect` returns the builder."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = "clasp-e2e reference"
        self._token: str | None = None
        self._config: P2PConfig | None = None
        self._callbacks: list[EventCallback] = []
        self._script: Script = _unchanged
        self._input_filter: inputs.InputFilter = _unfiltered
        self._webrtc: TransportKind = AiortcTransport
        self._session: type[RouterSession] = RouterSession
        self._loopback = False
        self._reattaches = False

    def name(self, name: str) -> ClaspBuilder:
        """Set the client name that is sent to the router."""
        self._name = name
        return self

    def token(self, token: str | None) -> ClaspBuilder:
        """Set the token for a router that requires one."""
        self._token = token
        return self

    def p2p_config(self, config: P2PConfig | None) -> ClaspBuilder:
        """Enable P2P with `config`; None disables it."""
        self._config = config
        return self

    def on_p2p_event(self, callback: EventCallback) -> ClaspBuilder:
        """Call `callback` for each event, including the first."""
        self._callbacks.append(callback)
        return self

    def script(self, script: Script) -> ClaspBuilder:
        """Pass every effect through `script`, which may drop, change, repeat or delay it."""
        self._script = script
        return self

    def input_filter(self, input_filter: inputs.InputFilter) -> ClaspBuilder:
        """Pass every input through `input_filter` before it reaches the core."""
        self._input_filter = input_filter
        return self

    def webrtc(self, stack: TransportKind) -> ClaspBuilder:
        """Use the WebRTC stack `stack` instead of aiortc."""
        self._webrtc = stack
        return self

    def router_session(self, kind: type[RouterSession]) -> ClaspBuilder:
        """Use sessions of the type `kind` with the router."""
        self._session = kind
        return self

    def loopback(self) -> ClaspBuilder:
        """Gather candidates on 127.0.0.1 only, so that no traffic leaves this machine."""
        self._loopback = True
        return self

    def reattach(self) -> ClaspBuilder:
        """Attach to the router again, as a new session, whenever the session with it is lost."""
        self._reattaches = True
        return self

    async def connect(self) -> Clasp:
        """Attach to the router; return when signals and relayed payloads can arrive.

        Raises `RouterUnreachable`.
        """
        shell = Shell(
            self._config,
            self._script,
            self._input_filter,
            webrtc=self._webrtc,
            session=self._session,
            loopback=self._loopback,
            reattaches=self._reattaches,
            callbacks=self._callbacks,
        )
        await shell.attach(self._url, name=self._name, token=self._token)
        return Clasp(shell)


class Clasp:
    """A client that is attached to a router. Create it with `Clasp.builder(url)...connect()`.

    Close it with `close()`, or use it in an `async with` block.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    @staticmethod
    def builder(url: str) -> ClaspBuilder:
        """Return a builder for a client of the router at `url` (`ws://host:port` or `wss://host:port`)."""
        return ClaspBuilder(url)

    @property
    def session_id(self) -> str:
        """The session id that the router assigned to this client; a new one after it has attached again."""
        return self._shell.session_id

    async def connect_to_peer(self, session_id: str) -> None:
        """Start to connect to another session; return when the offer is published.

        The outcome is an event: `Connected` or `ConnectionFailed`. The call does nothing while a connection
        exists or is in progress. Raises `P2PNotConfigured`, `NotConnected`, `NegotiationError`.
        """
        await self._shell.call(lambda call: inputs.ConnectToPeer(call, session_id))

    async def send_p2p(self, session_id: str, data: bytes, reliable: bool = True) -> SendResult:
        """Send `data` (possibly empty) by the path that the routing mode selects.

        Returns `P2P` when an open channel has accepted it, `RELAY` when it has been written to the router.
        Raises `P2PNotConfigured`, `PeerNotConnected`, `PayloadTooLarge` or `NotConnected`, in which case
        nothing is sent.
        """
        payload = bytes(data)
        result = await self._shell.call(lambda call: inputs.SendP2P(call, session_id, payload, reliable))
        return cast("SendResult", result)

    def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode; it applies from the next send."""
        self._shell.call_now(lambda call: inputs.SetRoutingMode(call, mode))

    def p2p_routing_mode(self) -> RoutingMode:
        """Return the current routing mode."""
        return cast("RoutingMode", self._shell.call_now(inputs.GetRoutingMode))

    def is_peer_connected(self, session_id: str) -> bool:
        """Return whether a direct connection to the session is established."""
        return cast("bool", self._shell.call_now(lambda call: inputs.IsPeerConnected(call, session_id)))

    def on_p2p_event(self, callback: EventCallback) -> None:
        """Call `callback` for each event from now on. The callback may call methods of this client."""
        self._shell.callbacks.append(callback)

    def channels(self, session_id: str) -> tuple[tuple[str, bool, int | None], ...]:
        """Return label, ordered and max. retransmits (None: no limit) of each channel of the connection.

        On the answerer they are as the offerer opened them.
        """
        return tuple(
            (spec.label, spec.ordered, spec.max_retransmits) for spec in self._shell.channels(session_id)
        )

    def labels_opened_by(self, session_id: str) -> tuple[str, ...] | None:
        """Return the labels of the channels that a session opened after its last offer.

        None if it made none, or not long enough ago to tell.
        """
        return self._shell.labels_opened_by(session_id)

    async def disconnect_peer(self, session_id: str) -> None:
        """End the connection to a session, or the attempt; return when Disconnected has been emitted.

        Earlier reliable messages still arrive, unless the other side acknowledges nothing for 1 s.
        """
        await self._shell.call(lambda call: inputs.DisconnectPeer(call, session_id))

    async def close(self) -> None:
        """End all connections in an orderly way and leave the router. A second call does nothing."""
        await self._shell.close()

    async def kill(self) -> None:
        """End abruptly without notifying anyone, as if the process had died, and release all resources."""
        await self._shell.kill()

    async def __aenter__(self) -> Clasp:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.close()
        except PeerError:
            await self.kill()
            raise
