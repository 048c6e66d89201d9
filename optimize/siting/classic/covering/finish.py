"""Hand a model to a solver on behalf of a search, and take back what holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from .....models.formulation import FloatArray, LinearModel
from .....models.siting.allocation import AllocationModel
from ....dual_bound import DualBound
from ....limits import Deadline, Limits, Stop
from ....result import Reason, Status
from ....search import Listen, Search
from ....solvers import solve_model
from .model_bounds import relaxation_bound, without_hopeless

S = TypeVar("S")

MANY = 150
"""Integer columns above which better plans are looked for before the last integer program."""


def choose_method(method: str, methods: dict[str, str]) -> str:
    """
    Return the method if there is one of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if method not in methods:
        raise ValueError(f"method = {method!r} not understood; choose one of {', '.join(methods)}.")
    return method


def new_search(
    *,
    violations: Callable[[S], list[str]],
    evaluate: Callable[[S], float],
    limits: Limits | None,
    solver: str | None,
    stop: Stop | None,
    listen: Listen | None,
    maximize: bool = False,
    is_whole: bool = False,
) -> Search[S]:
    """Begin a search; HiGHS solves what is left where nobody asks for another solver."""
    chosen = limits or Limits()
    return Search(
        violations=violations,
        evaluate=evaluate,
        limits=chosen,
        solver=solver or "highs",
        stop=stop,
        listen=listen,
        deadline=Deadline.after(chosen.seconds),
        maximize=maximize,
        is_whole=is_whole,
    )


def solve_textbook(search: Search[S], built: AllocationModel[S]) -> None:
    """Solve the plain model."""
    search.detail = search.detail or "the plain model, as asked for"
    with search.timed("solve"):
        solve_rest(search, built.model, built.decode)


def solve_rest(
    search: Search[S],
    model: LinearModel,
    decode: Callable[[FloatArray], S],
    *,
    seconds: float | None = None,
) -> None:
    """
    Solve a model that contains every plan better than the best one.

    Parameters
    ----------
    search
        Receives plan, bound and ending.
    model
        The model, perhaps with columns fixed that no better plan moves.
    decode
        Solution that values of its columns stand for.
    seconds
        Most time to spend; None for all that is left.
    """
    known = search.plan is not None
    left = search.deadline.seconds_left
    result = solve_model(
        model,
        solver=search.solver,
        limits=search.limits.within(left if seconds is None else min(seconds, left)),
        cutoff=search.objective if known else None,
        stop=search.stop,
        listen=lambda _, bound: None if bound is None else search.raise_bound(bound),
    )
    search.heed(result)
    search.ended = result.reason
    if result.status is Status.INFEASIBLE:
        search.infeasible = not known
        search.raise_bound(search.objective)
        return
    if result.solution is not None:
        plan = decode(result.solution)
        broken = search.violations(plan)
        if broken:
            search.ended = Reason.ERROR
            search.detail = f"The solver's plan does not hold and was refused: {broken[0]}."
            return
        search.offer(plan)
    elif result.detail and result.reason is Reason.ERROR:
        search.detail = result.detail
    if result.bound is not None:
        search.raise_bound(result.bound)


TRIED, IMPROVED = 0.1, 0.7
"""Shares of the time left for a first integer program, and for better plans if it does not end."""


class Improve(Protocol):
    """Looks for better plans with a model for some seconds."""

    def __call__(self, model: LinearModel, *, seconds: float) -> None:
        """Offer better plans to the search."""


def solve_bounded(
    search: Search[S],
    model: LinearModel,
    decode: Callable[[FloatArray], S],
    *,
    improve: Improve | None = None,
) -> None:
    """
    Bound by the linear relaxation, fix columns, and solve what is left.

    Parameters
    ----------
    search
        Receives plans, bounds and ending.
    model, decode
        A model that contains every plan better than the best one, and its solutions.
    improve
        Looks for better plans where much is left, and the integer program does not end soon.
    """
    with search.timed("bound"):
        bound = None if search.done else relaxation_bound(search, model, share=0.4)
    model = _fixed(search, model, bound)
    if improve is not None and num_free(model) > MANY and not search.done:
        with search.timed("solve"):
            solve_rest(search, model, decode, seconds=TRIED * search.deadline.seconds_left)
        if not search.done:
            improve(model, seconds=IMPROVED * search.deadline.seconds_left)
        model = _fixed(search, model, bound)
    if not search.done:
        with search.timed("solve"):
            solve_rest(search, model, decode)


def num_free(model: LinearModel) -> int:
    """Count the integer columns that are not fixed."""
    return int((model.integer & (model.lower < model.upper)).sum())


def _fixed(search: Search[S], model: LinearModel, bound: DualBound | None) -> LinearModel:
    """Fix what the bound allows."""
    return model if bound is None else without_hopeless(search, model, bound)
