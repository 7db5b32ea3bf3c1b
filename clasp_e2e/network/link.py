"""The path of the datagrams of one connection attempt, in user space and without privileges.

`UdpLink` is a pair of loopback UDP sockets: A sends to one as if it were B, and B to the other as if it were
A. Each peer gets the address of its socket as the candidate of the other; to ICE, it looks like a NAT. A peer
that uses IPv6 alone gets the address of an IPv6 socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from clasp_e2e.network import datagrams
from clasp_e2e.network.conditions import Conditions
from clasp_e2e.network.datagram_log import DatagramLog, fate_in_words
from clasp_e2e.network.datagrams import StunClass
from clasp_e2e.network.nat import Nat, Nats
from clasp_e2e.network.side import Side
from clasp_e2e.network.udp_socket import Address, UdpSocket

_REMEMBERED_REQUESTS = 1024
_AT_ONCE = (0.0,)


@dataclass(slots=True)
class Counters:
    """The traffic of one side over a link. Bytes are those of the UDP payload, times those of the loop."""

    datagrams: int = 0
    bytes: int = 0
    dropped_datagrams: int = 0
    """Datagrams lost to the conditions, or sent before the address of the other side was known."""
    dropped_bytes: int = 0
    duplicates: int = 0
    """Copies that the conditions added; no other count includes them."""
    dtls_application: int = 0
    """DTLS records with application data that passed; with DTLS 1.3, all encrypted records."""
    first_seen: float | None = None
    """When the first datagram arrived at the link, even if it did not pass."""
    first_application: float | None = None
    """When the first DTLS record with application data passed."""

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.datagrams + other.datagrams,
            self.bytes + other.bytes,
            self.dropped_datagrams + other.dropped_datagrams,
            self.dropped_bytes + other.dropped_bytes,
            self.duplicates + other.duplicates,
            self.dtls_application + other.dtls_application,
            _earlier(self.first_seen, other.first_seen),
            _earlier(self.first_application, other.first_application),
        )


def _earlier(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


class Link:
    """The path of the datagrams of one attempt: it counts them, and applies the conditions to them.

    Create it while an event loop runs. `on_activity` is called after each datagram, even if it was dropped.
    """

    def __init__(self, conditions: Conditions, on_activity: Callable[[], None] | None = None) -> None:
        self._conditions = conditions
        self._on_activity = on_activity
        self._loop = asyncio.get_running_loop()
        self._delayed: set[asyncio.TimerHandle] = set()
        self._counters = (Counters(), Counters())
        self._has_sent_application = [False, False]
        self.log = DatagramLog()

    def counters(self, sender: Side) -> Counters:
        """Return the live counters of what `sender` sent."""
        return self._counters[sender]

    @property
    def holds_back(self) -> bool:
        """Whether a delayed datagram is still in transit."""
        return bool(self._delayed)

    def close(self) -> None:
        """Lose the delayed datagrams. Safe to call repeatedly."""
        for handle in self._delayed:
            handle.cancel()
        self._delayed.clear()

    def carry(self, sender: Side, data: bytes, send: Callable[[], None] | None, lost: str = "") -> str:
        """Pass a datagram of `sender` on by `send`, as the conditions decide; None loses it, as `lost` says.

        `send` may raise `OSError`, and is called more than once for duplicates. Return the fate in words.
        """
        counters = self._counters[sender]
        if counters.first_seen is None:
            counters.first_seen = self._loop.time()
        if self._conditions.impairment(sender) is None:
            delays: Sequence[float] = _AT_ONCE
        else:
            delays = self._conditions.fates(sender, data, self._loop.time())
        if delays and not self._has_sent_application[sender] and datagrams.application_records(data):
            self._has_sent_application[sender] = True
            late = self._conditions.delay_of_first(sender)
            delays = [delay + late for delay in delays]
        fate = lost if delays and send is None else fate_in_words(delays, self._conditions.impairment(sender))
        self.log.note(self._loop.time(), sender, data, fate)
        if not delays or send is None:
            counters.dropped_datagrams += 1
            counters.dropped_bytes += len(data)
        else:
            for copy, delay in enumerate(delays):
                if delay > 0:
                    self._send_later(delay, counters, data, send, again=copy > 0)
                else:
                    self._send(counters, data, send, again=copy > 0)
        if self._on_activity is not None:
            self._on_activity()
        return fate

    def _send_later(
        self, delay: float, counters: Counters, data: bytes, send: Callable[[], None], *, again: bool
    ) -> None:
        def send_now() -> None:
            self._delayed.discard(handle)
            self._send(counters, data, send, again=again)
            if self._on_activity is not None:
                self._on_activity()

        handle = self._loop.call_later(delay, send_now)
        self._delayed.add(handle)

    def _send(self, counters: Counters, data: bytes, send: Callable[[], None], *, again: bool) -> None:
        """Send `data`; `again` marks a duplicate, which is counted separately."""
        try:
            send()
        except OSError:
            if again:
                return
            # Full buffers and unreachable addresses lose datagrams, as in any network.
            counters.dropped_datagrams += 1
            counters.dropped_bytes += len(data)
            return
        if again:
            counters.duplicates += 1
            return
        counters.datagrams += 1
        counters.bytes += len(data)
        if records := datagrams.application_records(data):
            counters.dtls_application += records
            if counters.first_application is None:
                counters.first_application = self._loop.time()


class _End:
    """The sockets for one side, and the state of that side. `open_socket` opens one at a host."""

    def __init__(self, side: Side, open_socket: Callable[[str | None], UdpSocket]) -> None:
        self.side = side
        self.socket = open_socket(None)
        self._open_socket = open_socket
        self._ipv6: UdpSocket | None = None
        self.second: UdpSocket | None = None
        """The other side's unsignaled endpoint, if its NAT is symmetric."""
        self.peer: Address | None = None
        self.was_heard = False
        # A peer with several addresses checks each of them: a response goes to the socket that sent the
        # request, even if all other datagrams go elsewhere.
        self.requests: dict[bytes, Address] = {}

    @property
    def uses_ipv6(self) -> bool:
        """Whether datagrams for this side go to an IPv6 address."""
        return self.peer is not None and ":" in self.peer[0]

    def socket_to(self, address: Address | None) -> UdpSocket:
        """Return the socket of the IP version of `address`, or the IPv4 one if the machine has no IPv6."""
        if address is None or ":" not in address[0]:
            return self.socket
        if self._ipv6 is None:
            with suppress(OSError):
                self._ipv6 = self._open_socket("::1")
        return self._ipv6 or self.socket

    def close(self) -> None:
        """Close all sockets. Safe to call repeatedly."""
        for opened in (self.socket, self._ipv6, self.second):
            if opened is not None:
                opened.close()


