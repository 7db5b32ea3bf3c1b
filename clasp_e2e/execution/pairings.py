"""The pairings in which a scenario is judged.

Two peers of one implementation can share a defect, and only a known partner shows which peer has it.
Therefore a peer under test is paired with itself and with the reference, in both roles.
"""

from dataclasses import dataclass

from clasp_e2e.results.pairing import REFERENCE, SCRIPTED, Pairing
from clasp_e2e.spec.catalogue import Requirement
from clasp_e2e.testbed.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Subjects:
    """The labels of the implementations in a run, and the roles that are judged."""

    offerer: str = REFERENCE
    answerer: str = REFERENCE
    router: str = REFERENCE
    judged: frozenset[str] = frozenset({"offerer", "answerer", "router"})


def judged_roles(requirement: Requirement) -> frozenset[str]:
    """Return the roles that `requirement` judges; `peer` means both offerer and answerer."""
    roles: set[str] = set()
    for role in requirement.judges:
        roles |= {"offerer", "answerer"} if role == "peer" else {role}
    return frozenset(roles)


def pairings(scenario: Scenario, requirement: Requirement, subjects: Subjects) -> list[Pairing]:
    """Return the pairings of `scenario` for `subjects`; `requirement` is the first one that it judges."""
    roles = judged_roles(requirement) & subjects.judged
    if scenario.role is not None:
        roles &= {scenario.role}
    if scenario.participants == "router":
        return [Pairing(router=subjects.router)] if "router" in roles else []
    peer_roles = sorted(roles - {"router"}, reverse=True)
    if not peer_roles:
        return []
    if scenario.participants == "single":
        return _single(peer_roles, subjects)
    if scenario.opposite is not None:
        return [_scripted(role, subjects) for role in peer_roles]
    return _pairs(peer_roles, subjects, opposite_reference="same" not in requirement.opposite)


def complete_pairings(subjects: Subjects) -> frozenset[str]:
    """Return the ids of the pairings in which this run judges all that any run judges in them.

    Other pairings may be partial: a run of two different implementations judges, in the pairings with the
    reference, only the requirements that need the reference as the partner.
    """
    found: set[str] = set()
    offerer, answerer = subjects.offerer, subjects.answerer
    match sorted(subjects.judged - {"router"}):
        case ["answerer", "offerer"] if offerer == answerer:
            found |= {offerer, f"{offerer}-{offerer}", f"{offerer}-{REFERENCE}", f"{REFERENCE}-{offerer}"}
        case ["answerer", "offerer"] if offerer != REFERENCE:  # Otherwise the reference's sends are judged.
            found |= {f"{offerer}-{answerer}", f"{offerer}-{answerer}-answering"}
        case ["offerer"]:
            found.add(f"{offerer}-{REFERENCE}")
        case ["answerer"]:
            found.add(f"{REFERENCE}-{answerer}")
        case _:
            pass
    found |= {_scripted(role, subjects).id for role in subjects.judged - {"router"}}
    if "router" in subjects.judged:
        found.add(f"router-{subjects.router}")
    return frozenset(found)


def _single(roles: list[str], subjects: Subjects) -> list[Pairing]:
    # The same implementation in both roles is one case.
    role_of = {getattr(subjects, role): role for role in roles}
    return [Pairing(**{role: label}, subject=role) for label, role in role_of.items()]


def _scripted(role: str, subjects: Subjects) -> Pairing:
    if role == "offerer":
        return Pairing(offerer=subjects.offerer, answerer=SCRIPTED, subject=role)
    return Pairing(offerer=SCRIPTED, answerer=subjects.answerer, subject=role)


def _pairs(roles: list[str], subjects: Subjects, *, opposite_reference: bool) -> list[Pairing]:
    found: dict[str, Pairing] = {}

    def add(offerer: str, answerer: str, subject: str) -> None:
        pairing = Pairing(offerer=offerer, answerer=answerer, subject=subject)
        found.setdefault(pairing.id, pairing)

    same = subjects.offerer == subjects.answerer
    for role in roles:
        if not opposite_reference or subjects.offerer == subjects.answerer == REFERENCE:
            add(subjects.offerer, subjects.answerer, role)
        if same or opposite_reference:
            if role == "offerer":
                add(subjects.offerer, REFERENCE, role)
            else:
                add(REFERENCE, subjects.answerer, role)
    return list(found.values())
