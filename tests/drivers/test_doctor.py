"""The doctor: for each fault an adapter that has it, and the words for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clasp_e2e.drivers.doctor import CannotStart, Finding, Outcome, examine
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.peer.effects import Effect, PublishAnnouncement

from .faulty_driver import FaultyDriver

HERE = Path(__file__).parent


async def diagnosis(file: str, fault: str, patience: float = 1.0) -> list[Finding]:
    """What is wrong with the adapter, and nothing of it is left."""
    driver = StdioDriver([sys.executable, str(HERE / file), fault], deadline_scale=patience)
    findings = await examine(driver, patience=patience)
    wrong = [finding for finding in findings if finding.outcome is Outcome.WRONG]
    assert all(finding.advice for finding in wrong)
    return wrong


SLIPS = [
    ("wrong_version", "start", "speaks protocol 2; this harness speaks 1"),
    ("no_roles", "start", "roles is empty"),
    ("unknown_capability", "start", "did you mean 'is_peer_connected'"),
    ("banner", "start", "something that is not JSON: 'Adapter 1.0'"),
    ("missing_id", "start", "an answer whose id is not a whole number"),
    ("text_for_id", "start", "an answer whose id is not a whole number"),
    ("null_for_id", "unknown method", "names no request"),
    ("doubled_id", "", "a second answer to request"),
    ("unknown_method", "unknown method", "a method that there is not was answered with a result"),
    ("unknown_method_fails", "unknown method", "with error -32603"),
    ("short_lines", "longest line", "exited with status"),
    ("crash", "peer.open", "exited with status 4"),
    ("number_for_session", "peer.open", "session_id is 5"),
    ("noise", "peer.open", "'Listening for peers'"),
    ("out_of_order", "order of calls", "calls on one peer started out of order"),
    ("rude", "shutdown", "shutdown was not answered: it exited with status 3"),
    ("deaf_mode", "routing mode", "the mode that was set is server_only, the mode that is read prefer_p2p"),
    ("wrong_type", "connected", "unknown event type 'conected'"),
    ("wrong_handle", "connected", "unknown peer 'somebody'"),
    ("urlsafe", "data", "not base64"),
    ("mime", "data", "not base64"),
    ("unpadded", "data", "not base64"),
    ("wrong_result", "data", "result is 'sideways'"),
    ("declared_only", "is_peer_connected", "does not offer peer.is_peer_connected, though it said"),
    ("declared_and_refused", "is_peer_connected", "declared, and the call refused: not now"),
    ("no_modes", "routing mode", "peer.p2p_routing_mode is not offered"),
]
"""For each fault of the adapter itself: the step in which it is met, and the words for it."""

SLOW_SLIPS = [
    ("own_name", "connected", "no event connected that names doctor-elsewhere"),
    ("leaves_child_outside", "nothing left behind", "out of the process group"),
    ("leaves_child", "nothing left behind", "`sleep 60`"),
    ("no_flush", "start", "came only when the process ended: it was not flushed"),
    ("hang", "start", "no answer to initialize within 3 s, nor when its input was closed"),
    ("blocking_write", "unread output", "did not read its standard input either"),
    ("blocks_reading", "reading during a call", "no other request was answered"),
    ("stays", "shutdown", "it still runs 0.4 s after its input was closed"),
    ("no_events", "connected", "no event connected within 2 s"),
    ("late_events", "connected", "an event came only when the next request was made"),
    ("no_data", "data", "256 bytes were sent, and did not come back"),
    ("cut_data", "data", "256 bytes were sent, and did not come back"),
]
"""The same, where a deadline has to pass; it is shortened here."""

ADAPTER_FAULTS = [
    ("wants_each_key", "peer.open", "answered with error -32603: KeyError: 'max_retries'"),
    ("internal_refusal", "refusal", "a refusal of the implementation has code -32603"),
]
"""For each fault that an adapter shows only with an implementation."""

DRIVER_FAULTS = [
    ("own_session", "session", "'made-up', which the router at the given url never gave"),
    ("drops_token", "session", "the token did not arrive"),
    ("begins_with_relay", "routing mode", "the mode is server_only before it was set"),
    ("no_events", "connected", "though the other side was told of the connection"),
    ("never_connects", "connected", "neither side was told of one: no offer reached the router"),
    ("alters_told", "data from the peer", "256 bytes from the other side were not told as they were sent"),
    ("alters_sent", "data to the peer", "256 bytes that were sent did not arrive unchanged"),
    ("drops_reliable", "data to the peer", "what was sent unreliably arrived as reliable"),
    ("refuses", "is_peer_connected", "declared, and the call refused: never"),
    ("offers_less", "disconnect_peer", "declared, and the call not offered"),
    ("no_relayed", "relayed data", "was not told there"),
    ("always_p2p", "relayed data", "a send in server_only told p2p"),
    ("drops_ice_servers", "ice_servers", "the STUN server that was configured was not asked"),
    ("drops_turn_servers", "turn", "the TURN server was not asked"),
    ("fills_in_p2p", "p2p: null", "with p2p: null it offered a connection all the same"),
    ("fills_in_timeout", "absent defaults", "no time-out was configured, and the attempt failed after 1."),
    ("drops_timeout", "connection_timeout_secs", "had not failed after"),
    ("hangs", "routing mode", "no answer to p2p_routing_mode within"),
    ("closes_nothing", "end", "the session still stands after close"),
    ("port_zero", "router", "has no port that a client could use"),
    ("still_listens", "router", "after router.close a client still got a session"),
]
"""For each fault of any driver."""


def check(wrong: list[Finding], step: str, words: str) -> None:
    [finding] = wrong
    assert words in finding.text
    assert step in ("", finding.step)


@pytest.mark.parametrize(("fault", "step", "words"), SLIPS)
async def test_a_fault_of_the_adapter(fault: str, step: str, words: str) -> None:
    check(await diagnosis("slipping_adapter.py", fault), step, words)


@pytest.mark.parametrize(("fault", "step", "words"), SLOW_SLIPS)
async def test_a_fault_that_takes_its_time(fault: str, step: str, words: str) -> None:
    check(await diagnosis("slipping_adapter.py", fault, patience=0.2), step, words)


@pytest.mark.parametrize(("fault", "step", "words"), ADAPTER_FAULTS)
async def test_a_fault_before_an_implementation(fault: str, step: str, words: str) -> None:
    check(await diagnosis("faulty_adapter.py", fault, patience=0.4), step, words)


@pytest.mark.parametrize(("fault", "step", "words"), DRIVER_FAULTS)
async def test_a_fault_of_any_driver(fault: str, step: str, words: str) -> None:
    async with FaultyDriver.made(fault) as driver:
        findings = await examine(driver, patience=0.4)
    check([finding for finding in findings if finding.outcome is Outcome.WRONG], step, words)


async def test_an_announcement_that_is_declared_and_not_made() -> None:
    def silent(effect: Effect) -> tuple[Effect, ...]:
        return () if isinstance(effect, PublishAnnouncement) else (effect,)

    findings = await examine(ReferenceDriver(lambda builder: builder.script(silent)), patience=0.4)
    wrong = [finding for finding in findings if finding.outcome is Outcome.WRONG]
    check(wrong, "announce", "no announcement reached the router")


async def test_the_last_words_are_told() -> None:
    [finding] = await diagnosis("slipping_adapter.py", "crash")
    assert finding.stderr == "Segmentation fault, so to speak"


async def test_what_cannot_be_started_says_why() -> None:
    with pytest.raises(CannotStart, match="No such file or directory: no-such-adapter"):
        await examine(StdioDriver(["no-such-adapter"]))
    command = [sys.executable, str(HERE / "slipping_adapter.py"), "early_exit"]
    with pytest.raises(CannotStart, match=r"(?s)exited with status 1.*cannot find libclasp\.so"):
        await examine(StdioDriver(command))


async def test_the_reference_is_healthy_in_this_process() -> None:
    told: list[Finding] = []
    findings = await examine(ReferenceDriver(), told.append)
    assert findings.healthy
    assert told == findings
    assert {finding.outcome for finding in findings} == {Outcome.OK}


async def test_the_reference_adapter_is_healthy() -> None:
    findings = await examine(StdioDriver([sys.executable, "-m", "clasp_e2e.drivers.adapters.reference"]))
    assert {finding.outcome for finding in findings} == {Outcome.OK}
