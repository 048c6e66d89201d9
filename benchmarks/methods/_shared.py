"""What the adapters of peers share: libraries that may be absent, silence, PuLP, solutions."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Iterator
from typing import Any

from ...models.districting.labelling import border_length
from ...models.formulation import BoolArray, FloatArray
from ...models.siting.allocation import Allocation, closest_allocation
from ...models.siting.fixed_charge import FixedCharge
from ...models.siting.maximal_covering import MaximalCovering
from ...models.siting.set_covering import SetCovering
from ...optimize.result import Reason, Status
from ..ask import Answer, Ask
from ..problems import EdgeCostDistricting

Library = Any
"""A library that may be absent, or an object of it, so that nothing is known of its type."""

Problem = Any
"""A problem of one of the families."""

MOST_PAIRS = 640_000
"""Pairs of client and site up to which Python objects for each of them fit into memory."""


def load(ask: Ask, name: str) -> Library:
    """Import a library when it is needed; the seconds are counted as a phase of their own."""
    with ask.phase("import"), quiet():
        return importlib.import_module(name)


def versions(*distributions: str) -> str:
    """Return names and versions of installed distributions."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in distributions)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow warnings, and what a library prints from Python."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def refusal(detail: str) -> Answer:
    """Return the answer to a case that the peer does not take."""
    return Answer(status=Status.UNKNOWN, reason=Reason.ERROR, detail=detail)


def too_large(problem: Problem) -> str:
    """Say that a client and a site make too many pairs for objects; "" if they do not."""
    pairs = problem.num_clients * problem.num_sites
    if pairs <= MOST_PAIRS:
        return ""
    return f"{pairs:,} pairs of client and site are more than the {MOST_PAIRS:,} it is tried on"


def open_solution(problem: Problem, is_open: BoolArray) -> BoolArray | Allocation:
    """Return the solution that open sites stand for where nothing limits what they serve."""
    if isinstance(problem, (SetCovering, MaximalCovering)):
        return is_open
    return closest_allocation(pair_costs(problem), is_open)


def pair_costs(problem: Problem) -> FloatArray:
    """Return distances, or costs of serving all of a client, as one matrix."""
    if isinstance(problem, FixedCharge):
        return problem.matrix
    matrix: FloatArray = problem.pairs.dense()
    return matrix


def objective_of(problem: Problem, solution: Any) -> float:  # noqa: ANN401 - each family has its own
    """Return the objective of a solution of any family."""
    if isinstance(problem, EdgeCostDistricting):
        return border_length(problem.districting, solution, lengths=problem.edge_costs)
    return float(problem.evaluate(solution))


def pulp_solver(pulp: Library, ask: Ask) -> Library:
    """Return PuLP's object of the solver that is asked for, CBC by default, with our limits."""
    limits = ask.limits
    common = {"msg": False, "timeLimit": ask.seconds_left, "gapRel": limits.gap}
    if ask.solver == "pulp-highs":
        return pulp.HiGHS(threads=limits.threads, random_seed=limits.seed % 2**31, **common)
    return pulp.PULP_CBC_CMD(
        threads=limits.threads if limits.threads > 1 else None,
        options=[f"randomCbcSeed {limits.seed % 2**31}"],
        **common,
    )


def pulp_ending(pulp: Library, model: Library) -> tuple[Status, Reason]:
    """Return what PuLP knows: ``sol_status``, as ``status`` is "Optimal" at a time limit too."""
    if model.sol_status == pulp.LpSolutionOptimal:
        return Status.OPTIMAL, Reason.PROVEN
    if model.sol_status == pulp.LpSolutionIntegerFeasible:
        return Status.FEASIBLE, Reason.TIME
    # CBC's "Integer infeasible" reaches status only.
    if model.status == pulp.LpStatusInfeasible:
        return Status.INFEASIBLE, Reason.PROVEN
    return Status.UNKNOWN, Reason.TIME


def note_pulp_size(ask: Ask, model: Library) -> None:
    """Note the size of a model of PuLP; before version 3.3 its constraints are a mapping."""
    rows = model.constraints() if callable(model.constraints) else model.constraints.values()
    ask.note_size(model.numConstraints(), model.numVariables(), sum(len(row) for row in rows))
