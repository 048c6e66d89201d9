"""
Exact reductions of circles: what is decided, what is alike, and what nobody would build.

* Circles that are recognised today are counted and left out; so are those that all facilities
  together could not make whole.
* A category that exists within reach of a unit asks for nothing; a unit that no facility can give
  all categories only weighs on its circle.
* Units of one circle that the same facilities reach are one unit.
* A facility that reaches nobody who still needs it is left out; so is one for which there is
  another of its category that reaches as many, costs no more and always has room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.siting.circles import CircleGround


@dataclass(frozen=True, eq=False)
class Core:
    """
    What is left of a ground.

    Parameters
    ----------
    facilities
        Facilities that may be worth building, indices of the ground, shape (kept,).
    covers
        Whether a kept facility gives its category to a group of units that lacks it, CSR of shape
        (kept, groups).
    category, costs, site, areas
        Of the kept facilities, shape (kept,); site -1 where room cannot run out.
    room
        Room left at the sites, shape (sites,).
    lacks
        Categories that a group lacks today, shape (categories, groups).
    residents, circle
        Residents of each group, and its circle, shape (groups,).
    circles
        Circles that are left, indices of the ground, shape (circles,).
    circle_residents, needed
        Residents of each circle, and those that must have everything, shape (circles,).
    known
        Circles that are recognised today, shape (circles of the ground,).
    """

    facilities: IntArray
    covers: sparse.csr_array
    category: IntArray
    costs: FloatArray
    site: IntArray
    areas: FloatArray
    room: FloatArray
    lacks: BoolArray
    residents: FloatArray
    circle: IntArray
    circles: IntArray
    circle_residents: FloatArray
    needed: FloatArray
    known: BoolArray

    @property
    def num_circles(self) -> int:
        """Number of circles that are left."""
        return int(self.circles.size)

    @property
    def num_groups(self) -> int:
        """Number of groups of units."""
        return int(self.residents.size)


def reduced(ground: CircleGround, *, most: float = np.inf) -> Core:
    """
    Reduce a ground.

    Parameters
    ----------
    ground
        The ground.
    most
        Money at most for all that is built: facilities that cost more are left out.
    """
    free = ~ground.exists & (ground.costs <= most * (1 + 1e-9) + 1e-9)
    today = ground.reached(ground.exists)
    ever = ground.reached(ground.exists | free).all(axis=0)
    known = ground.recognised(ground.exists)
    open_circle = ~known & ground.recognised(ground.exists | free)
    unit = np.flatnonzero(
        (ground.circle >= 0)
        & open_circle[np.maximum(ground.circle, 0)]
        & (ground.residents > 0)
        & ever
    )
    lacks = ~today[:, unit]
    place = np.flatnonzero(free)
    covers = ground.covers[place][:, unit].tocoo()
    asked = lacks[ground.category[place[covers.row]], covers.col]
    pairs = sparse.csr_array(
        (np.ones(int(asked.sum())), (covers.row[asked], covers.col[asked])), shape=covers.shape
    )
    circles = np.flatnonzero(open_circle)
    new_circle = np.full(ground.num_circles, -1, dtype=np.int64)
    new_circle[circles] = np.arange(circles.size)
    first, group = _merged(pairs, lacks, new_circle[ground.circle[unit]])
    pairs = sparse.csr_array(pairs[:, first])
    residents = np.bincount(group, ground.residents[unit], first.size).astype(float)
    site, areas, room = _room_left(ground, place)
    useful = np.arange(place.size)
    for _ in range(2):  # once sites hold fewer facilities, more of them have room for all
        columns = place[useful]
        stays = _undominated(
            sparse.csr_array(pairs[useful]),
            ground.category[columns],
            ground.costs[columns],
            site[useful],
            areas[useful],
        )
        useful = useful[stays]
        site[useful] = _binding(site[useful], areas[useful], room)
    kept = place[useful]
    return Core(
        facilities=kept,
        covers=sparse.csr_array(pairs[useful]),
        category=ground.category[kept],
        costs=ground.costs[kept],
        site=site[useful],
        areas=areas[useful],
        room=room,
        lacks=lacks[:, first],
        residents=residents,
        circle=new_circle[ground.circle[unit[first]]],
        circles=circles,
        circle_residents=ground.circle_residents[circles],
        needed=ground.needed[circles],
        known=known,
    )


def _merged(
    pairs: sparse.csr_array, lacks: BoolArray, circle: IntArray
) -> tuple[IntArray, IntArray]:
    """Find units of one circle that are alike: the first of each group, and each unit's group."""
    by_unit = sparse.csc_array(pairs)
    by_unit.sort_indices()
    groups: dict[tuple[int, bytes, bytes], int] = {}
    first: list[int] = []
    group = np.empty(circle.size, dtype=np.int64)
    for unit in range(circle.size):
        own = by_unit.indices[by_unit.indptr[unit] : by_unit.indptr[unit + 1]]
        key = (int(circle[unit]), lacks[:, unit].tobytes(), own.tobytes())
        if key not in groups:
            groups[key] = len(first)
            first.append(unit)
        group[unit] = groups[key]
    return np.array(first, dtype=np.int64), group


def _room_left(ground: CircleGround, place: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Site and area of each facility that may be built, and what its site has left."""
    if ground.room is None:
        return np.full(place.size, -1), np.zeros(place.size), np.zeros(0)
    left = ground.room.room - ground.room.used(ground.exists)
    return ground.room.site[place], ground.room.areas[place], left


def _binding(site: IntArray, areas: FloatArray, room: FloatArray) -> IntArray:
    """Forget the site of facilities that all fit into it together."""
    inside = site >= 0
    total = np.bincount(site[inside], areas[inside], room.size)
    return np.where(inside & (total > room + 1e-9)[site], site, -1) if room.size else site


def _undominated(
    pairs: sparse.csr_array,
    category: IntArray,
    costs: FloatArray,
    site: IntArray,
    areas: FloatArray,
) -> IntArray:
    """
    List facilities that reach someone and that no other one makes superfluous.

    One makes another superfluous if it is of its category, reaches all that the other does, costs
    no more and, where both stand at one site, needs no more room there; of equal ones the first
    stays. At another site there must be room for all facilities together (site -1).
    """
    reach = np.diff(pairs.indptr)
    kept = []
    for kind in np.unique(category):
        own = np.flatnonzero((category == kind) & (reach > 0))
        own = own[np.lexsort((own, areas[own], costs[own], -reach[own]))]
        common = (pairs[own] @ pairs[own].T).tocsr()
        alive = np.ones(own.size, dtype=bool)
        for k, facility in enumerate(own):
            row = slice(common.indptr[k], common.indptr[k + 1])
            others = common.indices[row][common.data[row] >= reach[facility]]
            better = own[others]
            fits = np.where(
                site[better] == site[facility], areas[better] <= areas[facility], site[better] < 0
            )
            wins = alive[others] & (others < k) & (costs[better] <= costs[facility]) & fits
            alive[k] = not wins.any()
        kept.append(own[alive])
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, dtype=np.int64)
