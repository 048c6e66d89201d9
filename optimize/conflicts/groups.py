"""A model whose rows and bounds are sorted by the rule, in people's words, that they stand for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ...models.formulation import BoolArray, FloatArray, IntArray, LinearModel

TOLERANCE = 1e-6
"""By how much a row or bound may be missed, relative to its size, and still count as kept."""


def _none() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class RuleGroup:
    """
    One rule: some rows and bounds that hold together or are given up together.

    Parameters
    ----------
    name
        The rule in words.
    kind
        What kind of rule it is, for choosing which may be relaxed.
    rows
        Rows of the model that state it.
    columns
        Columns whose own bounds state it; without the rule their loose bounds hold.
    price
        Cost of relaxing one of its rows or bounds by 1; 0 is not allowed.
    unit_of_measure
        Unit of that 1, in words.
    place_kind, place_ids
        What it is about: unit, community or site, and which.
    """

    name: str
    kind: str = "rule"
    rows: IntArray = field(default_factory=_none)
    columns: IntArray = field(default_factory=_none)
    price: float = 1.0
    unit_of_measure: str = ""
    place_kind: str = ""
    place_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a price that would make relaxing free."""
        if not (np.isfinite(self.price) and self.price > 0):
            raise ValueError(f"The price of rule {self.name!r} is {self.price}; give one above 0.")


