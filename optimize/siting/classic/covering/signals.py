"""Plans of cooperative covering by annealing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, IntArray
from .....models.siting.cooperative_covering import CooperativeCovering
from .....models.siting.coverage import budget_limit
from .....models.siting.site_rules import SiteRules
from .core import neighbours_apart
from .signal_kernels import Signals, anneal_signals, set_signals

CHUNK = 50_000
"""Steps between two looks at the clock."""


@dataclass
class SignalPlanner:
    """
    Plans of one problem, better and better.

    Parameters
    ----------
    problem
        What is asked.
    seed
        Seed of the random choices.
    """

    problem: CooperativeCovering
    seed: int

    def __post_init__(self) -> None:
        """Set up arrays; begin with the required sites alone."""
        problem = self.problem
        rules = problem.rules or SiteRules()
        lower, _ = rules.bounds(problem.num_sites)
        self.chosen: IntArray = (lower > 0).astype(np.int64)
        self.random = np.array([self.seed], dtype=np.uint64)
        self.best = np.full(1, -1.0)
        self.signals = _arrays(problem, rules)
        set_signals(self.signals, self.chosen)

    @property
    def best_open(self) -> BoolArray:
        """Best choice so far."""
        return np.asarray(self.chosen > 0)

    def improve(self, *, steps: int, hot: float, over: Callable[[], bool]) -> None:
        """Anneal on, from a temperature given as a share of the mean weight of a site."""
        if self.signals.most <= 0:
            return
        parts = max(1, steps // CHUNK)
        ratio = 0.02 ** (1 / parts)
        scale = float(self.problem.weights.sum()) / self.signals.most
        temperature = hot * scale + 1e-12
        set_signals(self.signals, self.chosen)
        for _ in range(parts):
            ends = (temperature, temperature * ratio)
            best = (self.best, self.chosen)
            anneal_signals(self.signals, steps // parts, *ends, *best, self.random)
            temperature *= ratio
            if over():
                return


def _arrays(problem: CooperativeCovering, rules: SiteRules) -> Signals:
    """Write a problem as the kernels take it."""
    num_sites = problem.num_sites
    lower, upper = rules.bounds(num_sites)
    by_site = sparse.csc_array(problem.signals)
    near_ptr, near_sites = neighbours_apart(rules.apart, num_sites)
    least, most = rules.count_range(num_sites=num_sites, p=problem.p)
    sites = np.zeros(num_sites, dtype=np.int64)
    return Signals(
        site_ptr=by_site.indptr.astype(np.int64),
        site_rows=by_site.indices.astype(np.int64),
        signal=by_site.data.astype(float),
        weights=problem.weights.astype(float),
        needed=float(problem.needed),
        costs=np.zeros(num_sites) if problem.costs is None else problem.costs.astype(float),
        budget=np.inf if problem.budget is None else budget_limit(float(problem.budget)),
        least=least,
        most=most,
        fixed=((lower > 0) | (upper < 1)).astype(np.int64),
        near_ptr=near_ptr,
        near_sites=near_sites,
        is_open=sites.copy(),
        opened=sites.copy(),
        number=np.zeros(2, dtype=np.int64),
        blocked=sites.copy(),
        total=np.zeros(problem.num_clients),
        sums=np.zeros(2),
    )
