"""Why there can be no solution, found before anything is solved."""

from __future__ import annotations

import numpy as np

from .....models.formulation import IntArray
from .form import Form, sites_needed

LISTED = 5
SLACK = 1e-9


def obstacle(form: Form) -> str:
    """
    Name a reason for which no solution exists, with figures; "" if none is plain to see.

    Parameters
    ----------
    form
        Clients, options and sites.
    """
    for test in (_unreached, _too_large, _too_little, _too_few_sites, _too_much_least_load):
        reason = test(form)
        if reason:
            return reason
    return ""


def _listed(clients: IntArray) -> str:
    """List some clients, and say how many more there are."""
    names = ", ".join(str(i) for i in clients[:LISTED])
    more = f" and {clients.size - LISTED} more" if clients.size > LISTED else ""
    return f"{'client' if clients.size == 1 else 'clients'} {names}{more}"


def _unreached(form: Form) -> str:
    open_able = form.upper[form.site] > 0
    reached = np.isfinite(form.costs[open_able]).any(axis=0)
    alone = np.flatnonzero(~reached)
    return f"No site may serve {_listed(alone)}." if alone.size else ""


def _too_large(form: Form) -> str:
    if not form.single:
        return ""
    unfit = np.flatnonzero(~form.permitted.any(axis=0))
    if not unfit.size:
        return ""
    i = int(unfit[0])
    reached = np.isfinite(form.costs[:, i]) & (form.upper[form.site] > 0)
    return (
        f"No single site can take {_listed(unfit)}: client {i} has demand {form.demand[i]:g}, the "
        f"largest site that may serve it holds {form.capacity[reached].max():g}. Allow split "
        "demand, or raise a capacity."
    )


def _too_little(form: Form) -> str:
    demand, capacity = float(form.demand.sum()), float(form.site_capacity.sum())
    if demand <= capacity * (1 + SLACK) + SLACK:
        return ""
    return (
        f"All sites that may open hold {capacity:g}, {demand - capacity:g} less than the demand "
        f"{demand:g}."
    )


def _too_few_sites(form: Form) -> str:
    needed = sites_needed(form)
    if needed <= form.most:
        return ""
    required = form.lower > 0
    others = np.sort(form.site_capacity[~required])[::-1]
    room = max(0, form.most - int(required.sum()))
    held = float(form.site_capacity[required].sum() + others[:room].sum())
    demand = float(form.demand.sum())
    return (
        f"The {form.most} largest sites hold {held:g}, {demand - held:g} less than the demand "
        f"{demand:g}; {needed} sites are needed."
    )


def _too_much_least_load(form: Form) -> str:
    """Compare the least loads of the required sites, or of the fewest sites, with the demand."""
    least = np.full(form.num_sites, np.inf)
    np.minimum.at(least, form.site, form.least_load)
    required = form.lower > 0
    others = np.sort(least[~required & (form.upper > 0)])
    more = max(0, form.least - int(required.sum()))
    asked = float(least[required].sum() + others[:more].sum())
    demand = float(form.demand.sum())
    if asked <= demand * (1 + SLACK) + SLACK:
        return ""
    return (
        f"The sites that must open ask for a least load of {asked:g}, {asked - demand:g} more than "
        f"the demand {demand:g}."
    )
