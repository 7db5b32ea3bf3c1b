"""A run as SARIF 2.1.0 (OASIS), for tools that display findings."""

import json
import re
from importlib.metadata import metadata
from typing import Any

from clasp_e2e.report.words import first_line, sentence, source_line
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import NOT_MET, RequirementResult, Run, ScenarioResult
from clasp_e2e.spec.catalogue import Level

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.REMARK: "note"}


def render_sarif(run: Run) -> str:
    """Return a rule for each requirement that was not met, and a result for each case that shows it.

    A known failure is a result with a suppression. The location of a result is the scenario.
    """
    rules = {item.id: item for item in run.requirements}
    results = [
        _result(case, rules[name])
        for case in run.scenarios
        for name in case.requirements
        if name in rules and case.judgment(name) in NOT_MET
    ]
    used = dict.fromkeys(each["ruleId"] for each in results)
    driver = {
        "name": run.tool.get("name", "clasp-e2e"),
        "version": run.tool.get("version", ""),
        "informationUri": _repository(),
        "rules": [_rule(rules[name]) for name in used],
    }
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": results,
                "properties": {"verdict": run.verdict.value, "seed": run.seed, "started": run.started},
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def requirement_url(requirement_id: str) -> str:
    """Return the address of the page that lists a requirement with its proof."""
    return f"{_repository()}/blob/main/docs/proof.md#:~:text={re.sub('-', '%2D', requirement_id)}"


def _rule(item: RequirementResult) -> dict[str, Any]:
    return {
        "id": item.id,
        "shortDescription": {"text": item.statement},
        "fullDescription": {"text": sentence(item)},
        "help": {"text": f"{source_line(item)}\nclasp-e2e explain {item.id}"},
        "helpUri": requirement_url(item.id),
        "defaultConfiguration": {"level": _LEVELS[item.level]},
    }


def _result(case: ScenarioResult, item: RequirementResult) -> dict[str, Any]:
    text = f"{item.id} in {case.pairing}: {first_line(case.message)}"
    repeat = f"; repeat with `{case.replay}`" if case.replay else ""
    file = case.id.partition("::")[0]
    location = {
        "physicalLocation": {"artifactLocation": {"uri": f"scenarios/{file.removesuffix('.py')}.py"}},
        "logicalLocations": [{"fullyQualifiedName": case.id, "kind": "function"}],
    }
    known = case.judgment(item.id) is Outcome.EXPECTED_FAILURE
    return {
        "ruleId": item.id,
        "level": _LEVELS[item.level],
        "message": {"text": text + repeat},
        "locations": [location],
        "partialFingerprints": {"case": f"{item.id} {case.id}"},
        "suppressions": [{"kind": "external", "justification": case.known_failure or ""}] if known else [],
    }


def _repository() -> str:
    """Return the address of the project's repository, from the metadata of the package."""
    urls = dict(each.split(", ", 1) for each in metadata("clasp-e2e").get_all("Project-URL") or ())
    return urls["Repository"]
