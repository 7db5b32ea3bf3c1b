"""Garbage collection between cases, in short pauses.

The objects of a case refer to each other, so that only the collector frees them. Left to itself, Python
collects them when their number has grown by a quarter: after thousands of cases, a collection stopped the
event loop for seconds, in which time-outs expired. Source: the `gc` module of the Python library.
"""

import gc
import time

CASES = 16
"""Cases after which their objects are collected."""
SHARE = 0.03
"""Maximum share of the time that these collections take; if they would take more, they are less frequent."""
LONGEST_S = 0.25
"""Seconds of a collection after which its survivors, mostly cases that wait, are excluded from later ones.

They are still freed when nothing refers to them; only cycles among them stay, those of the cases that run.
"""


class GarbageCollection:
    """The collections of a run, or of several in one process."""

    def __init__(self) -> None:
        """Exclude what exists now, which lives as long as the process."""
        gc.collect()
        gc.freeze()
        self._cases = 0
        self._next = 0.0

    def case_ended(self) -> None:
        """Collect the objects of the cases so far, if they are many enough."""
        self._cases += 1
        began = time.perf_counter()
        if self._cases < CASES or began < self._next:
            return
        self._cases = 0
        gc.collect()
        ended = time.perf_counter()
        self._next = ended + (ended - began) / SHARE
        if ended - began > LONGEST_S:
            gc.freeze()
