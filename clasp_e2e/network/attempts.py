"""Assignment of signals to connection attempts. No I/O: the caller provides the factory of attempts.

A description is identified by its ICE user name fragment, an answer by the strings that it shares with its
offer (such as a correlation id, under any name), a trickled candidate by either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clasp_e2e.network.conditions import Conditions
from clasp_e2e.network.link import Link
from clasp_e2e.network.session_description import Candidate, SessionDescription, ToLink
from clasp_e2e.network.side import Side


@dataclass(slots=True, eq=False)
class SentDescription:
    """An offer or answer as a peer sent it. Times are those of the event loop."""

    leg: str
    sdp: str
    facts: SessionDescription
    strings: frozenset[str]
    """The other strings in its signal, which can relate further signals to it."""
    sent_at: float
    """When its peer sent it."""
    delivered_at: float | None = None
    """When it was first delivered to the other peer."""

    def same_as(self, other: SentDescription) -> bool:
        """Return whether `other` is the same description, sent again.

        The user name fragment alone does not decide: a peer that withdraws its offer and answers the other's
        instead may keep it.
        """
        return self.facts.ufrag == other.facts.ufrag and self.facts.is_offer == other.facts.is_offer


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt of two peers to connect, and the link that is its only path.

    `offer` is `None` while only candidates that overtook it have arrived, `answer` until there is one.
    """

    offerer: str
    answerer: str
    link: Link
    opened_at: float
    offer: SentDescription | None = None
    answer: SentDescription | None = None
    strings: set[str] = field(default_factory=set[str])
    """The strings that relate signals to this attempt: correlation ids, user name fragments."""
    candidates: dict[str, list[Candidate]] = field(default_factory=dict[str, list[Candidate]])
    """What the peer of each leg sent to the other for this attempt, before any rewriting."""
    filters: dict[str, ToLink] = field(default_factory=dict[str, ToLink])

    def description_of(self, leg: str) -> SentDescription | None:
        """Return the description that `leg` sent."""
        return self.offer if leg == self.offerer else self.answer


class LegPair:
    """Two legs, the conditions between them, and their attempts in order of their start."""

    def __init__(self, first: str, second: str, conditions: Conditions) -> None:
        self.first = first
        self.second = second
        self.conditions = conditions
        self.attempts: list[Attempt] = []
        # True once a candidate was related to its attempt by shared strings. Only then does a candidate
        # without them belong to a future attempt; otherwise the implementation's candidates never have any.
        self._candidates_tell = False

    def side(self, leg: str) -> Side:
        """Return the side of the links on which `leg` is."""
        return Side.A if leg == self.first else Side.B

    def leg(self, side: Side) -> str:
        """Return the leg on `side` of the links."""
        return self.first if side is Side.A else self.second

    def attempt_of_description(
        self, description: SentDescription, receiver: str, make: Callable[[str, str], Attempt]
    ) -> Attempt:
        """Return the attempt of `description`; `make(offerer, answerer)` creates it if it is new."""
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
                # This is another answer to the same offer, with its own candidates.
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
        """Return the attempt of a trickled candidate; `make(offerer, answerer)` creates it if it is new."""
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
            # A further answer to an offer shares strings with it. One that shares none answers another peer's
            # offer, and must not change the link of an established connection.
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
    """Return the attempt that shares most strings with `strings`; the latest of several."""
    return max(
        attempts,
        key=lambda attempt: (len(strings & attempt.strings), attempts.index(attempt)),
        default=None,
    )
