"""Sets of units that are short of floor area: which conditions a relaxation wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ....models.formulation import FloatArray, IntArray
from ....models.siting.capacity_flow import CapacityFlow, flow_of_rows, largest_flow
from ....models.siting.service_system import ServiceSystem
from ....models.siting.service_system_model import SystemModel

LACKING = 0.05
"""Share of the gap that is asked for which floor area may lack without a row of its own."""


@dataclass(frozen=True, eq=False)
class ShortUnits:
    """
    Who is short of floor area.

    Parameters
    ----------
    problem
        The problem.
    regions
        Region of each site, shape (sites,), by which sets are also looked at in parts; None for
        whole sets only.
    """

    problem: ServiceSystem
    regions: IntArray | None = None

    def first(self) -> list[CapacityFlow]:
        """Conditions on all units, and on those of each region."""
        capacities, home = self.problem.capacities, self._home
        if not capacities.need_m2.size or home is None:
            return []
        sets = [np.ones(home.size, dtype=bool)]
        sets += [home == region for region in np.unique(home[home >= 0])]
        return [flow_of_rows(capacities, chosen) for chosen in sets]

    def found(self, built: SystemModel, values: FloatArray, least: float) -> list[CapacityFlow]:
        """
        Find the sets that are short in a solution.

        Parameters
        ----------
        built, values
            A model and values of its columns, shape (columns,); they need not be integer.
        least
            Price up to which what is lacking does not matter.
        """
        columns = built.columns
        if not columns.unserved.size:
            return []
        spare, area = np.maximum(values[columns.unserved], 0.0), built.areas(values)
        flow = largest_flow(self.problem.capacities, area, spare)
        if self.problem.prices.square_metre * flow.lacking_m2 <= least:
            return []
        return [flow, *self._parts(flow, area, spare)]

    def _parts(
        self, flow: CapacityFlow, area: FloatArray, spare: FloatArray
    ) -> Iterator[CapacityFlow]:
        """Yield the parts of a set in single regions that are short by themselves."""
        capacities, home = self.problem.capacities, self._home
        if home is None:
            return
        for region in np.unique(home[flow.rows]):
            part = flow_of_rows(capacities, flow.rows & (home == region))
            met = np.unique(capacities.area[part.rows])
            need = capacities.need_m2[part.rows].sum()
            if need - area[part.facilities].sum() - spare[met].sum() > 1.0:
                yield part

    @cached_property
    def _home(self) -> IntArray | None:
        """Region of the first facility that may serve each row of the capacities."""
        if self.regions is None:
            return None
        table = self.problem.capacities.facilities
        some = np.diff(table.indptr) > 0
        found = np.full(some.size, -1, dtype=np.int64)
        region_of = self.regions[self.problem.facilities.site]
        found[some] = region_of[table.indices[table.indptr[:-1][some]]]
        return found