class UdpLink(Link):
    """A pair of loopback sockets between the two sides of one attempt.

    Raises `OSError` if no socket can be opened.
    """

    def __init__(self, conditions: Conditions, on_activity: Callable[[], None] | None = None) -> None:
        super().__init__(conditions, on_activity)
        self._nats = Nats()
        first = self._end(Side.A)
        try:
            self._ends = (first, self._end(Side.B))
        except OSError:
            first.close()
            raise

    def _end(self, side: Side) -> _End:
        def take(data: bytes, source: Address) -> None:
            self._take(end, data, source)

        name = f"{self._conditions.name_of(side)}, link"
        end = _End(side, lambda host: UdpSocket(take, host, name=name))
        return end

    def address_for(self, side: Side) -> Address:
        """Return the address that `side` is given as its peer's."""
        end = self._ends[side]
        return end.socket_to(end.peer).address

    def peer_address(self, side: Side) -> Address | None:
        """Return the current destination of datagrams for `side`; `None` while it is unknown."""
        return self._ends[side].peer

    def set_peer_address(self, side: Side, address: Address) -> None:
        """Send datagrams for `side` to `address` until a datagram of that side shows its actual address.

        Once a datagram has shown it, later candidates of the peer have no effect.
        """
        if not self._ends[side].was_heard:
            self._ends[side].peer = address

    def close(self) -> None:
        """Close both sockets; delayed datagrams are lost. Safe to call repeatedly."""
        super().close()
        for end in self._ends:
            end.close()

    def _take(self, end: _End, data: bytes, source: Address, *, to_second: bool = False) -> None:
        other = self._ends[end.side.other]
        destination = self._destination(end, other, data, source)
        way = other.socket_to(destination)
        if self._conditions.nats is not None:
            way = self._through_nats(end, self._conditions.nats, way, to_second=to_second)
        send = None if destination is None or way is None else partial(way.send, data, destination)
        lost = "dropped by a NAT" if way is None else "dropped: no address of the receiver is known"
        fate = self.carry(end.side, data, send, lost)
        if fate and not to_second:
            end.socket_to(source).comment(f"link: {fate}")

    def _through_nats(
        self, end: _End, nats: tuple[Nat | None, Nat | None], way: UdpSocket, *, to_second: bool
    ) -> UdpSocket | None:
        """Return the socket from which the other side gets a datagram, or None if a NAT drops it.

        `way` is that of the signaled endpoint. A side that uses IPv6 has no NAT but a symmetric one.
        """
        of_a, of_b = (
            kind if kind is Nat.SYMMETRIC or not each.uses_ipv6 else None
            for each, kind in zip(self._ends, nats, strict=True)
        )
        from_second = self._nats.cross(end.side, (of_a, of_b), to_second=to_second)
        if not from_second:
            return None if from_second is None else way
        other = self._ends[end.side.other]
        if other.second is None:
            other.second = UdpSocket(
                lambda data, source: self._take(other, data, source, to_second=True),
                way.address[0],
                name=f"{self._conditions.name_of(other.side)}, second endpoint",
            )
        return other.second

    def _destination(self, end: _End, other: _End, data: bytes, source: Address) -> Address | None:
        """Learn the sender's address from a datagram, and return its destination."""
        kind = datagrams.stun_class(data)
        if kind is StunClass.REQUEST:
            while len(end.requests) >= _REMEMBERED_REQUESTS:
                del end.requests[next(iter(end.requests))]
            end.requests[datagrams.transaction_id(data)] = source
        if end.peer != source and (
            not end.was_heard
            or datagrams.is_dtls(data)
            or (kind is StunClass.REQUEST and datagrams.nominates(data))
        ):
            end.peer = source
        end.was_heard = True
        if kind is StunClass.SUCCESS or kind is StunClass.ERROR:
            return other.requests.get(datagrams.transaction_id(data), other.peer)
        return other.peer
