"""Signals in the forms of other implementations, and invalid ones, made by scripts on real peers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data
from clasp_e2e.peer.effects import (
    AddCandidate,
    ChannelSpec,
    CreateOffer,
    Delayed,
    Effect,
    PublishSignal,
    SendToRouter,
)
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
async def test_trickled_candidates_are_used(attach: Open, form: str, delay: float):
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
async def test_changed_fingerprint_prevents_connection(attach: Open, kind: type[wire.Offer]):
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


async def test_invalid_description_affects_no_other_attempt(attach: Open):
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


def named(first: ChannelSpec, *others: ChannelSpec) -> Callable[[Effect], list[Effect]]:
    """A script whose offers open these channels."""

    def rename(effect: Effect) -> list[Effect]:
        return [replace(effect, channels=(first, *others)) if isinstance(effect, CreateOffer) else effect]

    return rename


@pytest.mark.parametrize(
    "channels",
    [
        (ChannelSpec("fast", ordered=False, max_retransmits=0), ChannelSpec("safe", ordered=True)),
        (ChannelSpec("safe", ordered=True), ChannelSpec("fast", ordered=False, max_retransmits=0)),
        (ChannelSpec("safe", ordered=True),),
    ],
)
async def test_channels_with_other_labels_are_used(attach: Open, channels: tuple[ChannelSpec, ...]):
    """In any order; a channel that the other side does not open is opened by this one."""
    alice, bob = await attach(script=named(*channels)), await attach()
    await join(alice, bob)
    for reliable in (True, False):
        for sender, receiver in ((alice, bob), (bob, alice)):
            await sender[0].send_p2p(receiver[0].session_id, b"%d" % reliable, reliable)
            expected = Data(sender[0].session_id, b"%d" % reliable, reliable)
            assert await receiver[1].until(Data) == [expected]
            receiver[1].events.clear()


async def test_candidates_may_precede_offer_and_be_maps(attach: Open):
    def hurry(effect: Effect) -> list[Effect]:
        if not (isinstance(effect, PublishSignal) and isinstance(effect.signal, wire.Offer)):
            return [effect]
        offer = effect.signal
        sdp, candidates = without_candidates(offer.sdp)
        signal = wire.encode_signal(wire.IceCandidate(offer.sender, "", offer.correlation_id))
        address = wire.signal_address(effect.target)
        early: list[Effect] = [
            SendToRouter(wire.Publish(address, {**signal, "candidate": json.loads(as_json(line))}))
            for line in candidates
        ]
        return [*early, replace(effect, signal=replace(offer, sdp=sdp))]

    used: list[str] = []

    def note(effect: Effect) -> list[Effect]:
        used.extend([effect.candidate] if isinstance(effect, AddCandidate) else [])
        return [effect]

    alice, bob = await attach(script=hurry), await attach(script=note)
    await join(alice, bob)
    assert used
