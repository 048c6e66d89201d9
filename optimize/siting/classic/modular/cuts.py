"""
Cuts by blocks: what neighbouring sites can do together, added to the linear relaxation.

The relaxation of the city knows the steps of each site one by one. A block b of neighbours is a
small integer program X_b: its levels, its flows, and the segments of the groups that it alone
serves; groups at its border take no more than they need. At an optimum x of the relaxation with
prices u of the rows, the part of x in b is best for

    d_b = c_b - Σ_{rows r that reach beyond b} u_r a_rb

over all that the relaxation knows of the block. So with V_b = max {d_b z : z ∈ X_b} every plan
keeps d_b x_b ≤ V_b, and the present optimum does not wherever that takes something away. Repeated
over the blocks of one division this ends at its Lagrangian bound with whole blocks (Geoffrion 1974,
"Lagrangean relaxation for integer programming", Mathematical Programming Study 2); cuts of several
divisions count together (Boyd 1994, "Fenchel cutting planes for integer programs", Operations
Research 42(1)).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, FloatArray, IntArray, LinearModel
from .....models.siting.modular_floor_area import totals
from ....limits import Deadline, Limits, Stop
from ....solvers import solve_model
from .growing_lp import GrowingLp, Relaxation, rows_of
from .part import PartModel, part_model
from .partition import blocks_of
from .prices import Prices, whole_goal, whole_part
from .reduction import Reduced
from .segments import coarser

_WORTHWHILE = 1e-5
"""Share of the bound that the cuts of a division must take away together, if all are alike."""

_WHOLE = 1e-6
"""What a level may be off a whole number."""

_SAFE = 1e-7
"""Share by which the value of a block, or its largest coefficient, is widened."""

_CROSSED = 10.0
"""Weight of what the division before cut apart."""


@dataclass(frozen=True, eq=False)
class CutBlock:
    """
    One block.

    Parameters
    ----------
    columns, rows
        Columns of the city's model that are its own, and rows that reach no further.
    model
        Its program; the objective is set whenever it is asked.
    cuts
        Rows of the relaxation that are cuts of this block, and their entries in ``columns``.
    """

    columns: IntArray
    rows: IntArray
    model: LinearModel
    cuts: list[tuple[int, FloatArray]] = field(default_factory=list)

    def direction(self, found: Relaxation) -> FloatArray:
        """Objective d_b of the head of the module, shape (columns,)."""
        inside = self.model.rows[: self.rows.size]
        direction: FloatArray = found.gains[self.columns] + inside.T @ found.row_prices[self.rows]
        for row, entries in self.cuts:
            direction += found.row_prices[row] * entries
        direction[np.abs(direction) < 1e-9 * np.abs(direction).max(initial=0.0)] = 0.0
        return direction

    def is_whole(self, found: Relaxation) -> bool:
        """Whether all levels are whole."""
        levels = found.values[self.columns[self.model.integer]]
        return bool((np.abs(levels - np.rint(levels)) < _WHOLE).all())


class BlockCuts:
    """
    The relaxation of the city with cuts by blocks.

    Parameters
    ----------
    reduced
        The problem.
    shared
        Need that pairs of sites share, see :func:`.partition.shared_need`.
    error
        Residents by which the worth of a group may be set too high.
    """

    def __init__(self, reduced: Reduced, shared: sparse.csr_array, *, error: float) -> None:
        self.reduced, self.shared = reduced, shared
        part = whole_part(reduced)
        segments = (part.segment_group, part.segment_worth, part.segment_need)
        group, worth, need = coarser(segments, error=error, above=True)
        self.part = replace(part, segment_group=group, segment_worth=worth, segment_need=need)
        self.built: PartModel = part_model(self.part, whole_goal(reduced))
        upper = self.built.model.upper.copy()
        upper[self.built.flows] = reduced.group_need[reduced.arc_group]
        self.model = replace(self.built.model, upper=upper)
        self.lp = GrowingLp(self.model)
        self.found: Relaxation | None = None
        self.best = np.inf
        self.blocks: list[CutBlock] = []
        self.label, self.size = np.empty(0, dtype=np.int64), 0

    @property
    def bound(self) -> float:
        """Bound on the objective of the problem; infinite, or 0, before it is known."""
        return self.best if self.reduced.problem.maximize else -self.best

    @property
    def levels(self) -> FloatArray:
        """Shares of the levels in the relaxation, shape (levels,)."""
        assert self.found is not None  # noqa: S101 - asked for after a success only
        return self.found.values[self.built.levels]

    def prices(self) -> Prices:
        """Prices of the groups and of money."""
        assert self.found is not None  # noqa: S101 - asked for after a success only
        of_row = self.found.row_prices
        group = np.abs(of_row[self.built.group_rows])
        goal = float(np.abs(of_row[self.built.goal_rows]).sum())
        if self.reduced.problem.maximize:
            return Prices(group, goal)
        return Prices(group / goal, 1.0 / goal) if goal > 0 else Prices(0 * group, 0.0)

    def relax(self, limits: Limits) -> bool:
        """Solve the relaxation with all that is known; tell whether there was time to."""
        found = self.lp.solve(limits)
        if found is None:
            return False
        self.found, self.best = found, min(self.best, found.bound)
        return True

    def divide(self, size: int) -> None:
        """
        Divide the city into blocks of at most some sites.

        The same size again leads to other borders: what was cut apart is held together then.
        """
        shared = self.shared
        if size == self.size:
            row = np.repeat(np.arange(self.reduced.num_sites), np.diff(shared.indptr))
            weight = np.where(self.label[row] != self.label[shared.indices], _CROSSED, 1.0)
            shared = sparse.csr_array(
                (shared.data * weight, shared.indices, shared.indptr), shape=shared.shape
            )
        self.label, self.size = blocks_of(shared, most=size), size
        count = int(self.label.max(initial=-1)) + 1
        self.blocks = [self._cut(self.label == b) for b in range(count)]

    def _cut(self, inside: BoolArray) -> CutBlock:
        """Make one block of the sites inside."""
        built, part, rows = self.built, self.part, self.lp.model.rows
        arcs = inside[part.arc_site]
        num_groups = self.reduced.num_groups
        reached = np.bincount(part.arc_group[arcs], minlength=num_groups)
        own = reached == np.bincount(part.arc_group, minlength=num_groups)
        is_mine = np.zeros(self.model.num_columns, dtype=bool)
        is_mine[built.levels] = inside[part.level_site]
        is_mine[built.flows] = arcs
        is_mine[built.segments] = own[part.segment_group]
        entries = np.diff(rows.indptr)
        row = np.repeat(np.arange(rows.shape[0]), entries)
        mine = totals(row, is_mine[rows.indices].astype(float), rows.shape[0])
        within = np.flatnonzero((mine == entries) & (entries > 0))
        known = within[within >= self.model.num_rows]
        within = within[within < self.model.num_rows]
        columns = np.flatnonzero(is_mine)
        border = np.flatnonzero((reached > 0) & ~own)
        model = self.model
        limit = self._border_rows(border, arcs, columns)
        program = replace(
            model,
            costs=np.zeros(columns.size),
            lower=model.lower[columns],
            upper=model.upper[columns],
            integer=model.integer[columns],
            rows=sparse.csr_array(sparse.vstack([rows[within][:, columns], limit])),
            row_lower=np.r_[model.row_lower[within], np.full(border.size, -np.inf)],
            row_upper=np.r_[model.row_upper[within], self.reduced.group_need[border]],
            offset=0.0,
            row_name=None,
        )
        cuts = [(int(r), rows[[r]][:, columns].toarray()[0]) for r in known]
        return CutBlock(columns, within, program, cuts)

    def _border_rows(
        self, border: IntArray, arcs: BoolArray, columns: IntArray
    ) -> sparse.csr_array:
        """Rows of what flows to each group at the border."""
        place = np.full(self.reduced.num_groups, -1, dtype=np.int64)
        place[border] = np.arange(border.size)
        owner = place[self.part.arc_group]
        used = np.flatnonzero(arcs & (owner >= 0))
        column = np.searchsorted(columns, self.built.flows[used])
        return sparse.csr_array(
            sparse.coo_array(
                (np.ones(used.size), (owner[used], column)), shape=(border.size, columns.size)
            )
        )

    def separate(self, *, gap: float, deadline: Deadline, stop: Stop | None) -> int:
        """
        Ask the blocks for cuts, and add those that take something away.

        Parameters
        ----------
        gap
            Gap up to which each block is solved.
        deadline, stop
            When to give up.

        Returns
        -------
        int
            Number of cuts; the relaxation knows them when it is solved the next time.
        """
        assert self.found is not None  # noqa: S101 - asked for after a success only
        columns: list[IntArray] = []
        values: list[FloatArray] = []
        upper: list[float] = []
        for block in self.blocks:
            if deadline.passed or (stop is not None and stop.requested):
                break
            if block.is_whole(self.found):
                continue
            limits = Limits(seconds=max(deadline.seconds_left, 0.01), gap=gap)
            direction = block.direction(self.found)
            most = self._most(block, direction, limits, stop)
            if most is None:
                continue
            scale = float(np.abs(direction).max())
            entries = direction / scale
            block.cuts.append((self.lp.model.num_rows + len(upper), entries))
            used = np.flatnonzero(entries)
            columns.append(block.columns[used])
            values.append(entries[used])
            upper.append(most / scale)
        if upper:
            self.lp.add(rows_of(columns, values, self.model.num_columns), np.array(upper))
        return len(upper)

    def _most(
        self, block: CutBlock, direction: FloatArray, limits: Limits, stop: Stop | None
    ) -> float | None:
        """Value of a block, widened; None if it takes nothing away from the relaxation."""
        assert self.found is not None  # noqa: S101 - asked for after a success only
        if not direction.any():
            return None
        answer = solve_model(replace(block.model, costs=direction), limits=limits, stop=stop)
        if answer.bound is None:
            return None
        most = answer.bound + _SAFE * max(abs(answer.bound), float(np.abs(direction).max()))
        today = float(direction @ self.found.values[block.columns])
        enough = _WORTHWHILE * abs(self.found.bound) / len(self.blocks)
        return most if most < today - enough else None
