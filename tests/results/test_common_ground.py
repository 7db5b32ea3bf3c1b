"""The requirements that a difference of conventions removes from a pairing."""

from __future__ import annotations

import pytest
from report.runs import scenario

from clasp_e2e.results.common_ground import apply_common_ground, convention_lines
from clasp_e2e.results.outcome import Outcome, RequirementVerdict
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED, Pairing
from clasp_e2e.results.preconditions import resolve_all
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.verdict import requirement_results
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.spec.conventions import load_conventions

CATALOGUE = load_catalogue()
OWN = {"relay": "/own/{target}: bytes"}
FRAMED = {"payload framing": "CLASP frames"}
ALTERED = {"payload framing": "a form of its own"}


def case(
    requirement: str,
    outcome: str,
    offerer: str = "iut",
    answerer: str = REFERENCE,
    conventions: dict[str, str] | None = None,
    adopted: tuple[str, ...] = (),
    **fields,
) -> ScenarioResult:
    roles = Pairing(offerer=offerer, answerer=answerer, adopted=adopted)
    fields |= {"judgments": {requirement: Outcome(outcome)}, "roles": roles}
    seen = {"iut": conventions} if conventions else {}
    return scenario(requirement, outcome, pairing=roles.id, conventions=seen, **fields)


def outcomes(*cases: ScenarioResult) -> list[str]:
    resolved = apply_common_ground(resolve_all(CATALOGUE, cases))
    by_id = {each.id: each.outcome.value for each in resolved}
    return [by_id[each.id] for each in cases]


def test_difference_removes_its_requirement_from_the_mixed_pairing() -> None:
    alone = case("SND-3", "passed", answerer="iut", conventions=OWN)
    assert outcomes(alone, case("SND-3", "failed")) == ["passed", "not_judged"]


def test_removed_requirement_rests_on_the_pairing_with_itself() -> None:
    alone = case("SND-3", "passed", answerer="iut", conventions=OWN)
    resolved = apply_common_ground([alone, case("SND-3", "failed")])
    results = requirement_results(CATALOGUE, resolved, ("offerer", "answerer"))
    verdicts = {each.id: each.verdict for each in results}
    assert verdicts["SND-3"] is RequirementVerdict.PASS


def test_difference_excuses_nothing_that_fails_between_two_of_the_kind() -> None:
    alone = case("SND-3", "failed", answerer="iut", conventions=OWN)
    assert outcomes(alone, case("SND-3", "failed")) == ["failed", "failed"]


def test_difference_excuses_no_other_requirement() -> None:
    alone = case("SND-3", "passed", answerer="iut", conventions=OWN)
    assert outcomes(alone, case("EVT-2", "deviation")) == ["passed", "deviation"]


def test_difference_that_is_not_steady_excuses_nothing() -> None:
    alone = case("SND-3", "passed", answerer="iut", conventions=OWN)
    other = case("SND-1", "passed", conventions={"relay": "/another/{target}: bytes"})
    assert outcomes(alone, other, case("SND-3", "failed")) == ["passed", "passed", "failed"]


def test_framing_excuses_whatever_rests_on_a_payload_that_did_not_arrive() -> None:
    alone = case("ICE-3", "passed", answerer="iut")
    read = case("CON-6", "passed", conventions=FRAMED)
    unread = case("ICE-3", "failed", undelivered=True)
    assert outcomes(alone, read, unread) == ["passed", "passed", "not_judged"]
    assert outcomes(alone, read, case("ICE-3", "failed")) == ["passed", "passed", "failed"]
    assert outcomes(alone, case("CON-6", "passed", conventions=OWN), unread)[-1] == "failed"


def test_framing_excuses_no_payload_that_does_not_arrive_between_two_of_the_kind() -> None:
    alone = case("ICE-3", "failed", answerer="iut")
    read = case("CON-6", "passed", conventions=FRAMED)
    assert outcomes(alone, read, case("ICE-3", "failed", undelivered=True))[-1] == "failed"


def test_signals_excuse_whatever_rests_on_a_connection_also_in_a_run_of_its_case_alone() -> None:
    unread = {"signal form": "content that the harness cannot read"}
    alone = case("ICE-3", "failed", unconnected=True, conventions=unread)
    assert outcomes(alone) == ["not_judged"]
    assert outcomes(case("ICE-3", "failed", conventions=unread)) == ["failed"]
    assert outcomes(case("ICE-3", "failed", unconnected=True, conventions=OWN)) == ["failed"]


