"""The implementations that take part in a case."""

from __future__ import annotations

from dataclasses import dataclass

REFERENCE = "reference"
SCRIPTED = "scripted"
"""The reference, scripted to misbehave; it is never judged."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """The labels of the implementations in each role; an absent role is the empty string.

    `subject` is the role that acts in the scenario: it sends, closes or connects. `adopted`: the conventions
    of the implementation opposite it that a scripted partner uses.
    """

    offerer: str = ""
    answerer: str = ""
    router: str = ""
    subject: str = "offerer"
    adopted: tuple[str, ...] = ()

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
        """Return whether a failure in `other` concerns this pairing too."""
        if other.router:
            return True
        if other.offerer and other.answerer:
            roles = (self.offerer, self.answerer)
            # A partner that uses the conventions of a peer has its common ground, and not the reference's.
            peer = self.answerer if self.offerer == SCRIPTED else self.offerer
            partner = peer if self.adopted else REFERENCE
            unscripted = tuple(partner if label == SCRIPTED else label for label in roles)
            return (other.offerer, other.answerer) in (roles, unscripted)
        return (other.offerer or other.answerer) in (self.offerer, self.answerer)

    def is_explained_by(self, other: Pairing) -> bool:
        """Return whether a failure in `other` can explain a missing precondition in this pairing.

        In addition to `includes`, a failure of an implementation in a pair explains one where it is alone.
        """
        alone = "" if self.offerer and self.answerer else self.offerer or self.answerer
        return self.includes(other) or (bool(alone) and alone in (other.offerer, other.answerer))
