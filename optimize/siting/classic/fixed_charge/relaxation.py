"""
Lagrangian relaxation of the assignment of clients, with a knapsack for each option.

With a price λ_i for serving client i and a price μ ≥ 0 for capacity,

    L(λ, μ) = Σ_i λ_i + μ Σ_i q_i
              + min_y Σ_o (f_o - μ Q_o - max { Σ_i (λ_i - c_io) x_io : Σ_i q_i x_io ≤ Q_o }) z_o

bounds every solution from below; y keeps the number of sites, required and forbidden sites, and x
is binary where a client has a single source, else 0 ≤ x ≤ 1 (Beasley 1993, "Lagrangean heuristics
for location problems", European Journal of Operational Research 65(3); Ceselli and Righini 2005;
Holmberg, Rönnqvist and Yuan 1999, "An exact algorithm for the capacitated facility location
problems with single sourcing", European Journal of Operational Research 113(3)). μ prices the
aggregate capacity Σ_o Q_o z_o ≥ Σ_i q_i. Forcing a site or a pair into the solution bounds the
solutions that use it: what exceeds a known solution is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .choosing import best_options, choose_sites, penalties
from .climbing import climb_prices
from .form import Form
from .pairs import Pairs, all_pairs
from .pricing import price_options, price_pairs, serve

SAFETY = 1e-9
"""Share of a bound that is given up to rounding."""

RULED_OUT = 1e100
"""Stands for the infinite value of an option that is ruled out."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """
    The Lagrangian function at one point.

    Parameters
    ----------
    bound
        Its value, safe from rounding.
    prices, capacity_price
        λ and μ.
    gain
        Value of the knapsack of each option.
    value
        f_o - μ Q_o - gain of each option.
    option_of_site
        Best option of each site.
    is_open
        y.
    served
        How often each client is served, shape (clients,).
    share
        Share of each pair in the knapsack of its option, shape (pairs,).
    missing
        Demand less the capacity of the open sites.
    """

    bound: float
    prices: FloatArray
    capacity_price: float
    gain: FloatArray
    value: FloatArray
    option_of_site: IntArray
    is_open: BoolArray
    served: FloatArray
    share: FloatArray
    missing: float


@dataclass(frozen=True, eq=False)
class Point:
    """
    A point of the Lagrangian function.

    Parameters
    ----------
    prices, capacity_price
        λ, shape (clients,), and μ.
    usage
        How often each option was chosen on the way there, shape (options,).
    """

    prices: FloatArray
    capacity_price: float
    usage: FloatArray

    def of(self, options: IntArray, clients: IntArray) -> Point:
        """Return the part of it that some options and clients have."""
        return Point(self.prices[clients], self.capacity_price, self.usage[options])


@dataclass(frozen=True, eq=False)
class Climb:
    """
    Where a climb ended.

    Parameters
    ----------
    at
        The function at its best point.
    point
        That point.
    flow
        Mean share of each pair along the way, shape (pairs,).
    step
        Factor of the step at the end.
    """

    at: Evaluation
    point: Point
    flow: FloatArray
    step: float


@dataclass
class Relaxation:
    """
    The Lagrangian function, and the pairs and sites that are left.

    Parameters
    ----------
    form
        The problem.
    pairs
        Pairs that are left.
    lower, upper
        Bounds of y that are left, shape (sites,).
    fixed
        Cost of each option, infinite where it is ruled out, shape (options,).
    """

    form: Form
    pairs: Pairs
    lower: FloatArray
    upper: FloatArray
    fixed: FloatArray

    @classmethod
    def of(cls, form: Form) -> Relaxation:
        """Start with everything that is permitted."""
        pairs = all_pairs(form)
        return cls(form, pairs, form.lower.copy(), form.upper.copy(), form.fixed.copy())

    def copy(self) -> Relaxation:
        """Return another one, with bounds of its own."""
        return replace(
            self, lower=self.lower.copy(), upper=self.upper.copy(), fixed=self.fixed.copy()
        )

    def evaluate(self, prices: FloatArray, capacity_price: float = 0.0) -> Evaluation:
        """Evaluate the function at (λ, μ)."""
        form, pairs = self.form, self.pairs
        gain, share = np.empty(form.num_options), np.empty(pairs.client.size)
        price_options(
            pairs.start,
            pairs.client,
            pairs.cost,
            prices,
            form.demand,
            form.capacity,
            form.single,
            form.whole_weights,
            gain,
            share,
        )
        room = form.capacity if form.limited else np.zeros(form.num_options)
        value = np.minimum(self.fixed - capacity_price * room - gain, RULED_OUT)
        option_of_site = best_options(value, form.first)
        is_open = choose_sites(
            value[option_of_site], self.lower, self.upper, least=form.least, most=form.most
        )
        options = option_of_site[is_open]
        served = np.empty(form.num_clients)
        serve(pairs.start, pairs.client, share, options, served)
        demand = float(form.demand.sum())
        raw = float(prices.sum() + capacity_price * demand + value[options].sum())
        size = float(np.abs(prices).sum() + np.abs(value[options]).sum() + capacity_price * demand)
        return Evaluation(
            bound=raw - SAFETY * size if raw < RULED_OUT / 2 else np.inf,
            prices=prices,
            capacity_price=capacity_price,
            gain=gain,
            value=value,
            option_of_site=option_of_site,
            is_open=is_open,
            served=served,
            share=share,
            missing=demand - float(room[options].sum()),
        )

    def climb(
        self,
        point: Point,
        *,
        goal: float,
        aim: float,
        step: float,
        patience: int = 20,
        iterations: int = 200,
    ) -> Climb:
        """
        Climb from a point.

        Parameters
        ----------
        point
            Where to begin.
        goal, aim
            Bound at which the climb ends, and bound that the steps aim at.
        step, patience, iterations
            First factor of the step, steps without a better bound until it shrinks, most steps.
        """
        form, pairs = self.form, self.pairs
        prices, usage = np.empty(form.num_clients), point.usage.copy()
        flow = np.empty(pairs.client.size)
        _, capacity_price, step = climb_prices(
            pairs.start,
            pairs.client,
            pairs.cost,
            point.prices,
            point.capacity_price,
            form.demand,
            form.capacity,
            self.fixed,
            form.first,
            self.lower,
            self.upper,
            form.least,
            form.most,
            form.single,
            form.whole_weights,
            form.limited,
            goal,
            aim,
            step,
            patience,
            iterations,
            prices,
            usage,
            flow,
        )
        at = self.evaluate(prices, capacity_price)
        return Climb(at, Point(prices, capacity_price, usage), flow, step)

    def drop(self, at: Evaluation, limit: float) -> BoolArray:
        """
        Drop sites and pairs that no solution below ``limit`` uses; close and open sites for good.

        Returns
        -------
        BoolArray
            Which of the pairs before stay.
        """
        form, slack = self.form, limit - at.bound
        site_value = at.value[at.option_of_site]
        enter, leave = penalties(
            site_value, at.is_open, self.lower, self.upper, least=form.least, most=form.most
        )
        self.lower[at.is_open & (leave > slack)] = 1.0
        self.upper[~at.is_open & (enter > slack)] = 0.0
        # Loss of using option o instead of the best of its site, on top of opening the site.
        loss = at.value - site_value[form.site] + np.where(at.is_open, 0.0, enter)[form.site]
        room = np.where(self.upper[form.site] > 0, slack - loss, -1.0)
        self.fixed[room < 0] = np.inf
        kept = np.empty(self.pairs.client.size)
        if form.single or not form.limits_loads:
            price_pairs(
                self.pairs.start,
                self.pairs.client,
                self.pairs.cost,
                at.prices,
                form.demand,
                form.capacity,
                form.whole_weights,
                at.gain,
                room,
                kept,
            )
            stays = kept > 0
        else:
            stays = (room >= 0)[self.pairs.option]
        if not stays.all():
            self.pairs = self.pairs.only(stays)
        return stays
