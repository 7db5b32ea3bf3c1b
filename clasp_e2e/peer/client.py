"""The public API of the reference peer: the P2P page of the CLASP documentation in Python's idiom.

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
from clasp_e2e.peer.shell import Shell
from clasp_e2e.peer.transport import TransportKind
from clasp_e2e.peer.webrtc import AiortcTransport

EventCallback = Callable[[P2PEvent], None]


def _unchanged(effect: Effect) -> tuple[Effect]:
    return (effect,)


def _heard(event: inputs.Input) -> tuple[inputs.Input]:
    return (event,)


class ClaspBuilder:
    """What a client is made from. Each method but `connect` returns the builder."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = "clasp-e2e reference"
        self._token: str | None = None
        self._config: P2PConfig | None = None
        self._callbacks: list[EventCallback] = []
        self._script: Script = _unchanged
        self._input_filter: inputs.InputFilter = _heard
        self._webrtc: TransportKind = AiortcTransport
        self._loopback = False

    def name(self, name: str) -> ClaspBuilder:
        """The name to give the router."""
        self._name = name
        return self

    def token(self, token: str | None) -> ClaspBuilder:
        """The token to give a router that asks for one."""
        self._token = token
        return self

    def p2p_config(self, config: P2PConfig | None) -> ClaspBuilder:
        """Enable P2P with `config`; None leaves it off."""
        self._config = config
        return self

    def on_p2p_event(self, callback: EventCallback) -> ClaspBuilder:
        """Call `callback` for each event, from the very first on."""
        self._callbacks.append(callback)
        return self

    def script(self, script: Script) -> ClaspBuilder:
        """Pass every effect through `script`, which may drop, alter, repeat or delay it."""
        self._script = script
        return self

    def input_filter(self, input_filter: inputs.InputFilter) -> ClaspBuilder:
        """Pass every input through `hearing` before the core takes it."""
        self._input_filter = input_filter
        return self

    def webrtc(self, stack: TransportKind) -> ClaspBuilder:
        """Connect on `stack` instead of aiortc."""
        self._webrtc = stack
        return self

    def loopback(self) -> ClaspBuilder:
        """Gather 127.0.0.1 and nothing else, so that nothing leaves this machine."""
        self._loopback = True
        return self

    async def connect(self) -> Clasp:
        """Attach to the router; return once signals and relayed payloads will arrive.

        Raises `RouterUnreachable`.
        """
        shell = await Shell.open(
            self._url,
            name=self._name,
            token=self._token,
            config=self._config,
            script=self._script,
            input_filter=self._input_filter,
            webrtc=self._webrtc,
            loopback=self._loopback,
            callbacks=self._callbacks,
        )
        return Clasp(shell)


class Clasp:
    """A client, attached to a router. Made by `Clasp.builder(url)...connect()`.

    Closed by `close()`, or by leaving an `async with` block.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    @staticmethod
    def builder(url: str) -> ClaspBuilder:
        """Begin with the router's address, `ws://host:port` or `wss://host:port`."""
        return ClaspBuilder(url)

    @property
    def session_id(self) -> str:
        """The id that the router gave to this session."""
        return self._shell.session_id

    async def connect_to_peer(self, session_id: str) -> None:
        """Begin to connect to another session; return once the offer is on its way.

        The outcome is an event: `Connected` or `ConnectionFailed`. Connected already, or
        connecting, it does nothing. Raises `P2PNotConfigured`, `NotConnected`, `NegotiationError`.
        """
        await self._shell.call(lambda call: inputs.ConnectToPeer(call, session_id))

    async def send_p2p(self, session_id: str, data: bytes, reliable: bool = True) -> SendResult:
        """Send `data` (bytes; none at all is valid) by the way that the routing mode names.

        Returns `P2P` once an open channel has taken it, `RELAY` once it has left for the router.
        Raises `P2PNotConfigured`, `PeerNotConnected`, `PayloadTooLarge`, `NotConnected`; then it has
        gone nowhere.
        """
        payload = bytes(data)
        result = await self._shell.call(lambda call: inputs.SendP2P(call, session_id, payload, reliable))
        return cast("SendResult", result)

    def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Use `mode` from the next send on."""
        self._shell.call_now(lambda call: inputs.SetRoutingMode(call, mode))

    def p2p_routing_mode(self) -> RoutingMode:
        """Return the mode in force."""
        return cast("RoutingMode", self._shell.call_now(inputs.GetRoutingMode))

    def is_peer_connected(self, session_id: str) -> bool:
        """Return whether a direct connection to the session stands."""
        return cast("bool", self._shell.call_now(lambda call: inputs.IsPeerConnected(call, session_id)))

    def on_p2p_event(self, callback: EventCallback) -> None:
        """Call `callback` for each event from now on. It may call this client's methods."""
        self._shell.callbacks.append(callback)

    def channels(self, session_id: str) -> tuple[tuple[str, bool, int | None], ...]:
        """Return label, ordered and retransmits (None: no limit) of the connection's channels.

        On the side that answered they are as the other side opened them.
        """
        return tuple(
            (spec.label, spec.ordered, spec.max_retransmits) for spec in self._shell.channels(session_id)
        )

    async def disconnect_peer(self, session_id: str) -> None:
        """End the connection to a session, or the attempt; return once that has been told.

        What was sent reliably before still arrives, unless the other side acknowledges nothing for 1 s.
        """
        await self._shell.call(lambda call: inputs.DisconnectPeer(call, session_id))

    async def close(self) -> None:
        """End every connection and leave the router, orderly. The second call does nothing."""
        await self._shell.close()

    async def kill(self) -> None:
        """Vanish without a word to anybody, as if the process had died, and free what was held."""
        await self._shell.kill()

    async def __aenter__(self) -> Clasp:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.close()
        except PeerError:
            await self.kill()
            raise
