"""What the link needs of the peers: candidates for UDP on an address of this machine."""

from collections.abc import Iterable

from clasp_e2e.network import LabSwitchboard, Switchboard
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
