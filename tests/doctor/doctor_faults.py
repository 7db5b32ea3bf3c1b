"""Drivers with a fault each, and how the doctor names it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from clasp_e2e.doctor import CannotStart, Finding, Outcome, examine
from clasp_e2e.drivers.stdio import StdioDriver

from .faulty_driver import FaultyDriver

HERE = Path(__file__).parent
SLIPPING, FAULTY, ABSENT = "slipping_adapter.py", "faulty_adapter.py", "absent"
SHORT = 0.4


@dataclass(frozen=True)
class Fault:
    """A fault: the step in which it is met (empty if in any), and the words for it.

    `adapter` is the program that has it, or empty for a driver in this process. `patience` shortens the
    deadlines where one has to pass.
    """

    name: str
    step: str
    words: str
    adapter: str = SLIPPING
    patience: float = 1.0
    outcome: Outcome = Outcome.WRONG

    def __str__(self) -> str:
        return f"{self.adapter.partition('_')[0] or 'driver'}-{self.name}"

    async def examined(self) -> list[Finding]:
        """What is found, also if that is why there is nothing to be found."""
        try:
            return await self._examined()
        except CannotStart as error:
            text, _, advice = str(error).partition("\n→ ")
            return [Finding("cannot start", Outcome.WRONG, text, advice)]

    async def _examined(self) -> list[Finding]:
        if not self.adapter:
            async with FaultyDriver.made(self.name) as driver:
                return await examine(driver, patience=self.patience)
        with TemporaryDirectory() as folder:
            command = [sys.executable, str(HERE / self.adapter), self.name, folder]
            if self.adapter == ABSENT:
                command = [self.name]
            return await examine(StdioDriver(command, deadline_scale=self.patience), patience=self.patience)


SLIPS = [
    Fault("wrong_version", "start", "speaks protocol 2; this harness speaks 1"),
    Fault("no_roles", "start", "roles is empty"),
    Fault("unknown_capability", "start", "did you mean 'is_peer_connected'"),
    Fault("banner", "start", "something that is not JSON: 'Adapter 1.0'"),
    Fault("missing_id", "start", "an answer whose id is not a whole number"),
    Fault("text_for_id", "start", "an answer whose id is not a whole number"),
    Fault("null_for_id", "unknown method", "names no request"),
    Fault("doubled_id", "", "a second answer to request"),
    Fault("unknown_method", "unknown method", "a method that there is not was answered with a result"),
    Fault("unknown_method_fails", "unknown method", "with error -32603"),
    Fault("short_lines", "longest line", "exited with status"),
    Fault("crash", "peer.open", "exited with status 4"),
    Fault("number_for_session", "peer.open", "session_id is 5"),
    Fault("noise", "peer.open", "'Listening for peers'"),
    Fault("out_of_order", "order of calls", "calls on one peer started out of order"),
    Fault("rude", "shutdown", "shutdown was not answered: it exited with status 3"),
    Fault(
        "deaf_mode", "routing mode", "the mode that was set is server_only, the mode that is read prefer_p2p"
    ),
    Fault("wrong_type", "connected", "unknown event type 'conected'"),
    Fault("wrong_handle", "connected", "unknown peer 'somebody'"),
    Fault("urlsafe", "data", "not base64"),
    Fault("mime", "data", "not base64"),
    Fault("unpadded", "data", "not base64"),
    Fault("wrong_result", "data", "result is 'sideways'"),
    Fault("declared_only", "is_peer_connected", "does not offer peer.is_peer_connected, though it said"),
    Fault("declared_and_refused", "is_peer_connected", "declared, and the call refused: not now"),
    Fault("no_modes", "routing mode", "peer.p2p_routing_mode is not offered"),
    Fault("no-such-program", "cannot start", "No such file or directory: no-such-program; check the", ABSENT),
    Fault("nobody", "connected", "peer_session_id is missing; it must be a string"),
    Fault("early_exit", "cannot start", "did not come as far as its first answer: it exited with status 1"),
    Fault("no_version", "start", 'without "jsonrpc": "2.0"'),
    Fault("no_answer_at_all", "start", "neither one answer nor a notification"),
    Fault("odd_error", "unknown method", "an error without a code and a message"),
    Fault("unknown_id", "unknown method", "which was never made"),
    Fault("killed", "peer.open", "ended by signal 9"),
    Fault("half_a_line", "peer.open", "exited with status 0, in the middle of a line"),
    Fault("long_line", "peer.open", "a line over 1 MiB"),
    Fault("closes_output", "peer.open", "closed its standard output"),
    Fault("a_request", "peer.open", "a request; adapters send answers and notifications only"),
    Fault("a_list", "peer.open", "a line that is not a JSON object: '[]'"),
    Fault("no_params", "peer.open", "a notification without a method name and named params"),
    Fault("own_notification", "peer.open", "unknown notification 'peer.log'"),
    Fault("early_wrong_event", "peer.open", "unknown event type 'opened'"),
    Fault("early_wrong_handle", "peer.open", "unknown peer 'somebody'"),
    Fault("later_wrong_mode", "order of calls", "mode is 'p2ponly'"),
    Fault("refuses", "data", "the implementation refused: not now"),
    Fault("lock_file", "reading during a call", "exited with status 1"),
]
"""Of an adapter around a stub."""

SLOW_SLIPS = [
    Fault("own_name", "connected", "no event connected that names doctor-elsewhere", patience=SHORT),
    Fault("leaves_child_outside", "nothing left behind", "out of the process group", patience=SHORT),
    Fault("leaves_child", "nothing left behind", "`sleep 60`", patience=SHORT),
    Fault("no_flush", "start", "came only when the process ended: it was not flushed", patience=SHORT),
    Fault(
        "hang", "start", "no answer to initialize within 6 s, nor when its input was closed", patience=SHORT
    ),
    Fault("blocking_write", "unread output", "did not read its standard input either", patience=SHORT),
    Fault("blocks_reading", "reading during a call", "no other request was answered", patience=SHORT),
    Fault("stays", "shutdown", "it still runs 0.8 s after its input was closed", patience=SHORT),
    Fault("no_events", "connected", "no event connected within 4 s", patience=SHORT),
    Fault("late_events", "connected", "an event came only when the next request was made", patience=SHORT),
    Fault("no_data", "data", "256 bytes were sent, and did not come back", patience=SHORT),
    Fault("cut_data", "data", "256 bytes were sent, and did not come back", patience=SHORT),
    Fault("slow_start", "start", "s to its first answer", patience=SHORT, outcome=Outcome.REMARK),
]
"""The same, where a deadline has to pass."""

ADAPTER_FAULTS = [
    Fault("wants_each_key", "peer.open", "answered with error -32603: KeyError: 'max_retries'", FAULTY),
    Fault("internal_refusal", "refusal", "a refusal of the implementation has code -32603", FAULTY),
    Fault("answers_all_the_same", "refusal", "peer.open returned {'session_id': 'made-up'}", FAULTY),
    Fault("dies_of_refusal", "refusal", "a server that hangs up ended the adapter: it exited", FAULTY),
]
"""Of an adapter, that it shows only with an implementation."""

DRIVER_FAULTS = [
    Fault("own_session", "session", "'made-up', which the router at the given url never gave", "", SHORT),
    Fault("drops_token", "session", "the token did not arrive", "", SHORT),
    Fault("begins_with_relay", "routing mode", "the mode is server_only before it was set", "", SHORT),
    Fault("no_events", "connected", "though the other side was told of the connection", "", SHORT),
    Fault(
        "never_connects", "connected", "neither side was told of one: no offer reached the router", "", SHORT
    ),
    Fault(
        "alters_told",
        "data from the peer",
        "256 bytes from the other side were not told as they were sent",
        "",
        SHORT,
    ),
    Fault("alters_sent", "data to the peer", "256 bytes that were sent did not arrive unchanged", "", SHORT),
    Fault("drops_reliable", "data to the peer", "what was sent unreliably arrived as reliable", "", SHORT),
    Fault("refuses", "is_peer_connected", "declared, and the call refused: never", "", SHORT),
    Fault("offers_less", "disconnect_peer", "declared, and the call not offered", "", SHORT),
    Fault("no_relayed", "relayed data", "was not told there", "", SHORT),
    Fault("always_p2p", "relayed data", "a send in server_only told p2p", "", SHORT),
    Fault("drops_ice_servers", "ice_servers", "the STUN server that was configured was not asked", "", SHORT),
    Fault("drops_turn_servers", "turn", "the TURN server was not asked", "", SHORT),
    Fault("fills_in_p2p", "p2p: null", "with p2p: null it offered a connection all the same", "", SHORT),
    Fault(
        "fills_in_timeout",
        "absent defaults",
        "no time-out was configured, and the attempt failed after 1.",
        "",
        SHORT,
    ),
    Fault("drops_timeout", "connection_timeout_secs", "had not failed after", "", SHORT),
    Fault("hangs", "routing mode", "no answer to p2p_routing_mode within", "", SHORT),
    Fault("closes_nothing", "end", "the session still stands after close", "", SHORT),
    Fault("port_zero", "router", "has no port that a client could use", "", SHORT),
    Fault("still_listens", "router", "after router.close a client still got a session", "", SHORT),
    Fault("no_licence", "cannot start", "cannot be initialized: no licence", "", SHORT),
    Fault("drops_name", "session", "the name did not arrive", "", SHORT, Outcome.REMARK),
    Fault("always_unreliable", "data to the peer", "sent reliably arrived as unreliable", "", SHORT),
    Fault("no_announcement", "announce", "no announcement reached the router", "", SHORT),
    Fault("remembers_ice_servers", "absent defaults", "it asked a server for candidates", "", SHORT),
    Fault("silent_without_p2p", "p2p: null", "returned without an error", "", SHORT, Outcome.REMARK),
    Fault("not_yet_listening", "router", "as soon as router.open returned, got no session", "", SHORT),
]
"""Of any driver."""

FAULTS = SLIPS + SLOW_SLIPS + ADAPTER_FAULTS + DRIVER_FAULTS
