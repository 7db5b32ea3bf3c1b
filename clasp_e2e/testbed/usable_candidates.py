"""What the link needs of the peers: candidates that it can read, for UDP on an address of this machine."""

from collections.abc import Iterable
from itertools import combinations

from clasp_e2e.network import LabSwitchboard, Switchboard
from clasp_e2e.p2p_types import Connected
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import EnvironmentFault


def require_usable_candidates(board: Switchboard, names: Iterable[str]) -> None:
    """Raise `EnvironmentFault` if a client offered candidates, and the link can carry none of them."""
    for name in () if isinstance(board, LabSwitchboard) else names:
        offered = board.candidates_from(name)
        if offered and not any(candidate.rank for candidate in offered):
            kinds = sorted({f"{each.type} {each.transport} {each.address}" for each in offered})
            raise EnvironmentFault(
                f"{name} offered only {', '.join(kinds)}; the link between the peers carries UDP between"
                " IPv4 host candidates or loopback addresses. Let the implementation gather such a candidate"
            )


def without_ipv4(board: Switchboard, names: Iterable[str]) -> str | None:
    """Return which client offered IPv6 candidates alone, and so may not reach what is at an IPv4 address."""
    for name in () if isinstance(board, LabSwitchboard) else names:
        offered = board.candidates_from(name)
        if offered and all(":" in candidate.address for candidate in offered):
            return f"{name} offered IPv6 candidates alone, and the servers of this scenario use IPv4"
    return None


def bypassing_the_link(board: Switchboard, clients: Iterable[Client]) -> str | None:
    """Return which two clients are connected by a path that the link neither sees nor changes.

    They exchange their candidates in signals that the harness cannot read.
    """
    if isinstance(board, LabSwitchboard):
        return None
    for one, other in combinations((client for client in clients if client.is_attached), 2):
        names = (one.name, other.name)
        is_read = board.unreadable(*names) is None and any(map(board.candidates_from, names))
        told = one.events(Connected, other) or other.events(Connected, one)
        crossed = any(each.datagrams + each.dropped_datagrams for each in board.traffic(*names))
        if told and board.conditions(*names).has_changed and not (is_read or crossed):
            return (
                f"{one.name} and {other.name} are connected by a path that bypasses the link, because no"
                " candidate of theirs was read: what was done to their network had no effect"
            )
    return None
