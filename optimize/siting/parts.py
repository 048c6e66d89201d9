"""Independent parts of a siting problem: what shares no site can be solved apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ...models.formulation import BoolArray, IntArray
from ...models.siting.station import StationSiting
from ...models.siting.station_models import uncovered_units


@dataclass(frozen=True, eq=False)
class Part:
    """
    One independent part.

    Parameters
    ----------
    sites
        Sites of the part, shape (sites,).
    communities, units
        Communities with a target, and units without a fixed site in reach.
    """

    sites: BoolArray
    communities: IntArray
    units: IntArray


def independent_parts(problem: StationSiting) -> list[Part]:
    """
    Split a siting problem where no decision links two parts.

    Sites are linked by a community whose floor area both may provide, and by a unit without a
    fixed site that both may reach. Cost adds up over the parts, so optima and bounds do too.
    """
    num_sites, num_communities = problem.num_sites, problem.num_communities
    units = uncovered_units(problem)
    reach = sparse.coo_array(sparse.csr_array(problem.minutes.T)[units])
    choice = problem.may_open[reach.col]
    inside = np.flatnonzero(problem.community_of_site >= 0)
    head = np.r_[num_sites + problem.community_of_site[inside], reach.row[choice]]
    head[inside.size :] += num_sites + num_communities
    tail = np.r_[inside, reach.col[choice]]
    size = num_sites + num_communities + units.size
    links = sparse.coo_array((np.ones(head.size), (head, tail)), shape=(size, size))
    label = connected_components(links, directed=False)[1]
    of_site, of_community = label[:num_sites], label[num_sites : num_sites + num_communities]
    of_unit = label[num_sites + num_communities :]
    lacking = problem.target_m2 > problem.community_area(problem.today()) + 1e-9
    busy = np.union1d(of_community[lacking], of_unit)
    required = problem.required & ~problem.existing
    busy = np.union1d(busy, of_site[required])
    return [
        Part(of_site == part, np.flatnonzero(of_community == part), units[of_unit == part])
        for part in busy
    ]
