"""How NATs treat what two peers send each other. Pure: no sockets, no time.

Each side of a link has an endpoint outside of its NAT, which the other is told: its mapped address. A
NAT whose mapping depends on the destination shows the other side a second endpoint instead, which
nobody was told. Words and behaviours are those of RFC 4787 sections 4.1 and 5, and RFC 3489 section 5.
"""

from enum import Enum

from clasp_e2e.network.side import Side


class Nat(Enum):
    """What a NAT lets in, and what it makes of what it lets out."""

    FULL_CONE = "full cone"
    """Lets everything in: endpoint-independent filtering."""
    RESTRICTED = "restricted cone"
    """Lets in what comes from an address that was sent to: address-dependent filtering."""
    PORT_RESTRICTED = "port-restricted cone"
    """Lets in what comes from an endpoint that was sent to: address and port-dependent filtering."""
    SYMMETRIC = "symmetric"
    """The same, and each destination sees another endpoint: address and port-dependent mapping."""


class Nats:
    """The NATs before the two sides of one link, and the endpoints to which each side has sent.

    An endpoint of the other side is named by whether it is its second one.
    """

    __slots__ = ("_sent_to",)

    def __init__(self) -> None:
        self._sent_to: tuple[set[bool], set[bool]] = (set(), set())

    def cross(
        self, sender: Side, kinds: tuple[Nat | None, Nat | None], *, to_second: bool = False
    ) -> bool | None:
        """Take a datagram of `sender` out through its NAT and in through the other's, of these `kinds`.

        Returns None where that does not let it in, or else whether it comes from the second endpoint
        of `sender`.
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
                # Its second endpoint is for the sender's told one alone; for another there would be a third.
                enters = to_second and not from_second and False in opened
        return from_second if enters else None
