"""Cases that an argument names by their pairing, such as `test_ice.py::test_x[node-reference]`."""

from collections.abc import Sequence
from pathlib import Path

import pytest

PAIRING_ERRORS = pytest.StashKey[list[str]]()
"""A message for each argument that names a pairing which its scenario does not have."""


def check_pairings(metafunc: pytest.Metafunc, name: str, pairings: Sequence[str]) -> None:
    """Record an error for each argument that names the scenario `name` with none of its `pairings`."""
    config, file = metafunc.config, metafunc.definition.path.name
    for argument in config.args:
        path, _, function = argument.partition("::")
        chosen, _, pairing = function.removesuffix("]").partition("[")
        if Path(path).name == file and chosen == name and pairing and pairing not in pairings:
            config.stash[PAIRING_ERRORS].append(
                f"{file}::{name} has no pairing [{pairing}] in this run; "
                + (f"choose from [{'], ['.join(pairings)}]" if pairings else "it judges none of the roles")
                + ", or name other implementations by --peer, --offerer, --answerer or --router"
            )
