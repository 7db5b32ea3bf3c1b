"""Generation of scripts with hypothesis: any steps in any order, without those that are not possible.

So a script can be shrunk by removing any of its steps.
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
"""Maximum number of steps in a script."""

_CHUNKS, _CHUNK = 10, 12
_SIZES = (16_000, 1_000, 16)

_ORDERS = [(one, other) for one in NAMES for other in NAMES if one != other]
_ORDERS.sort(key=lambda order: "carol" in order)

_SENDS = [
    Send(who, to, size, reliable)
    for who, to in _ORDERS
    for reliable in (True, False)
    for size in _SIZES
    if reliable or size <= 1_000
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
"""Groups of steps, with the weight with which they are drawn. Shrinking may separate a group."""

MOST_FAILING = 1
"""Maximum number of attempts in a script that must time out."""


def possible(intents: Iterable[Step], capabilities: frozenset[str]) -> Script:
    """Return the script of the possible steps of `intents`; at the end, cut connections are healed."""
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
    """Return whether an attempt in `script` must time out. Raises `ScriptError` if a step is not possible."""
    model = Model(capabilities)
    fails = False
    for number, step in enumerate(script, 1):
        if not model.allows(step):
            raise ScriptError(
                f"step {number}, {step}, is not possible at this point, or its effects cannot be predicted"
            )
        fails |= isinstance(step, Connect) and model.would_fail(step)
        model.take(step)
    return fails


def scripts(capabilities: frozenset[str]) -> st.SearchStrategy[Script]:
    """Return a strategy of scripts for implementations that declare `capabilities`.

    Steps are drawn in several lists, because hypothesis keeps a single list short.
    """
    weighted = [st.sampled_from(steps) for weight, steps in _KINDS for _ in range(weight)]
    chunk = st.lists(st.one_of(weighted), max_size=_CHUNK)
    return st.tuples(*[chunk] * _CHUNKS).map(
        lambda chunks: possible((step for steps in chunks for some in steps for step in some), capabilities)
    )
