"""`clasp-e2e fuzz`: hostile input for a router and a peer."""

import asyncio
import random
import shlex
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import CommandError, ExistingFile, reported
from clasp_e2e.commands.options import DRIVER
from clasp_e2e.drivers.interface import Driver, DriverFault, NotOffered, Refused
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver, resolve_router
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.fuzz.campaign import Campaign, Crash, run_campaign
from clasp_e2e.fuzz.memory import ALLOWED_GROWTH, MEBIBYTE
from clasp_e2e.fuzz.saved_inputs import SavedInputsError, load_finding, save_finding
from clasp_e2e.fuzz.targets import FuzzedPeer, FuzzedRouter, HarnessFault, SignaledPeer, Target, TargetCrashed
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.store import ResultsError
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.calls import call_driver
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant
from clasp_e2e.testbed.waiting import Patience


@dataclass(frozen=True, slots=True)
class Order:
    """The options of the command. A role that is not attacked is None."""

    peer: str | None
    router: str | None
    frames: int
    signals: int
    seed: int
    directory: Path
    strict: bool
    patience: Patience


@click.command(epilog=DRIVER)
@click.option("--peer", metavar="DRIVER", help="Attack a peer of this implementation.")
@click.option("--router", metavar="DRIVER", help="Attack this router: a driver, or the ws:// URL of one.")
@click.option("--frames", type=click.IntRange(0), default=10_000, show_default=True, help="Number of frames.")
@click.option(
    "--signals", type=click.IntRange(0), default=2_000, show_default=True, help="Number of signals."
)
@click.option("--seed", type=int, help="Seed of all inputs (default: a random one, printed).")
@click.option(
    "--replay", metavar="FILE", type=ExistingFile(), help="Send only the input of the finding in FILE."
)
@click.option("--attack-router", is_flag=True, help="Also attack a router given by its ws:// URL (RTR-7).")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@options.deadline_scale
@options.results_option("reports/latest", "Directory for findings, in its folder `fuzz`.")
def fuzz(
    peer: str | None,
    router: str | None,
    frames: int,
    signals: int,
    seed: int | None,
    replay: Path | None,
    attack_router: bool,
    strict: bool,
    deadline_scale: float,
    results: Path,
) -> None:
    """Send valid, mutated and random input to a router and a peer, and check whether they keep working.

    Without options, the reference router and peer are the targets; otherwise those that are named. Frames
    are sent to the router and, as if from its router, to the peer: half to each, if both are targets.
    Signals are sent to the peer through the router.

    Exit status: 0 every target kept working, or one that is not the reference did not (a deviation,
    reported); 1 the reference, or with --strict any target, crashed, hung or leaked memory; 2 usage;
    3 a target could not be started.
    """
    if peer is None and router is None:
        peer = router = REFERENCE
    if router is not None and router.startswith(("ws://", "wss://")) and not attack_router:
        raise CommandError(
            f"the harness did not start the router at {router}; add --attack-router if it may be attacked"
        )
    order = Order(
        peer,
        router,
        frames,
        signals,
        random.randrange(2**32) if seed is None else seed,
        results / "fuzz",
        strict,
        Patience(deadline_scale),
    )
    with (
        reported(UnknownDriver, SavedInputsError, ResultsError),
        reported(DriverFault, HarnessFault, status=ExitStatus.INCONCLUSIVE),
    ):
        failed = asyncio.run(_replay(order, load_finding(replay)) if replay else _attack(order))
    sys.exit(ExitStatus.FAILED if failed else ExitStatus.OK)


@asynccontextmanager
async def _targets(order: Order) -> AsyncGenerator[dict[str, Target]]:
    """Yield the targets by name; none is open yet."""
    drivers: dict[str, Driver] = {}
    limit = order.patience.open + order.patience.call

    async def started(name: str | None, resolve: Callable[..., Driver], role: str) -> Participant:
        spec = name or REFERENCE
        driver = drivers.setdefault(spec, _driver(spec, resolve, order.patience.scale))
        described = await call_driver(spec, "initialize", driver.initialize(), limit)
        if role not in described.roles:
            raise UnknownDriver(f"{spec} offers no {role}; name it in another role, or leave it out")
        return Participant(driver, SubjectInfo(spec, described))

    try:
        router = await started(order.router, resolve_router, "router")
        targets: list[Target] = []
        if order.router is not None:
            targets.append(FuzzedRouter(router.driver, order.patience))
        if order.peer is not None:
            peer = await started(order.peer, resolve_driver, "peer")
            well_behaved = ReferenceDriver()
            partner = Participant(well_behaved, SubjectInfo("partner", await well_behaved.initialize()))
            routers = RouterSource(router.driver, None)
            targets.append(FuzzedPeer(peer, partner, routers, order.patience))
            targets.append(SignaledPeer(peer, partner, routers, order.patience))
        yield {target.name: target for target in targets}
    except (Refused, NotOffered) as error:
        raise DriverFault(f"initialize was refused: {error}") from error
    finally:
        for name, driver in drivers.items():
            with suppress(DriverFault, Refused, NotOffered):
                await call_driver(name, "aclose", driver.aclose(), limit)


