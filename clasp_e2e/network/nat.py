"""The behavior of NATs between two peers. Pure: no sockets, no time.

Each side of a link has an endpoint outside of its NAT, its mapped address, which is signaled to the other
side. A NAT whose mapping depends on the destination uses a second endpoint towards the other side, which is
not signaled. Terms and behavior follow RFC 4787 sections 4.1 and 5, and RFC 3489 section 5.
"""

from enum import Enum

from clasp_e2e.network.side import Side


class Nat(Enum):
    """The filtering and mapping behavior of a NAT."""

    FULL_CONE = "full cone"
    """Passes all incoming datagrams: endpoint-independent filtering."""
    RESTRICTED = "restricted cone"
    """Passes datagrams from addresses to which its side has sent: address-dependent filtering."""
    PORT_RESTRICTED = "port-restricted cone"
    """Passes datagrams from endpoints to which its side has sent: address and port-dependent filtering."""
    SYMMETRIC = "symmetric"
    """Filters like port-restricted, and maps each destination differently: address and port-dependent."""


class Nats:
    """The NATs of the two sides of one link, and the endpoints to which each side has sent.

    An endpoint of the other side is identified by whether it is its second one.
    """

    def __init__(self) -> None:
        self._sent_to: tuple[set[bool], set[bool]] = (set(), set())

    def cross(
        self, sender: Side, kinds: tuple[Nat | None, Nat | None], *, to_second: bool = False
    ) -> bool | None:
        """Pass a datagram of `sender` through its NAT and the other side's NAT, of these `kinds`.

        Returns None if it is dropped, otherwise whether it comes from the second endpoint of `sender`.
        """
        self._sent_to[sender].add(to_second)
        from_second = kinds[sender] is Nat.SYMMETRIC
        opened = self._sent_to[sender.other]
        match kinds[sender.other]:
            case None | Nat.FULL_CONE:
                enters = True
            case Nat.RESTRICTED:
                enters = bool(opened)
            case Nat.PORT_RESTRICTED:
                enters = from_second in opened
            case Nat.SYMMETRIC:
                # The second endpoint is for the signaled one only; another would get a third.
                enters = to_second and not from_second and False in opened
        return from_second if enters else None
