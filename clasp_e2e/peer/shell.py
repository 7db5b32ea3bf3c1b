"""The I/O shell of the core: it executes the core's effects and feeds it inputs."""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

from clasp_e2e import wire
from clasp_e2e.p2p_types import P2PConfig, P2PEvent, RoutingMode, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.core import PeerCore
from clasp_e2e.peer.dtls_tap import TAP, tapped
from clasp_e2e.peer.errors import NotConnected, PeerError, RouterUnreachable
from clasp_e2e.peer.router_session import RouterSession
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.transport import Transport, TransportKind

logger = logging.getLogger(__name__)

Answer: TypeAlias = SendResult | RoutingMode | bool | None

REATTACH_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to attach to the router again; the last pause repeats."""

CLOSE_LIMIT = 3.0
"""Seconds for an orderly close; what has not ended by then is ended silently."""


class Shell:
    """One client: a core with its session, transports and timers."""

    def __init__(
        self,
        config: P2PConfig | None,
        script: fx.Script,
        input_filter: inputs.InputFilter,
        *,
        webrtc: TransportKind,
        session: type[RouterSession],
        loopback: bool,
        reattaches: bool,
        callbacks: list[Callable[[P2PEvent], None]],
    ) -> None:
        self.callbacks = list(callbacks)
        self._config = config
        self._script = script
        self._input_filter = input_filter
        self._webrtc = webrtc
        self._session_kind = session
        self._tap = TAP.get()
        self._loopback = loopback
        self._reattaches = reattaches
        self._calls: dict[int, asyncio.Future[Answer]] = {}
        self._call_numbers = itertools.count(1)
        self._inbox: deque[inputs.Input] = deque()
        self._events: deque[P2PEvent] = deque()
        self._busy = False
        self._dispatching = False
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._transports: dict[int, Transport] = {}
        self._answering: dict[str, Transport] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._open_session: Callable[[], Coroutine[Any, Any, RouterSession]]
        self._reattaching: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._released: asyncio.Task[None] | None = None

    async def attach(self, url: str, *, name: str, token: str | None) -> None:
        """Attach to the router at `url`, once. Raises `RouterUnreachable`."""
        self._open_session = partial(self._session_kind.open, url, name=name, token=token, handler=self)
        await self._open_session()
        try:
            self.feed(inputs.Start())
            await self._session.drained()
        except BaseException:
            await self.kill()
            raise

    @property
    def session_id(self) -> str:
        """The session id that the router assigned to this client."""
        return self._core.session_id

    def channels(self, peer: str) -> tuple[fx.ChannelSpec, ...]:
        """Return the channels of the connection to `peer`; empty without a connection."""
        number = self._core.connection(peer)
        transport = self._transports.get(number) if number is not None else None
        return transport.channels if transport is not None else ()

    def labels_opened_by(self, peer: str) -> tuple[str, ...] | None:
        """Return the labels of the channels that `peer` opened after its last offer; None if unknown."""
        transport = self._answering.get(peer)
        return transport.labels_opened_by_peer if transport is not None else None

    # Calls

    async def call(self, make: Callable[[int], inputs.Input]) -> Answer:
        """Make a call and return its result."""
        number = next(self._call_numbers)
        future = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            if self._released is not None:
                raise NotConnected("this client has been closed: build and connect a new one")
            self.feed(make(number))
            return await future
        finally:
            del self._calls[number]

    def call_now(self, make: Callable[[int], inputs.Input]) -> Answer:
        """Make a call that the core completes at once."""
        number = next(self._call_numbers)
        future = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            self.feed(make(number))
            if not future.done():
                raise PeerError("the call was not answered: a script dropped the answer")
            return future.result()
        finally:
            del self._calls[number]

    # Inputs and effects

    def feed(self, event: inputs.Input) -> None:
        """Pass an input to the core and execute the resulting effects, in order."""
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                for filtered in self._input_filter(self._inbox.popleft()):
                    for effect in self._core.handle(filtered):
                        for scripted in self._script(effect):
                            self._execute(scripted)
        finally:
            self._busy = False
        self._dispatch_events()

    def _dispatch_events(self) -> None:
        """Call the callbacks outside of the core's processing, since a callback may call back."""
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._events:
                event = self._events.popleft()
                for callback in tuple(self.callbacks):
                    try:
                        callback(event)
                    except Exception:
                        logger.exception("the event callback failed on %r", event)
        finally:
            self._dispatching = False

    def _execute(self, effect: fx.Effect) -> None:
        if self._released is not None and not isinstance(effect, fx.Emit | fx.Resolve | fx.Reject):
            return  # After the release, a frame that was already read must not start anything new.
        match effect:
            case fx.Emit():
                self._events.append(effect.event)
            case fx.Resolve():
                if (future := self._calls.get(effect.call)) and not future.done():
                    future.set_result(effect.result)
            case fx.Reject():
                if (future := self._calls.get(effect.call)) and not future.done():
                    future.set_exception(effect.error)
            case fx.StartTimer():
                self._start_timer(effect.key, effect.seconds, inputs.TimerFired(effect.key))
            case fx.CancelTimer():
                if handle := self._timers.pop(effect.key, None):
                    handle.cancel()
            case fx.Delayed():
                key = object()
                self._timers[key] = asyncio.get_running_loop().call_later(
                    effect.seconds, self._execute_late, key, effect.effect
                )
            case fx.SubscribeTo():
                self._session.subscribe(effect.pattern)
            case fx.PublishAnnouncement():
                self._session.publish(wire.ANNOUNCE_ADDRESS, wire.encode_announcement(effect.announcement))
            case fx.PublishSignal():
                self._session.publish(wire.signal_address(effect.target), wire.encode_signal(effect.signal))
            case fx.PublishRelay():
                self._relay(effect)
            case fx.Feed():
                self.feed(effect.event)
            case fx.SendToRouter():
                self._session.send(effect.message)
            case fx.CloseSession():
                if self._leaving is None:
                    self._leaving = asyncio.create_task(self._session.close())
            case _:
                self._execute_webrtc(effect)

    def _execute_webrtc(self, effect: fx.Effect) -> None:
        match effect:
            case fx.CreateOffer():
                self._open(effect).create_offer(effect.channels)
            case fx.AcceptOffer():
                transport = self._answering[effect.peer] = self._open(effect)
                transport.accept_offer(effect.sdp)
            case fx.CloseTransport():
                if transport := self._transports.pop(effect.transport, None):
                    self._end(transport.end(silent=effect.silent))
            case (
                fx.AcceptAnswer()
                | fx.AddCandidate()
                | fx.SendOnChannel()
                | fx.Drain()
                | fx.OpenChannel()
                | fx.CloseChannel()
            ):
                if transport := self._transports.get(effect.transport):
                    self._use(transport, effect)
                elif isinstance(effect, fx.SendOnChannel):
                    self.feed(inputs.ChannelRefused(effect.call, "its transport is gone"))
            case _:
                pass

    def _use(self, transport: Transport, effect: fx.Effect) -> None:
        match effect:
            case fx.AcceptAnswer():
                transport.accept_answer(effect.sdp)
            case fx.AddCandidate():
                transport.add_candidate(effect.candidate)
            case fx.SendOnChannel():
                transport.send(effect.call, effect.label, effect.data, unlimited=effect.unlimited)
            case fx.Drain():
                transport.drain(left=effect.left)
            case fx.OpenChannel():
                transport.open_channel(effect.channel, effect.data)
            case fx.CloseChannel():
                transport.close_channel(effect.label)
            case _:
                pass

    def _open(self, effect: fx.CreateOffer | fx.AcceptOffer) -> Transport:
        with tapped(self._tap):
            transport = self._webrtc(effect, self.feed, loopback=self._loopback)
        self._transports[effect.transport] = transport
        return transport

    def _relay(self, effect: fx.PublishRelay) -> None:
        def written(error: PeerError | None) -> None:
            if error is None:
                self.feed(inputs.RelayWritten(effect.call))
            else:
                self.feed(inputs.RelayRefused(effect.call, error))

        self._session.publish(effect.address, effect.value, written)

    def _start_timer(self, key: inputs.TimerKey, seconds: float, event: inputs.Input) -> None:
        if handle := self._timers.pop(key, None):
            handle.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._fire, key, event)

    def _fire(self, key: object, event: inputs.Input) -> None:
        del self._timers[key]
        self.feed(event)

    def _execute_late(self, key: object, effect: fx.Effect) -> None:
        del self._timers[key]
        self._execute(effect)
        self._dispatch_events()

    def _end(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    # From the session

    def welcomed(self, session: RouterSession) -> None:
        """Start the core, or continue it under a new session id."""
        self._session = session
        if self._reattaching is not None:
            self.feed(inputs.Reattached(session.id))
            return
        self._core = PeerCore(session.id, self._config, lambda: uuid.uuid4().hex)

    def published(self, message: wire.Publish | wire.Set) -> None:
        """Handle a PUBLISH or a SET."""
        address, value = message.address, message.value
        if isinstance(message, wire.Set):
            self.feed(inputs.OtherMessageReceived(message))
        elif address == wire.ANNOUNCE_ADDRESS:
            self.feed(inputs.AnnouncementReceived(value))
        elif wire.signal_target(address) == self.session_id:
            self.feed(inputs.SignalReceived(value))
        elif address == RELAY_PREFIX + self.session_id:
            self.feed(inputs.RelayReceived(value))
        else:
            self.feed(inputs.OtherMessageReceived(message))

    def refused(self, error: wire.Error) -> None:
        """Handle an ERROR."""
        if error.address is not None and (target := wire.signal_target(error.address)):
            self.feed(inputs.SignalUndeliverable(target, f"{error.message} ({error.code})"))

    def lost(self, reason: str) -> None:
        """Handle the loss of the session."""
        self.feed(inputs.RouterLost(reason))
        if self._reattaches and self._released is None and self._leaving is None:
            self._reattaching = asyncio.create_task(self._reattach())

    async def _reattach(self) -> None:
        """Attach to the router again; repeat the attempt until it succeeds."""
        await self._session.kill()
        for pause in itertools.chain(REATTACH_PAUSES, itertools.repeat(REATTACH_PAUSES[-1])):
            try:
                await self._open_session()
            except RouterUnreachable:
                await asyncio.sleep(pause)
            else:
                return

    # Ending

    async def close(self) -> None:
        """End everything in an orderly way; after `CLOSE_LIMIT`, end the rest silently."""
        if self._released is None:
            try:
                async with asyncio.timeout(CLOSE_LIMIT):
                    await self.call(inputs.CloseClient)
                    if self._endings:
                        await asyncio.wait(self._endings)
            except TimeoutError:
                logger.warning("the orderly close took more than %g s: closed at once", CLOSE_LIMIT)
        await self.kill()

    async def kill(self) -> None:
        """End everything without notifying anyone."""
        if self._released is None:
            self._released = asyncio.create_task(self._release())
        await asyncio.shield(self._released)

    async def _release(self) -> None:
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        for transport in self._transports.values():
            self._end(transport.end(silent=True))
        self._transports.clear()
        if self._reattaching is not None:
            self._reattaching.cancel()
            await asyncio.wait([self._reattaching])
        if self._leaving is not None:
            await self._leaving
        else:
            await self._session.kill()
        if self._endings:
            await asyncio.wait(self._endings)
        for future in self._calls.values():
            if not future.done():
                future.set_exception(NotConnected("this client was closed before the call had its answer"))
