"""Access to aiortc's SCTP association for what the public API of aiortc 1.16 does not offer.

All access to aiortc's private SCTP code is here. Source: RFC 9260 (SCTP), RFC 3758 (partial reliability).
"""

import asyncio
from contextlib import suppress
from typing import Any

from aiortc import RTCSctpTransport
from OpenSSL import SSL

CONTROL = 50
"""The payload protocol identifier of DCEP messages, which open channels (RFC 8832, section 8.1)."""

MOST_IN_FLIGHT = 64 * 1024
"""Bytes without an acknowledgement. A socket's default buffer holds some 90 datagrams, and without a path
that limits the rate, the congestion window grows until it overflows: then aiortc waits for time-outs."""

LEAST_PER_DATAGRAM = 1024
"""Bytes in flight that a datagram counts for at least. aiortc counts payloads, and would have thousands of
small ones in flight; asyncio reads one datagram of a socket at a time, and consent would wait behind them."""


class Association:
    """The SCTP association of one transport."""

    def __init__(self, sctp: RTCSctpTransport) -> None:
        # Untyped because the attributes used here are private to aiortc.
        self._sctp: Any = sctp
        self._drained = asyncio.Event()
        self._receive_sack = self._sctp._receive_sack_chunk
        self._t3_expired = self._sctp._t3_expired
        self._sctp._receive_sack_chunk = self._on_sack
        self._transmit = self._sctp._transmit
        self._increase = self._sctp._flight_size_increase
        self._sctp._flight_size_increase = self._increase_by_a_datagram
        self._sctp._t3_expired = self._on_t3
        self._sctp._transmit = self._transmit_if_there_is_a_path

    @property
    def message_limit(self) -> int:
        """The largest message that the other side accepts, in bytes; 0 means no limit."""
        return self._sctp._remote_max_message_size

    @message_limit.setter
    def message_limit(self, limit: int) -> None:
        self._sctp._remote_max_message_size = limit

    @property
    def unacknowledged(self) -> bool:
        """Whether sent data is not acknowledged yet but may still be."""
        sctp = self._sctp
        waiting = sctp._data_channel_queue or sctp._outbound_queue or sctp._sent_queue
        return sctp.state == "connected" and bool(waiting)

    async def drained(self) -> None:
        """Wait until all sent data is acknowledged or the association has ended."""
        while self.unacknowledged:
            self._drained.clear()
            await self._drained.wait()

    def ended(self) -> None:
        """Release all waiters: the association has ended, and nothing more will be acknowledged."""
        self._drained.set()

    async def _transmit_if_there_is_a_path(self) -> None:
        """Send what is due. Ignore errors: nothing awaits aiortc's tasks, and ICE reports a lost path."""
        with suppress(ConnectionError, SSL.Error):
            await self._transmit()

    def _increase_by_a_datagram(self, chunk: Any) -> None:
        chunk._book_size = max(chunk._book_size, LEAST_PER_DATAGRAM)
        self._increase(chunk)

    async def _on_sack(self, chunk: object) -> None:
        await self._receive_sack(chunk)
        self._sctp._cwnd = min(self._sctp._cwnd, MOST_IN_FLIGHT)
        self._drained.set()

    def _on_t3(self) -> None:
        """Abandon queued unreliable messages: a whole time-out passed without an acknowledgement.

        aiortc abandons an unreliable message after one transmission, but keeps those that are still queued
        and would send them late, when the path has healed.
        """
        sctp = self._sctp
        for chunk in sctp._outbound_queue:
            if chunk._max_retransmits == 0:
                chunk._abandoned = True
        kept: list[Any] = []
        for item in sctp._data_channel_queue:
            channel, protocol, data = item
            if protocol == CONTROL or channel.maxRetransmits != 0:
                kept.append(item)
            else:
                channel._addBufferedAmount(-len(data))
        sctp._data_channel_queue.clear()
        sctp._data_channel_queue.extend(kept)
        self._t3_expired()
