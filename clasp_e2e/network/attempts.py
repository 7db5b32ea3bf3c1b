"""Which attempt to connect a signal belongs to. No I/O: whoever asks brings the maker of attempts.

A description is known by its ICE user name fragment, an answer by the strings that it shares with its
offer (a correlation id, whatever its name), a trickled candidate by either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clasp_e2e.network.conditions import Conditions
from clasp_e2e.network.link import UdpLink
from clasp_e2e.network.session_description import Candidate, SessionDescription, ToLink
from clasp_e2e.network.side import Side


@dataclass(slots=True, eq=False)
class SentDescription:
    """An offer or answer as a peer sent it. Times are those of the event loop."""

    leg: str
    sdp: str
    facts: SessionDescription
    strings: frozenset[str]
    """What stood beside it in its signal, and can tie others to it."""
    sent_at: float
    """When it left its peer."""
    delivered_at: float | None = None
    """When it was first handed to the peer it is for."""

    def same_as(self, other: SentDescription) -> bool:
        """True for the same description, sent again.

        The user name fragment alone would not do: a peer that takes its offer back, and answers the other's
        instead, may keep it.
        """
        return self.facts.ufrag == other.facts.ufrag and self.facts.is_offer == other.facts.is_offer


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt of two peers to connect, and the link that is its only path.

    `offer` is `None` while only candidates that overtook it are known, `answer` until there is one.
    """

    offerer: str
    answerer: str
    link: UdpLink
    opened_at: float
    offer: SentDescription | None = None
    answer: SentDescription | None = None
    strings: set[str] = field(default_factory=set[str])
    """What ties signals to this attempt: correlation ids, user name fragments."""
    candidates: dict[str, list[Candidate]] = field(default_factory=dict[str, list[Candidate]])
    """What each leg's peer sent for this attempt and the other was due, as sent."""
    filters: dict[str, ToLink] = field(default_factory=dict[str, ToLink])

    def description_of(self, leg: str) -> SentDescription | None:
        """What `leg` contributed."""
        return self.offer if leg == self.offerer else self.answer


class LegPair:
    """Two legs, the conditions between them, and their attempts in the order they began."""

    def __init__(self, first: str, second: str, conditions: Conditions) -> None:
        self.first = first
        self.second = second
        self.conditions = conditions
        self.attempts: list[Attempt] = []
        # Set once shared strings have tied a candidate to its attempt. Only then does a candidate that
        # shares none belong to an attempt that is yet to come; else it is of a kind that never tells.
        self._candidates_tell = False

    def side(self, leg: str) -> Side:
        """The side of the links on which `leg` is."""
        return Side.A if leg == self.first else Side.B

    def leg(self, side: Side) -> str:
        """The leg on `side` of the links."""
        return self.first if side is Side.A else self.second

    def attempt_of_description(
        self, description: SentDescription, receiver: str, make: Callable[[str, str], Attempt]
    ) -> Attempt:
        """The attempt that `description` belongs to, `make(offerer, answerer)` where it begins one."""
        sender = description.leg
        for attempt in self.attempts:
            known = attempt.description_of(sender)
            if known is not None and known.same_as(description):
                return attempt
        attempt = None
        if not description.facts.is_offer:
            attempt = self._answered(description, receiver)
        if attempt is not None:
            if attempt.answer is not None:
                # Another answer to the same offer: its candidates are its own.
                attempt.filters.pop(sender, None)
            attempt.answer = attempt.answer or description
        else:
            attempt = self._awaiting_offer(description) or make(sender, receiver)
            attempt.offer = description
        attempt.strings |= description.strings | {description.facts.ufrag}
        return attempt

    def attempt_of_candidate(
        self, strings: set[str], sender: str, receiver: str, make: Callable[[str, str], Attempt]
    ) -> Attempt:
        """The attempt that a trickled candidate belongs to, `make(offerer, answerer)` where it begins one."""
        best = _best(self.attempts, strings)
        if best is not None and strings & best.strings:
            self._candidates_tell = True
            return best
        if best is None or self._candidates_tell:
            attempt = make(sender, receiver)
            attempt.strings |= strings
            return attempt
        described = [attempt for attempt in self.attempts if attempt.description_of(sender) is not None]
        return described[-1] if described else self.attempts[-1]

    def _answered(self, answer: SentDescription, offerer: str) -> Attempt | None:
        offered = [
            attempt for attempt in self.attempts if attempt.offerer == offerer and attempt.offer is not None
        ]
        unanswered = [attempt for attempt in offered if attempt.answer is None]
        found = _best(unanswered, answer.strings)
        if found is None:
            # One more answer to an offer is known by what it shares with it. What shares nothing answers
            # somebody else's, and must not lead the link of a connection that stands astray.
            found = _best(
                [attempt for attempt in offered if answer.strings & attempt.strings], answer.strings
            )
        return found

    def _awaiting_offer(self, offer: SentDescription) -> Attempt | None:
        waiting = [
            attempt
            for attempt in self.attempts
            if attempt.offer is None
            and attempt.offerer == offer.leg
            and (offer.strings & attempt.strings or not self._candidates_tell)
        ]
        return _best(waiting, offer.strings)


def _best(attempts: list[Attempt], strings: set[str] | frozenset[str]) -> Attempt | None:
    """The attempt that shares most with `strings`, the latest of several."""
    return max(
        attempts,
        key=lambda attempt: (len(strings & attempt.strings), attempts.index(attempt)),
        default=None,
    )
