"""The requirement catalogue: every sentence that a verdict can rest on."""

from __future__ import annotations

from clasp_e2e.spec.catalogue import (
    Catalogue as Catalogue,
    CatalogueError as CatalogueError,
    Level as Level,
    Requirement as Requirement,
    Source as Source,
    UnknownRequirement as UnknownRequirement,
    concerns as concerns,
    load_catalogue as load_catalogue,
    specification_text as specification_text,
)
