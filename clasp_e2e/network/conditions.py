"""What the network between two peers is subject to, now."""

from collections.abc import Callable, Sequence

from clasp_e2e.network import datagrams
from clasp_e2e.network.impairments import Datagram, Impairment, black, in_words
from clasp_e2e.network.nat import Nat
from clasp_e2e.network.side import Side

_PASSES = (0.0,)


def _ignore(_: str) -> None:
    pass


class Conditions:
    """What all links of a pair are subject to, now; each direction is named by the side that sends.

    Exists before the first link, so that a link can be black from the start. A change holds from the
    next datagram on that the link reads, and the datagrams are counted anew from there. `on_change` is
    told of each in words, as `cuts alice → bob`; `names` are those of side A and side B.
    """

    __slots__ = (
        "_disturbed",
        "_impairments",
        "_late",
        "_names",
        "_on_change",
        "_seen",
        "nats",
        "relayed_only",
    )

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
        """The NAT before each side; None where there is none before either."""
        self.relayed_only = False
        """True in a TURN scenario: only relay candidates are delivered."""

    def impair(self, impairment: Impairment | None, sender: Side | None = None) -> None:
        """Put what `sender` sends (`None`: both) under `impairment`, in the place of any before it."""
        for side in Side if sender is None else (sender,):
            self._impairments[side] = impairment
            self._seen[side] = self._disturbed[side] = 0
        way = self._way(sender)
        if impairment is None or impairment is black:
            self._on_change(f"{'heals' if impairment is None else 'cuts'} {way}")
        else:
            self._on_change(f"puts {way} under: {in_words(impairment)}")

    def cut(self, sender: Side | None = None) -> None:
        """Let nothing pass that `sender` sends (`None`: both)."""
        self.impair(black, sender)

    def heal(self, sender: Side | None = None) -> None:
        """Let everything pass that `sender` sends (`None`: both); ends loss and delay too."""
        self.impair(None, sender)

    def put_behind(self, nat: Nat | None, side: Side | None = None) -> None:
        """Put a NAT before `side` (None: before each), in the place of any before it."""
        kinds = list(self.nats or (None, None))
        for each in Side if side is None else (side,):
            kinds[each] = nat
        self.nats = (kinds[Side.A], kinds[Side.B]) if any(kinds) else None
        who = " and ".join(self._names) if side is None else self._names[side]
        self._on_change(
            f"takes away the NAT before {who}" if nat is None else f"puts {who} behind NAT: {nat.value}"
        )

    def relay_only(self) -> None:
        """Deliver relay candidates alone: a TURN server is then the only path."""
        self.relayed_only = True
        self._on_change(f"lets only relay candidates pass {self._way(None)}")

    def delay_first(self, sender: Side, seconds: float) -> None:
        """Hold back the first DTLS application data of `sender` on each new link; the rest overtakes it.

        Of an SCTP association that is the INIT, or what answers one (RFC 8261 section 6.1).
        """
        self._late[sender] = seconds
        self._on_change(f"holds the first data {self._way(sender)} back for {seconds:g} s on each new link")

    def delay_of_first(self, sender: Side) -> float:
        """How many seconds the first application data of `sender` is held back."""
        return self._late[sender]

    def impairment(self, sender: Side) -> Impairment | None:
        """What the datagrams of `sender` are under; `None` when everything passes."""
        return self._impairments[sender]

    def fates(self, sender: Side, data: memoryview, at: float) -> Sequence[float]:
        """What becomes of the next datagram of `sender`, that the link read at `at` (seconds)."""
        impairment = self._impairments[sender]
        if impairment is None:
            return _PASSES
        datagram = Datagram(sender, self._seen[sender], len(data), datagrams.is_dtls(data), at)
        self._seen[sender] += 1
        fates = impairment(datagram)
        self._disturbed[sender] += tuple(fates) != _PASSES
        return fates

    def disturbed(self, sender: Side) -> int:
        """The datagrams of `sender` that did not simply pass, since the last change."""
        return self._disturbed[sender]

    def _way(self, sender: Side | None) -> str:
        """The direction in words; `None` stands for both."""
        if sender is None:
            return " ⇄ ".join(self._names)
        return f"{self._names[sender]} → {self._names[sender.other]}"

    @property
    def is_cut(self) -> bool:
        """True when nothing passes either way."""
        return all(impairment is black for impairment in self._impairments)
