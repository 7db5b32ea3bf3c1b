"""The implementations of a matrix: resolved, built and initialized once, and shared by all cells."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from clasp_e2e.drivers.interface import Driver, DriverFault, NotAvailable
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver, resolve_router
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.results.matrix_results import Obstacle, State
from clasp_e2e.results.pairing import REFERENCE

Obstacles = dict[tuple[str, str], Obstacle]
"""By the name of an implementation, and its role: `peer` or `router`."""


def resolve_all(
    peers: Sequence[str], routers: Sequence[str], *, catalogue: str = "", deadline_scale: float = 1.0
) -> tuple[dict[str, Driver], Obstacles]:
    """Return one driver for each name, built if necessary, and the obstacles for those not available.

    `catalogue` (the hash of the requirement catalogue) and `deadline_scale` are passed to the drivers.
    Raises `UnknownDriver` for an invalid name, which is a mistake of the user.
    """
    made = {REFERENCE: resolve_driver(REFERENCE)}  # It is the partner even if it is not named.
    obstacles: Obstacles = {}
    for name in dict.fromkeys((*peers, *routers)):
        resolve = resolve_driver if name in peers else resolve_router
        driver = made.get(name) or _or_obstacle(
            name, partial(resolve, name, catalogue=catalogue, deadline_scale=deadline_scale)
        )
        if isinstance(driver, Obstacle):
            obstacles |= {(name, "peer"): driver, (name, "router"): driver}
        else:
            made[name] = driver
    return made, obstacles


def _or_obstacle(name: str, resolve: Callable[[], Driver]) -> Driver | Obstacle:
    try:
        return resolve()
    except UnknownDriver as error:
        if isinstance(error.__cause__, NotAvailable):
            return Obstacle(State.NOT_AVAILABLE, f"{name}: {error.__cause__}")
        if isinstance(error.__cause__, ImportError):
            return Obstacle(State.NOT_AVAILABLE, f"{name} is not installed: {error.__cause__}")
        raise
    except NotAvailable as error:
        return _obstacle(name, error)


async def start_all(
    made: Mapping[str, Driver], peers: Sequence[str], routers: Sequence[str], implementations: Implementations
) -> Obstacles:
    """Start each driver of `made` and the routers that all cells share; return the obstacles."""
    obstacles: Obstacles = {}
    for name, driver in made.items():
        roles = [role for role, names in (("peer", peers), ("router", routers)) if name in names]
        try:
            described = await implementations.describe(name, driver)
        except DriverFault as fault:
            obstacles |= {(name, role): _obstacle(name, fault) for role in roles}
            continue
        for role in roles:
            if role not in described.roles:
                obstacles[name, role] = Obstacle(State.NOT_AVAILABLE, f"{name} offers no {role}")
        if "router" in roles and "router" in described.roles:
            try:
                await implementations.routers_of(driver)
            except DriverFault as fault:
                obstacles[name, "router"] = _obstacle(name, fault)
    return obstacles


def _obstacle(name: str, fault: DriverFault) -> Obstacle:
    state = State.NOT_AVAILABLE if isinstance(fault, NotAvailable) else State.BROKEN
    text = str(fault)
    return Obstacle(state, text if text.startswith(f"{name}: ") else f"{name}: {text}")
