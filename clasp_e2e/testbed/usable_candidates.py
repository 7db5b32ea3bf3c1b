"""What the link needs of the peers: host candidates for UDP over IPv4."""

from collections.abc import Iterable

from clasp_e2e.network import LabSwitchboard, Switchboard
from clasp_e2e.testbed.expectations import EnvironmentFault


def require_usable_candidates(board: Switchboard, names: Iterable[str]) -> None:
    """Raise `EnvironmentFault` if a client offered candidates, and the link can carry none of them."""
    for name in () if isinstance(board, LabSwitchboard) else names:
        offered = board.candidates_from(name)
        if offered and not any(candidate.is_usable_host for candidate in offered):
            kinds = sorted({f"{each.type} {each.transport} {each.address}" for each in offered})
            raise EnvironmentFault(
                f"{name} offered only {', '.join(kinds)}; the link between the peers carries UDP over IPv4"
                " between host candidates. Let the implementation gather such a candidate"
            )
