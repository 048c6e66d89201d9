"""
A bound that holds for all plans: the Lagrangian dual of the Hess model, centres free.

With multipliers λ on the assignment rows of the Hess model (:mod:`....models.districting.hess`),

    bound(λ) = Σ_i λ_i + the sum of the k least g_j(λ),

where g_j is the least reduced cost of a district about the place of unit j, a knapsack
(:mod:`.columns`); the bound is that of the linear relaxation of the Hess model with the knapsack
of each column solved apart, and connected plans are among those that it covers. The k least values
are smoothed by an entropy term, and the smooth function is climbed by a quasi-Newton method while
the smoothing shrinks (Nesterov 2005, "Smooth minimization of non-smooth functions", Mathematical
Programming 103; Nocedal 1980 for L-BFGS). λ is close to a smooth function of the place times the
weight, so that groups of units teach it to the units; what is claimed is the exact value at the
units, with every column evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.special import expit

from ....models.districting.problem import Districting
from ....models.formulation import FloatArray, IntArray
from .columns import Field, OutOfTimeError, add_cover, evaluate_columns, spatial_groups

_MARGIN = 0.1
_LEAST_SHARE = 1e-6
_MEMORY = 20
_LIGHT = 1e-6
_BISECTIONS = 45


@dataclass(frozen=True, eq=False)
class Ground:
    """
    The field of a problem, or of groups of its units, and the places of centres.

    Parameters
    ----------
    field
        Units with mass; weights that are 0 count as very little.
    own
        Cost of each unit's own extent per weight, shape (units,), in the order of the field.
    centres
        Where centres may lie, in km, shape (centres, 2).
    num_districts
        k.
    constant
        Cost that every plan has.
    """

    field: Field
    own: FloatArray
    centres: FloatArray
    num_districts: int
    constant: float


def make_ground(problem: Districting) -> Ground:
    """
    Return the units of a problem; its balance is that of the weight with the narrowest bounds.

    Units without mass cost nothing anywhere: they are left out, and the lower bound is less by
    their weight. Other weights are relaxed.
    """
    k = problem.num_districts
    totals = problem.weights.sum(axis=0)
    upper = np.minimum(problem.upper, totals - (k - 1) * np.maximum(problem.lower, 0))
    lower = np.maximum(problem.lower, totals - (k - 1) * upper)
    chosen = int(np.argmin((upper - lower) / np.maximum(totals / k, 1e-300)))
    weight = problem.weights[:, chosen]
    heavy = problem.mass > 0
    least = lower[chosen] - weight[~heavy].sum()
    padded = np.maximum(weight[heavy], _LIGHT * max(float(weight.mean()), 1e-300))
    most = upper[chosen] + (padded - weight[heavy]).sum()
    return _ground(
        np.flatnonzero(heavy),
        problem.location[heavy] / 1e3,
        problem.mass[heavy],
        padded,
        np.zeros(padded.size),
        (max(0.0, float(least)), float(most)),
        problem.centre / 1e3,
        k,
        float(problem.inertia.sum() / 1e6),
    )


def _ground(
    number: IntArray,
    point: FloatArray,
    mass: FloatArray,
    weight: FloatArray,
    own: FloatArray,
    bounds: tuple[float, float],
    centres: FloatArray,
    k: int,
    constant: float,
) -> Ground:
    order, first = spatial_groups(point)
    field = Field(
        order=number[order],
        point=np.ascontiguousarray(point[order]),
        mass=mass[order].astype(float),
        weight=weight[order].astype(float),
        first=first.astype(np.int64),
        lower=bounds[0],
        upper=bounds[1],
    )
    return Ground(field, own[order], np.ascontiguousarray(centres), k, constant)


def coarse_ground(ground: Ground, most: int) -> Ground:
    """Merge units that lie together; every group may be a centre."""
    field = ground.field
    order, first = spatial_groups(field.point, -(-field.weight.size // most))
    starts = first[:-1]
    mass = np.add.reduceat(field.mass[order], starts)
    weight = np.add.reduceat(field.weight[order], starts)
    moment = np.add.reduceat((field.mass[:, None] * field.point)[order], starts)
    middle = moment / mass[:, None]
    group = np.repeat(np.arange(starts.size), np.diff(first))
    away = np.square(field.point[order] - middle[group]).sum(axis=1)
    extent = np.add.reduceat(field.mass[order] * away, starts)
    bounds = (field.lower, field.upper)
    return _ground(
        np.arange(starts.size),
        middle,
        mass,
        weight,
        extent / weight,
        bounds,
        middle,
        ground.num_districts,
        ground.constant,
    )


def carried(coarse: Ground, potential: FloatArray, fine: Ground) -> FloatArray:
    """Carry a potential of groups over to the units, by smooth interpolation."""
    points = coarse.field.point
    if len(points) < 20:
        nearest = cKDTree(points).query(fine.field.point)[1]
        return np.asarray((potential + coarse.own)[nearest])
    smooth = RBFInterpolator(
        points, potential + coarse.own, neighbors=16, kernel="linear", degree=1
    )
    return np.asarray(smooth(fine.field.point), dtype=float)


def first_potential(ground: Ground, problem: Districting, plan: IntArray) -> FloatArray:
    """Return what a disc with the moment of each district in a plan would have at its border."""
    k = problem.num_districts
    point = problem.location / 1e3
    mass = np.maximum(np.bincount(plan, problem.mass, k), 1e-300)
    middle = np.stack([np.bincount(plan, problem.mass * axis, k) / mass for axis in point.T], 1)
    away = np.square(point - middle[plan]).sum(axis=1)
    radius = 2 * np.bincount(plan, problem.mass * away, k) / mass
    places = ground.field.point
    nearest = cKDTree(point).query(places)[1]
    return np.asarray(radius[plan[nearest]] * ground.field.stiffness)


@dataclass
class Climb:
    """
    The smoothed dual on some centres, and the best point so far.

    Parameters
    ----------
    ground
        Units and bounds.
    centres
        In km, shape (centres, 2).
    scale
        Objective of a district of mean size.
    over
        Says when to end.
    pool
        Threads.
    potential
        Best point, λ / weight of each unit, shape (units,).
    value
        Value there, for these centres only.
    """

    ground: Ground
    centres: FloatArray
    scale: float
    over: Callable[[], bool]
    pool: ThreadPoolExecutor | None
    potential: FloatArray
    value: float = -np.inf
    evaluations: int = 0

    def __post_init__(self) -> None:
        """Guess the thresholds that are tried first."""
        nearest = cKDTree(self.ground.field.point).query(self.centres)[1]
        local = np.abs(self.potential)[nearest]
        self._local = _MARGIN * np.maximum(local, 1e-6 * max(float(local.mean()), 1e-300))
        self._margins = self._local.copy()
        self._root = np.sqrt(self.ground.field.weight)

    def run(self, stages: Sequence[tuple[float, int]]) -> None:
        """Climb with each smoothing, a share of the scale, for some iterations at most."""
        for smoothing, iterations in stages:
            if self.over():
                return
            norm = self.scale * self.ground.num_districts
            try:
                minimize(
                    self._negative,
                    self.potential * self._root,
                    args=(smoothing * self.scale, norm),
                    jac=True,
                    method="L-BFGS-B",
                    options={
                        "maxiter": iterations,
                        "maxcor": _MEMORY,
                        "ftol": 1e-9,
                        "gtol": 1e-12,
                        "maxls": 20,
                    },
                )
            except OutOfTimeError:
                return

    def _negative(
        self, point: FloatArray, smoothing: float, norm: float
    ) -> tuple[float, FloatArray]:
        """Return the smoothed value and its slope, negative and in units of the objective."""
        if self.over() and self.evaluations:
            raise OutOfTimeError
        self.evaluations += 1
        field, k = self.ground.field, self.ground.num_districts
        potential = point / self._root
        columns = evaluate_columns(field, potential, self.centres, self._margins, self.pool)
        self._margins = np.maximum(columns.thresholds, 0) + self._local
        base = float(potential @ field.weight)
        value = base + least_sum(columns.values, k)
        if value > self.value:
            self.value, self.potential = value, potential
        smooth, shares = smooth_least_sum(columns.values, k, smoothing)
        open_ = np.flatnonzero(shares > _LEAST_SHARE * shares.max())
        cover = add_cover(
            field,
            potential,
            self.centres[open_],
            columns.thresholds[open_],
            shares[open_],
            self.pool,
        )
        slope = field.weight * (1 - cover) / self._root
        return -(base + smooth) / norm, -slope / norm


def smooth_least_sum(values: FloatArray, k: int, smoothing: float) -> tuple[float, FloatArray]:
    """
    Return the least of Σ y_j values_j - smoothing · entropy(y) over 0 ≤ y ≤ 1, Σ y = k; and y.

    Its slope in the values is y; each y_j follows the Fermi function of a common level.
    """
    least = np.partition(values, min(k, values.size) - 1)[min(k, values.size) - 1]
    low, high = float(values.min()) - 50 * smoothing, float(least) + 50 * smoothing
    for _ in range(_BISECTIONS):
        level = 0.5 * (low + high)
        if expit((level - values) / smoothing).sum() < k:
            low = level
        else:
            high = level
    away = (high - values) / smoothing
    return k * high - smoothing * float(np.logaddexp(0, away).sum()), expit(away)


def least_sum(values: FloatArray, k: int) -> float:
    """Sum of the k least values."""
    if values.size <= k:
        return float(values.sum())
    return float(np.partition(values, k - 1)[:k].sum())
