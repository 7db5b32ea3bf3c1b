"""Signals as other implementations send them, or as nobody should: made by scripts on real peers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data
from clasp_e2e.peer.effects import Delayed, Effect, PublishSignal
from clasp_e2e.peer.sdp import without_candidates

from .conftest import Open, join


def as_json(line: str) -> str:
    return json.dumps({"candidate": line.removeprefix("a="), "sdpMid": "", "sdpMLineIndex": 0})


FORMS = {
    "attribute": lambda line: line,
    "plain": lambda line: line.removeprefix("a="),
    "json": as_json,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("delay", [0.0, 0.05])
async def test_candidates_that_trickle_are_used(attach: Open, form: str, delay: float):
    """One by one, after nonsense, twice, and after an end of candidates in the description."""

    def trickle(effect: Effect) -> list[Effect]:
        if not (isinstance(effect, PublishSignal) and isinstance(effect.signal, wire.Offer | wire.Answer)):
            return [effect]
        signal = effect.signal
        sdp, candidates = without_candidates(signal.sdp)
        texts = ["", "candidate:", "{", '{"candidate": ""}']
        texts += [FORMS[form](line) for line in candidates] * 2
        later: list[Effect] = [
            PublishSignal(effect.target, wire.IceCandidate(signal.sender, text, signal.correlation_id))
            for text in texts
        ]
        bare = replace(effect, signal=replace(signal, sdp=sdp + "a=end-of-candidates\r\n"))
        return [bare, *(Delayed(delay, effect) if delay else effect for effect in later)]

    alice, bob = await attach(script=trickle), await attach(script=trickle)
    await join(alice, bob)
    await alice[0].send_p2p(bob[0].session_id, b"found you")
    await bob[1].until(Data)


@pytest.mark.parametrize("kind", [wire.Offer, wire.Answer])
async def test_a_changed_fingerprint_never_becomes_a_connection(attach: Open, kind: type[wire.Offer]):
    def forge(effect: Effect) -> list[Effect]:
        if not (isinstance(effect, PublishSignal) and isinstance(effect.signal, kind)):
            return [effect]
        signal = effect.signal
        lines = [
            line[:-2] + ("00" if line[-2:] != "00" else "11") if line.startswith("a=fingerprint:") else line
            for line in signal.sdp.splitlines()
        ]
        return [replace(effect, signal=replace(signal, sdp="\r\n".join(lines) + "\r\n"))]

    alice = await attach(script=forge, connection_timeout_secs=1)
    bob = await attach(script=forge, connection_timeout_secs=1)
    await alice[0].connect_to_peer(bob[0].session_id)
    deceived, other = (bob, alice) if kind is wire.Offer else (alice, bob)
    (event,) = await deceived[1].until(ConnectionFailed)
    assert "fingerprint" in event.reason
    await other[1].until(ConnectionFailed)
    assert deceived[1].of(Connected) == []


async def test_a_senseless_description_fails_nothing_else(attach: Open):
    first = True

    def garble(effect: Effect) -> list[Effect]:
        nonlocal first
        if first and isinstance(effect, PublishSignal) and isinstance(effect.signal, wire.Offer):
            first = False
            bad = [replace(effect.signal, sdp=sdp, correlation_id="bad") for sdp in ("", "v=0", "m=audio")]
            return [*(replace(effect, signal=signal) for signal in bad), effect]
        return [effect]

    alice, bob = await attach(script=garble), await attach()
    await join(alice, bob)
    assert bob[1].of(ConnectionFailed) == []