def _driver(spec: str, resolve: Callable[..., Driver], scale: float) -> Driver:
    # In this process, an endless loop would go unnoticed and memory could not be measured separately. A
    # process per peer makes its memory that of one peer.
    if spec == REFERENCE:
        command = [sys.executable, "-m", "clasp_e2e.drivers.adapters.reference", "--processes", "per_peer"]
        return StdioDriver(command, deadline_scale=scale)
    return resolve(spec, deadline_scale=scale)


async def _attack(order: Order) -> bool:
    """Return whether the findings make the command fail."""
    click.echo(f"Seed {order.seed}")
    failed = False
    async with _targets(order) as targets:
        share = order.frames // sum(name != SignaledPeer.name for name in targets)
        for name, target in targets.items():
            total = order.signals if name == SignaledPeer.name else share
            if total:
                campaign = await run_campaign(target, order.seed, total, _progress)
                failed |= _print_campaign(order, target, campaign)
    return failed


def _progress(words: str) -> None:
    click.echo(words, err=True)


def _print_campaign(order: Order, target: Target, campaign: Campaign) -> bool:
    """Print the result of a campaign; return whether it makes the command fail."""
    spec = (order.router if isinstance(target, FuzzedRouter) else order.peer) or REFERENCE
    click.echo(f"{target.name} ({spec}): {campaign.tally}, in {campaign.seconds:.1f} s")
    if campaign.ended_sessions:
        click.echo(f"    closed {campaign.ended_sessions} sessions, which is allowed")
    if campaign.memory:
        before, after = campaign.memory[0] / MEBIBYTE, campaign.memory[-1] / MEBIBYTE
        click.echo(f"    memory {before:.1f} MiB before, {after:.1f} MiB after")
    grown = campaign.growth is not None and campaign.growth > ALLOWED_GROWTH
    if grown:
        assert campaign.growth is not None
        click.echo(f"    memory grew by {campaign.growth / MEBIBYTE:.1f} MiB after the warm-up")
    counted = spec == REFERENCE or order.strict
    for finding in campaign.findings:
        kind = f"{finding.requirement}, SHOULD" if finding.requirement else "remark"
        path = save_finding(finding, order.directory)
        click.echo(f"    stopped working on batch {finding.batch} ({kind}): {finding.what}")
        if not finding.reproduced:
            click.echo(
                "    A new target does not crash on this batch alone; --seed repeats the whole campaign."
            )
        number = len(finding.inputs)
        click.echo(f"    {number} {'input' if number == 1 else 'inputs'}: {path}")
        click.echo(f"    Repeat with {_command(order, path)}")
    # No specification limits memory, or requires a peer to survive input from its own router.
    judged = [finding for finding in campaign.findings if spec == REFERENCE or finding.requirement]
    return counted and bool(judged or (grown and spec == REFERENCE))


def _command(order: Order, path: Path) -> str:
    named = [(option, spec) for option, spec in (("--peer", order.peer), ("--router", order.router)) if spec]
    words = [word for pair in named for word in pair]
    if order.router is not None and order.router.startswith(("ws://", "wss://")):
        words.append("--attack-router")
    return shlex.join(["clasp-e2e", "fuzz", *words, "--replay", str(path)])


async def _replay(order: Order, replay: Crash) -> bool:
    """Send the inputs of a finding; return whether the target crashes on them again."""
    async with _targets(order) as targets:
        target = targets.get(replay.target)
        if target is None:
            raise SavedInputsError(
                f"the finding is for the {replay.target}; name one with --peer or --router"
            )
        try:
            await target.open()
            await target.attack_and_check(replay.inputs)
        except TargetCrashed as death:
            click.echo(f"{target.name}: crashed on {len(replay.inputs)} inputs: {death}")
            return True
        finally:
            await target.close()
    click.echo(f"{target.name}: passed: kept working after {len(replay.inputs)} inputs")
    return False
