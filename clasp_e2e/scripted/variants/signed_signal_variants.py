"""Peers whose signals are signed, so that they do not accept one that was altered on its way."""

import hmac
import json

from clasp_e2e import wire
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


@variant(OpenPoint.SIGNAL_LAYOUT, "It signs its signals, and ignores those that are not signed.", *TOUCHES,
         not_judged=APART, unreadable=True)  # fmt: skip
class SignsItsSignals(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {**signal, "signature": signature(signal)}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        return value if isinstance(value, dict) and is_signed(value) else None


@variant(OpenPoint.SIGNAL_LAYOUT, "It signs its signals, and ignores those with a wrong signature.", *TOUCHES,
         not_judged=APART, unreadable=True)  # fmt: skip
class ChecksSignatures(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {**signal, "signature": signature(signal)}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        is_acceptable = isinstance(value, dict) and ("signature" not in value or is_signed(value))
        return value if is_acceptable and isinstance(value, dict) else None