@dataclass(frozen=True, eq=False)
class GroupedModel:
    """
    A model with every rule in force; rows and bounds of no rule hold in any case.

    Parameters
    ----------
    model
        The model; its objective plays no part.
    groups
        The rules. A row, and the bounds of a column, belong to at most one.
    loose_lower, loose_upper
        Bounds of the columns without the rules, shape (columns,); None for those of the model.

    Raises
    ------
    ValueError
        If a row or column is unknown or belongs to two rules.
    """

    model: LinearModel
    groups: tuple[RuleGroup, ...]
    loose_lower: FloatArray | None = None
    loose_upper: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse rows and columns that are unknown or named twice."""
        for what, limit in (("rows", self.model.num_rows), ("columns", self.model.num_columns)):
            named = np.concatenate([_none(), *(getattr(group, what) for group in self.groups)])
            if named.size and not 0 <= named.min() <= named.max() < limit:
                raise ValueError(f"A rule names {what} outside 0..{limit - 1}.")
            if np.unique(named).size < named.size:
                raise ValueError(f"Some of the {what} belong to two rules.")

    @property
    def all_groups(self) -> frozenset[int]:
        """Numbers of all rules."""
        return frozenset(range(len(self.groups)))

    def loose(self) -> tuple[FloatArray, FloatArray]:
        """Bounds of the columns with no rule in force."""
        model = self.model
        lower = model.lower if self.loose_lower is None else self.loose_lower
        upper = model.upper if self.loose_upper is None else self.loose_upper
        return lower, upper

    def with_groups(self, chosen: Collection[int]) -> LinearModel:
        """
        Return the model in which only some rules are in force, without an objective.

        Parameters
        ----------
        chosen
            Numbers of the rules that hold.
        """
        model = self.model
        kept = np.ones(model.num_rows, dtype=bool)
        lower, upper = model.lower.copy(), model.upper.copy()
        loose_lower, loose_upper = self.loose()
        for number in self.all_groups.difference(chosen):
            group = self.groups[number]
            kept[group.rows] = False
            lower[group.columns] = loose_lower[group.columns]
            upper[group.columns] = loose_upper[group.columns]
        return replace(
            model,
            costs=np.zeros(model.num_columns),
            offset=0.0,
            maximize=False,
            lower=lower,
            upper=upper,
            rows=sparse.csr_array(model.rows[np.flatnonzero(kept)]),
            row_lower=model.row_lower[kept],
            row_upper=model.row_upper[kept],
            row_name=None,
        )

    def kept_by(self, values: FloatArray) -> frozenset[int]:
        """Numbers of the rules that values keep, shape (columns,)."""
        model = self.model
        activity = model.rows @ values
        good_row = _within(activity, model.row_lower, model.row_upper)
        good_column = _within(values, model.lower, model.upper)
        return frozenset(
            number
            for number, group in enumerate(self.groups)
            if good_row[group.rows].all() and good_column[group.columns].all()
        )


def _within(values: FloatArray, lower: FloatArray, upper: FloatArray) -> BoolArray:
    def slack(bound: FloatArray) -> FloatArray:
        return TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(bound), bound, 0.0)))

    good = (values >= lower - slack(lower)) & (values <= upper + slack(upper))
    return np.asarray(good)


@dataclass(frozen=True, eq=False)
class Part:
    """
    A part of a grouped model that shares no column with the rest.

    Parameters
    ----------
    grouped
        Its rows and columns, as a grouped model.
    numbers
        Number, in the whole, of each of its rules.
    columns
        Number, in the whole, of each of its columns.
    """

    grouped: GroupedModel
    numbers: tuple[int, ...]
    columns: IntArray


def restricted(grouped: GroupedModel, among: Collection[int]) -> Part:
    """
    Return a model in which only some rules are in force, with all of its columns.

    Parameters
    ----------
    grouped
        The model.
    among
        Numbers of the rules that are in force; of the others, the loose bounds hold.
    """
    chosen = sorted(among)
    columns = np.arange(grouped.model.num_columns)
    return _part(_loosened(grouped, chosen), columns, _free_rows(grouped), chosen)


def independent_parts(grouped: GroupedModel, among: Collection[int]) -> list[Part]:
    """
    Split a model with some rules in force into parts that share no column.

    Every irreducible set of clashing rules lies in one part, since a set without a clash in any
    part has none. A rule whose rows lie in several parts joins them.

    Parameters
    ----------
    grouped
        The model.
    among
        Numbers of the rules that are in force; of the others, the loose bounds hold.

    Returns
    -------
    list of Part
        Only those with a rule, by their first rule.
    """
    model, chosen = grouped.model, sorted(among)
    background = _free_rows(grouped)
    # Nodes: columns, then rows of no rule, then rules; a rule is one node for all of its rows.
    first_row, first_rule = model.num_columns, model.num_columns + background.size
    touched = [_columns_of(model, np.array([row])) for row in background]
    rules = [grouped.groups[number] for number in chosen]
    touched += [np.r_[rule.columns, _columns_of(model, rule.rows)] for rule in rules]
    tail = np.concatenate([_none(), *touched])
    head = np.repeat(np.arange(len(touched)), [columns.size for columns in touched]) + first_row
    size = first_rule + len(chosen)
    links = sparse.coo_array((np.ones(head.size), (head, tail)), shape=(size, size))
    label = connected_components(links, directed=False)[1]
    own = label[first_rule:]
    loosened = _loosened(grouped, chosen)
    return [
        _part(
            loosened,
            np.flatnonzero(label[:first_row] == one),
            background[label[first_row:first_rule] == one],
            [number for number, home in zip(chosen, own, strict=True) if home == one],
        )
        for one in dict.fromkeys(own.tolist())
    ]


def remainder(grouped: GroupedModel, parts: Sequence[Part]) -> Part:
    """
    Return the columns that lie in no part, with the rows of no rule among them.

    Parameters
    ----------
    grouped
        The model.
    parts
        What :func:`independent_parts` returned for it.
    """
    outside = np.ones(grouped.model.num_columns, dtype=bool)
    for part in parts:
        outside[part.columns] = False
    columns = np.flatnonzero(outside)
    free = _free_rows(grouped)
    rows = np.array(
        [row for row in free if outside[_columns_of(grouped.model, np.array([row]))].all()],
        dtype=np.int64,
    )
    return _part(_loosened(grouped, []), columns, rows, [])


def _free_rows(grouped: GroupedModel) -> IntArray:
    """Rows of no rule."""
    free = np.ones(grouped.model.num_rows, dtype=bool)
    for group in grouped.groups:
        free[group.rows] = False
    return np.flatnonzero(free)


def _columns_of(model: LinearModel, rows: IntArray) -> IntArray:
    """Columns with an entry in some rows."""
    return np.asarray(sparse.csr_array(model.rows[rows]).indices, dtype=np.int64)


def _loosened(grouped: GroupedModel, chosen: Sequence[int]) -> GroupedModel:
    """Return the model in which bounds of the rules that are left out are loose for good."""
    lower, upper = grouped.model.lower.copy(), grouped.model.upper.copy()
    loose_lower, loose_upper = grouped.loose()
    for number in grouped.all_groups.difference(chosen):
        columns = grouped.groups[number].columns
        lower[columns], upper[columns] = loose_lower[columns], loose_upper[columns]
    return replace(grouped, model=replace(grouped.model, lower=lower, upper=upper))


def _part(
    grouped: GroupedModel, columns: IntArray, free_rows: IntArray, numbers: list[int]
) -> Part:
    """Cut some columns, the rows of no rule and the rows of some rules out of a model."""
    model = grouped.model
    rules = [grouped.groups[number] for number in numbers]
    rows = np.concatenate([_none(), free_rows, *(rule.rows for rule in rules)])
    place_of_row = np.full(model.num_rows, -1, dtype=np.int64)
    place_of_row[rows] = np.arange(rows.size)
    place_of_column = np.full(model.num_columns, -1, dtype=np.int64)
    place_of_column[columns] = np.arange(columns.size)
    lower, upper = grouped.loose()
    cut = model.part(rows, columns)
    groups = tuple(
        replace(rule, rows=place_of_row[rule.rows], columns=place_of_column[rule.columns])
        for rule in rules
    )
    inside = GroupedModel(cut, groups, lower[columns], upper[columns])
    return Part(inside, tuple(numbers), columns)
