"""What is sent while the link loses or reorders, and what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from clasp_e2e.network import Datagram, Impairment, black, described, in_words
from clasp_e2e.p2p_types import Disconnected, SendResult
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Blocked, Unobserved, current_judgment, random_payload
from clasp_e2e.testbed.fixtures import PeerPair

LARGE = 1050
"""Bytes of a payload of which a datagram holds one and no more (WebRTC fills it up to some 1200)."""
SMALL = 300
"""Bytes of a payload of which three, all that a datagram holds, are less than `LARGE`."""
PACED = 4
"""Messages after which the sender waits for a reliable one to arrive."""


@dataclass
class Flow:
    """What one client sent the other, in order."""

    sender: Client
    receiver: Client
    sent: list[bytes]

    @property
    def missing(self) -> int:
        """The payloads that never arrived."""
        return len(set(self.sent) - {event.data for event in self.receiver.data()})

    @property
    def repeated(self) -> int:
        """The payloads that arrived more than once."""
        return sum(len(self.receiver.events_with(payload)) > 1 for payload in self.sent)

    @property
    def order(self) -> list[int]:
        """The places, in what was sent, of what arrived, in the order of its first arrival."""
        places = {payload: place for place, payload in enumerate(self.sent)}
        arrived = dict.fromkeys(event.data for event in self.receiver.data())
        return [places[data] for data in arrived if data in places]


async def exchange_under(
    pair: PeerPair, impairment: Impairment, *, sends: int, size: int = LARGE
) -> list[Flow]:
    """Send `sends` reliable payloads of `size` bytes each way under `impairment`, and await them all.

    The impairment lasts until all have arrived, for some seconds at most: that bounds how long SCTP
    then waits before it repeats the rest (RFC 9260, section 6.3.3). Unobserved where it touched
    nothing, or where the connection ended: what is judged is judged while connected.
    """
    flows = [
        Flow(client, pair.other(client), [random_payload(size) for _ in range(sends)]) for client in pair
    ]
    pair.link.impair(impairment)
    for place in range(sends):
        for flow in flows:
            await flow.sender.send_p2p(flow.receiver, flow.sent[place])
    await _arrival(flows, pair.patience.event)
    untouched = [flow.sender.name for flow in flows if not pair.link.disturbed(pair.side(flow.sender))]
    pair.link.heal()
    if untouched:
        raise Unobserved(f"the link lost or held back nothing of what {' and '.join(untouched)} sent")
    await _arrival(flows, pair.patience.retransmission)
    for client in pair:
        if client.events(Disconnected):
            raise Unobserved(f"{client.name} received Disconnected while the link was bad, not black")
    await pair.drain()
    return flows


async def _arrival(flows: list[Flow], within: float) -> None:
    """Wait until all of `flows` has arrived, for `within` seconds at most."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    for flow in flows:
        await flow.receiver.receives_all(flow.sent, within=max(0.0, deadline - loop.time()))


class SelectiveLoss:
    """Unreliable messages from the one looked at, of which some never pass the link, or pass it late.

    Those are larger than the others: whatever is as large meets their fate (by default it is lost),
    so that a repetition fares no better, and what waits for it waits until the link heals.
    """

    def __init__(self, pair: PeerPair, impairment: Impairment = black) -> None:
        self.lost: list[bytes] = []
        """The messages that met the fate."""
        self.later: list[bytes] = []
        """Those that passed, and were sent after one that did not."""
        self._pair = pair
        self._fate = impairment
        self._met = 0
        fates = described(f"large messages {in_words(impairment)}", self._decide)
        pair.link.impair(fates, pair.side(pair.subject))

    def _decide(self, datagram: Datagram) -> Sequence[float]:
        if not datagram.is_dtls or datagram.size < LARGE:
            return (0.0,)
        self._met += 1
        return self._fate(datagram)

    async def send(self, *, sends: int, affected: int) -> None:
        """Send `sends` messages, of which `unlucky` meet the fate: one at a random place of each part.

        Paced by reliable ones, so that each has room to leave at once. Ends early where such a one does
        not arrive: its sender goes on repeating what cannot pass. Blocked by RTE-3 where they are relayed.
        """
        rng, part = current_judgment().rng, sends // affected
        places = {part * number + rng.randrange(part - 1) for number in range(affected)}
        for place in range(sends):
            if (place in places or place % PACED == 0) and not await self._all_is_through():
                return
            if place in places:
                self.lost.append(await self.send_large(reliable=False))
                continue
            payload = random_payload(SMALL)
            await self._send_directly(payload, reliable=False)
            if self.lost:
                self.later.append(payload)

    async def _all_is_through(self) -> bool:
        payload = random_payload(SMALL)
        await self._send_directly(payload, reliable=True)
        return await self._pair.partner.receives_all([payload], within=self._pair.patience.event)

    async def send_large(self, *, reliable: bool) -> bytes:
        """Send large messages until one meets the fate, and return that one; unobserved if none does in time.

        While the congestion window is small, an SCTP may fill the room left in it with a piece of the
        message (Chromium's does below six MTUs: `avoid_fragmentation_cwnd_mtus` in dcsctp). The pieces are
        too small to be recognized, and the message arrives; the next one is sent when the receiver has
        acknowledged them.
        """
        loop = asyncio.get_running_loop()
        limit = self._pair.patience.retransmission
        deadline = loop.time() + limit
        while (left := deadline - loop.time()) > 0:
            met, payload = self._met, random_payload(LARGE)
            await self._send_directly(payload, reliable=reliable)
            if await self._meets_fate(payload, met, left):
                return payload
        raise Unobserved(
            f"timed out after {limit:g} s waiting for a datagram that holds a whole message of {LARGE} bytes"
            f" from {self._pair.subject.name}"
        )

    async def _meets_fate(self, payload: bytes, met: int, within: float) -> bool:
        """Return whether more than `met` messages have met the fate before `payload` arrived without that."""
        pair = self._pair
        tasks: list[asyncio.Task[object]] = [
            asyncio.create_task(pair.testbed.switchboard.wait_until(lambda: self._met > met)),
            asyncio.create_task(pair.partner.receives_any([payload], within=within)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._met > met

    async def _send_directly(self, payload: bytes, *, reliable: bool) -> None:
        result = await self._pair.subject.send_p2p(self._pair.partner, payload, reliable=reliable)
        if result is not SendResult.P2P:
            raise Blocked("RTE-3", f"while connected, a send returned {result}")
