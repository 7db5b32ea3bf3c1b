"""Scripts that hypothesis draws: any steps in any order, less those that are not possible where they stand.

So a script shrinks as a list does: whatever is taken out of it, what remains is a script.
"""

from collections.abc import Iterable

from hypothesis import strategies as st

from clasp_e2e.modelbased.prediction import Model, Status
from clasp_e2e.modelbased.steps import (
    NAMES,
    Attach,
    AwaitCalls,
    ClosePeer,
    Connect,
    Cut,
    Disconnect,
    Heal,
    Kill,
    Quiesce,
    Script,
    ScriptError,
    Send,
    SetMode,
    Step,
)
from clasp_e2e.p2p_types import RoutingMode

LONGEST = 30
"""Steps of a script."""

_CHUNKS, _CHUNK = 10, 12
_SIZES = (16 * 1024, 1200, 16)

_ORDERS = [(one, other) for one in NAMES for other in NAMES if one != other]
_ORDERS.sort(key=lambda order: "carol" in order)

_SENDS = [
    Send(who, to, size, reliable)
    for who, to in _ORDERS
    for reliable in (True, False)
    for size in _SIZES
    if reliable or size < 16 * 1024
]
_KINDS: list[tuple[int, list[tuple[Step, ...]]]] = [
    (8, [(send,) for send in _SENDS]),
    (2, [(SetMode(who, mode),) for who in NAMES for mode in RoutingMode]),
    (3, [(Connect(who, to), Quiesce()) for who, to in _ORDERS]),
    (3, [(Connect(who, to),) for who, to in _ORDERS]),
    (1, [(Connect(who, to), Connect(to, who)) for who, to in _ORDERS]),
    (1, [(Quiesce(),)]),
    (1, [(AwaitCalls(),)]),
    (1, [(Disconnect(who, to),) for who, to in _ORDERS]),
    (2, [(Cut(who, to),) for who, to in _ORDERS]),
    (2, [(Heal(who, to),) for who, to in _ORDERS]),
    (
        1,
        [
            *[(Attach("carol"),)] * 6,
            *((ClosePeer(who),) for who in NAMES),
            *((Kill(who),) for who in NAMES),
        ],
    ),
]
"""What is drawn, with its weight. What is drawn together may yet be parted by shrinking."""

MOST_FAILING = 1
"""Attempts in one script that can only run out of time: each is waited for."""


def possible(intents: Iterable[Step], capabilities: frozenset[str]) -> Script:
    """Return the script of what is possible of `intents`; in the end what is cut heals, and all settles."""
    model = Model(capabilities)
    script: list[Step] = []
    failing = 0

    def take(step: Step) -> None:
        nonlocal failing
        if not model.allows(step):
            return
        if isinstance(step, Connect) and model.would_fail(step):
            failing += 1
            if failing > MOST_FAILING:
                return
        model.take(step)
        script.append(step)

    take(Attach("alice"))
    take(Attach("bob"))
    for intent in intents:
        if (healing := model.overdue()) is not None:
            take(healing)
        if len(script) >= LONGEST:
            break
        if not isinstance(intent, Quiesce | AwaitCalls) or not isinstance(script[-1], Quiesce | Attach):
            take(intent)
    for one, other, between in list(model.pairs()):
        if between.cut and between.status is Status.CONNECTED:
            take(Heal(one, other) if model.here(one) else Heal(other, one))
    return tuple(script)


def fails_to_connect(script: Script, capabilities: frozenset[str]) -> bool:
    """Return whether an attempt in `script` can only run out of time.

    Raises `ScriptError` if a step is not possible where it stands.
    """
    model = Model(capabilities)
    fails = False
    for number, step in enumerate(script, 1):
        if not model.allows(step):
            raise ScriptError(
                f"step {number}, {step}, is not possible there, or what follows from it cannot be foretold"
            )
        fails |= isinstance(step, Connect) and model.would_fail(step)
        model.take(step)
    return fails


def scripts(capabilities: frozenset[str]) -> st.SearchStrategy[Script]:
    """Return the scripts for implementations that declare `capabilities`.

    Drawn in several short lists, for hypothesis keeps a single one short.
    """
    weighted = [st.sampled_from(steps) for weight, steps in _KINDS for _ in range(weight)]
    chunk = st.lists(st.one_of(weighted), max_size=_CHUNK)
    return st.tuples(*[chunk] * _CHUNKS).map(
        lambda chunks: possible((step for steps in chunks for some in steps for step in some), capabilities)
    )
