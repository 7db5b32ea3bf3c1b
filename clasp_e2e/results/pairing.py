"""Who stood opposite whom in a case."""

from __future__ import annotations

from dataclasses import dataclass

REFERENCE = "reference"
SCRIPTED = "scripted"
"""The reference with a script that makes it misbehave; it is never judged."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One way to cast a scenario. Labels; an absent role is the empty string.

    `subject` is the role that is looked at: the one that sends, closes or asks in a scenario.
    """

    offerer: str = ""
    answerer: str = ""
    router: str = ""
    subject: str = "offerer"

    @property
    def id(self) -> str:
        """The pairing's name in a test's id: `reference-rust`, `rust`, `router-reference`."""
        if self.router:
            return f"router-{self.router}"
        name = "-".join(label for label in (self.offerer, self.answerer) if label)
        both_ways = self.offerer != self.answerer and {self.offerer, self.answerer}.isdisjoint(
            (REFERENCE, SCRIPTED)
        )
        return f"{name}-answering" if both_ways and self.subject == "answerer" and self.offerer else name

    def includes(self, other: Pairing) -> bool:
        """Return whether what failed in `other` concerns this pairing too."""
        if other.router:
            return True
        if other.offerer and other.answerer:
            cast = (self.offerer, self.answerer)
            unscripted = tuple(REFERENCE if label == SCRIPTED else label for label in cast)
            return (other.offerer, other.answerer) in (cast, unscripted)
        return (other.offerer or other.answerer) in (self.offerer, self.answerer)

    def is_explained_by(self, other: Pairing) -> bool:
        """Return whether what failed in `other` can be what a case in this pairing saw missing.

        Beyond what `includes` says: an implementation that is alone here lacks what it lacks in a pair.
        """
        alone = "" if self.offerer and self.answerer else self.offerer or self.answerer
        return self.includes(other) or (bool(alone) and alone in (other.offerer, other.answerer))
