"""The integer program over the pairs and sites that are left, and the way back from its columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import FloatArray, IntArray, LinearModel, ModelBuilder
from .plan import Plan
from .relaxation import Relaxation


@dataclass(frozen=True, eq=False)
class Core:
    """
    A model and its columns.

    Parameters
    ----------
    model
        Columns z first, then x of the pairs.
    option, client
        Of each pair, shape (pairs,).
    num_options
        Number of columns z.
    """

    model: LinearModel
    option: IntArray
    client: IntArray
    num_options: int

    def decode(self, values: FloatArray) -> Plan:
        """Read the chosen options and the shares."""
        chosen = np.flatnonzero(values[: self.num_options] > 0.5)
        share = np.maximum(values[self.num_options :], 0.0)
        used = np.flatnonzero(share > 1e-9)
        return Plan(chosen, self.option[used], self.client[used], share[used])


def core_model(relaxation: Relaxation, *, linked: bool = True) -> Core:
    """
    Build the model of :mod:`.form` over what a relaxation has left.

    Parameters
    ----------
    relaxation
        The form with the pairs and bounds of sites that are left.
    linked
        Whether to write x_io ≤ z_o for every pair; else capacity alone links them.
    """
    form, pairs = relaxation.form, relaxation.pairs
    option, client = pairs.option, pairs.client
    builder = ModelBuilder("assignment-core")
    usable = np.isfinite(relaxation.fixed) & (relaxation.upper[form.site] > 0)
    alone = np.diff(form.first)[form.site] == 1
    lower = np.where(alone & usable, relaxation.lower[form.site], 0.0)
    z = builder.add_columns(
        form.fixed, lower=lower, upper=usable.astype(float), integer=lower < usable
    )
    x = builder.add_columns(pairs.cost, upper=1, integer=form.single)
    ones = np.ones(form.num_clients)
    builder.add_rows(client, x, 1, lower=ones, upper=ones)
    if linked:
        row = np.arange(x.size)
        builder.add_rows(
            np.r_[row, row], np.r_[x, z[option]], np.repeat([1, -1], x.size), upper=np.zeros(x.size)
        )
    _add_loads(builder, relaxation, z, x)
    _add_sites(builder, relaxation, z)
    return Core(builder.build(), option, client, z.size)


def _add_loads(builder: ModelBuilder, relaxation: Relaxation, z: IntArray, x: IntArray) -> None:
    """Add capacities, least loads and the aggregate capacity."""
    form, pairs = relaxation.form, relaxation.pairs
    option, weight = pairs.option, form.demand[pairs.client]
    for limit, is_least in ((form.capacity, False), (form.least_load, True)):
        limited = (limit > 0) if is_least else np.isfinite(limit)
        own = np.flatnonzero(limited)
        if not own.size:
            continue
        inside = limited[option]
        row = np.cumsum(limited) - 1
        bounds = {"lower" if is_least else "upper": np.zeros(own.size)}
        builder.add_rows(
            np.r_[row[option[inside]], row[own]],
            np.r_[x[inside], z[own]],
            np.r_[weight[inside], -limit[own]],
            **bounds,
        )
    if form.limited:
        row = np.zeros(z.size, dtype=np.int64)
        builder.add_rows(row, z, form.capacity, lower=[float(form.demand.sum())])


def _add_sites(builder: ModelBuilder, relaxation: Relaxation, z: IntArray) -> None:
    """Add the rules of sites: their number, one option each, and those too close."""
    form = relaxation.form
    if form.least > 0 or form.most < form.num_sites:
        row = np.zeros(z.size, dtype=np.int64)
        builder.add_rows(row, z, 1, lower=[form.least], upper=[form.most])
    menus = np.diff(form.first) > 1
    if menus.any():
        row = np.cumsum(menus) - 1
        inside = menus[form.site]
        builder.add_rows(
            row[form.site[inside]],
            z[inside],
            1,
            lower=relaxation.lower[menus],
            upper=np.ones(int(menus.sum())),
        )
    if form.apart.size:
        in_pair = (form.site == form.apart[:, :1]) | (form.site == form.apart[:, 1:])
        pair, option = np.nonzero(in_pair)
        builder.add_rows(pair, z[option], 1, upper=np.ones(len(form.apart)))
