"""Methods that misbehave, each in its own way, and a case to let them loose on."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from shequ.benchmarks.ask import Answer, Ask
from shequ.benchmarks.registry import Case, Method, register_case, register_method
from shequ.models.siting.allocation import closest_allocation
from shequ.models.siting.p_median import PMedian
from shequ.optimize.result import Reason, Status

POINTS = np.arange(8.0)


def load(data: Path) -> PMedian:
    """Return eight points on a line, two sites to open; the optimum is 8."""
    del data
    return PMedian(np.abs(POINTS[:, None] - POINTS[None]), np.ones(8), 2)


def right(problem: PMedian, ask: Ask) -> Answer:
    """Open the sites in the middle of each half."""
    ask.improved(20.0, None)
    is_open = np.isin(POINTS, [1.0, 5.0])
    solution = closest_allocation(problem.distances, is_open)
    value = problem.evaluate(solution)
    return Answer(status=Status.OPTIMAL, solution=solution, objective=value, bound=value)


def slow(problem: PMedian, ask: Ask) -> Answer:
    """Take half a second for the right answer."""
    time.sleep(0.5)
    return right(problem, ask)


def breaks_a_rule(problem: PMedian, ask: Ask) -> Answer:
    """Open every site, which costs nothing."""
    del ask
    solution = closest_allocation(problem.distances, np.ones(8, dtype=bool))
    return Answer(status=Status.OPTIMAL, solution=solution, objective=0.0, bound=0.0)


def lies_about_its_value(problem: PMedian, ask: Ask) -> Answer:
    """Claim less than its solution is worth."""
    return replace(right(problem, ask), objective=3.0, bound=3.0)


def calls_a_poor_plan_optimal(problem: PMedian, ask: Ask) -> Answer:
    """Open two sites at one end and call that optimal."""
    del ask
    solution = closest_allocation(problem.distances, np.isin(POINTS, [0.0, 1.0]))
    return Answer(status=Status.OPTIMAL, solution=solution, bound=None)


def bounds_too_high(problem: PMedian, ask: Ask) -> Answer:
    """Prove a bound that the optimum lies below."""
    del problem, ask
    return Answer(status=Status.UNKNOWN, reason=Reason.TIME, bound=9.5)


def says_infeasible(problem: PMedian, ask: Ask) -> Answer:
    """Call a problem infeasible that has a known solution."""
    del problem, ask
    return Answer(status=Status.INFEASIBLE)


def crashes(problem: PMedian, ask: Ask) -> Answer:
    """Raise an error."""
    del problem, ask
    raise RuntimeError("no such pivot")


def dies(problem: PMedian, ask: Ask) -> Answer:
    """End the process without a word, as a crash in a compiled library does."""
    del problem, ask
    os.abort()


def hangs(problem: PMedian, ask: Ask) -> Answer:
    """Find a bound, then never stop."""
    del problem
    ask.improved(None, 1.0)
    while True:
        time.sleep(0.1)


def eats_memory(problem: PMedian, ask: Ask) -> Answer:
    """Take 20 MiB again and again."""
    del problem, ask
    eaten = []
    while True:
        eaten.append(np.ones(20 * 2**17))
        time.sleep(0.01)


register_case(
    Case(
        name="p-median/line",
        family="p-median",
        load=load,
        size={"clients": 8, "sites": 8},
        best_known=8.0,
        best_is_optimal=True,
        source="counted by hand",
    )
)
for run in (
    right,
    slow,
    breaks_a_rule,
    lies_about_its_value,
    calls_a_poor_plan_optimal,
    bounds_too_high,
    says_infeasible,
    crashes,
    dies,
    hangs,
    eats_memory,
):
    register_method(Method(name=f"bad-{run.__name__}", families=frozenset({"p-median"}), run=run))
