"""The requirement catalogue: every sentence that a verdict can rest on."""

from __future__ import annotations

from clasp_e2e.spec.catalogue import (
    Catalogue,
    CatalogueError,
    Level,
    Requirement,
    Source,
    UnknownRequirement,
    concerns,
    load_catalogue,
    specification_text,
)

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Level",
    "Requirement",
    "Source",
    "UnknownRequirement",
    "concerns",
    "load_catalogue",
    "specification_text",
]
