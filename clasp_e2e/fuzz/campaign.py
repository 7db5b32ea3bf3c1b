"""A fuzzing campaign against one target: it sends batches of inputs, and minimizes those that crash it.

To minimize a batch, the target is restarted with parts of it until no smaller part is known to crash it.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from clasp_e2e.fuzz.input_source import Input, InputCounts, batches
from clasp_e2e.fuzz.memory import growth
from clasp_e2e.fuzz.targets import Target, TargetCrashed

MOST_FINDINGS = 3
"""Findings after which a campaign ends."""
MOST_TRIALS = 24
"""Maximum number of restarts to minimize one finding."""
MOST_SECONDS = 60.0
"""Seconds after which the target is not restarted again: with a target that hangs, each trial times out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A crash or hang of a target, as it is saved."""

    target: str
    requirement: str | None
    seed: int
    batch: int
    what: str
    inputs: tuple[Input, ...]
    """The fewest inputs known to crash a new target; the whole batch if it is not reproduced."""
    reproduced: bool
    """Whether the inputs crash a new target."""


@dataclass(slots=True)
class Campaign:
    """The results of a campaign."""

    target: str
    tally: InputCounts = field(default_factory=InputCounts)
    seconds: float = 0.0
    ended_sessions: int = 0
    findings: list[Crash] = field(default_factory=list[Crash])
    memory: list[int] = field(default_factory=list[int])
    """Bytes, before the first batch and after each batch, since the last restart."""

    @property
    def growth(self) -> int | None:
        """See `memory.growth`; None if the target was restarted."""
        return None if self.findings else growth(self.memory)


Progress = Callable[[str], None]
"""Receives messages about the progress of a campaign."""


async def run_campaign(target: Target, seed: int, total: int, progress: Progress) -> Campaign:
    """Send `total` inputs. Raises `HarnessFault` or `DriverFault` if the target cannot be started."""
    campaign = Campaign(target.name)
    began = time.monotonic()
    try:
        await target.open()
        _measure(target, campaign)
        for number, size in batches(total, target.batch_size):
            inputs = target.inputs(seed, number, size)
            campaign.tally.count(inputs)
            try:
                await target.attack_and_check(inputs)
            except TargetCrashed as death:
                progress(f"{target.name}: stopped working on batch {number}: {death}; minimizing the input")
                campaign.findings.append(await _minimized_crash(target, seed, number, inputs, death))
                if len(campaign.findings) >= MOST_FINDINGS:
                    break
                await _restart(target)
                campaign.memory.clear()
            _measure(target, campaign)
            if (sent := campaign.tally.origins.total()) * 10 // total > (sent - size) * 10 // total:
                progress(f"{target.name}: {sent} of {total} in {time.monotonic() - began:.1f} s")
    finally:
        await target.close()
    campaign.seconds = time.monotonic() - began
    campaign.ended_sessions = target.ended_sessions
    return campaign


def _measure(target: Target, campaign: Campaign) -> None:
    if (bytes_held := target.memory()) is not None:
        campaign.memory.append(bytes_held)


async def _restart(target: Target) -> None:
    await target.close()
    await target.open()


async def _minimized_crash(
    target: Target, seed: int, number: int, inputs: Sequence[Input], death: TargetCrashed
) -> Crash:
    began = time.monotonic()

    async def dies(part: Sequence[Input]) -> bool | None:
        if time.monotonic() - began > MOST_SECONDS:
            return None
        await _restart(target)
        try:
            await target.attack_and_check(part)
        except TargetCrashed:
            return True
        return False

    smallest = await minimised(inputs, dies)
    return Crash(
        target=target.name,
        requirement=target.requirement,
        seed=seed,
        batch=number,
        what=str(death),
        inputs=tuple(smallest or inputs),
        reproduced=smallest is not None,
    )


async def minimised(
    inputs: Sequence[Input], dies: Callable[[Sequence[Input]], Awaitable[bool | None]]
) -> list[Input] | None:
    """Return the fewest of `inputs` known to crash the target, or None if all of them together do not.

    Leaves out halves, quarters and so on (Zeller and Hildebrandt's ddmin), in at most `MOST_TRIALS` trials,
    and until `dies` returns None.
    """
    if not await dies(inputs):
        return None
    current, parts, trials = list(inputs), 2, 1
    while len(current) > 1:
        size = -(-len(current) // parts)
        slices = [current[start : start + size] for start in range(0, len(current), size)]
        candidates = slices if parts == 2 else []
        candidates += [
            sum(slices[:at] + slices[at + 1 :], list[Input]()) for at in range(len(slices)) if parts > 2
        ]
        for candidate in candidates:
            if trials >= MOST_TRIALS:
                return current
            trials += 1
            if (died := await dies(candidate)) is None:
                return current
            if died:
                current, parts = candidate, 2 if parts == 2 else max(parts - 1, 2)
                break
        else:
            if parts >= len(current):
                return current
            parts = min(parts * 2, len(current))
    return current
