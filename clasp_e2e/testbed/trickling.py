"""The partner's candidates, changed on their way to the subject, or delivered one by one (trickle ICE).

The leg of the subject delivers them, whatever the router. To trickle, it removes them from the partner's SDP
and delivers them as `ice_candidate` signals, in the form of the public implementation. This works with any
partner that sends signals in the public form.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from clasp_e2e import wire
from clasp_e2e.network import Candidate, Side
from clasp_e2e.network.session_description import is_sdp, rewrite_sdp
from clasp_e2e.p2p_types import Connected, ConnectionFailed
from clasp_e2e.testbed.altering import Alteration, altering_texts
from clasp_e2e.testbed.expectations import Absent, Unobserved
from clasp_e2e.testbed.fixtures import PeerPair

CandidateTexts: TypeAlias = Callable[[list[str], str], Sequence[str]]
"""Returns what is delivered instead of candidates, which are given as their attributes and their `mid`."""


class CandidateDelivery:
    """The delivery of the partner's candidates to the subject, from its creation on.

    As with a NAT, datagrams of the partner pass only after the subject has sent one, so the test sees whether
    the subject uses a candidate.
    """

    def __init__(self, pair: PeerPair, alter: Alteration) -> None:
        self._pair = pair
        pair.testbed.alterations[pair.subject.name] = alter
        self._partner_side: Side = pair.side(pair.partner)
        pair.link.cut(self._partner_side)

    async def is_put_to_use(self) -> None:
        """Wait until the subject has used a candidate and both are connected; unmet after the time limit.

        Unobserved if the partner's time-out had elapsed by then: the subject is slow.
        """
        pair = self._pair
        subject, partner = pair.subject, pair.partner
        board = pair.testbed.switchboard

        def sent() -> int:
            there, _ = board.traffic(subject.name, partner.name)
            return there.datagrams + there.dropped_datagrams

        if not await board.holds_within(lambda: sent() > 0, pair.connect_limit):
            raise Absent(
                f"{subject.name} to send a datagram to the candidate of {partner.name}",
                f"{subject.name} sent none, although the candidate was delivered",
            )
        if partner.events(ConnectionFailed, subject):
            raise Unobserved(f"{partner.name} had given up before {subject.name} used a candidate")
        pair.link.heal(self._partner_side)
        for client, other in ((subject, partner), (partner, subject)):
            await client.wait_for(Connected, other, within=pair.connect_limit, unless=ConnectionFailed)


class DescribedCandidates(CandidateDelivery):
    """The delivery of an SDP whose candidates are changed by `rewrite`, from a candidate to its lines."""

    def __init__(self, pair: PeerPair, rewrite: Callable[[Candidate], Sequence[str]]) -> None:
        def with_lines(sdp: str) -> str:
            rewritten: list[str] = []
            for line in sdp.splitlines(keepends=True) if is_sdp(sdp) else (sdp,):
                candidate = Candidate.read(line) if line.startswith("a=candidate:") else None
                ending = line[len(line.rstrip("\r\n")) :]
                rewritten += [line] if candidate is None else [each + ending for each in rewrite(candidate)]
            return "".join(rewritten)

        super().__init__(pair, altering_texts(with_lines))


class Trickle(CandidateDelivery):
    """The delivery of the partner's candidates to the subject, one by one.

    `before`, `behind`: how often all are delivered directly before and after the SDP. `texts`: what is
    delivered instead of them, as values of the signal's `candidate`.
    """

    def __init__(
        self,
        pair: PeerPair,
        dead_end: tuple[str, int],
        *,
        before: int,
        behind: int,
        texts: CandidateTexts,
    ) -> None:
        super().__init__(pair, self._alter)
        self._dead_end = dead_end
        self._before = before
        self._behind = behind
        self._texts = texts
        self._signals: list[bytes] = []
        self._descriptions = 0
        """The number of SDPs whose candidates were removed."""
        self._described = asyncio.get_running_loop().create_future()

    @classmethod
    async def to_subject(
        cls,
        pair: PeerPair,
        *,
        before: int = 0,
        behind: int = 0,
        texts: CandidateTexts = lambda lines, mid: [as_json(line, mid) for line in lines],
    ) -> Trickle:
        """Trickle the candidates of the partner to the subject, and two that lead to a silent socket."""
        silent = await pair.testbed.open_stun_server(answers=False)
        return cls(pair, silent.address, before=before, behind=behind, texts=texts)

    async def deliver(self) -> None:
        """Deliver every candidate (again) once the subject has processed the SDP.

        An answerer proves that with its answer, an offerer with a pong that follows the delivered answer.
        """
        pair = self._pair
        board = pair.testbed.switchboard
        try:
            async with asyncio.timeout(pair.connect_limit):
                await self._described
        except TimeoutError:
            raise Unobserved(f"{pair.partner.name} sent no SDP in a signal of the public form") from None
        if not await pair.negotiated():
            raise Absent(f"{pair.answerer.name} to answer an offer without candidates", "no answer came")
        await pair.subject.all_is_written()
        # The subject may have withdrawn its offer in the meantime, and made another one.
        await pair.testbed.last_signal_delivered(pair.subject, pair.partner)
        offers = sum(each.offerer == pair.subject.name for each in pair.attempts)
        await board.holds_within(lambda: self._descriptions >= offers, pair.connect_limit)
        self._note("delivers")
        for signal in self._signals:
            await pair.subject.leg.send_down(signal)

    def _alter(self, message: wire.Message, data: bytes) -> list[bytes]:
        """Remove the candidates from the partner's SDP, and deliver them as separate signals."""
        try:
            signal = wire.decode_signal(message.value) if isinstance(message, wire.Publish) else None
        except wire.WireError:
            return [data]
        if not isinstance(message, wire.Publish) or not isinstance(signal, wire.Offer | wire.Answer):
            return [data]
        found: list[Candidate] = []
        stripped = rewrite_sdp(signal.sdp, lambda candidate: found.append(candidate))
        if not found or signal.sender != self._pair.partner.session_id:
            return [data]
        # After end-of-candidates, the subject may ignore trickled candidates.
        lines = [line for line in stripped.splitlines(keepends=True) if "end-of-candidates" not in line]
        bare = replace(message, value=wire.encode_signal(replace(signal, sdp="".join(lines))))
        mid = next((line[6:] for line in lines if line.startswith("a=mid:")), "0").strip()
        attributes = [str(replace(each, prefix="candidate:")) for each in self._with_dead_ends(found)]
        self._signals = [self._encode(message, signal, text) for text in self._texts(attributes, mid)]
        self._descriptions += 1
        if not self._described.done():
            self._described.set_result(None)
        if self._before or self._behind:
            self._note(f"delivers {self._before} times before the SDP and {self._behind} times after it to")
        frame = wire.decode_frame(data)
        sdp = wire.encode(bare, qos=frame.qos, timestamp=frame.timestamp)
        return [*self._before * self._signals, sdp, *self._behind * self._signals]

    def _with_dead_ends(self, found: list[Candidate]) -> list[Candidate]:
        """Return the candidates, between two that lead nowhere: a peer may have several addresses."""
        host, port = self._dead_end
        # With lower priorities, so that no implementation has to wait until they fail.
        first, last = (
            replace(found[0], foundation=f"dead{n}", priority=found[0].priority - n, address=host, port=port)
            for n in (1, 2)
        )
        return [first, *found, replace(last, address="127.0.0.3")]

    def _encode(self, message: wire.Publish, signal: wire.Offer | wire.Answer, text: str) -> bytes:
        candidate = wire.IceCandidate(signal.sender, text, signal.correlation_id)
        return wire.encode(replace(message, value=wire.encode_signal(candidate)))

    def _note(self, delivers: str) -> None:
        subject, partner = self._pair.subject.name, self._pair.partner.name
        text = f"{delivers} {subject} the {len(self._signals)} candidates of {partner}, one signal each"
        self._pair.testbed.timeline.note("harness", text)


def as_json(line: str | None, mid: str) -> str:
    """Return the candidate attribute in the form of browsers (`RTCIceCandidateInit`), as JSON text."""
    return json.dumps({"candidate": line, "sdpMid": mid, "sdpMLineIndex": 0, "usernameFragment": None})
