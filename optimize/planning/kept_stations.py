"""
Stations of an earlier plan: kept open with their areas where that is allowed, few others changed.

With ȳ the earlier decision, two integer programs one after the other, over the rows of
:func:`...models.siting.station_models.cheapest_model` in which a station that was open is at least
as large as it was:

    n* = min Σ_j |y_j - ȳ_j|,      then      min Σ_j f_j y_j + c_j a_j   with   Σ_j |y_j - ȳ_j| ≤ n*

|y_j - ȳ_j| is y_j where the station was closed and 1 - y_j where it was open. With a budget the
rows are those of the model of most residents served, which are served first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, LinearModel
from ...models.siting.station import Siting, StationSiting
from ...models.siting.station_models import StationModel, cheapest_model, served_model
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..siting.engine import most_served
from ..solvers import solve_model


@dataclass(frozen=True, eq=False)
class KeptStations:
    """
    The stations of a plan that changes those of an earlier one as little as possible.

    Parameters
    ----------
    siting
        The decision.
    changes
        Stations opened or no longer open against the earlier plan, and what is proven of it.
    cost
        Cost, and what is proven of it among plans with no more changes.
    served
        Residents served with a budget, and what is proven of it; None without one.
    """

    siting: Siting
    changes: Result[Siting]
    cost: Result[Siting]
    served: Result[Siting] | None = None


@dataclass(frozen=True, eq=False)
class EarlierStations:
    """
    What an earlier plan made of the sites of a city.

    Parameters
    ----------
    is_open
        Whether it opened each site, shape (sites,).
    area_m2
        Floor area that it gave each, shape (sites,).
    """

    is_open: BoolArray
    area_m2: FloatArray

    def changes(self, siting: Siting) -> int:
        """Count the stations whose state differs."""
        return int((siting.is_open != self.is_open).sum())


def anchored(problem: StationSiting, earlier: EarlierStations) -> StationSiting:
    """Return the siting in which a candidate that was open is, if open, at least as large."""
    was = earlier.is_open & ~problem.existing
    least = np.maximum(problem.min_area_m2, np.where(was, earlier.area_m2, 0.0))
    return replace(problem, min_area_m2=np.minimum(least, problem.max_area_m2))


def keep_stations(
    problem: StationSiting,
    earlier: EarlierStations,
    *,
    budget: float | None = None,
    limits: Limits,
    solver: str = "highs",
    stop: Stop | None = None,
) -> KeptStations | None:
    """
    Meet every rule with as few stations opened or closed against an earlier plan as possible.

    Parameters
    ----------
    problem
        What is asked, with every rule lowered to what the sites can meet.
    earlier
        The earlier decision.
    budget
        Money to spend; the most residents are then served first.
    limits, solver, stop
        As in :func:`solve_model`, for all steps together.

    Returns
    -------
    KeptStations
        None if no decision was found within the limits.
    """
    deadline = Deadline.after(limits.seconds)
    how: dict[str, Any] = {"solver": solver, "stop": stop}
    served = None
    if budget is None:
        asked = anchored(problem, earlier)
        station = _as_large(problem, cheapest_model(asked), earlier)
    else:
        asked = problem
        served = most_served(
            problem, budget=budget, limits=limits.within(limits.seconds / 2), **how
        )
        if served.solution is None or served.objective is None:
            return None
        wanted = served.objective * (1 - 1e-9)
        station = served_model(problem, budget=budget, least_served=wanted)
    counting = _counting(station, earlier, asked)
    exact = replace(limits.within(deadline.seconds_left / 2), gap=0.0)
    first = solve_model(counting, limits=exact, **how)
    if first.solution is None:
        return None
    siting = station.siting(asked, first.solution)
    number = earlier.changes(siting)
    priced = _limited(station.model, counting, number)
    second = solve_model(
        priced, limits=limits.within(deadline.seconds_left), start=first.solution, **how
    )
    if second.solution is not None:
        found = station.siting(asked, second.solution)
        if earlier.changes(found) <= number and problem.cost(found) <= problem.cost(siting) + 1e-9:
            siting = found
    if served is not None:
        served = replace(served, solution=siting, objective=problem.residents_served(siting))
    return KeptStations(
        siting,
        _stated(first, float(earlier.changes(siting)), siting),
        _stated(second, problem.cost(siting), siting),
        served,
    )


def _as_large(
    problem: StationSiting, station: StationModel, earlier: EarlierStations
) -> StationModel:
    """Raise the least floor area of stations of today to what the earlier plan made of them."""
    model, num = station.model, station.candidates.size
    lower = model.lower.copy()
    sites, columns = station.sized, np.arange(num, num + station.sized.size)
    grown = np.where(problem.existing, earlier.area_m2 - problem.area_today_m2, 0.0)[sites]
    lower[columns] = np.clip(np.maximum(lower[columns], grown), 0.0, model.upper[columns])
    return replace(station, model=replace(model, lower=lower))


def _counting(
    station: StationModel, earlier: EarlierStations, problem: StationSiting
) -> LinearModel:
    """Return the model that counts the stations whose state differs from the earlier plan."""
    model = station.model
    was = earlier.is_open[station.candidates]
    costs = np.zeros(model.num_columns)
    costs[: station.candidates.size] = np.where(was, -1.0, 1.0)
    fixed = np.ones(problem.num_sites, dtype=bool)
    fixed[station.candidates] = False
    forced = int((problem.fixed_open != earlier.is_open)[fixed].sum())
    return replace(model, costs=costs, offset=float(was.sum() + forced), maximize=False)


def _limited(model: LinearModel, counting: LinearModel, number: int) -> LinearModel:
    """Add that no more stations change."""
    row = sparse.csr_array(counting.costs[None, :])
    return replace(
        model,
        rows=sparse.csr_array(sparse.vstack([model.rows, row])),
        row_lower=np.r_[model.row_lower, -np.inf],
        row_upper=np.r_[model.row_upper, number - counting.offset],
        row_name=None,
    )


def _stated(solved: Result[FloatArray], objective: float, siting: Siting) -> Result[Siting]:
    """Return what is proven of an objective that was recomputed from the decision."""
    found: Result[Any] = solved
    bound = found.bound
    slack = 1e-5 * max(1.0, abs(objective))
    if bound is not None and objective < bound - slack:
        detail = f"objective {objective} beats its bound {bound}"
        return replace(
            found, status=Status.UNKNOWN, reason=Reason.ERROR, solution=siting,
            objective=objective, bound=None, detail=detail,
        )  # fmt: skip
    proven = bound is not None and objective <= bound + slack
    status = Status.OPTIMAL if proven else Status.FEASIBLE
    reason = Reason.PROVEN if proven else found.reason
    if not proven and reason is Reason.PROVEN:
        reason = Reason.LIMIT
    return replace(
        found,
        status=status,
        reason=reason,
        solution=siting,
        objective=objective,
        bound=objective if proven else bound,
    )
