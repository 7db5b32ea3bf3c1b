"""The findings of a campaign, minimized and saved, on targets that crash on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.fuzz.campaign import Crash, minimised, run_campaign
from clasp_e2e.fuzz.input_source import Input, Origin
from clasp_e2e.fuzz.memory import MEBIBYTE, growth, resident
from clasp_e2e.fuzz.saved_inputs import SavedInputsError, load_finding, save_finding
from clasp_e2e.fuzz.targets import FuzzedPeer, FuzzedRouter, HarnessFault, SignaledPeer, TargetCrashed
from clasp_e2e.peer import inputs as peer_inputs
from clasp_e2e.router.effects import Effect, Script
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant
from clasp_e2e.testbed.waiting import Patience

SHORT = Patience(0.3)


def numbered(count: int) -> list[Input]:
    return [Input(bytes([n]), Origin.SENSELESS) for n in range(count)]


@given(st.integers(1, 60), st.data())
def test_one_bad_input_is_found_among_many(count: int, data: st.DataObject) -> None:
    inputs = numbered(count)
    bad = data.draw(st.sampled_from(inputs))
    trials = 0

    async def dies(part: Sequence[Input]) -> bool:
        nonlocal trials
        trials += 1
        return bad in part

    assert asyncio.run(minimised(inputs, dies)) == [bad]
    assert trials <= 13  # All of them, then each half in turn.


def test_crash_that_needs_two_inputs_keeps_both() -> None:
    inputs = numbered(16)

    async def dies(part: Sequence[Input]) -> bool:
        return inputs[3] in part and inputs[12] in part

    found = asyncio.run(minimised(inputs, dies))
    assert found is not None
    assert {inputs[3], inputs[12]} <= set(found)
    assert len(found) < 16


def test_crash_that_does_not_repeat_is_not_minimised() -> None:
    async def dies(_: Sequence[Input]) -> bool:
        return False

    assert asyncio.run(minimised(numbered(4), dies)) is None


def frail_router() -> Script:
    """Falls silent once it was asked for a federation."""
    silent = False

    def script(effect: Effect) -> Iterable[Effect]:
        nonlocal silent
        message = getattr(effect, "message", None)
        silent = silent or (isinstance(message, wire.Error) and "FEDERATION_SYNC" in message.message)
        return [] if silent else [effect]

    return script


async def test_frail_router_is_found_and_what_it_died_of_is_one_input() -> None:
    progress: list[str] = []
    target = FuzzedRouter(ReferenceDriver(router_script=frail_router), SHORT)
    campaign = await run_campaign(target, 5, 57, progress.append)
    (finding,) = campaign.findings
    assert finding.requirement == "RTR-7"
    assert finding.reproduced
    assert len(finding.inputs) == 1
    assert isinstance(wire.decode(finding.inputs[0].data)[0], wire.FederationSync)
    assert "batch 0" in progress[0]


def deaf_after(ends: Callable[[peer_inputs.Input], bool]) -> ReferenceDriver:
    """Peers that hear nothing any more after an input for which `ends` holds."""

    def filtered() -> peer_inputs.InputFilter:
        deaf = False

        def filtered_input(event: peer_inputs.Input) -> Iterable[peer_inputs.Input]:
            nonlocal deaf
            deaf = deaf or ends(event)
            return [] if deaf else [event]

        return filtered_input

    return ReferenceDriver(prepare=lambda builder: builder.input_filter(filtered()))


async def attached(
    kind: type[FuzzedPeer] | type[SignaledPeer], driver: ReferenceDriver
) -> FuzzedPeer | SignaledPeer:
    reference = ReferenceDriver()
    described = await reference.initialize()
    peer = Participant(driver, SubjectInfo("frail", described))
    partner = Participant(reference, SubjectInfo("partner", described))
    return kind(peer, partner, RouterSource(reference, None), SHORT)


PUBLISHED = wire.SIGNAL_PREFIX + "the-session-that-the-signal-is-sent-"


async def test_peer_that_a_signal_ends_has_died() -> None:
    def is_list(event: peer_inputs.Input) -> bool:
        return isinstance(event, peer_inputs.SignalReceived) and isinstance(event.value, list)

    target = await attached(SignaledPeer, deaf_after(is_list))
    await target.open()
    try:
        harmless = Input(wire.encode(wire.Publish(PUBLISHED, {"type": "offer"})), Origin.VALID)
        await target.attack_and_check([harmless])
        with pytest.raises(TargetCrashed, match="Connected"):
            await target.attack_and_check(
                [Input(wire.encode(wire.Publish(PUBLISHED, [1])), Origin.SENSELESS)]
            )
    finally:
        await target.close()


async def test_peer_that_never_connected_is_no_finding() -> None:
    target = await attached(FuzzedPeer, deaf_after(lambda e: isinstance(e, peer_inputs.AnnouncementReceived)))
    # Its partner's announcement is what ends it.
    with pytest.raises(HarnessFault, match="before the first input"):
        await target.open()
    await target.close()


def test_finding_is_read_as_it_was_saved(tmp_path: Path) -> None:
    inputs = (Input(b"\x00\xff", Origin.MUTATED), Input(b"text", Origin.SENSELESS, None, True, is_text=True))
    finding = Crash(
        target="router, by frames",
        requirement="RTR-7",
        seed=9,
        batch=3,
        what="it fell silent",
        inputs=inputs,
        reproduced=True,
    )
    path = save_finding(finding, tmp_path)
    assert path.name == "router-by-frames-9-batch-3.json"
    assert load_finding(path) == finding


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"target": "x", "inputs": [{"frame": "?"}]}'])
def test_file_that_holds_no_finding_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "finding.json"
    path.write_text(text)
    with pytest.raises(SavedInputsError, match="is not a finding"):
        load_finding(path)
    with pytest.raises(SavedInputsError, match="cannot be read"):
        load_finding(tmp_path / "none.json")


def test_growth_excludes_the_warm_up() -> None:
    warm = [10 * MEBIBYTE] * 4 + [60 * MEBIBYTE] * 16
    assert growth(warm) == 0
    leak = [60 * MEBIBYTE + n * 4 * MEBIBYTE for n in range(20)]
    assert (growth(leak) or 0) > 32 * MEBIBYTE
    assert growth(leak[:9]) is None


def test_ended_process_group_has_no_memory() -> None:
    assert resident(2**30) is None
    assert (resident(None) or MEBIBYTE) >= MEBIBYTE
