"""The search for a script that contradicts the model, and the shrinking of what is found.

Hypothesis draws the scripts. What fails is performed again before it is believed: real systems are noisy.
A contradiction that does not repeat is kept as seen once.

The shrinking is done here, by leaving out steps: each candidate is a performance of seconds, and hypothesis
tries hundreds where some thirty do.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as hypothesis_seed

from clasp_e2e.execution.runner import JudgedCase
from clasp_e2e.modelbased.generation import possible, scripts
from clasp_e2e.modelbased.play import SearchCounts
from clasp_e2e.modelbased.steps import Script
from clasp_e2e.results.outcome import Outcome

Perform = Callable[[Script, str], JudgedCase]
"""Performs a script; the name, where there is one, is that under which its evidence is kept."""

BATCH = 25
"""Scripts that hypothesis draws at once: few enough that none is drawn in vain at the end."""

MOST_FAULTS = 3
"""Faults of harness, adapter or machine after which there is no use in going on."""


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """A script and what became of it."""

    name: str
    script: Script
    judged: JudgedCase


@dataclass
class Seen:
    """What a search has brought to light."""

    contradiction: ScriptOutcome | None = None
    """A contradiction that repeats, by the shortest script that was found to show it."""
    deviations: dict[str, ScriptOutcome] = field(default_factory=dict[str, ScriptOutcome])
    """By requirement, the first script in which a SHOULD was not met, and was not when it was repeated."""
    passing: list[ScriptOutcome] = field(default_factory=list[ScriptOutcome])
    """Deviations that did not repeat."""
    once: list[ScriptOutcome] = field(default_factory=list[ScriptOutcome])
    """Contradictions that did not repeat."""
    faults: list[ScriptOutcome] = field(default_factory=list[ScriptOutcome])
    """Scripts that ended without a verdict, through the harness, the adapter or the machine."""
    unobserved: int = 0
    """Scripts that ended where the harness could not see what decides."""

    @property
    def undecided(self) -> bool:
        """Whether anything was seen that is neither a contradiction nor the lack of one."""
        return bool(self.once or self.faults or self.unobserved)


class _Contradicted(Exception):
    """Tells hypothesis that there is no use in drawing more."""


class Search:
    """One search. `strict` takes a SHOULD that is not met for a contradiction.

    `shrink_for` is how long to look for a shorter script, in seconds.
    """

    def __init__(
        self,
        perform: Perform,
        capabilities: frozenset[str],
        tally: SearchCounts,
        *,
        seed: int,
        strict: bool = False,
        shrink_for: float = 120.0,
    ) -> None:
        self.seen = Seen()
        self._perform = perform
        self._scripts = scripts(capabilities)
        self._tally = tally
        self._seed = seed
        self._strict = strict
        self._shrink_for = shrink_for
        self._capabilities = capabilities
        self._first: ScriptOutcome | None = None

    def run(self, steps: int) -> Seen:
        """Perform scripts of so many steps in all, or until one contradicts the model."""
        batch = 0
        while self._tally.steps < steps and self._first is None and len(self.seen.faults) < MOST_FAULTS:
            self._draw(self._seed + batch, steps)
            batch += 1
        if self._first is not None:
            shortest = self._shrink(self._first)
            self.seen.contradiction = (
                self._again(shortest, "contradiction")
                or self._again(self._first, "contradiction")
                or self._first
            )
        return self.seen

    def replay(self, script: Script) -> Seen:
        """Perform one script, and return what was seen."""
        if (found := self._performed(script, "replay")) is not None:
            if self._is_deviation(found):
                self.seen.deviations[found.judged.requirement] = found
            else:
                self.seen.contradiction = found
        return self.seen

    def _draw(self, seed: int, steps: int) -> None:
        @hypothesis_seed(seed)
        @settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=(
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.large_base_example,
            ),
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(self._scripts)
        def holds(script: Script) -> None:
            done = self._tally.steps >= steps or len(self.seen.faults) >= MOST_FAULTS
            if self._first is not None or (not done and self._contradicts(script)):
                raise _Contradicted

        with suppress(_Contradicted):
            holds()

    def _contradicts(self, script: Script) -> bool:
        """Return whether a script fails twice."""
        found = self._performed(script)
        if found is None or found.judged.requirement in self.seen.deviations:
            return False
        again = self._performed(script)
        deviates = self._is_deviation(found)
        if again is None or (self._is_deviation(again) and not deviates):
            (self.seen.passing if deviates else self.seen.once).append(found)
        elif self._is_deviation(again):
            self.seen.deviations[again.judged.requirement] = again
        else:
            self._first = again
        return self._first is not None

    def _is_deviation(self, found: ScriptOutcome) -> bool:
        return found.judged.result.outcome is Outcome.DEVIATION and not self._strict

    def _shrink(self, found: ScriptOutcome) -> ScriptOutcome:
        """Return the shortest script that still shows what `found` shows, as far as time allows.

        Steps are left out, half of them at once, then fewer; what is then not possible goes too.
        """
        until = time.monotonic() + self._shrink_for
        size = len(found.script)
        tried: set[Script] = set()
        while size >= 1:
            at, shortened = 0, False
            while at < len(found.script):
                rest = found.script[:at] + found.script[at + size :]
                shorter = possible(rest, self._capabilities)
                if len(shorter) >= len(found.script) or shorter in tried:
                    at += size
                    continue
                if time.monotonic() > until:
                    return found
                tried.add(shorter)
                again = self._again(ScriptOutcome("", shorter, found.judged))
                found, shortened = again or found, shortened or again is not None
                at += 0 if again else size
            size = size if shortened else size // 2
        return found

    def _again(self, found: ScriptOutcome, name: str = "") -> ScriptOutcome | None:
        """Perform a script; return what it shows if that is what `found` shows."""
        again = self._performed(found.script, name)
        same = again is not None and again.judged.requirement == found.judged.requirement
        return again if same else None

    def _performed(self, script: Script, name: str = "") -> ScriptOutcome | None:
        """Perform a script; return what was not met, if anything, and take note of all else."""
        judged = self._perform(script, name)
        found = ScriptOutcome(name, script, judged)
        match judged.result.outcome:
            case Outcome.FAILED | Outcome.DEVIATION:
                return found
            case Outcome.PASSED:
                pass
            case Outcome.UNOBSERVED:
                self.seen.unobserved += 1
            case _:
                self.seen.faults.append(found)
        return None
