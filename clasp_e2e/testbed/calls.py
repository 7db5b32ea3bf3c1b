"""Calls into an implementation's driver: each ends, in one of the ways that the interface knows."""

import asyncio
import traceback
from collections.abc import Awaitable
from typing import TypeVar

from clasp_e2e.drivers.interface import (
    Description,
    Driver,
    DriverFault,
    NotAvailable,
    NotOffered,
    Refused,
)

T = TypeVar("T")


async def call_driver(who: str, what: str, call: Awaitable[T], limit: float | None) -> T:
    """Return the result of `call`, or raise its `Refused` or `NotOffered`.

    All else is a `DriverFault` that names `who` and `what`: another exception, and no answer
    within `limit` seconds; None sets no limit, for a driver that keeps its own deadlines.
    """
    deadline = asyncio.timeout(limit)
    try:
        async with deadline:
            return await call
    except (Refused, NotOffered, DriverFault, asyncio.CancelledError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too: an implementation in this process may call sys.exit.
        if deadline.expired():
            raise DriverFault(
                f"{who}: {what} did not return within {limit:g} s. A call has to end by itself:"
                " answer it, or refuse it (error 1000, or Refused) if the implementation gave up."
            ) from None
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise DriverFault(
            f"{who}: {what} raised {type(error).__name__}: {error} ({where.filename}:{where.lineno})."
            " Where the implementation itself gives up, its driver raises Refused with its words."
        ) from error


async def initialize_driver(who: str, driver: Driver, limit: float) -> Description:
    """Return who `driver` says it is, and that there is something to judge.

    Raises `DriverFault`, and `NotAvailable` for a stub: a verdict on it would look like a real one.
    """
    try:
        description = await call_driver(who, "initialize", driver.initialize(), limit)
    except (Refused, NotOffered) as error:
        raise DriverFault(f"{who}: initialize was refused: {error}") from error
    if description.implementation.stub:
        raise NotAvailable(
            f"{who}: {description.implementation.name} calls itself a stub, so there is nothing to judge."
            ' Put your implementation\'s calls where the stub is, and take "stub" out of what initialize'
            " answers; until then `clasp-e2e doctor` looks at the adapter"
        )
    return description
