"""Builders of results, runs and matrices."""

from __future__ import annotations

from typing import Any

from clasp_e2e.results.matrix_results import Cell, Matrix
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import Run, ScenarioResult, Subject
from clasp_e2e.results.verdict import requirement_results, run_verdict
from clasp_e2e.spec.catalogue import load_catalogue

CATALOGUE = load_catalogue()
ROLES = ("answerer", "offerer")


def scenario(requirement: str, outcome: str, **fields: Any) -> ScenarioResult:
    pairing = fields.setdefault("pairing", "rust-reference")
    fields.setdefault("id", f"file::{requirement}[{pairing}]")
    fields.setdefault("title", f"A scenario of {requirement} [in brackets]")
    fields.setdefault("requirements", (requirement,))
    return ScenarioResult(outcome=Outcome(outcome), **fields)


def run_of(*scenarios: ScenarioResult, missing: tuple[str, ...] = (), subset: bool = False) -> Run:
    given = {requirement for each in scenarios for requirement in each.requirements}
    rest = [scenario(name, "passed") for name in CATALOGUE if name not in given and name not in missing]
    everything = [s for s in (*scenarios, *rest) if not s.requirements[0].startswith("RTR")]
    covered = set(CATALOGUE) - set(missing)
    requirements = requirement_results(CATALOGUE, everything, ROLES, covered=covered)
    rust = Subject("clasp-client", "4.5.0", "Rust", "cmd:adapter")
    return Run(
        tool={"name": "clasp-e2e", "version": "0"},
        catalogue=CATALOGUE.hash,
        started="2026-01-01T00:00:00+00:00",
        duration_s=60,
        command="pytest",
        seed=1,
        platform="Linux",
        subjects={"offerer": rust, "answerer": rust, "router": Subject("router", "0", "Python", "reference")},
        verdict=run_verdict(requirements, subset, ROLES, ("turn",)),
        requirements=tuple(requirements),
        scenarios=tuple(everything),
        judged_roles=ROLES,
        capabilities=("turn",),
        subset=subset,
    )


def matrix_of(*cells: Cell, **fields: Any) -> Matrix:
    peers = tuple(dict.fromkeys(name for cell in cells for name in (cell.offerer, cell.answerer)))
    routers = tuple(dict.fromkeys(cell.router for cell in cells))
    defaults = {"tool": {"name": "clasp-e2e", "version": "0"}, "command": "clasp-e2e matrix", "seed": 1}
    defaults |= {"started": "2026-01-01T00:00:00+00:00", "peers": peers, "routers": routers}
    return Matrix(**(defaults | fields), cells=cells)
