"""
GerryChain: ReCom in short bursts, from a plan that is drawn at random.

DeFord, Duchin and Solomon (2021), "Recombination: a family of Markov chains for redistricting",
Harvard Data Science Review 3(1); Cannon, Goldbloom-Helzner, Gupta, Matthews and Suwal (2023),
"Voting rights, Markov chains, and optimization by short bursts", Methodology and Computing in
Applied Probability 25.

``recursive_tree_part`` draws the start; each burst begins at the best plan so far and takes a few
steps of ReCom, which merges two districts and cuts a random spanning tree of them. The trees are
balanced by the first weight; a plan that breaks the bounds of another is not accepted. It stops at
the time limit and proves nothing. The same seed takes the same steps, as many as there is time for.
"""

from __future__ import annotations

import random
import sys
from functools import partial, wraps
from typing import Any

import numpy as np

from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ...optimize.result import Reason, Status
from ..ask import Answer, Ask
from ..problems import EdgeCostDistricting
from ..registry import Method, register_method
from ._shared import Library, load, objective_of, quiet, refusal, versions

BURST_LENGTH = 10
"""Steps of a burst."""

MOST_TREES = 100
"""Spanning trees of two merged districts that are tried before two others are merged."""

MOST_START_TREES = 1000
"""Spanning trees that a district of the start may take before the start is drawn anew."""

TOLERANCE = 1e-7
"""Share of a district's weight by which the bounds are widened against rounding."""


class OutOfTimeError(Exception):
    """The time limit has passed in the middle of a step."""


