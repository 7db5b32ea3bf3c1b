"""Peers that use their session with the router otherwise than the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.errors import RouterUnreachable
from clasp_e2e.peer.router_session import Handler, RouterSession
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant

TOUCHES = ("CON-1", "CON-5", "SIG-1", "SND-3")
"""What depends on the session with the router."""


class Compressing(RouterSession):
    """A session that offers to compress."""

    connect_options: ClassVar[Mapping[str, Any]] = {"compression": "deflate"}


@variant(OpenPoint.PEER_TRANSPORT, "It offers the router to compress its WebSocket messages.", *TOUCHES)
class OffersCompression(PeerScript):
    router_session = Compressing


class Pinging(RouterSession):
    """A session that sends WebSocket pings."""

    connect_options: ClassVar[Mapping[str, Any]] = {"ping_interval": 0.1, "ping_timeout": 10}


@variant(OpenPoint.PEER_TRANSPORT, "It sends the router WebSocket pings.", *TOUCHES)
class PingsItsRouter(PeerScript):
    router_session = Pinging


class WithoutSubprotocol(RouterSession):
    """A session that asks for no subprotocol."""

    connect_options: ClassVar[Mapping[str, Any]] = {"subprotocols": None}


@variant(OpenPoint.PEER_TRANSPORT, "It asks for no WebSocket subprotocol.", *TOUCHES)
class AsksForNoSubprotocol(PeerScript):
    router_session = WithoutSubprotocol


class Fragmenting(RouterSession):
    """A session that fragments each WebSocket message."""

    async def _transmit(self, frame: bytes) -> None:
        await self._ws.send([frame[:1], frame[1:7], b"", frame[7:]])


@variant(OpenPoint.PEER_TRANSPORT, "It fragments its WebSocket messages to the router.", *TOUCHES)
class FragmentsItsMessages(PeerScript):
    router_session = Fragmenting


class Combining(RouterSession):
    """A session that sends all frames that wait in one WebSocket message."""

    _waiting = b""

    async def _transmit(self, frame: bytes) -> None:
        self._waiting += frame
        if self._outgoing.empty():
            message, self._waiting = self._waiting, b""
            await self._ws.send(message)


@variant(OpenPoint.PEER_TRANSPORT, "It sends several CLASP frames in one WebSocket message.", *TOUCHES)
class CombinesItsFrames(PeerScript):
    router_session = Combining


class Stamping(RouterSession):
    """A session whose frames have a timestamp and the QoS COMMIT."""

    async def _transmit(self, frame: bytes) -> None:
        message, _ = wire.decode(frame)
        await self._ws.send(wire.encode(message, qos=wire.QoS.COMMIT, timestamp=1_700_000_000_000_000))


@variant(OpenPoint.PEER_TRANSPORT, "Its frames have a timestamp and the QoS COMMIT.", *TOUCHES)
class SendsTimestamps(PeerScript):
    router_session = Stamping


class GreetingOtherwise(RouterSession):
    """A session whose HELLO has another version, no name and other features."""

    @staticmethod
    def hello(name: str, token: str | None) -> bytes:
        """Return the frame of the HELLO."""
        del name
        return wire.encode(wire.Hello("", frozenset(), token, version=3))


@variant(OpenPoint.PEER_TRANSPORT, "Its HELLO has the version 3, no name and no features.", *TOUCHES)
class SaysHelloOtherwise(PeerScript):
    router_session = GreetingOtherwise


def _packed(fields: dict[str, Any]) -> bytes:
    packb = cast("Callable[[object], bytes]", msgpack.packb)  # pyright: ignore[reportUnknownMemberType]
    return wire.encode_frame(wire.Frame(packb(fields), wire.QoS.CONFIRM))


class Packing(RouterSession):
    """A session whose messages are MessagePack."""

    @staticmethod
    def hello(name: str, token: str | None) -> bytes:
        """Return the frame of the HELLO."""
        del token
        return _packed({"type": "HELLO", "version": 1, "name": name, "features": ["param", "event"]})

    async def _transmit(self, frame: bytes) -> None:
        match wire.decode(frame)[0]:
            case wire.Publish(null_value=False, value=value) as message if value is not None:
                fields = {"signal": "event", "address": message.address, "value": value}
                frame = _packed({"type": "PUBLISH", **fields})
            case wire.Subscribe() as message:
                frame = _packed({"type": "SUBSCRIBE", "id": message.id, "pattern": message.pattern})
            case _:
                pass
        await self._ws.send(frame)


@variant(OpenPoint.PEER_TRANSPORT, "It sends all its messages in MessagePack.", *TOUCHES)
class SpeaksMessagePack(PeerScript):
    router_session = Packing


@variant(OpenPoint.PEER_TRANSPORT, "It subscribes to all addresses.", *TOUCHES, "RTE-8", "DIR-1")
class SubscribesToAll(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SubscribeTo(pattern=wire.ANNOUNCE_ADDRESS):
                return (effect, fx.SubscribeTo("/**"))
            case _:
                return (effect,)


@variant(OpenPoint.PEER_TRANSPORT, "It sets a parameter every half second.", *TOUCHES, "DIR-1", "RTE-8")
class SetsItsPresence(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.PublishAnnouncement):
            session = effect.announcement.session_id
            for number in range(20):
                beat = wire.Set(f"/app/presence/{session}", {"beat": number})
                yield fx.Delayed(number / 2, fx.SendToRouter(beat))


class Doubled(RouterSession):
    """A session next to which there is another one, which is not used for P2P."""

    _other: RouterSession | None = None

    @classmethod
    async def open(cls, url: str, *, name: str, token: str | None, handler: Handler) -> RouterSession:
        """Open both sessions; the other one is the later one."""
        session = await super().open(url, name=name, token=token, handler=handler)
        assert isinstance(session, Doubled)
        with suppress(RouterUnreachable):
            presence = f"{name} (presence)"
            session._other = await RouterSession.open(url, name=presence, token=token, handler=Deaf())
        return session

    async def _release(self) -> None:
        if self._other is not None:
            await self._other.kill()
        await super()._release()


class Deaf(Handler):
    """A handler that ignores what the router sends."""

    def welcomed(self, session: RouterSession) -> None:
        """Ignore the WELCOME."""

    def published(self, message: wire.Publish | wire.Set) -> None:
        """Ignore a PUBLISH or a SET."""

    def refused(self, error: wire.Error) -> None:
        """Ignore an ERROR."""

    def lost(self, reason: str) -> None:
        """Ignore the end of the session."""


@variant(OpenPoint.PEER_TRANSPORT, "It has a second session with the router, for its presence.", *TOUCHES,
         "SIG-8", "CON-16")  # fmt: skip
class AttachesTwice(PeerScript):
    router_session = Doubled
