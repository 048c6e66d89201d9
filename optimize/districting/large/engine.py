"""Many thousand units: a multilevel plan, a bound for free centres, the best plan about its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....instances.notes import all_of
from ....models.districting.objective import Objective
from ....models.districting.problem import Districting
from ....models.formulation import IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Reason, Result, larger_model
from ...search import Listen
from ..conflicts import obvious_conflicts
from ..heuristics import find_plan, improve
from ..search import Search
from .allocation import Power, Sites, allocate, make_sites
from .bound import FreeBound, free_centre_bound
from .fixed import FixedCentres, solve_fixed_centres
from .rounding import connected_plan, settle
from .starts import Snapping, best_diagrams, coarse_sites

_FAR = 1e-3
"""Share of the objective from plan to diagram above which the borders are not all that is wrong."""

_REACHED = 5e-5
"""The same below which moves at the borders are not tried."""

_PRICE_ROUNDS = 60

MOST_EXCHANGED = 30_000
"""Units up to which single centres are exchanged for places next to them."""


@dataclass
class _Best:
    """The plan that the later steps start from, with its diagram."""

    power: Power
    seats: IntArray
    plan: IntArray


def solve_large(
    problem: Districting,
    *,
    limits: Limits | None = None,
    solver: str = "highs",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Divide very many units into districts of little moment of inertia, with a bound for all plans.

    Nothing has units times units entries: 100,000 units take a few hundred MiB.

    Parameters
    ----------
    problem
        What is asked: moments of inertia; rules may keep nodes apart, not name districts.
    limits
        Time, gap, seed and threads; threads share the centres of the bound.
    solver
        Backend of the integer program about fixed centres.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node. ``bound`` holds for all plans; ``detail`` adds the bound for
        the centres of the diagram that the plan came from, and what is proven about these.

    Raises
    ------
    ValueError
        If the problem has a cost matrix, or rules that name districts.
    """
    _refuse(problem)
    limits = limits or Limits(seconds=600)
    search = Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
    )
    labels = [f"of weight {w}" for w in range(problem.weights.shape[1])]
    conflicts = obvious_conflicts(problem, labels)
    if conflicts:
        search.rule_out(all_of(conflicts))
        return search.result()
    if problem.num_districts == 1:
        search.offer(np.zeros(problem.num_nodes, dtype=np.int64))
        search.raise_bound(search.objective)
        return search.result()
    sites = make_sites(problem)
    with search.timed("heuristic"):
        best = _plans(search, sites)
        # Before the bound, so that what compiling the moves may take is not lost at the end.
        _improve(search, best, 0.15 * limits.seconds)
    bound = FreeBound()
    if not search.over:
        with search.timed("bound"):
            bound = _bound(search, best)
    fixed: FixedCentres | None = None
    if search.plan is not None and not search.done:
        with search.timed("solve"):
            fixed = _fixed(search, sites, best)
    if search.plan is not None and not search.done:
        with search.timed("heuristic"):
            _improve(search, best, search.deadline.seconds_left - 0.02 * limits.seconds)
    search.detail = _detail(search, bound, fixed)
    search.ended = Reason.TIME if search.over else Reason.LIMIT
    return search.result()


def _refuse(problem: Districting) -> None:
    if problem.cost_matrix is not None:
        raise ValueError(
            "cost_matrix is given, but very many units are divided by moments of inertia alone; "
            "leave it out, or use solve_districting."
        )
    if problem.rules is not None and problem.rules.names_districts:
        raise ValueError(
            "rules name districts (bounds, locks, bans or seats), which the division of very many "
            "units does not know; leave them out, or use a heuristic that does."
        )