def test_same_convention_excuses_nothing() -> None:
    [relay] = [each for each in load_conventions() if each.name == "relay"]
    alone = case("SND-3", "passed", answerer="iut", conventions={"relay": relay.reference})
    assert outcomes(alone, case("SND-3", "failed")) == ["passed", "failed"]


def test_value_that_the_reference_reads_excuses_nothing() -> None:
    form = {"candidate form": "a map"}
    alone = case("CON-5", "passed", answerer="iut", conventions=form)
    assert outcomes(alone, case("CON-5", "failed")) == ["passed", "failed"]


def test_pass_in_the_mixed_pairing_stays_a_pass() -> None:
    assert outcomes(case("SND-3", "passed", conventions=OWN)) == ["passed"]


def test_case_blocked_by_a_removed_one_is_not_judged_either() -> None:
    cases = (
        case("CON-6", "passed", answerer="iut", conventions=FRAMED),
        case("CON-6", "failed"),
        case("SND-7", "blocked", blocked_by="CON-6", message="CON-6 failed"),
    )
    assert outcomes(*cases) == ["passed", "not_judged", "not_judged"]


def test_scripted_partner_has_the_conventions_of_the_reference() -> None:
    cases = (
        case("CON-6", "passed", answerer="iut", conventions=FRAMED),
        case("CON-6", "failed"),
        case("SEC-3", "blocked", answerer=SCRIPTED, blocked_by="CON-6", message="CON-6 failed"),
    )
    assert outcomes(*cases) == ["passed", "not_judged", "not_judged"]


@pytest.mark.parametrize(
    ("conventions", "expected"), [(FRAMED, "not_judged"), (ALTERED, "failed")], ids=["framed", "altered"]
)
def test_what_looks_altered_is_excused_only_by_two_that_understand_it(
    conventions: dict[str, str], expected: str
) -> None:
    mixed = case("SND-1", "failed", conventions=conventions)
    assert outcomes(mixed) == [expected]
    assert outcomes(case("SND-1", "passed", answerer="iut"), mixed) == ["passed", "not_judged"]


def test_run_has_one_line_for_each_convention_that_differs() -> None:
    alone = case("SND-3", "passed", answerer="iut", conventions=OWN | FRAMED)
    lines = convention_lines(apply_common_ground([alone, case("SND-3", "failed")]))
    assert [line.partition(":")[0] for line in lines] == ["payload framing", "relay"]
    assert lines[0].endswith("no effect on what is judged")
    assert lines[1].endswith("1 case not judged in their pairing")


def test_conventions_name_requirements_of_the_catalogue() -> None:
    for convention in load_conventions():
        assert convention.removes
        assert convention.removes <= set(CATALOGUE)
        assert convention.requirement is None or convention.requirement in CATALOGUE


def test_partner_with_the_conventions_of_a_peer_is_judged() -> None:
    signals = {"signal address": "/own/{target}"}
    alone = case("CON-3", "passed", answerer="iut", conventions=signals)
    mixed = case("CON-3", "failed")
    adopting = case("SIG-6", "deviation", answerer=SCRIPTED, adopted=("signal address",))
    assert outcomes(alone, mixed, adopting) == ["passed", "not_judged", "deviation"]
    # Without them, it is blocked by what the mixed pairing shows, and removed with that.
    assert outcomes(alone, mixed, case("SIG-6", "deviation", answerer=SCRIPTED))[2] == "not_judged"


def test_partner_with_the_conventions_of_a_peer_is_blocked_by_what_two_of_the_kind_fail() -> None:
    alone = case("CON-3", "failed", answerer="iut")
    assert (
        outcomes(alone, case("SIG-6", "deviation", answerer=SCRIPTED, adopted=("channels",)))[1] == "blocked"
    )


def test_message_says_why_a_partner_does_not_use_the_conventions() -> None:
    signals = {"signal address": "/own/{target}"}
    alone = case("CON-3", "passed", answerer="iut", conventions=signals)
    untried = case("SIG-6", "blocked", answerer=SCRIPTED, blocked_by="CON-3", not_adopted="no offer was read")
    resolved = apply_common_ground(resolve_all(CATALOGUE, [alone, case("CON-3", "failed"), untried]))
    (found,) = (each for each in resolved if each.id == untried.id)
    assert found.message.endswith("; the scripted partner does not use them: no offer was read")
