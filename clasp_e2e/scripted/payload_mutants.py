"""Peers that take payloads for something else, or lose or change those of some sizes or in bursts."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar

from clasp_e2e.p2p_types import Data, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Mutant, Outs, PeerScript, mutant
from clasp_e2e.scripted.sending_mutants import is_reliable, lost

OVERFLOW = 512 * 1024
"""Bytes of a burst that some faulty peers handle."""

RELAY_CUT = 32_768
"""Bytes that some faulty peers relay at most."""


def changing_sent(name: str, broken: str, change: Callable[[bytes], bytes]) -> Mutant:
    """Define a mutant of SND-1 that changes what it sends directly and reliably."""
    return PeerScript.define(
        name, "SND-1", broken, on=fx.SendOnChannel,
        alter=lambda _, send: replace(send, data=change(send.data)) if is_reliable(send) else send,
    )  # fmt: skip


def changing_received(name: str, broken: str, change: Callable[[bytes], bytes | None]) -> Mutant:
    """Define a mutant of SND-1 that changes reliable messages before it delivers them; None drops one."""

    def alter(_: PeerScript, data: Data) -> Outs:
        changed = change(data.data) if data.reliable else data.data
        return () if changed is None else (fx.Emit(replace(data, data=changed)),)

    return PeerScript.define(name, "SND-1", broken, *EITHER, on=Data, alter=alter)


def changing_relayed(name: str, requirement: str, broken: str, change: Callable[[bytes], bytes]) -> Mutant:
    """Define a mutant that changes what it relays."""

    def alter(script: PeerScript, relay: fx.PublishRelay) -> fx.PublishRelay:
        value: Any = relay.value
        return replace(relay, value={**value, "data": change(script.sends[relay.call].data)})

    return PeerScript.define(name, requirement, broken, on=fx.PublishRelay, alter=alter)


def as_text(data: bytes) -> bytes:
    """Return `data` decoded and encoded as UTF-8."""
    return data.decode(errors="replace").encode()


PAUSE_S = 5.0
"""Seconds without data that end a burst; more than the event loop is late on a busy machine."""


class Pausing(PeerScript):
    """A script that counts messages, and begins again after a pause."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0
        self._count = 0

    @staticmethod
    def now() -> float:
        """Return the time of the event loop."""
        return asyncio.get_running_loop().time()

    def count(self, number: int = 1) -> int:
        """Count `number` more, and return how many there were since the last pause."""
        self._count = number + (0 if self.has_paused() else self._count)
        self._last = self.now()
        return self._count

    def has_paused(self) -> bool:
        """Return whether nothing was counted for `PAUSE_S` seconds."""
        return self.now() - self._last > PAUSE_S


