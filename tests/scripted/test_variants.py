"""Each legal variant passes the checks that its difference might affect."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from clasp_e2e.drivers.registry import resolve_driver
from clasp_e2e.peer.libwebrtc_transport import install_advice
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import CONVENTIONS
from clasp_e2e.scripted.variants import VARIANTS, Variant

from .conftest import NIGHTLY
from .running import catalogue
from .variant_running import VariantRuns, is_on_libwebrtc

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

PENDING: dict[str, str] = {}
"""Variants that are still condemned, and why."""


def reason_to_skip(variant: Variant) -> str | None:
    if is_on_libwebrtc(variant) and os.environ.get("CLASP_E2E_LIBWEBRTC") != "1":
        return "libwebrtc does not keep up with many peers in one process: .ci/nightly judges each alone"
    return PENDING.get(variant.name) or (install_advice() if is_on_libwebrtc(variant) else None)


def case(variant: Variant) -> object:
    reason = reason_to_skip(variant)
    return pytest.param(variant, id=variant.name, marks=[pytest.mark.skip(reason)] if reason else [])


def collected(request: pytest.FixtureRequest, *, is_router: bool) -> VariantRuns:
    """Start the runs of the variants whose tests were collected and are not skipped."""
    parameters = (getattr(getattr(item, "callspec", None), "params", {}) for item in request.session.items)
    chosen: list[Variant] = [each["variant"] for each in parameters if "variant" in each]
    return VariantRuns(
        [each for each in chosen if each.is_router == is_router and not reason_to_skip(each)],
        whole=bool(request.config.getoption(NIGHTLY, default=False)),
        is_router=is_router,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def peer_runs(request: pytest.FixtureRequest) -> AsyncIterator[VariantRuns]:
    started = collected(request, is_router=False)
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def router_runs(request: pytest.FixtureRequest) -> AsyncIterator[VariantRuns]:
    started = collected(request, is_router=True)
    yield started
    await started.close()


@pytest.mark.parametrize("variant", [case(each) for each in VARIANTS if not each.is_router])
async def test_a_peer_variant_is_acquitted(variant: Variant, peer_runs: VariantRuns) -> None:
    assert await peer_runs.condemned(variant) == []


@pytest.mark.parametrize("variant", [case(each) for each in VARIANTS if each.is_router])
async def test_a_router_variant_is_acquitted(variant: Variant, router_runs: VariantRuns) -> None:
    assert await router_runs.condemned(variant) == []


def test_a_variant_says_what_it_is() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS:
        assert variant.difference.endswith(".")
        assert variant.touches
        assert variant.deviations <= CONVENTIONS
        assert variant.touches | variant.not_judged <= set(catalogue())


def test_every_open_point_has_a_variant() -> None:
    assert {variant.open_point for variant in VARIANTS} == {*OpenPoint}


async def test_a_variant_can_be_named_on_the_command_line() -> None:
    peer = resolve_driver("clasp_e2e.scripted.variants.sdp_variants:EndsLinesWithLf")
    assert (await peer.initialize()).implementation.name == "variant EndsLinesWithLf"
