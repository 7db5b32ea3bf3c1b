"""Peers that relay payloads by other messages, or in another form, than the reference."""

import zlib
from collections.abc import Iterable

from clasp_e2e import wire
from clasp_e2e.p2p_types import Data, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import Outs
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant
from clasp_e2e.scripted.variants.relay_variants import UNJUDGED, OwnRelay
from clasp_e2e.scripted.variants.signal_encoding_variants import hashed

TOUCHES = ("SND-3", "RTE-4", "RTE-9")
"""What depends on relayed payloads and on the addresses that they use."""


class OwnMessages(OwnRelay):
    """A script that relays each payload by messages of its own making."""

    def alter(self, effect: fx.Effect) -> Outs:
        for out in super().alter(effect):
            if isinstance(out, fx.PublishRelay):
                yield from (fx.SendToRouter(message) for message in self.messages(out.address, out.value))
                yield fx.Resolve(out.call, SendResult.RELAY)
            else:
                yield out

    def messages(self, address: str, value: wire.Value) -> Iterable[wire.Message]:
        """Return the messages that relay `value` to `address`."""
        raise NotImplementedError


@variant(OpenPoint.RELAY, "It relays a payload by setting a parameter.", *TOUCHES, not_judged=UNJUDGED)
class RelaysByParameters(OwnMessages):
    address = "/app/inbox/"

    def messages(self, address: str, value: wire.Value) -> Iterable[wire.Message]:
        return (wire.Set(address, value),)


@variant(OpenPoint.RELAY, "It relays each payload in a BUNDLE.", *TOUCHES)
class RelaysInBundles(OwnMessages):
    def messages(self, address: str, value: wire.Value) -> Iterable[wire.Message]:
        return (wire.Bundle((wire.Publish(address, value),)),)


@variant(OpenPoint.RELAY, "It relays a payload to all, with the name of its target.", *TOUCHES,
         not_judged=UNJUDGED)  # fmt: skip
class BroadcastsItsRelays(OwnMessages):
    address = "/app/inbox/"
    room = "/app/everyone"

    def alter(self, effect: fx.Effect) -> Outs:
        for out in super().alter(effect):
            is_own = isinstance(out, fx.SubscribeTo) and out.pattern.startswith(self.address)
            yield fx.SubscribeTo(self.room) if is_own else out

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.OtherMessageReceived(message=wire.Publish(address=self.room, value=dict(value))):
                if value.get("to") == self.session:
                    yield from self.received(value)
            case inputs.RelayReceived():
                pass
            case _:
                yield event

    def messages(self, address: str, value: wire.Value) -> Iterable[wire.Message]:
        assert isinstance(value, dict)
        return (wire.Publish(self.room, {**value, "to": address.removeprefix(self.address)}),)


@variant(OpenPoint.RELAY, "It relays payloads to the address of signals.", *TOUCHES, not_judged=UNJUDGED,
         deviations=["SIG-2"])  # fmt: skip
class RelaysAsSignals(OwnMessages):
    address = wire.SIGNAL_PREFIX

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "data"} as value):
                yield from self.received(value)
            case inputs.RelayReceived():
                pass
            case _:
                yield event

    def messages(self, address: str, value: wire.Value) -> Iterable[wire.Message]:
        assert isinstance(value, dict)
        return (wire.Publish(address, {"type": "data", **value}),)


@variant(OpenPoint.RELAY, "It relays payloads to an address with a hash of the target session.", *TOUCHES,
         not_judged=UNJUDGED)  # fmt: skip
class RelaysAtAHashedAddress(OwnMessages):
    address = "/app/inbox/"
    place = "/app/hashed/"

    def alter(self, effect: fx.Effect) -> Outs:
        for out in super().alter(effect):
            match out:
                case fx.SubscribeTo(pattern=pattern) if pattern.startswith(self.address):
                    yield fx.SubscribeTo(self.place + hashed(self.session))
                case _:
                    yield out

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.OtherMessageReceived(message=wire.Publish(address=address, value=value)):
                if address == self.place + hashed(self.session):
                    yield from self.received(value)
            case inputs.RelayReceived():
                pass
            case _:
                yield event

    def messages(self, address: str, value: wire.Value) -> Iterable[wire.Message]:
        return (wire.Publish(self.place + hashed(address.removeprefix(self.address)), value),)


@variant(OpenPoint.RELAY, "A relayed send returns 500 ms later.", *TOUCHES)
class RelaysReturnLater(OwnRelay):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=SendResult.RELAY):
                return (fx.Delayed(0.5, effect),)
            case _:
                return (effect,)


@variant(OpenPoint.RELAY, "It compresses relayed payloads.", *TOUCHES, not_judged=UNJUDGED)
class CompressesItsRelays(OwnRelay):
    def encode(self, data: Data) -> list[wire.Value]:
        return [{"by": data.peer_session_id, "zipped": zlib.compress(data.data)}]

    def decode(self, value: wire.Value) -> Data | None:
        match value:
            case {"by": str(sender), "zipped": bytes(zipped)}:
                return Data(sender, zlib.decompress(zipped), True)
            case _:
                return None


@variant(OpenPoint.RELAY, "It encrypts relayed payloads.", *TOUCHES, not_judged=UNJUDGED)
class EncryptsItsRelays(OwnRelay):
    address = "/app/sealed/"

    def encode(self, data: Data) -> list[wire.Value]:
        return [{"sender": data.peer_session_id, "sealed": self.cipher(data.data)}]

    def decode(self, value: wire.Value) -> Data | None:
        match value:
            case {"sender": str(sender), "sealed": bytes(sealed)}:
                return Data(sender, self.cipher(sealed), True)
            case _:
                return None

    def cipher(self, data: bytes) -> bytes:
        """Return `data` encrypted, or decrypted, by a cipher that is good enough for the harness."""
        return bytes(byte ^ 0xA5 for byte in data)
