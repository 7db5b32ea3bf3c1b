"""A basic fault fails one requirement and blocks the rest."""

from __future__ import annotations

import pytest

from clasp_e2e.scripted import Mutant, connecting, event_mutants, routers, sending_mutants
from clasp_e2e.scripted.mutant import Role

from .conftest import Runs

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

BASIC = [
    (connecting.NeverAttaches, "offerer"),
    (connecting.NeverOffers, "offerer"),
    (connecting.NeverAnswers, "answerer"),
    (connecting.IgnoresTheAnswer, "offerer"),
    (connecting.AnswersWithAWrongPassword, "answerer"),
    (event_mutants.TellsNoConnected, "offerer"),
    (connecting.SendsNothing, "offerer"),
    (sending_mutants.SendsBothWays, "answerer"),
    (sending_mutants.AppendsAByte, "offerer"),
    (sending_mutants.DeliversInLowerCase, "both"),
    (event_mutants.NamesAnotherThatFailed, "offerer"),
    (routers.WelcomesNobody, "router"),
    (routers.ForwardsNothing, "router"),
]


@pytest.mark.parametrize(
    ("mutant", "role"), BASIC, ids=lambda value: value.name if isinstance(value, Mutant) else value
)
async def test_one_requirement_fails_and_the_rest_is_blocked_by_it(
    mutant: Mutant, role: Role, runs: Runs
) -> None:
    run = await runs.of(mutant, role, whole=True)
    assert run.broken() == {mutant.requirement}, str(run)
    assert run.others(mutant.requirement) == []
