"""The search for a script that contradicts the model, and the shrinking of that script.

Hypothesis draws the scripts. A script that fails is executed again, because real systems are noisy. A
contradiction that does not repeat is recorded separately.

Scripts are shrunk here, by removing steps: each execution takes seconds, and hypothesis would need hundreds
instead of about thirty.
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
"""Executes a script; its evidence is saved under the given name unless that is empty."""

BATCH = 25
"""Number of scripts that hypothesis draws at once: few, so that few remain unused at the end."""

MOST_FAULTS = 3
"""Faults of the harness, the adapter or the machine after which the search ends."""


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """A script and its result."""

    name: str
    script: Script
    judged: JudgedCase


@dataclass
class Seen:
    """The results of a search."""

    contradiction: ScriptOutcome | None = None
    """A contradiction that repeats, with the shortest known script."""
    deviations: dict[str, ScriptOutcome] = field(default_factory=dict[str, ScriptOutcome])
    """By requirement, the first script in which a SHOULD was not met, also when it was repeated."""
    passing: list[ScriptOutcome] = field(default_factory=list[ScriptOutcome])
    """Deviations that did not repeat."""
    once: list[ScriptOutcome] = field(default_factory=list[ScriptOutcome])
    """Contradictions that did not repeat."""
    faults: list[ScriptOutcome] = field(default_factory=list[ScriptOutcome])
    """Scripts that ended without an outcome because of the harness, the adapter or the machine."""
    unobserved: int = 0
    """Number of scripts with the outcome unobserved."""

    @property
    def undecided(self) -> bool:
        """Whether any script had neither a passed nor a repeatedly failed outcome."""
        return bool(self.once or self.faults or self.unobserved)


class _Contradicted(Exception):
    """Makes hypothesis stop drawing scripts."""


class Search:
    """One search. With `strict`, a SHOULD that is not met is a contradiction.

    `shrink_for` is the time in seconds to search for a shorter script.
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
        """Execute scripts with `steps` steps in total, or until one contradicts the model."""
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
        """Execute one script; return the result."""
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
        """Return the shortest script that fails as `found` does, as far as time allows.

        Removes half of the steps at once, then fewer, and those that are then not possible.
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
        """Execute a script again; return the result if it fails by the same requirement."""
        again = self._performed(found.script, name)
        same = again is not None and again.judged.requirement == found.judged.requirement
        return again if same else None

    def _performed(self, script: Script, name: str = "") -> ScriptOutcome | None:
        """Execute a script; return it if a requirement was not met, and record other results."""
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