class Walk:
    """
    One run: the graph, the random numbers, and the best plan so far.

    Parameters
    ----------
    problem
        Districting, by moments of inertia or by the costs of cut edges.
    ask
        Limits, and the notebook for improvements.
    """

    def __init__(self, problem: Districting | EdgeCostDistricting, ask: Ask) -> None:
        self.problem, self.ask = problem, ask
        self.units = problem.districting if isinstance(problem, EdgeCostDistricting) else problem
        self.partitions = load(ask, "gerrychain.partition")
        self.proposals = load(ask, "gerrychain.proposals")
        self.optimization = load(ask, "gerrychain.optimization")
        self.tree = load(ask, "gerrychain.tree")
        self.random = random.Random(ask.limits.seed)  # noqa: S311 - no secret
        self.best: tuple[float, IntArray] | None = None
        self.num_steps = self.num_starts = 0
        self.trouble = ""

    def run(self) -> None:
        """Draw starts and walk on from them until the time limit."""
        metagraph = load(self.ask, "gerrychain.proposals.tree_proposals").MetagraphError
        stuck = (metagraph, self.tree.PopulationBalanceError, self.tree.BalanceError, RuntimeError)
        graph = self.graph()
        while True:
            try:
                self.bursts(self.start(graph))
            except OutOfTimeError:
                return
            except stuck as error:
                self.trouble = f"{type(error).__name__} {error}".strip()

    def graph(self) -> Library:
        """Return the units and their neighbours as GerryChain takes them."""
        plain = load(self.ask, "networkx").Graph()
        weights = self.units.weights[:, 0].tolist()
        plain.add_nodes_from((i, {"weight": weight}) for i, weight in enumerate(weights))
        plain.add_edges_from(self.units.edges.tolist())
        return load(self.ask, "gerrychain").Graph.from_networkx(plain).convert_from_nx_to_rx()

    def start(self, graph: Library) -> Library:
        """Draw a plan until one is within all bounds."""
        low, high = self.window()
        mean = float(self.units.weights[:, 0].sum()) / self.units.num_districts
        epsilon = max(0.0, min(high - mean, mean - low)) / mean + TOLERANCE
        while True:
            self.num_starts += 1
            plan = self.partitions.recursive_tree_part(
                graph,
                range(self.units.num_districts),
                mean,
                "weight",
                epsilon,
                bipartition_tree_fn=self.cutter(max_attempts=MOST_START_TREES),
                rng=self.random,
            )
            updaters = {"plan": plan_of, "objective": self.objective}
            partition = self.partitions.Partition(graph, plan, updaters)
            if self.is_balanced(partition):
                return partition

    def bursts(self, start: Library) -> None:
        """Walk from a start; ends with an error only: of time, or of a plan that cannot move."""
        low, high = self.window()
        middle = (low + high) / 2
        proposal = self.proposals.tree_proposals.build_recom_proposal_fn(
            "weight",
            middle,
            (high - low) / 2 / middle + TOLERANCE,
            bipartition_tree_fn=self.cutter(max_attempts=MOST_TREES, allow_pair_reselection=True),
        )
        optimizer = self.optimization.SingleMetricOptimizer(
            proposal,
            [self.is_balanced],
            start,
            lambda partition: partition["objective"],
            maximize=False,
            rng=self.random,
        )
        for partition in optimizer.short_bursts(BURST_LENGTH, sys.maxsize):
            self.num_steps += 1
            self.keep(partition)
            self.look_at_clock()

    def keep(self, partition: Library) -> None:
        """Keep a plan that is better than the best."""
        value = partition["objective"]
        if self.best is None or value < self.best[0] - 1e-9 * abs(value):
            self.best = (value, partition["plan"])
            self.ask.improved(value, None)

    def window(self) -> tuple[float, float]:
        """Return the bounds of the first weight, no wider than there is weight."""
        total = float(self.units.weights[:, 0].sum())
        return max(0.0, float(self.units.lower[0])), min(total, float(self.units.upper[0]))

    def cutter(self, **options: Any) -> Library:  # noqa: ANN401 - options of GerryChain
        """Return the function that cuts a tree of some units in two, and looks at the clock."""

        @wraps(self.tree.random_spanning_tree)
        def timed_tree(*args: Any, **kwargs: Any) -> Library:  # noqa: ANN401 - passed on
            self.look_at_clock()
            return self.tree.random_spanning_tree(*args, **kwargs)

        return partial(self.tree.bipartition_tree, spanning_tree_fn=timed_tree, **options)

    def look_at_clock(self) -> None:
        """Stop the run if the time limit has passed."""
        if self.ask.seconds_left <= 0.01:
            raise OutOfTimeError

    def objective(self, partition: Library) -> float:
        """Return the objective of a partition."""
        return objective_of(self.problem, partition["plan"])

    def is_balanced(self, partition: Library) -> bool:
        """Whether a partition keeps the bounds of every weight."""
        totals = self.units.totals(partition["plan"])
        inside = (totals >= self.units.lower - 1e-6) & (totals <= self.units.upper + 1e-6)
        return bool(inside.all())


def plan_of(partition: Library) -> IntArray:
    """Return the district of each unit of a partition."""
    return np.asarray(partition.assignment.to_vector(), dtype=np.int64)


def recom(problem: Districting | EdgeCostDistricting, ask: Ask) -> Answer:
    """Improve a random plan by short bursts of ReCom until the time limit."""
    walk = Walk(problem, ask)
    if walk.units.num_districts < 2:
        return refusal("GerryChain draws two districts or more")
    with ask.phase("solve"), quiet():
        walk.run()
    steps = f"{walk.num_steps} steps, {walk.num_starts} starts"
    objective, plan = walk.best or (None, None)
    return Answer(
        status=Status.UNKNOWN if plan is None else Status.FEASIBLE,
        reason=Reason.TIME,
        solution=plan,
        objective=objective,
        solver_version=versions("gerrychain"),
        detail=f"{steps}, last of them: {walk.trouble}" if walk.trouble else steps,
    )


register_method(
    Method(
        name="gerrychain-recom",
        families=frozenset({"districting-inertia", "districting-border", "districting-cut-edges"}),
        run=recom,
        largest={"units": 2000},
        requires=("gerrychain", "networkx"),
        is_peer=True,
    )
)
