"""The search, with implementations that are functions of the script."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from clasp_e2e.drivers.interface import CAPABILITIES
from clasp_e2e.execution.runner import JudgedCase, harness_error
from clasp_e2e.modelbased import REQUIREMENTS, Script, Search, SearchCounts, Seen, case_of
from clasp_e2e.modelbased.steps import Attach, Connect, Send, SetMode
from clasp_e2e.p2p_types import RoutingMode
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.spec.catalogue import load_catalogue

Verdict = Callable[[Script], Outcome]


def relays_in_p2p_only(script: Script) -> Outcome:
    """Fails once a session that was set to P2POnly sends."""
    only: set[str] = set()
    for step in script:
        if isinstance(step, SetMode) and step.mode is RoutingMode.P2P_ONLY:
            only.add(step.who)
        if isinstance(step, Send) and step.who in only:
            return Outcome.FAILED
    return Outcome.PASSED


def searched(
    verdict: Verdict, *, steps: int = 400, seed: int = 1, strict: bool = False
) -> tuple[Seen, SearchCounts, list[Script]]:
    tally = SearchCounts()
    performed: list[Script] = []

    def perform(script: Script, name: str) -> JudgedCase:
        performed.append(script)
        tally.steps += len(script)
        outcome = verdict(script)
        result = harness_error(case_of(script, "x", CAPABILITIES, tally, ""), "")
        object.__setattr__(result, "outcome", outcome)
        return JudgedCase(result, "RTE-8" if outcome is not Outcome.PASSED else "")

    seen = Search(perform, CAPABILITIES, tally, seed=seed, strict=strict).run(steps)
    return seen, tally, performed


def in_turn(outcomes: Iterable[Outcome]) -> Verdict:
    """Fails as told, then holds for ever, whatever the script."""
    left = list(outcomes)
    return lambda script: left.pop(0) if left else Outcome.PASSED


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_failing_script_shrinks_to_its_cause(seed: int) -> None:
    seen, _, _ = searched(relays_in_p2p_only, seed=seed)
    assert seen.contradiction is not None
    script = seen.contradiction.script
    assert len(script) <= 5
    assert [type(step) for step in script if not isinstance(step, Attach)] == [SetMode, Send]
    assert not seen.undecided


def test_search_ends_after_the_given_steps() -> None:
    seen, tally, performed = searched(lambda script: Outcome.PASSED)
    assert seen == Seen()
    assert 400 <= tally.steps < 440
    assert len({type(step) for script in performed for step in script}) >= 9


def test_seed_makes_the_scripts() -> None:
    one, same, other = (searched(lambda script: Outcome.PASSED, seed=seed)[2] for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_contradiction_that_does_not_repeat_is_recorded_as_seen_once() -> None:
    seen, tally, _ = searched(in_turn([Outcome.FAILED, Outcome.PASSED]))
    assert seen.contradiction is None
    assert len(seen.once) == 1
    assert seen.undecided
    assert tally.steps >= 400, "the search goes on"


def test_contradiction_that_repeated_once_is_one() -> None:
    seen, _, performed = searched(in_turn([Outcome.FAILED, Outcome.FAILED]))
    assert seen.contradiction is not None
    assert seen.contradiction.script == performed[0]


def test_deviation_is_recorded_and_fails_with_strict() -> None:
    def deviates(script: Script) -> Outcome:
        return Outcome.DEVIATION if any(isinstance(step, Connect) for step in script) else Outcome.PASSED

    seen, tally, _ = searched(deviates)
    assert (seen.contradiction, list(seen.deviations), tally.steps >= 400) == (None, ["RTE-8"], True)
    assert not seen.undecided
    strict, _, _ = searched(deviates, strict=True)
    assert strict.contradiction is not None
    assert len(strict.contradiction.script) == 3


def test_deviation_that_does_not_repeat_is_recorded() -> None:
    seen, _, _ = searched(in_turn([Outcome.DEVIATION]))
    assert (len(seen.passing), seen.deviations, seen.undecided) == (1, {}, False)


def test_faults_are_no_contradictions_and_end_the_search_when_they_go_on() -> None:
    seen, tally, _ = searched(lambda script: Outcome.ERROR)
    assert seen.contradiction is None
    assert len(seen.faults) == 3
    assert seen.undecided
    assert tally.steps < 400


def test_unobserved_script_is_undecided() -> None:
    seen, _, _ = searched(in_turn([Outcome.UNOBSERVED]))
    assert (seen.unobserved, seen.undecided, seen.contradiction) == (1, True, None)


def test_requirements_of_a_script_are_in_the_catalogue() -> None:
    catalogue = load_catalogue()
    assert [catalogue.get(name).id for name in REQUIREMENTS] == list(REQUIREMENTS)
