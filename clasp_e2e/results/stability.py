"""How steady the outcome of a case is over repetitions. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from clasp_e2e.results.outcome import Outcome

_Z = 1.96
"""The quantile of the normal distribution for an interval of 95 %."""


@dataclass(slots=True)
class Stability:
    """The outcomes of one case over repetitions."""

    outcomes: Counter[Outcome] = field(default_factory=Counter[Outcome])
    messages: dict[Outcome, str] = field(default_factory=dict[Outcome, str])
    """The first message of each outcome."""
    replays: dict[Outcome, str] = field(default_factory=dict[Outcome, str])
    """The command that repeats the first case of each outcome."""

    def add(self, outcome: Outcome, message: str, replay: str) -> None:
        """Add one repetition."""
        self.outcomes[outcome] += 1
        self.messages.setdefault(outcome, message)
        self.replays.setdefault(outcome, replay)

    @property
    def runs(self) -> int:
        """The number of repetitions."""
        return self.outcomes.total()

    @property
    def outcome(self) -> Outcome:
        """The outcome of all repetitions, or `unstable`."""
        return next(iter(self.outcomes)) if len(self.outcomes) == 1 else Outcome.UNSTABLE

    @property
    def pass_rate(self) -> float:
        """The share of repetitions that passed."""
        return self.outcomes[Outcome.PASSED] / self.runs

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the pass rate at 95 % confidence (Wilson score interval)."""
        runs, rate = self.runs, self.pass_rate
        centre = rate + _Z**2 / (2 * runs)
        half = _Z * sqrt(rate * (1 - rate) / runs + _Z**2 / (4 * runs**2))
        scale = 1 + _Z**2 / runs
        return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def to_report(cases: Mapping[str, Stability], *, rounds: int, seed: int, command: str) -> dict[str, object]:
    """Return the document of all cases, as plain data."""
    return {
        "command": command,
        "seed": seed,
        "rounds": rounds,
        "case_runs": sum(case.runs for case in cases.values()),
        "cases": {
            name: {
                "outcome": case.outcome.value,
                "runs": case.runs,
                "outcomes": {outcome.value: count for outcome, count in case.outcomes.items()},
                "pass_rate": round(case.pass_rate, 6),
                "interval": [round(end, 6) for end in case.interval],
                "messages": {outcome.value: text for outcome, text in case.messages.items() if text},
            }
            for name, case in cases.items()
        },
    }
