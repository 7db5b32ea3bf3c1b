from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from clasp_e2e.execution.leaks import watch

from . import fakes


@pytest.fixture
async def watched() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    watch(loop)
    yield
    loop.set_task_factory(before)
    fakes.clear_away()