def _plans(search: Search, sites: Sites) -> _Best:
    """Diagrams on groups, on units, and the plans that they lead to."""
    problem, limits = search.problem, search.limits
    rng = np.random.default_rng(limits.seed)
    coarse, _ = coarse_sites(sites)
    scouting = Deadline.after(0.08 * limits.seconds)
    refining = Deadline.after(0.25 * limits.seconds)
    diagrams = best_diagrams(
        coarse,
        problem.num_districts,
        rng,
        over=lambda: scouting.passed or search.stopped,
        starts=300,
    )
    snapping = Snapping(sites, np.ascontiguousarray(problem.centre / 1e3))
    best: _Best | None = None
    for diagram in diagrams:
        if best is not None and (refining.passed or search.over):
            break
        power = snapping.settle(diagram, over=lambda: refining.passed or search.stopped)
        if problem.num_nodes <= MOST_EXCHANGED:
            power = snapping.exchange(power, over=lambda: refining.passed or search.stopped)
        plan = connected_plan(problem, sites, power)
        if plan is None:
            continue
        plan = settle(problem, sites, power, plan)
        before = search.objective
        search.offer(plan)
        if best is None or search.objective < before:
            best = _Best(power, snapping.seats_of(power), plan)
    if best is None:
        power = snapping.settle(diagrams[0], over=lambda: True)
        best = _Best(power, snapping.seats_of(power), power.plan)
    if search.plan is None:
        _mend(search, best)
    return best


def _mend(search: Search, best: _Best) -> None:
    """Let the annealing, which prices broken rules, make a plan feasible."""
    if search.over:
        return
    trace = find_plan(
        search.problem,
        Objective(),
        seconds=max(0.01, 0.4 * search.deadline.seconds_left),
        seed=search.limits.seed,
        starts=4,
        start=best.plan,
        stop=search.stop,
    )
    if trace.plan is not None:
        search.offer(trace.plan)


def _bound(search: Search, best: _Best) -> FreeBound:
    """Spend most of what is left on the bound for all plans."""
    began = search.deadline.seconds_left
    plan = search.plan if search.plan is not None else best.plan

    def over(share: float) -> bool:
        left = search.deadline.seconds_left
        return search.stopped or search.closed or left <= began * (1 - 0.8 * share)

    return free_centre_bound(
        search.problem,
        plan,
        over=over,
        threads=search.limits.threads,
        found=search.raise_bound,
    )


def _fixed(search: Search, sites: Sites, best: _Best) -> FixedCentres:
    """Solve the integer program about the centres of the best diagram."""
    fixed = solve_fixed_centres(
        search.problem,
        sites,
        allocate(sites, best.power, _PRICE_ROUNDS, follow=False),
        best.seats,
        best.plan,
        solver=search.solver,
        limits=search.limits.within(0.6 * search.deadline.seconds_left),
        stop=search.stop,
    )
    search.version = fixed.version
    search.model_size = larger_model(search.model_size, fixed.model_size)
    if fixed.plan is not None:
        search.offer(fixed.plan)
    return fixed


def _improve(search: Search, best: _Best, seconds: float) -> None:
    """Move units at the borders; where the diagram promises much more, cool from higher up."""
    seconds = min(seconds, search.deadline.seconds_left)
    if search.plan is None or search.done or seconds <= 0:
        return
    seed, stop, plan = search.limits.seed, search.stop, search.plan
    share = (search.objective - best.power.value) / search.objective
    if share < _REACHED:
        return
    if share > _FAR:
        trace = find_plan(
            search.problem, Objective(), seconds=seconds, seed=seed, start=plan, stop=stop
        )
        plan = trace.plan if trace.plan is not None else plan
    else:
        plan = improve(search.problem, Objective(), plan, seconds=seconds, seed=seed, stop=stop)
    search.offer(plan)


def _detail(search: Search, bound: FreeBound, fixed: FixedCentres | None) -> str:
    """Say which bound is which."""
    n, k = search.problem.num_nodes, search.problem.num_districts
    parts = [f"{n:,} units, {k} districts: power diagrams from many starts, then units at borders"]
    if np.isfinite(bound.value):
        parts.append(
            f"the bound holds for all plans, connected or not, with any centres (Lagrangian dual, "
            f"{bound.evaluations:,} evaluations, {bound.columns:,} centres in the claim)"
        )
    else:
        parts.append("no time was left for a bound")
    if fixed is not None:
        share = (search.objective - fixed.bound) / search.objective
        parts.append(
            f"plans with the centres of the diagram cannot be below {fixed.bound:,.6g} about "
            f"these centres, {share:.3%} from the plan"
        )
        what = "the plan is the best" if fixed.proven else "the plan is not proven the best"
        parts.append(
            f"{what} about these centres among those whose units all have a nearer neighbour in "
            f"their district ({fixed.pairs:,} pairs of unit and centre were left open)"
        )
    return "; ".join(parts)
