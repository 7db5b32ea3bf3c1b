"""The cost of starting a process, and the number of processes that the machine has room for."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.drivers.stdio.start_cost import (
    MOST_AT_ONCE,
    StartCost,
    available_memory,
    measure,
    ready_at_most,
    starts_at_once,
)


def test_measure_counts_processor_time_and_memory_of_a_process() -> None:
    cost = measure(os.getpid(), 2.0)
    assert cost.duration == 2.0
    assert (cost.processor_time or 0) > 0
    assert (cost.memory or 0) > 1024 * 1024


def test_measure_of_no_process_knows_the_duration_only() -> None:
    assert measure(0, 0.5) == StartCost(0.5)


def test_start_that_burns_processor_time_has_no_more_than_the_processors_at_once() -> None:
    assert starts_at_once(StartCost(0.3, 0.3), 2) == 2
    assert starts_at_once(StartCost(0.3, 0.9), 2) == 2  # On several threads.


def test_start_that_sleeps_has_many_at_once() -> None:
    assert starts_at_once(StartCost(0.8, 0.2), 2) == 8
    assert starts_at_once(StartCost(0.8, 0.0), 2) == MOST_AT_ONCE


def test_start_of_unknown_cost_has_two_at_once_for_each_processor() -> None:
    assert starts_at_once(StartCost(0.8), 2) == 4


@given(st.floats(0.001, 60), st.floats(0, 600), st.integers(1, 256))
def test_starts_at_once_are_at_least_the_processors(duration: float, busy: float, processors: int) -> None:
    starts = starts_at_once(StartCost(duration, busy), processors)
    assert processors <= starts <= max(processors, MOST_AT_ONCE)


def test_ready_processes_take_half_of_the_available_memory_at_most() -> None:
    cost = StartCost(0.1, 0.1, memory=100)
    assert ready_at_most(cost, 800) == 4
    assert ready_at_most(cost, 10) == 1
    assert ready_at_most(cost, 1_000_000) == MOST_AT_ONCE
    assert ready_at_most(cost, None) == ready_at_most(None, 800) == MOST_AT_ONCE


def test_available_memory_is_known_here() -> None:
    assert (available_memory() or 0) > 1024 * 1024
