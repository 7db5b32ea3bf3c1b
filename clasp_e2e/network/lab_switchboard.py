"""The links between peers that are hosts of the lab: their datagrams cross the harness as they are.

Candidates are not rewritten. A datagram belongs to the attempt whose user name fragments the connectivity
checks between its two endpoints name (RFC 8445 section 7.2.2).
"""

from __future__ import annotations

from collections.abc import Callable

from clasp_e2e import wire
from clasp_e2e.lab import Endpoint, LabHost, UdpPacket, current_internet
from clasp_e2e.network import datagrams
from clasp_e2e.network.attempts import Attempt, LegPair
from clasp_e2e.network.capture import CAPTURE
from clasp_e2e.network.conditions import Conditions
from clasp_e2e.network.link import Link
from clasp_e2e.network.nat import Nat
from clasp_e2e.network.side import Side
from clasp_e2e.network.switchboard import Switchboard

NAT_PROPERTIES = {
    Nat.FULL_CONE: (False, "all"),
    Nat.RESTRICTED: (False, "addresses"),
    Nat.PORT_RESTRICTED: (False, "flows"),
    Nat.SYMMETRIC: (True, "flows"),
}
"""Whether the ports are random, and what enters, by kind of NAT."""


class LabConditions(Conditions):
    """Conditions whose NATs are those of the kernel."""

    def __init__(
        self, names: tuple[str, str], on_change: Callable[[str], None], hosts: dict[str, LabHost]
    ) -> None:
        super().__init__(names, on_change)
        self._hosts = hosts

    def put_behind(self, nat: Nat | None, side: Side | None = None) -> None:
        """Put the host of `side` (None: each) behind a NAT, replacing any previous one."""
        super().put_behind(nat, side)
        for each in Side if side is None else (side,):
            host = self._hosts[self._names[each]]
            if nat is None:
                host.remove_nat()
            else:
                random_ports, admits = NAT_PROPERTIES[nat]
                host.put_behind_nat(random_ports=random_ports, admits=admits)


class LabSwitchboard(Switchboard):
    """All links between the hosts of a testbed; `join` connects a leg with its host."""

    def __init__(self, on_condition: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(on_condition)
        self._hosts: dict[str, LabHost] = {}
        self._legs: dict[LabHost, str] = {}
        self._flows: dict[frozenset[Endpoint], Attempt] = {}
        self._without_signals: dict[LegPair, Link] = {}
        self._capture = CAPTURE.get()

    def join(self, leg: str, address: str | None) -> None:
        """Make the host at `address`, from which the peer of `leg` is connected, one of the testbed."""
        host = None if address is None else current_internet().host_at(address)
        if host is None:
            raise RuntimeError(f"{leg} is not connected from a host of the lab, but from {address}")
        self._hosts[leg] = host
        self._legs[host] = leg
        host.cross = self._cross

    def host(self, leg: str) -> LabHost:
        """Return the host of the peer of `leg`."""
        return self._hosts[leg]

    def close(self) -> None:
        """Close all links, and let nothing pass between the hosts."""
        super().close()
        for link in self._without_signals.values():
            link.close()
        for host in self._legs:
            host.cross = None

    def forget(self, leg: str) -> None:
        """Close all links of `leg`, which no longer exists, and discard what it sent."""
        super().forget(leg)
        if (host := self._hosts.pop(leg, None)) is not None:
            del self._legs[host]
            host.cross = None

    def _cross(
        self, sender: LabHost, receiver: LabHost, packet: UdpPacket, deliver: Callable[[], None]
    ) -> None:
        names = self._legs.get(sender), self._legs.get(receiver)
        if names[0] is None or names[1] is None:
            return
        pair = self.pair(names[0], names[1])
        attempt = self._attempt_of(pair, packet)
        link = self._unsignaled(pair) if attempt is None else attempt.link
        fate = link.carry(pair.side(names[0]), packet.payload, deliver)
        if self._capture is not None:
            number = self._capture.datagram("lab", packet.source, packet.destination, packet.payload)
            if fate:
                self._capture.comment(number, f"lab: {fate}")

    def _unsignaled(self, pair: LegPair) -> Link:
        """Return the link of datagrams between peers whose signals cannot be read."""
        if pair not in self._without_signals:
            self._without_signals[pair] = self._new_link(pair)
        return self._without_signals[pair]

    def _attempt_of(self, pair: LegPair, packet: UdpPacket) -> Attempt | None:
        flow = frozenset((packet.source, packet.destination))
        if names := datagrams.user_name_fragments(packet.payload):
            for attempt in pair.attempts:
                if names & attempt.strings:
                    self._flows[flow] = attempt
                    return attempt
        return self._flows.get(flow) or (pair.attempts[-1] if pair.attempts else None)

    def _through(
        self, attempt: Attempt, sender: str, receiver: str, message: wire.Message
    ) -> wire.Message | None:
        del attempt
        if self.pair(sender, receiver).conditions.relayed_only:
            return self._only_relayed(sender, receiver, message)
        return message

    def _new_conditions(self, one: str, other: str) -> Conditions:
        return LabConditions((one, other), self._on_condition, self._hosts)

    def _new_link(self, pair: LegPair) -> Link:
        return Link(pair.conditions, self._changes.notify)
