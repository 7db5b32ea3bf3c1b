"""Makers of small run models."""

from __future__ import annotations

import pytest

from clasp_e2e.spec.catalogue import Catalogue, Level, Requirement, Source


def requirement(requirement_id: str, level: Level = Level.MUST, **fields) -> Requirement:
    defaults = {
        "id": requirement_id,
        "chapter": "A",
        "level": level,
        "source": Source.SPECIFICATION,
        "statement": f"The statement of {requirement_id}.",
        "judges": ("peer",),
        "opposite": ("same",),
        "precondition": (),
        "observed_by": "how",
        "quote": "a quote",
        "section": "Architecture",
    }
    return Requirement(**(defaults | fields))


@pytest.fixture
def small() -> Catalogue:
    """Two MUSTs, two SHOULDs, a remark, one under a capability and one of the router."""
    return Catalogue(
        [
            requirement("M-1"),
            requirement("M-2", precondition=("M-1",)),
            requirement("S-1", Level.SHOULD),
            requirement("S-2", Level.SHOULD),
            requirement("N-1", Level.REMARK),
            requirement("T-1", capability="turn"),
            requirement("R-1", judges=("router",)),
        ],
        hash="abc",
    )
