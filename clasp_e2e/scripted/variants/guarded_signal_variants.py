"""Peers whose signals are signed or numbered: they do not accept one that was altered or repeated."""

import hmac
import json
from collections import Counter

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import Outs
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant
from clasp_e2e.scripted.variants.signal_variants import APART, TOUCHES, OwnSignals

KEY = b"known to all peers of one maker"


def signature(signal: dict[str, wire.Value]) -> str:
    """Return the signature of all fields of `signal`."""
    return hmac.digest(KEY, json.dumps(signal, sort_keys=True).encode(), "sha256").hex()


def is_signed(signal: dict[str, wire.Value]) -> bool:
    """Return whether `signal` has the signature of its other fields."""
    fields = {name: value for name, value in signal.items() if name != "signature"}
    return signal.get("signature") == signature(fields)


class Signing(OwnSignals):
    """A script that signs its signals, and ignores those that are not signed."""

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {**signal, "signature": signature(signal)}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        return value if isinstance(value, dict) and is_signed(value) else None


@variant(OpenPoint.SIGNAL_LAYOUT, "It signs its signals, and ignores those that are not signed.", *TOUCHES,
         not_judged=APART, unreadable=True)  # fmt: skip
class SignsItsSignals(Signing):
    pass


@variant(OpenPoint.SIGNAL_LAYOUT, "It signs its signals, and ignores those with a wrong signature.", *TOUCHES,
         not_judged=APART, unreadable=True)  # fmt: skip
class ChecksSignatures(Signing):
    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        if isinstance(value, dict) and "signature" not in value:
            return value
        return super().decode(value)


@variant(OpenPoint.SIGNAL_LAYOUT, "It numbers its signals, and ignores one that does not follow.", *TOUCHES,
         "SEC-3", "CON-13", "CON-14", not_judged=[*APART, "CON-13", "CON-14", "SEC-3"])  # fmt: skip
class NumbersItsSignals(OwnSignals):
    def __init__(self) -> None:
        super().__init__()
        self.sent: Counter[str] = Counter()
        self.received: Counter[str] = Counter()

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishSignal):
            self.target = effect.target
        yield from super().alter(effect)

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        self.sent[self.target] += 1
        return {**signal, "number": self.sent[self.target]}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"from": str(sender), "number": int(number)} if number > self.received[sender]:
                self.received[sender] = number
                return value
            case _:
                return None
