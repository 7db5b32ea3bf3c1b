"""Transfers over a link that loses, delays or reorders datagrams."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from clasp_e2e.network import Datagram, Impairment, black, described, in_words
from clasp_e2e.p2p_types import Disconnected, SendResult
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import (
    Blocked,
    Unobserved,
    current_judgment,
    expect,
    judging,
    random_payload,
)
from clasp_e2e.testbed.fixtures import PeerPair
from clasp_e2e.testbed.send_series import meanwhile, send_in_turn
from clasp_e2e.testbed.waiting import together

LARGE = 1000
"""Size in bytes of the largest unreliable payload that an implementation must take: a datagram holds one."""
SMALL = 620
"""Size in bytes of a payload of which a datagram holds one, so that it is smaller than `LARGE`."""
PACED = 4
"""Number of messages after which the sender waits for a reliable one to arrive."""


@dataclass
class Flow:
    """The payloads that one client sent to the other, in order."""

    sender: Client
    receiver: Client
    sent: list[bytes]

    @property
    def missing(self) -> int:
        """The number of payloads that never arrived."""
        return len(set(self.sent) - {event.data for event in self.receiver.data()})

    @property
    def repeated(self) -> int:
        """The number of payloads that arrived more than once."""
        return sum(len(self.receiver.events_with(payload)) > 1 for payload in self.sent)

    @property
    def order(self) -> list[int]:
        """The indexes in `sent` of the payloads that arrived, in the order of their first arrival."""
        indexes = {payload: index for index, payload in enumerate(self.sent)}
        arrived = dict.fromkeys(event.data for event in self.receiver.data())
        return [indexes[data] for data in arrived if data in indexes]


async def exchange_under(
    pair: PeerPair, impairment: Impairment, *, sends: int, size: int = LARGE
) -> list[Flow]:
    """Send `sends` reliable payloads of `size` bytes in each direction under `impairment`; await them all.

    The impairment lasts until all have arrived, or for some seconds: that bounds the time SCTP waits
    before it retransmits the rest (RFC 9260, section 6.3.3). Unobserved if the impairment affected
    nothing; CON-11 is unmet if the connection ended.
    """
    flows = [
        Flow(client, pair.other(client), [random_payload(size) for _ in range(sends)]) for client in pair
    ]
    pair.link.impair(impairment)
    await together(*(send_in_turn(pair, flow.sender, flow.sent) for flow in flows))
    await _arrival(flows, pair.patience.event)
    untouched = [flow.sender.name for flow in flows if not pair.link.disturbed(pair.side(flow.sender))]
    pair.link.heal()
    if untouched:
        raise Unobserved(f"the link dropped or delayed no datagram of {' and of '.join(untouched)}")
    await _arrival(flows, pair.patience.retransmission)
    expect_no_end(pair, "although the link was only impaired")
    await pair.drain()
    return flows


def expect_no_end(pair: PeerPair, when: str) -> None:
    """Require, as CON-11, that neither side has received Disconnected; `when` follows that in the message."""
    with judging("CON-11"):
        ended = [client.name for client in pair if client.events(Disconnected)]
        expect(ended, f"sides that received Disconnected {when}").is_empty()


async def _arrival(flows: list[Flow], within: float) -> None:
    """Wait until all payloads of `flows` have arrived, for at most `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    for flow in flows:
        await flow.receiver.receives_all(flow.sent, within=max(0.0, deadline - loop.time()))


class SelectiveLoss:
    """Unreliable messages from the subject, of which the link impairs some (by default, drops them).

    The link impairs every datagram that holds a large message, so a retransmission does not pass either
    until the link heals.
    """

    def __init__(self, pair: PeerPair, impairment: Impairment = black) -> None:
        self.lost: list[bytes] = []
        """The messages that were impaired."""
        self.later: list[bytes] = []
        """The messages that passed, and were sent after an impaired one."""
        self._pair = pair
        self._impairment = impairment
        self._impaired = 0
        selective = described(f"large messages {in_words(impairment)}", self._decide)
        pair.link.impair(selective, pair.side(pair.subject))

    def _decide(self, datagram: Datagram) -> Sequence[float]:
        if not datagram.is_dtls or datagram.size < LARGE:
            return (0.0,)
        self._impaired += 1
        return self._impairment(datagram)

    async def send(self, *, sends: int, affected: int) -> None:
        """Send `sends` messages, of which `affected` are impaired: one at a random index of each part.

        Reliable messages pace the sends, so that each can leave at once. Stop early if one does not
        arrive: the sender then keeps retransmitting an impaired message. Blocked by RTE-3 if the messages
        are relayed.
        """
        rng, part = current_judgment().rng, sends // affected
        indexes = {part * number + rng.randrange(part - 1) for number in range(affected)}
        for index in range(sends):
            if (index in indexes or index % PACED == 0) and not await self._all_is_through():
                return
            if index in indexes:
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
        """Send large messages until one is impaired, and return it; unobserved after the time limit.

        The link then heals for a reliable one, which may have to arrive before its call returns.

        While the congestion window is small, SCTP may fragment a message to fill the window (Chromium
        does so below six MTUs: `avoid_fragmentation_cwnd_mtus` in dcsctp). Fragments are too small to be
        recognized, so the message arrives, and this sends another one.
        """
        loop = asyncio.get_running_loop()
        limit = self._pair.patience.retransmission
        deadline = loop.time() + limit
        while (left := deadline - loop.time()) > 0:
            impaired, payload = self._impaired, random_payload(LARGE)
            async with meanwhile(self._send_directly(payload, reliable=reliable)):
                is_impaired = await self._is_impaired(payload, impaired, left)
                if is_impaired and reliable:
                    self._pair.link.heal()
            if is_impaired:
                return payload
        raise Unobserved(
            f"timed out after {limit:g} s waiting for a datagram that holds a whole message of {LARGE} bytes"
            f" from {self._pair.subject.name}"
        )

    async def _is_impaired(self, payload: bytes, before: int, within: float) -> bool:
        """Return whether more than `before` datagrams were impaired before `payload` arrived."""
        pair = self._pair
        tasks: list[asyncio.Task[object]] = [
            asyncio.create_task(pair.testbed.switchboard.wait_until(lambda: self._impaired > before)),
            asyncio.create_task(pair.partner.receives_any([payload], within=within)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._impaired > before

    async def _send_directly(self, payload: bytes, *, reliable: bool) -> None:
        result = await self._pair.subject.send_p2p(self._pair.partner, payload, reliable=reliable)
        if result is not SendResult.P2P:
            raise Blocked("RTE-3", f"while connected, a send returned {result}")
