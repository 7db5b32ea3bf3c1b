"""Trickle ICE: the partner's candidates, delivered one by one when a scenario requests it.

The leg of the subject removes the candidates from the partner's SDP and delivers them as `ice_candidate`
signals, in the form of the public implementation. This works with any partner that sends signals in the
public form, and does not depend on the router.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.network import Candidate, Side
from clasp_e2e.network.session_description import rewrite_sdp
from clasp_e2e.p2p_types import Connected, ConnectionFailed
from clasp_e2e.testbed.expectations import Unmet, Unobserved
from clasp_e2e.testbed.fixtures import PeerPair


class Trickle:
    """The delivery of the partner's candidates to the subject, from its creation on.

    `before`, `behind`: how often each candidate is delivered directly before and after the SDP. As with
    a NAT, datagrams of the partner pass only after the subject has sent one, so the test sees whether the
    subject uses a trickled candidate.
    """

    def __init__(self, pair: PeerPair, dead_end: tuple[str, int], *, before: int, behind: int) -> None:
        self._pair = pair
        self._dead_end = dead_end
        self._before = before
        self._behind = behind
        self._signals: list[bytes] = []
        self._described = asyncio.get_running_loop().create_future()
        pair.testbed.alterations[pair.subject.name] = self._alter
        self._partner_side: Side = pair.testbed.switchboard.pair(pair.subject.name, pair.partner.name).side(
            pair.partner.name
        )
        pair.link.cut(self._partner_side)

    @classmethod
    async def to_subject(cls, pair: PeerPair, *, before: int = 0, behind: int = 0) -> Trickle:
        """Trickle the candidates of the partner to the subject, and one that leads to a silent socket."""
        silent = await pair.testbed.open_stun_server(answers=False)
        return cls(pair, silent.address, before=before, behind=behind)

    async def deliver(self) -> None:
        """Deliver every candidate (again) once the subject has processed the SDP.

        An answerer proves that with its answer, an offerer with a pong that follows the delivered answer.
        """
        pair = self._pair
        try:
            async with asyncio.timeout(pair.connect_limit):
                await self._described
        except TimeoutError:
            raise Unobserved(f"{pair.partner.name} sent no SDP in a signal of the public form") from None
        if not await pair.negotiated():
            raise Unmet(f"{pair.answerer.name} to answer an offer without candidates", "no answer came")
        await pair.subject.all_is_written()
        self._note("delivers")
        for signal in self._signals:
            await pair.subject.leg.send_down(signal)

    async def is_put_to_use(self) -> None:
        """Wait until the subject has used a candidate and both are connected; unmet after the time limit."""
        pair = self._pair
        subject, partner = pair.subject, pair.partner
        board = pair.testbed.switchboard

        def sent() -> int:
            there, _ = board.traffic(subject.name, partner.name)
            return there.datagrams + there.dropped_datagrams

        if not await board.holds_within(lambda: sent() > 0, pair.connect_limit):
            raise Unmet(
                f"{subject.name} to send a datagram to the candidate of {partner.name}",
                f"{subject.name} sent none, although the candidate was delivered",
            )
        pair.link.heal(self._partner_side)
        for client, other in ((subject, partner), (partner, subject)):
            await client.wait_for(Connected, other, within=pair.connect_limit, unless=ConnectionFailed)

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
        self._signals = [self._encode(message, signal, each) for each in self._with_a_dead_end(found)]
        if not self._described.done():
            self._described.set_result(None)
        if self._before or self._behind:
            self._note(f"delivers {self._before} times before the SDP and {self._behind} times after it to")
        frame = wire.decode_frame(data)
        sdp = wire.encode(bare, qos=frame.qos, timestamp=frame.timestamp)
        return [*self._before * self._signals, sdp, *self._behind * self._signals]

    def _with_a_dead_end(self, found: list[Candidate]) -> list[Candidate]:
        """Return the candidates, preceded by one that leads nowhere: a peer may have several addresses."""
        host, port = self._dead_end
        # With a lower priority, so that no implementation has to wait until it fails.
        dead = replace(found[0], foundation="dead", priority=found[0].priority - 1, address=host, port=port)
        return [dead, *found]

    def _encode(self, message: wire.Publish, signal: wire.Offer | wire.Answer, candidate: Candidate) -> bytes:
        mid = next((x[6:] for x in signal.sdp.splitlines() if x.startswith("a=mid:")), "0")
        text = json.dumps(
            {
                "candidate": str(replace(candidate, prefix="candidate:")),
                "sdpMid": mid,
                "sdpMLineIndex": 0,
                "usernameFragment": None,
            }
        )
        value = wire.encode_signal(wire.IceCandidate(signal.sender, text, signal.correlation_id))
        return wire.encode(replace(message, value=value))

    def _note(self, delivers: str) -> None:
        subject, partner = self._pair.subject.name, self._pair.partner.name
        text = f"{delivers} {subject} the {len(self._signals)} candidates of {partner}, one signal each"
        self._pair.testbed.timeline.note("harness", text)
