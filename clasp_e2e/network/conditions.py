"""The current conditions of the network between two peers."""

from collections.abc import Callable, Sequence

from clasp_e2e.network import datagrams
from clasp_e2e.network.impairments import Datagram, Impairment, black, in_words
from clasp_e2e.network.nat import Nat
from clasp_e2e.network.side import Side

_PASSES = (0.0,)


def _ignore(_: str) -> None:
    pass


class Conditions:
    """The conditions of all links of a pair; each direction is named after the side that sends.

    They exist before the first link, so that a link can be cut from the start. A change applies from the next
    datagram that the link reads, and restarts the count of datagrams. `on_change` receives a description of
    each change, such as `cuts alice → bob`; `names` are those of side A and side B.
    """

    def __init__(
        self, names: tuple[str, str] = ("A", "B"), on_change: Callable[[str], None] = _ignore
    ) -> None:
        self._names = names
        self._on_change = on_change
        self._impairments: list[Impairment | None] = [None, None]
        self._seen = [0, 0]
        self._disturbed = [0, 0]
        self._late = [0.0, 0.0]
        self.nats: tuple[Nat | None, Nat | None] | None = None
        """The NAT of each side; None if neither side has one."""
        self.has_changed = False
        """Whether anything was done to the network between the two."""
        self.relayed_only = False
        """True in a TURN scenario: only relay candidates are delivered."""

    def impair(self, impairment: Impairment | None, sender: Side | None = None) -> None:
        """Apply `impairment` to what `sender` sends (`None`: both), replacing any previous one."""
        for side in Side if sender is None else (sender,):
            self._impairments[side] = impairment
            self._seen[side] = self._disturbed[side] = 0
        way = self._way(sender)
        if impairment is None or impairment is black:
            self._change(f"{'heals' if impairment is None else 'cuts'} {way}")
        else:
            self._change(f"puts {way} under: {in_words(impairment)}")

    def cut(self, sender: Side | None = None) -> None:
        """Drop everything that `sender` sends (`None`: both)."""
        self.impair(black, sender)

    def heal(self, sender: Side | None = None) -> None:
        """Remove the impairment of what `sender` sends (`None`: both), including loss and delay."""
        self.impair(None, sender)

    def put_behind(self, nat: Nat | None, side: Side | None = None) -> None:
        """Put `side` (None: each) behind a NAT, replacing any previous one."""
        kinds = list(self.nats or (None, None))
        for each in Side if side is None else (side,):
            kinds[each] = nat
        self.nats = (kinds[Side.A], kinds[Side.B]) if any(kinds) else None
        sides = " and ".join(self._names) if side is None else self._names[side]
        self._change(
            f"takes away the NAT before {sides}" if nat is None else f"puts {sides} behind NAT: {nat.value}"
        )

    def relay_only(self) -> None:
        """Deliver relay candidates only: a TURN server is then the only path."""
        self.relayed_only = True
        self._change(f"lets only relay candidates pass {self._way(None)}")

    def delay_first(self, sender: Side, seconds: float) -> None:
        """Delay the first DTLS application data of `sender` on each new link; later data overtakes it.

        This is the INIT of an SCTP association, or the reply to one (RFC 8261 section 6.1).
        """
        self._late[sender] = seconds
        self._change(f"holds the first data {self._way(sender)} back for {seconds:g} s on each new link")

    def delay_of_first(self, sender: Side) -> float:
        """Return the delay of the first application data of `sender`, in seconds."""
        return self._late[sender]

    def impairment(self, sender: Side) -> Impairment | None:
        """Return the impairment of the datagrams of `sender`; `None` if everything passes."""
        return self._impairments[sender]

    def fates(self, sender: Side, data: bytes, at: float) -> Sequence[float]:
        """Return the fates of the next datagram of `sender`, which the link read at `at` (seconds)."""
        impairment = self._impairments[sender]
        if impairment is None:
            return _PASSES
        datagram = Datagram(sender, self._seen[sender], len(data), datagrams.is_dtls(data), at)
        self._seen[sender] += 1
        fates = impairment(datagram)
        self._disturbed[sender] += tuple(fates) != _PASSES
        return fates

    def disturbed(self, sender: Side) -> int:
        """Return how many datagrams of `sender` were lost, delayed or duplicated since the last change."""
        return self._disturbed[sender]

    def name_of(self, side: Side) -> str:
        """Return the name of a side."""
        return self._names[side]

    def _change(self, what: str) -> None:
        self.has_changed = True
        self._on_change(what)

    def _way(self, sender: Side | None) -> str:
        """Return a description of the direction; `None` means both."""
        if sender is None:
            return " ⇄ ".join(self._names)
        return f"{self._names[sender]} → {self._names[sender.other]}"
