"""Calls to an implementation's driver, with a deadline and the exceptions of the driver interface."""

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

    Raises a `DriverFault` that names `who` and `what` for any other exception, and if there is no answer
    within `limit` seconds. None sets no limit, for a driver that keeps its own deadlines.
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
                f"{who}: {what} did not return within {limit:g} s",
                advice="Every call must return: answer it, or refuse it (error 1000, or Refused) if the"
                " implementation reports an error.",
            ) from None
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise DriverFault(
            f"{who}: {what} raised {type(error).__name__}: {error} ({where.filename}:{where.lineno})",
            advice="If the implementation itself reports an error, the driver must raise Refused with its"
            " message.",
        ) from error


async def initialize_driver(who: str, driver: Driver, limit: float) -> Description:
    """Initialize `driver`, and return its description.

    Raises `DriverFault`, and `NotAvailable` for a stub: a verdict on a stub would look like a real one.
    """
    try:
        description = await call_driver(who, "initialize", driver.initialize(), limit)
    except (Refused, NotOffered) as error:
        raise DriverFault(f"{who}: initialize was refused: {error}") from error
    if description.implementation.stub:
        raise NotAvailable(
            f"{who}: {description.implementation.name} calls itself a stub, so there is nothing to judge."
            ' Replace the stub with calls to your implementation, and remove "stub" from the answer to'
            " initialize; until then, check the adapter with `clasp-e2e doctor`"
        )
    return description
