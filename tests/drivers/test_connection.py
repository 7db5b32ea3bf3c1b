"""The JSON-RPC connection: assignment of answers to calls, and the effect of protocol violations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.drivers import DriverFault
from clasp_e2e.drivers.interface import TimedLine
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.connection import AdapterFault, Connection
from clasp_e2e.drivers.stdio.jsonrpc import ResultResponse
from clasp_e2e.p2p_types import Connected, P2PEvent


class ScriptedAdapter:
    """An adapter without a process: a test reads the requests, and says the lines."""

    is_ours = True
    pid = 0

    def __init__(self, *, on_line: Callable[[bytes], None], on_broken: Callable[[str], None]) -> None:
        self.say = on_line
        self.exit = on_broken
        self.writes: list[bytes] = []
        self.is_killed = False

    async def start(self) -> None:
        return

    def write(self, line: bytes) -> None:
        self.writes.append(line)

    def kill_now(self) -> None:
        self.is_killed = True

    async def kill(self) -> None:
        self.kill_now()

    async def end(self, farewell: bytes) -> None:
        self.write(farewell)

    def stderr(self) -> str:
        return "last line"

    def stderr_lines(self) -> list[TimedLine]:
        return [TimedLine(0.0, self.stderr())]

    def __str__(self) -> str:
        return "adapter"

    def answer(self, number: int, value: object) -> None:
        self.say(json.dumps({"jsonrpc": "2.0", "id": number, "result": value}).encode())

    def event(self, peer: str, **event: str) -> None:
        self.say(event_line(peer, **event))


def event_line(peer: str, **event: str) -> bytes:
    params = {"peer": peer, "event": event}
    return json.dumps({"jsonrpc": "2.0", "method": "peer.event", "params": params}).encode()


def connected(*, violations: list[str] | None = None) -> tuple[Connection, ScriptedAdapter]:
    on_violation = None if violations is None else violations.append
    connection = Connection(ScriptedAdapter, on_violation=on_violation)
    adapter = connection.process
    assert isinstance(adapter, ScriptedAdapter)
    return connection, adapter


def numbers(adapter: ScriptedAdapter) -> list[int]:
    return [json.loads(line)["id"] for write in adapter.writes for line in write.splitlines()]


async def test_requests_that_are_sent_together_leave_in_one_write() -> None:
    connection, adapter = connected()
    answers = connection.send([("a", {}), ("b", {})])
    assert len(adapter.writes) == 1
    assert numbers(adapter) == [1, 2]
    adapter.answer(2, "second")
    adapter.answer(1, "first")
    assert [(await answer) for answer in answers] == [ResultResponse(1, "first"), ResultResponse(2, "second")]


async def test_by_default_the_first_violation_kills_the_process_and_fails_every_call() -> None:
    connection, adapter = connected()
    [answer] = connection.send([("a", {})])
    adapter.say(b"Listening for peers")
    adapter.say(b"and more")
    assert adapter.is_killed
    with pytest.raises(AdapterFault, match="not JSON: 'Listening for peers'") as caught:
        await answer
    assert str(caught.value).startswith("the adapter `adapter` failed: standard output carried")
    assert caught.value.reason.startswith("standard output carried")
    assert caught.value.stderr == "last line"
    with pytest.raises(AdapterFault):
        connection.send([("b", {})])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON: ''"),
        (b'{"jsonrpc": "2.0", "id": 1, "result": NaN}', "not JSON"),
        (b'{"jsonrpc": "2.0", "id": 1, "result": "\\ud800"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not a JSON object: '[1]'"),
        (b'{"id": 1, "result": {}}', 'without "jsonrpc": "2.0"'),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "peer.event", "params": {}}', "a request; adapters send"),
        (b'{"jsonrpc": "2.0", "id": 1}', "neither one answer nor a notification"),
        (b'{"jsonrpc": "2.0", "id": 1, "error": "oh"}', "an error without a code"),
        (b'{"jsonrpc": "2.0", "id": null, "error": {"code": -1, "message": "?"}}', "names no request"),
        (b'{"jsonrpc": "2.0", "method": "peer.log", "params": {}}', "unknown notification 'peer.log'"),
        (b'{"jsonrpc": "2.0", "id": 999, "result": {}}', "request 999, which was never made"),
        (b'{"jsonrpc": "2.0", "id": "1", "result": {}}', "id is not a whole number"),
        (event_line("p", type="conected"), "unknown event type 'conected'"),
        (event_line("nobody", type="connected", peer_session_id="s"), "unknown peer 'nobody'"),
        (event_line("p", type="data", data="AAA"), "not base64 with padding: 'AAA'"),
        (event_line("p", type="data", data="", reliable="yes"), "reliable is 'yes'; it must be true or"),
        (event_line("p", type="connection_failed", peer_session_id="s"), "reason is missing"),
    ],
    ids=range(19),
)
async def test_wrong_line_ends_the_adapter_with_advice(line: bytes, words: str) -> None:
    connection, adapter = connected()
    connection.ignore("p")
    [answer] = connection.send([("a", {})])
    adapter.say(line)
    with pytest.raises(AdapterFault) as caught:
        await answer
    assert words in str(caught.value)
    assert caught.value.advice not in ("", advice_for(""))
    assert adapter.is_killed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"Listening for peers", "not JSON"),
        (b'{"jsonrpc": "2.0", "method": "peer.event", "params": {"event": {}}}', "a wrong peer.event"),
    ],
)
async def test_tolerated_line_that_cannot_be_an_answer_fails_no_call(line: bytes, words: str) -> None:
    violations: list[str] = []
    connection, adapter = connected(violations=violations)
    [answer] = connection.send([("a", {})])
    adapter.say(line)
    assert len(violations) == 1
    assert words in violations[0]
    assert not answer.done()
    adapter.answer(1, "fine")
    assert await answer == ResultResponse(1, "fine")
    assert not adapter.is_killed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"jsonrpc": "2.0", "result": {}}', "id is not a whole number"),
        (b'{"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "m"}}', "names no request"),
        (b'{"jsonrpc": "2.0", "id": 99, "result": {}}', "request 99, which was never made"),
        (b"[]", "not a JSON object"),
    ],
)
async def test_tolerated_line_that_may_be_an_answer_fails_the_calls_in_progress(
    line: bytes, words: str
) -> None:
    violations: list[str] = []
    connection, adapter = connected(violations=violations)
    [answer] = connection.send([("a", {})])
    adapter.say(line)
    with pytest.raises(AdapterFault, match=words):
        await answer
    adapter.answer(1, "late, and so no violation")
    assert len(violations) == 1
    [later] = connection.send([("b", {})])
    adapter.answer(2, "fine")
    assert await later == ResultResponse(2, "fine")


async def test_second_answer_is_a_violation() -> None:
    violations: list[str] = []
    connection, adapter = connected(violations=violations)
    [answer] = connection.send([("a", {})])
    adapter.answer(1, "one")
    adapter.answer(1, "two")
    assert await answer == ResultResponse(1, "one")
    assert violations == ["a second answer to request 1"]


async def test_tolerated_missing_answer_fails_only_its_call() -> None:
    connection, adapter = connected(violations=[])
    slow, other = connection.send([("slow", {}), ("other", {})])
    with pytest.raises(AdapterFault, match=r"no answer to slow within 0\.01 s"):
        await connection.answer("slow", slow, deadline=0.01)
    adapter.answer(1, "late")
    adapter.answer(2, "fine")
    assert await connection.answer("other", other, deadline=5) == ResultResponse(2, "fine")


async def test_end_of_a_tolerated_process_fails_all_calls_and_kills_nothing() -> None:
    connection, adapter = connected(violations=[])
    [answer] = connection.send([("a", {})])
    adapter.exit("it exited with status 3")
    with pytest.raises(AdapterFault, match="it exited with status 3"):
        await answer
    with pytest.raises(AdapterFault, match="it exited with status 3"):
        connection.send([("b", {})])
    assert not adapter.is_killed


async def test_call_after_the_end_is_refused() -> None:
    connection, _ = connected()
    [answer] = connection.send([("a", {})])
    await connection.end()
    with pytest.raises(DriverFault, match="while the call was in progress"):
        await answer
    with pytest.raises(DriverFault, match="b was called after the harness had ended the adapter"):
        connection.send([("b", {})])


async def test_events_reach_the_sink_of_their_peer() -> None:
    connection, adapter = connected()
    events: list[P2PEvent] = []
    connection.listen("p", events.append)
    connection.ignore("q")
    for peer in "pq":
        adapter.event(peer, type="connected", peer_session_id="s")
    assert events == [Connected("s")]
    assert not connection.is_over


@given(st.permutations(range(1, 7)), st.lists(st.sampled_from([b"noise", b'{"jsonrpc": "2.0"}', b"[]"])))
def test_each_call_ends_with_its_answer_or_a_fault(order: list[int], bad_lines: list[bytes]) -> None:
    async def converse() -> None:
        violations: list[str] = []
        connection, adapter = connected(violations=violations)
        answers = connection.send([("m", {"n": n}) for n in range(1, 7)])
        lines: list[Any] = [*order]
        for place, bad in enumerate(bad_lines):
            lines.insert(2 * place, bad)
        for line in lines:
            if isinstance(line, bytes):
                adapter.say(line)
            else:
                adapter.answer(line, line)
        assert len(violations) == len(bad_lines)
        for number, answer in enumerate(answers, 1):
            assert answer.done()
            assert answer.exception() is not None or answer.result() == ResultResponse(number, number)

    asyncio.run(converse())
