"""No check condemns an innocent: each legal variant passes the checks that its difference might affect."""

from __future__ import annotations

import pytest

from clasp_e2e.drivers.registry import resolve_driver
from clasp_e2e.scripted.variant import CONVENTIONS
from clasp_e2e.scripted.variants import VARIANTS, Variant

from .conftest import Runs
from .running import catalogue

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

PENDING: dict[str, str] = {
    "SignalsAtItsOwnAddress": "SIG-2 looks for signals at the public address only",
    "CompressesItsSignals": "what cannot be read is not unobserved everywhere",
    "EncryptsItsSignals": "what cannot be read is not unobserved everywhere",
}
"""Variants that are still condemned, and why."""


def case(variant: Variant) -> object:
    marks = [pytest.mark.skip(PENDING[variant.name])] if variant.name in PENDING else []
    return pytest.param(variant, id=variant.name, marks=marks)


@pytest.mark.parametrize("variant", [case(variant) for variant in VARIANTS])
async def test_a_variant_is_acquitted(variant: Variant, runs: Runs) -> None:
    assert await runs.condemned(variant) == []


def test_a_variant_says_what_it_is() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS:
        assert variant.difference.endswith(".")
        assert variant.touches
        assert variant.deviations <= CONVENTIONS
        assert variant.touches | variant.not_judged <= set(catalogue())


async def test_a_variant_can_be_named_on_the_command_line() -> None:
    peer = resolve_driver("clasp_e2e.scripted.variants.sdp_variants:EndsLinesWithLf")
    assert (await peer.initialize()).implementation.name == "variant EndsLinesWithLf"
