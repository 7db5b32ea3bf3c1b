"""Routing of each connection attempt between the legs of a testbed through a link of its own.

It observes signals from a peer to the router to learn their sender, and rewrites the candidates in them on
their way from the router to the other peer, so that the router handles the original signals. Signals from
senders without a leg are not changed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace

from clasp_e2e import wire
from clasp_e2e.network.attempts import Attempt, LegPair, SentDescription
from clasp_e2e.network.conditions import Conditions
from clasp_e2e.network.link import Counters, Link, UdpLink
from clasp_e2e.network.rewriting import Contents, contents_of, rewrite_message
from clasp_e2e.network.session_description import (
    Candidate,
    CandidateFilter,
    SessionDescription,
    ToLink,
    keep_relayed,
)
from clasp_e2e.network.side import Side
from clasp_e2e.network.signaling_proxy import Direction
from clasp_e2e.notifier import Notifier

# Words that name the type of a signal, and therefore occur in many unrelated signals.
_TYPE_WORDS = frozenset(
    {"", "offer", "answer", "pranswer", "candidate", "ice", "ice_candidate", "ice-candidate", "trickle"}
)


class Switchboard:
    """All links between the peers of a testbed. Legs are identified by strings.

    Call `observe` and `rewrite_down` for every frame of every leg, in order. Create it while an event loop
    runs. `on_condition` is called with a description of each change of conditions.
    """

    def __init__(self, on_condition: Callable[[str], None] = lambda _: None) -> None:
        self._on_condition = on_condition
        self.descriptions: list[SentDescription] = []
        """Every SDP that a peer sent, delivered or not, in order."""
        self.instead_of_links: CandidateFilter | None = None
        """What replaces each candidate, if the peers are to connect without links."""
        self._loop = asyncio.get_running_loop()
        self._pairs: dict[frozenset[str], LegPair] = {}
        self._sessions: set[str] = set()
        self._authors: dict[tuple[str, bool], SentDescription] = {}
        self._trickled: dict[str, dict[str, Candidate]] = {}
        """The legs that sent each candidate, in order, and the candidate, by its text."""
        self._changes = Notifier()

    def pair(self, one: str, other: str) -> LegPair:
        """Return the pair of the two legs, in either order; create it if necessary."""
        key = frozenset((one, other))
        if len(key) != 2:
            raise ValueError(f"a pair needs two legs, and {one!r} is named twice: name another one")
        if key not in self._pairs:
            self._pairs[key] = LegPair(one, other, self._new_conditions(one, other))
        return self._pairs[key]

    def conditions(self, one: str, other: str) -> Conditions:
        """Return the conditions of all present and future links of the pair; side A is `pair(..).first`."""
        return self.pair(one, other).conditions

    def attempts_between(self, one: str, other: str) -> list[Attempt]:
        """Return the pair's attempts, with their links, in order of their start."""
        return list(self.pair(one, other).attempts)

    def attempts(self) -> list[Attempt]:
        """Return the attempts of all pairs, in order of their start."""
        found = [attempt for pair in self._pairs.values() for attempt in pair.attempts]
        return sorted(found, key=lambda attempt: attempt.opened_at)

    def traffic(self, one: str, other: str) -> tuple[Counters, Counters]:
        """Return what `one` sent `other`, and `other` sent `one`, over all attempts so far."""
        pair = self.pair(one, other)
        links = [attempt.link for attempt in pair.attempts]
        there = sum((link.counters(pair.side(one)) for link in links), Counters())
        back = sum((link.counters(pair.side(other)) for link in links), Counters())
        return there, back

    @property
    def is_used(self) -> bool:
        """Whether application data has crossed a link in both directions."""
        return any(
            all(attempt.link.counters(side).first_application is not None for side in Side)
            for attempt in self.attempts()
        )

    def unreadable(self, one: str, other: str) -> str | None:
        """Return why the pair cannot be judged by its link; `None` if offer and answer were read."""
        attempts = self.pair(one, other).attempts
        if any(attempt.offer and attempt.answer for attempt in attempts):
            return None
        if any(attempt.offer for attempt in attempts):
            return f"an offer between {one} and {other} was read, but no answer to it"
        return f"no SDP was read in what {one} and {other} sent each other: their signals cannot be followed"

    def candidates_from(self, leg: str) -> list[Candidate]:
        """Return the candidates that the peer of `leg` sent, delivered or not, each once."""
        sent = [
            each
            for description in self.descriptions
            if description.leg == leg
            for each in description.facts.candidates
        ]
        sent += [each for senders in self._trickled.values() for who, each in senders.items() if who == leg]
        return list({replace(each, prefix="", extensions=""): each for each in sent}.values())

    def facts(self) -> list[dict[str, object]]:
        """Return the facts of every attempt as plain data, for the evidence."""
        return [
            {
                "offerer": attempt.offerer,
                "answerer": attempt.answerer,
                "offer_seen": attempt.offer is not None,
                "answer_seen": attempt.answer is not None,
                "link": {
                    sender: asdict(attempt.link.counters(pair.side(sender)))
                    for sender in (attempt.offerer, attempt.answerer)
                },
            }
            for pair in self._pairs.values()
            for attempt in pair.attempts
        ]

    async def wait_until(self, predicate: Callable[[], bool]) -> None:
        """Wait until `predicate` is true; it is evaluated again after each datagram and each signal.

        The caller sets the time limit.
        """
        await self._changes.wait_until(predicate)

    async def holds_within(self, predicate: Callable[[], bool], within: float) -> bool:
        """Return whether `predicate` becomes true within that many seconds."""
        return await self._changes.holds_within(predicate, within)

    def close(self) -> None:
        """Close all links. Safe to call repeatedly."""
        for pair in self._pairs.values():
            for attempt in pair.attempts:
                attempt.link.close()

    def forget(self, leg: str) -> None:
        """Close all links of `leg`, which no longer exists, and discard what it sent."""
        for key in [key for key in self._pairs if leg in key]:
            for attempt in self._pairs.pop(key).attempts:
                attempt.link.close()
        self.descriptions = [each for each in self.descriptions if each.leg != leg]
        self._authors = {key: each for key, each in self._authors.items() if each.leg != leg}
        for senders in self._trickled.values():
            senders.pop(leg, None)

    def observe(self, leg: str, direction: Direction, message: wire.Message | None) -> None:
        """Record a frame as it was sent, before it is forwarded; `direction` is `up` or `down`."""
        if direction == "down":
            within = () if message is None else wire.unbundled(message)
            self._sessions.update(each.session for each in within if isinstance(each, wire.Welcome))
            return
        contents = Contents() if message is None else contents_of(message)
        for sdp in contents.descriptions:
            facts = _facts_of(sdp, contents)
            if facts is not None:
                strings = frozenset(self._tying(contents))
                description = SentDescription(leg, sdp, facts, strings, self._loop.time())
                self.descriptions.append(description)
                # The first sender of a description is its author; later senders only repeat it.
                self._authors.setdefault((facts.ufrag, facts.is_offer), description)
        for candidate in contents.candidates:
            self._trickled.setdefault(str(candidate), {}).setdefault(leg, candidate)
        if contents:
            self._changes.notify()

    def rewrite_down(self, leg: str, message: wire.Message, data: bytes) -> bytes | None:
        """Return what the peer of `leg` gets for the frame `data`: the same bytes if nothing has to change.

        Returns `None` if the frame contained nothing but a removed candidate.
        """
        contents = contents_of(message)
        if not contents:
            return data
        if self.instead_of_links is not None:
            rewritten = rewrite_message(message, self.instead_of_links)
        else:
            sender, attempt = self._trace(leg, contents)
            if attempt is None:
                return data
            rewritten = self._through(attempt, sender, leg, message)
            self._changes.notify()
        if rewritten is None or rewritten is message:
            return None if rewritten is None else data
        frame = wire.decode_frame(data)
        return wire.encode(rewritten, qos=frame.qos, timestamp=frame.timestamp)

    def _trace(self, receiver: str, contents: Contents) -> tuple[str, Attempt | None]:
        """Return sender and attempt of a signal to `receiver`; no attempt if the sender has no leg."""
        for sdp in contents.descriptions:
            facts = _facts_of(sdp, contents)
            description = facts and self._authors.get((facts.ufrag, facts.is_offer))
            if not description or description.leg == receiver:
                continue
            pair = self.pair(description.leg, receiver)
            attempt = pair.attempt_of_description(description, receiver, self._maker(pair))
            if description.delivered_at is None:
                description.delivered_at = self._loop.time()
            attempt.candidates.setdefault(description.leg, []).extend(description.facts.candidates)
            return description.leg, attempt
        for candidate in contents.candidates:
            # Both peers may have sent the same one, such as a TCP candidate with port 9.
            senders = self._trickled.get(str(candidate), {})
            sender = next((leg for leg in senders if leg != receiver), None)
            if sender is None:
                continue
            pair = self.pair(sender, receiver)
            strings = self._tying(contents)
            attempt = pair.attempt_of_candidate(strings, sender, receiver, self._maker(pair))
            attempt.candidates.setdefault(sender, []).extend(contents.candidates)
            return sender, attempt
        return receiver, None

    def _through(
        self, attempt: Attempt, sender: str, receiver: str, message: wire.Message
    ) -> wire.Message | None:
        """Return `message` with the link of `attempt`, or a relay, as the only path to `sender`."""
        pair = self.pair(sender, receiver)
        if pair.conditions.relayed_only:
            return self._only_relayed(sender, receiver, message)
        assert isinstance(attempt.link, UdpLink)
        judge = attempt.filters.get(sender)
        if judge is None:
            judge = attempt.filters[sender] = ToLink(attempt.link.address_for(pair.side(receiver)))
        rewritten = rewrite_message(message, judge)
        if judge.chosen is not None and judge.chosen.ip_endpoint is not None:
            attempt.link.set_peer_address(pair.side(sender), judge.chosen.ip_endpoint)
        return rewritten

    def _only_relayed(self, sender: str, receiver: str, message: wire.Message) -> wire.Message | None:
        """Return `message` with its relayed candidates only, or None if nothing is left of it."""
        passed: list[bool] = []

        def judge(candidate: Candidate) -> Candidate | None:
            kept = keep_relayed(candidate)
            passed.append(kept is not None)
            return kept

        rewritten = rewrite_message(message, judge)
        if passed:
            share = f"{sum(passed)} of {len(passed)} candidates"
            self._on_condition(f"lets {share} of {sender} pass to {receiver}: the relayed ones")
        return rewritten

    def _maker(self, pair: LegPair) -> Callable[[str, str], Attempt]:
        def make(offerer: str, answerer: str) -> Attempt:
            attempt = Attempt(offerer, answerer, self._new_link(pair), self._loop.time())
            pair.attempts.append(attempt)
            return attempt

        return make

    def _new_conditions(self, one: str, other: str) -> Conditions:
        return Conditions((one, other), self._on_condition)

    def _new_link(self, pair: LegPair) -> Link:
        return UdpLink(pair.conditions, self._changes.notify)

    def _tying(self, contents: Contents) -> set[str]:
        return contents.strings - self._sessions - _TYPE_WORDS


def _facts_of(sdp: str, contents: Contents) -> SessionDescription | None:
    """Return the facts of `sdp`, which is an offer also if its signal says so.

    An offer may choose a DTLS role (RFC 8842 section 5.2), and then looks like an answer.
    """
    facts = SessionDescription.read(sdp)
    if facts is not None and "offer" in contents.strings and "answer" not in contents.strings:
        return replace(facts, is_offer=True)
    return facts
