"""The search for a script that contradicts the model, and the shrinking of what is found.

Hypothesis draws the scripts and shrinks the one that fails. What fails is performed again before it is
believed: real systems are noisy. A contradiction that does not repeat is kept as seen once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as hypothesis_seed

from clasp_e2e.modelbased.generation import scripts
from clasp_e2e.modelbased.play import Tally
from clasp_e2e.modelbased.steps import Script
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed.runner import Judged

Perform = Callable[[Script, str], Judged]
"""Performs a script; the name, where there is one, is that under which its evidence is kept."""

BATCH = 25
"""Scripts that hypothesis draws at once: few enough that none is drawn in vain at the end."""

MOST_FAULTS = 3
"""Faults of harness, adapter or machine after which there is no use in going on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A script and what became of it."""

    name: str
    script: Script
    judged: Judged


@dataclass
class Seen:
    """What a search has brought to light."""

    contradiction: Finding | None = None
    """A contradiction that repeats, by the shortest script that was found to show it."""
    deviations: dict[str, Finding] = field(default_factory=dict[str, Finding])
    """By requirement, the first script in which a SHOULD was not met."""
    once: list[Finding] = field(default_factory=list[Finding])
    """Contradictions that did not repeat."""
    faults: list[Finding] = field(default_factory=list[Finding])
    """Scripts that ended without a verdict, through the harness, the adapter or the machine."""
    unobserved: int = 0
    """Scripts that ended where the harness could not see what decides."""

    @property
    def undecided(self) -> bool:
        """Whether anything was seen that is neither a contradiction nor the lack of one."""
        return bool(self.once or self.faults or self.unobserved)


class _Contradicted(Exception):
    """Tells hypothesis to shrink."""


class Search:
    """One search. `strict` takes a SHOULD that is not met for a contradiction.

    `shrink_for` is how long to look for a shorter script, in seconds.
    """

    def __init__(
        self,
        perform: Perform,
        capabilities: frozenset[str],
        tally: Tally,
        *,
        seed: int,
        strict: bool = False,
        shrink_for: float = 60.0,
    ) -> None:
        self.seen = Seen()
        self._perform = perform
        self._scripts = scripts(capabilities)
        self._tally = tally
        self._seed = seed
        self._strict = strict
        self._shrink_for = shrink_for
        self._first: Finding | None = None
        self._last: Finding | None = None
        self._shrink_until = 0.0
        self._known: dict[Script, bool] = {}
        """Whether a script contradicts the model: hypothesis asks twice, and is to hear one answer."""

    def run(self, steps: int) -> Seen:
        """Perform scripts of so many steps in all, or until one contradicts the model."""
        batch = 0
        while self._tally.steps < steps and self._first is None and len(self.seen.faults) < MOST_FAULTS:
            self._known.clear()
            self._draw(self._seed + batch, steps)
            batch += 1
        if self._first is not None and self._last is not None:
            self.seen.contradiction = (
                self._confirmed(self._last) or self._confirmed(self._first) or self._first
            )
        return self.seen

    def replay(self, script: Script) -> Seen:
        """Perform one script, and return what was seen."""
        if (found := self._performed(script, "replay")) is not None:
            self.seen.contradiction = found
        return self.seen

    def _draw(self, seed: int, steps: int) -> None:
        @hypothesis_seed(seed)
        @settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(self._scripts)
        def holds(script: Script) -> None:
            done = self._tally.steps >= steps or len(self.seen.faults) >= MOST_FAULTS
            if script not in self._known:
                if self._first is None:
                    self._known[script] = not done and self._contradicts(script)
                else:
                    self._known[script] = self._is_shorter(script)
            if self._known[script]:
                raise _Contradicted

        with suppress(_Contradicted):
            holds()

    def _contradicts(self, script: Script) -> bool:
        """Return whether a script fails twice."""
        found = self._performed(script)
        if found is None:
            return False
        again = self._performed(script)
        if again is None:
            self.seen.once.append(found)
            return False
        self._first = self._last = again
        self._shrink_until = time.monotonic() + self._shrink_for
        return True

    def _is_shorter(self, script: Script) -> bool:
        """Return whether a script shows the same contradiction as the one that is being shrunk."""
        assert self._first is not None
        if time.monotonic() > self._shrink_until:
            return False
        found = self._performed(script)
        if found is None or found.judged.requirement != self._first.judged.requirement:
            return False
        self._last = found
        return True

    def _confirmed(self, found: Finding) -> Finding | None:
        """Return what a script shows when it is performed once more, with its evidence."""
        again = self._performed(found.script, "contradiction")
        same = again is not None and again.judged.requirement == found.judged.requirement
        return again if same else None

    def _performed(self, script: Script, name: str = "") -> Finding | None:
        """Perform a script; return what contradicts the model, and take note of all else."""
        judged = self._perform(script, name)
        found = Finding(name, script, judged)
        match judged.result.outcome:
            case Outcome.FAILED:
                return found
            case Outcome.DEVIATION if self._strict:
                return found
            case Outcome.DEVIATION:
                self.seen.deviations.setdefault(judged.requirement, found)
            case Outcome.PASSED:
                pass
            case Outcome.UNOBSERVED:
                self.seen.unobserved += 1
            case _:
                self.seen.faults.append(found)
        return None
