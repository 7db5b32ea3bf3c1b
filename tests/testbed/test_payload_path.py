"""The path of a payload is decided by the volume on each; a failure names both."""

from __future__ import annotations

import random

import pytest

from clasp_e2e.p2p_types import SendResult
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment, Unmet
from clasp_e2e.testbed.payload_path import Path


@pytest.fixture(autouse=True)
def judgment() -> None:
    JUDGMENT.set(Judgment(("SND-3",), random.Random(1)))


@pytest.mark.parametrize(
    ("path", "result", "seen"),
    [
        (Path(1000, 65, 1100), SendResult.P2P, "65 bytes went directly to the peer, and 1100 to the router"),
        (
            Path(1000, 1100, 1050),
            SendResult.P2P,
            "1050 bytes went to the router, and 1100 directly to the peer",
        ),
        (Path(1000, 1100, 0), SendResult.RELAY, "0 bytes went to the router, and 1100 directly to the peer"),
        (Path(1000, 0, 0, is_hidden=True), SendResult.RELAY, "0 bytes went to the router"),
    ],
)
def test_failure_names_both_paths(path: Path, result: SendResult, seen: str) -> None:
    with pytest.raises(Unmet) as caught:
        path.took(result)
    assert caught.value.seen == seen


def test_payload_on_the_path_of_its_result_is_accepted() -> None:
    Path(1000, 1100, 0).took(SendResult.P2P)
    Path(1000, 0, 1100).took(SendResult.RELAY)
