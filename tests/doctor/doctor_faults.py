"""Drivers with one fault each, and what the doctor says about it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from clasp_e2e.doctor import CannotStart, CheckOutcome, CheckResult, examine
from clasp_e2e.drivers.stdio import StdioDriver

from .faulty_driver import FaultyDriver

HERE = Path(__file__).parent
FAULTY, ABSENT = "faulty_adapter.py", "absent"
SHORT = 0.4


@dataclass(frozen=True)
class Fault:
    """A fault: the check that finds it (empty if any may), and a part of the message.

    `adapter` is the program that has it, or empty for a driver in this process. `patience` shortens the
    deadlines where one has to pass.
    """

    name: str
    check: str
    words: str
    adapter: str = FAULTY
    patience: float = 1.0
    outcome: CheckOutcome = CheckOutcome.FAULT

    def __str__(self) -> str:
        return f"{'adapter' if self.adapter else 'driver'}-{self.name}"

    async def examine(self) -> list[CheckResult]:
        """Return the results of the doctor; a driver that cannot start has one result."""
        try:
            return await self._examine()
        except CannotStart as error:
            text, _, advice = str(error).partition("\n→ ")
            return [CheckResult("cannot start", CheckOutcome.FAULT, text, advice)]

    async def _examine(self) -> list[CheckResult]:
        if not self.adapter:
            async with FaultyDriver.made(self.name) as driver:
                return await examine(driver, patience=self.patience)
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-I", "-S", str(HERE / self.adapter), self.name, folder]
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
    Fault("unknown_method", "unknown method", "a method that does not exist was answered with a result"),
    Fault("unknown_method_fails", "unknown method", "with error -32603"),
    Fault("short_lines", "longest line", "exited with status"),
    Fault("crash", "peer.open", "exited with status 4"),
    Fault("number_for_session", "peer.open", "session_id is 5"),
    Fault("noise", "peer.open", "'Listening for peers'"),
    Fault("out_of_order", "order of calls", "calls on one peer started out of order"),
    Fault("rude", "shutdown", "shutdown was not answered: it exited with status 3"),
    Fault("deaf_mode", "routing mode", "the routing mode is prefer_p2p after it was set to server_only"),
    Fault("wrong_type", "connected", "unknown event type 'conected'"),
    Fault("wrong_handle", "connected", "unknown peer 'somebody'"),
    Fault("urlsafe", "data", "not base64"),
    Fault("mime", "data", "not base64"),
    Fault("unpadded", "data", "not base64"),
    Fault("wrong_result", "data", "result is 'sideways'"),
    Fault("declared_only", "is_peer_connected", "does not offer peer.is_peer_connected, though it said"),
    Fault("declared_and_refused", "is_peer_connected", "declared, but the call was refused: not now"),
    Fault("no_modes", "routing mode", "peer.p2p_routing_mode is not offered"),
    Fault("no-such-program", "cannot start", "No such file or directory: no-such-program; check the", ABSENT),
    Fault("nobody", "connected", "peer_session_id is missing; it must be a string"),
    Fault("early_exit", "cannot start", "no answer to initialize: it exited with status 1"),
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
    Fault("refuses", "data", "the implementation refused the call: not now"),
    Fault("lock_file", "reading during a call", "exited with status 1"),
]
"""Faults of an adapter with a stub."""

SLOW_SLIPS = [
    Fault("own_name", "connected", "alice received Connected (me)", patience=SHORT),
    Fault("leaves_child_outside", "nothing left behind", "outside its process group", patience=SHORT),
    Fault("leaves_child", "nothing left behind", "`sleep 60`", patience=SHORT),
    Fault("no_flush", "start", "arrived only when the process ended: it was not flushed", patience=SHORT),
    Fault(
        "hang", "start", "no answer to initialize within 6 s, nor after its input was closed", patience=SHORT
    ),
    Fault("blocking_write", "unread output", "it stopped reading its standard input", patience=SHORT),
    Fault("blocks_reading", "reading during a call", "no other request was answered", patience=SHORT),
    Fault("stays", "shutdown", "it still runs 0.8 s after its standard input was closed", patience=SHORT),
    Fault("no_events", "connected", "alice to receive Connected naming bob within 2 s", patience=SHORT),
    Fault(
        "late_events",
        "connected",
        "an event arrived only with the answer to the next request",
        patience=SHORT,
    ),
    Fault(
        "silent_mode", "order of calls", "no answer to peer.set_p2p_routing_mode within 2 s", patience=SHORT
    ),
    Fault("no_data", "data", "alice to receive Data with 256 bytes", patience=SHORT),
    Fault("cut_data", "data", "arrived as 100 bytes", patience=SHORT),
    Fault("slow_start", "start", "its first answer took", patience=SHORT, outcome=CheckOutcome.REMARK),
]
"""The same adapter, with faults that show only after a deadline."""

ADAPTER_FAULTS = [
    Fault("wants_each_key", "peer.open", "answered with error -32603: KeyError: 'max_retries'"),
    Fault(
        "internal_refusal",
        "refusal",
        "an error of the implementation was answered with code -32603",
    ),
    Fault("answers_all_the_same", "refusal", "peer.open returned {'session_id': 'stub-session'}"),
    Fault(
        "dies_of_refusal",
        "refusal",
        "a server that closes the connection ended the adapter: it exited",
    ),
]
"""Faults of an adapter that show only with an implementation."""

DRIVER_FAULTS = [
    Fault("own_session", "session", "the router at the given URL has no session 'made-up'", "", SHORT),
    Fault("attaches_nowhere", "session", "it could not attach to the router: too many clients", "", SHORT),
    Fault("no_events", "connected", "the SDP and candidates of both peers reached the router", "", SHORT),
    Fault("deaf_alice", "connected", "alice to receive Connected naming bob", "", SHORT),
    Fault("deaf_bob", "connected", "bob to receive Connected naming alice", "", SHORT),
    Fault("never_connects", "connected", "alice sent nothing to the router", "", SHORT),
    Fault("never_answers", "connected", "no SDP was read in what bob sent", "", SHORT),
    Fault("no_candidates", "connected", "alice and bob offered no candidate", "", SHORT),
    Fault("hides_signals_and_events", "connected", "no SDP was read in what alice and bob sent", "", SHORT),
    Fault("alters_told", "data", "arrived as 257 bytes", "", SHORT),
    Fault("alters_sent", "data", "arrived as 257 bytes", "", SHORT),
    Fault("names_itself", "data", "a data event names 'me' instead of its sender", "", SHORT),
    Fault("drops_reliable", "data", "data that was sent unreliably was reported as reliable", "", SHORT),
    Fault("always_unreliable", "data", "data that was sent reliably was reported as unreliable", "", SHORT),
    Fault("refuses", "is_peer_connected", "declared, but the call was refused: never", "", SHORT),
    Fault("offers_less", "disconnect_peer", "declared, but the call is not offered", "", SHORT),
    Fault("hangs", "routing mode", "p2p_routing_mode() did not return within", "", SHORT),
    Fault("closes_nothing", "close", "alice has not left the router within", "", SHORT, CheckOutcome.REMARK),
    Fault("breaks_unnoticed", "end", "alice: it ran out of memory", "", SHORT),
    Fault("ends_badly", "end", "closing raised OSError: the profile is locked", "", SHORT),
    Fault("port_zero", "router", "has no port that a client can connect to", "", SHORT),
    Fault("still_listens", "router", "after router.close", "", SHORT),
    Fault("not_yet_listening", "router", "right after router.open returned", "", SHORT),
    Fault("no_licence", "cannot start", "cannot be initialized: no licence", "", SHORT),
]
"""Faults that any driver can have."""

FAULTS = SLIPS + SLOW_SLIPS + ADAPTER_FAULTS + DRIVER_FAULTS

DIFFERENCES = {
    "frames_payloads": [],
    "hides_signals": [
        f"no SDP was read in what {name} sent: what needs it will be unobserved" for name in ("alice", "bob")
    ],
    "hides_candidates": [
        f"{name} offered no candidate that the harness can read: the scenarios' link cannot carry its"
        " connections"
        for name in ("alice", "bob")
    ],
    "offers_ipv6": [],
    "offers_tcp": [
        f"{name} offered no UDP candidate on this machine: the scenarios' link cannot carry its connections"
        for name in ("alice", "bob")
    ],
    "asks_a_server": [
        f"{name} offered srflx candidates although ice_servers was empty" for name in ("alice", "bob")
    ],
}
"""What a driver may do that the specification leaves open, and the remarks about it."""