class Bursting(PeerScript):
    """A script that counts the bytes sent and received on reliable channels in a burst."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = {kind: Pausing() for kind in (fx.SendOnChannel, fx.Emit)}

    def exceeds(self, effect: fx.SendOnChannel | fx.Emit, data: bytes) -> bool:
        """Count `data`, and return whether there was more than `OVERFLOW` since the last pause."""
        return self._counts[type(effect)].count(len(data)) > OVERFLOW


def without_overflow(script: Bursting, emit: fx.Emit) -> Outs:
    """Deliver a message unless it belongs to the end of a burst."""
    if isinstance(emit.event, Data) and len(emit.event.data) > 1000 and script.exceeds(emit, emit.event.data):
        return ()
    return (emit,)


# fmt: off
StripsATrailingNul = changing_sent(
    "StripsATrailingNul", "It strips a NUL from the end of what it sends.",
    lambda data: data.removesuffix(b"\0") or data,
)
SendsLineEndsAsLineFeeds = changing_sent(
    "SendsLineEndsAsLineFeeds", "It replaces carriage returns and line feeds by line feeds.",
    lambda data: data.replace(b"\r\n", b"\n"),
)
SendsText = changing_sent(
    "SendsText", "It decodes small payloads as UTF-8, and replaces what is none.",
    lambda data: as_text(data) if 1 < len(data) < 30 else data,
)
DeliversStripped = changing_received(
    "DeliversStripped", "It strips white space from both ends of what it receives.",
    lambda data: data.strip() or data,
)
DeliversNoBom = changing_received(
    "DeliversNoBom", "It strips a byte order mark from the beginning of what it receives.",
    lambda data: data.removeprefix(b"\xef\xbb\xbf"),
)
SwallowsFrames = changing_received(
    "SwallowsFrames", "It takes what begins like a CLASP frame for a frame of its own.",
    lambda data: None if data.startswith(b"S") and len(data) < 100 else data,
)
SwallowsJson = changing_received(
    "SwallowsJson", "It takes a JSON object for a message of its own.",
    lambda data: None if data.startswith(b'{"') else data,
)
LosesTheEmpty = PeerScript.define(
    "LosesTheEmpty", "SND-6", "It loses the empty payload.", *EITHER, on=fx.SendOnChannel,
    alter=lambda _, send: (send,) if send.data else lost(send),
)
DeliversNoEmptyData = PeerScript.define(
    "DeliversNoEmptyData", "SND-6", "It does not deliver empty payloads.", *EITHER,
    on=Data, alter=lambda _, data: (fx.Emit(data),) if data.data else (),
)
RelaysStripped = changing_relayed(
    "RelaysStripped", "SND-1", "It strips white space from the end of what it relays.",
    lambda data: data.rstrip() or data,
)
RelaysText = changing_relayed(
    "RelaysText", "SND-1", "It relays text that is no UTF-8 with replacements.",
    lambda data: as_text(data) if 1 < len(data) < 60 else data,
)
TruncatesLargeRelays = changing_relayed(
    "TruncatesLargeRelays", "SND-11", "It truncates what it relays to 32 KiB.", lambda data: data[:RELAY_CUT]
)
LosesLargeRelays = PeerScript.define(
    "LosesLargeRelays", "SND-11", "It returns Relay for more than 48,000 bytes, and relays nothing.",
    on=fx.PublishRelay, alter=lambda script, relay: (
        fx.Resolve(relay.call, SendResult.RELAY) if len(script.sends[relay.call].data) > 48_000 else relay
    ),
)
LosesEmptyRelays = PeerScript.define(
    "LosesEmptyRelays", "SND-11", "It returns Relay for the empty payload, and relays nothing.", *EITHER,
    on=fx.PublishRelay, alter=lambda script, relay: (
        relay if script.sends[relay.call].data else fx.Resolve(relay.call, SendResult.RELAY)
    ),
)
DeliversNoLargeMessages = PeerScript.define(
    "DeliversNoLargeMessages", "SND-12",
    "It delivers no message above 50,000 bytes, though it announces more.", *EITHER,
    on=Data, alter=lambda _, data: (fx.Emit(data),) if len(data.data) <= 50_000 else (),
)
DeliversLargeMessagesInPieces = PeerScript.define(
    "DeliversLargeMessagesInPieces", "SND-12", "It delivers a large message in pieces of 16 KiB.", *EITHER,
    on=Data, alter=lambda _, data: [
        fx.Emit(replace(data, data=data.data[start:start + 16384]))
        for start in range(0, max(1, len(data.data)), 16384)
    ],
)
DropsWhatOverflows = Bursting.define(
    "DropsWhatOverflows", "SND-4", "It returns P2P for all of a burst, and sends only 512 KiB.", *EITHER,
    on=fx.SendOnChannel, alter=lambda script, send: (
        lost(send)
        if is_reliable(send) and len(send.data) > 1000 and script.exceeds(send, send.data) else (send,)
    ),
)
DeliversNoMoreThan512KiB = Bursting.define(
    "DeliversNoMoreThan512KiB", "SND-4", "It delivers only the first 512 KiB of a burst.", *EITHER,
    on=fx.Emit, alter=without_overflow,
)
ChangesFullPackets = PeerScript.define(
    "ChangesFullPackets", "SND-6", "It changes the last byte of messages that fill several packets of 1,200.",
    *EITHER, on=fx.SendOnChannel, alter=lambda _, send: (
        replace(send, data=send.data[:-1] + bytes([send.data[-1] ^ 1]))
        if is_reliable(send) and len(send.data) > 1200 and len(send.data) % 1200 == 0 else send
    ),
)
LosesFullPages = PeerScript.define(
    "LosesFullPages", "SND-6", "It does not deliver messages of 2,048 or 8,192 bytes.", *EITHER,
    on=Data, alter=lambda _, data: () if len(data.data) in (2048, 8192) else (fx.Emit(data),),
)
LosesTheLargeUnreliable = PeerScript.define(
    "LosesTheLargeUnreliable", "SND-6", "It loses unreliable messages above 1,100 bytes.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda _, send: lost(send) if not is_reliable(send) and len(send.data) > 1100 else (send,),
)
SendsTheSmallFirst = PeerScript.define(
    "SendsTheSmallFirst", "SND-9", "It sends messages of more than 8,000 bytes 50 ms late.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: (
        (*lost(send), fx.Delayed(0.05, replace(send, call=NO_CALL)))
        if is_reliable(send) and 8000 < len(send.data) <= 16_000 else (send,)
    ),
)
RelaysTheSmallFirst = PeerScript.define(
    "RelaysTheSmallFirst", "SND-9", "It relays messages of more than 8,000 bytes 50 ms late.", *EITHER,
    on=fx.PublishRelay, alter=lambda script, relay: (
        (fx.Resolve(relay.call, SendResult.RELAY), fx.Delayed(0.05, replace(relay, call=NO_CALL)))
        if len(script.sends[relay.call].data) > 8000 else (relay,)
    ),
)
# fmt: on


@mutant("SND-11", "It loses each 90th message that it relays.", *EITHER)
class LosesEachNinetiethRelay(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def alter(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.PublishRelay):
            return (effect,)
        self.count += 1
        return (effect,) if self.count % 90 else (fx.Resolve(effect.call, SendResult.RELAY),)


class DroppingEqual(PeerScript):
    """A script that does not deliver a payload that equals the one before, if it came by one kind of path."""

    relayed: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        self.is_relayed = False
        """Whether the input that is being handled came by the router."""
        self.last: dict[str | None, bytes] = {}
        """By peer: the last payload."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.is_relayed = not isinstance(event, inputs.ChannelMessage)
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(peer_session_id=peer, data=data)) if self.is_relayed == self.relayed:
                is_equal = bool(data) and self.last.get(peer) == data
                self.last[peer] = data
                return () if is_equal else (effect,)
            case _:
                return (effect,)


@mutant("SND-4", "It takes a message that equals the one before for a repetition.", *EITHER)
class DropsEqualMessages(DroppingEqual):
    relayed = False


@mutant("SND-11", "It takes a relayed message that equals the one before for a repetition.", *EITHER)
class DropsEqualRelayedMessages(DroppingEqual):
    relayed = True
