"""The NATs of the lab, proved by STUN to two servers from one socket (RFC 4787, RFC 5780 section 4)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("nat_behavior.py")


@pytest.fixture(scope="module")
def behavior() -> dict[str, dict[str, Any]]:
    run = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=60)
    if run.returncode != 0 and "the lab needs" in run.stderr:
        pytest.skip(run.stderr)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    ("nat", "other_port", "other_address", "same_mapping"),
    [
        ("FULL_CONE", True, True, True),
        ("RESTRICTED", True, False, True),
        ("PORT_RESTRICTED", False, False, True),
        ("SYMMETRIC", False, False, False),
    ],
)
def test_nat_maps_and_filters_as_its_kind(
    behavior: dict[str, dict[str, Any]],
    nat: str,
    other_port: bool,
    other_address: bool,
    same_mapping: bool,
) -> None:
    assert behavior[nat] == {
        "public": True,
        "other port": other_port,
        "other address": other_address,
        "same mapping": same_mapping,
    }
