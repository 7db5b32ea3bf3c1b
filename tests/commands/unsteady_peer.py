"""A peer of which each third instance loses what it sends."""

from __future__ import annotations

from itertools import count

from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import Outs, PeerScript, scripted_driver
from clasp_e2e.scripted.sending_mutants import lost

INSTANCES = count()


class LosesAtTimes(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.number = next(INSTANCES)

    def alter(self, effect: fx.Effect) -> Outs:
        return lost(effect) if isinstance(effect, fx.SendOnChannel) and self.number % 3 == 0 else (effect,)


def driver() -> object:
    return scripted_driver(LosesAtTimes)
