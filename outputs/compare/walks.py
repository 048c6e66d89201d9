"""Who walks less and who walks more than in the first plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .comparison import Comparison, Floats, Names

SAME_MINUTES = 0.5
"""Minutes by which a walk may change and still count as the same."""

STEPS = (SAME_MINUTES, 2.0, 5.0)
CLASSES = (
    "reach_gained", "much_less", "less", "a_little_less", "same",
    "a_little_more", "more", "much_more", "reach_lost", "never",
)  # fmt: skip
"""What becomes of a walk, from best to worst; the last is out of reach in both plans."""

GAINS = frozenset(CLASSES[:4])
LOSSES = frozenset(CLASSES[5:9])

Ints = npt.NDArray[np.int64]


def walk_classes(before: Floats, after: Floats) -> Ints:
    """
    Class of the change of each walk, as a place in ``CLASSES``.

    Parameters
    ----------
    before, after
        Minutes of each unit in the first plan and in another, not a number out of reach.

    Examples
    --------
    >>> change = walk_classes(np.array([9.0, 9.0, np.nan]), np.array([8.0, np.nan, 4.0]))
    >>> [CLASSES[place] for place in change]
    ['a_little_less', 'reach_lost', 'reach_gained']
    """
    was, is_now = np.isfinite(before), np.isfinite(after)
    more = np.where(was & is_now, np.where(was, after, 0) - np.where(was, before, 0), 0.0)
    size = np.searchsorted(np.array(STEPS), np.round(np.abs(more), 6), side="right")
    found = CLASSES.index("same") + np.where(more > 0, size, -size)
    lost, gained = was & ~is_now, ~was & is_now
    found = np.where(lost, CLASSES.index("reach_lost"), found)
    found = np.where(gained, CLASSES.index("reach_gained"), found)
    return np.where(~was & ~is_now, CLASSES.index("never"), found).astype(np.int64)


@dataclass(frozen=True)
class GroupChange:
    """
    What becomes of the walks of one group of residents.

    Parameters
    ----------
    group
        Column of the units: ``residents``, ``residents_65plus``, ...
    by_class
        Members by class of change, in the order of ``CLASSES``.
    gaining, losing
        Members who walk less or come into reach, and who walk more or fall out of it.
    mean_change
        Mean change in minutes of those in reach in both plans; None if there are none.
    """

    group: str
    by_class: tuple[float, ...]
    gaining: float
    losing: float
    mean_change: float | None

    @property
    def total(self) -> float:
        """All members."""
        return float(sum(self.by_class))


def group_changes(comparison: Comparison, plan: int) -> list[GroupChange]:
    """Return the changes of every group from the first plan to another."""
    before, after = comparison.first.minutes, comparison.plans[plan].minutes
    return [
        _change_of(group, members, before, after) for group, members in comparison.groups.items()
    ]


def _change_of(group: str, members: Floats, before: Floats, after: Floats) -> GroupChange:
    by_class = np.bincount(walk_classes(before, after), members, len(CLASSES))
    named = dict(zip(CLASSES, by_class.tolist(), strict=True))
    both = np.isfinite(before) & np.isfinite(after)
    many = members[both].sum()
    mean = float(((after - before)[both] * members[both]).sum() / many) if many > 0 else None
    return GroupChange(
        group,
        tuple(named.values()),
        sum(named[name] for name in GAINS),
        sum(named[name] for name in LOSSES),
        mean,
    )


def changes_by_community(comparison: Comparison) -> pd.DataFrame:
    """Return a row a community of today: residents, minutes in the first plan, who gains."""
    before = comparison.first.files.communities_before
    ids = comparison.units["community_id_before"].astype(str).to_numpy(object)
    table = _changes_by(comparison, ids)
    names = dict(zip(before["community_id"].astype(str), before["name"], strict=True))
    called = [names.get(one) for one in table["place"]]
    table.insert(1, "name", [p if pd.isna(n) or not n else str(n)
                             for n, p in zip(called, table["place"], strict=True)])  # fmt: skip
    return table


def changes_by_street(comparison: Comparison) -> pd.DataFrame:
    """Return a row a street, as :func:`changes_by_community`; empty if no street is known."""
    table = _changes_by(comparison, comparison.street)
    return table[table["place"] != ""].reset_index(drop=True)


def _changes_by(comparison: Comparison, place: Names) -> pd.DataFrame:
    """Sum gains and losses of all groups by place, one set of columns for each further plan."""
    names, row = np.unique(place, return_inverse=True)
    first = comparison.first.minutes
    table: dict[str, object] = {"place": names}
    for group, members in comparison.groups.items():
        table[group] = np.bincount(row, members, names.size)
    for number, plan in enumerate(comparison.plans):
        table[f"mean_minutes_{number}"] = _mean(row, plan.minutes, comparison.residents, names.size)
        if number == 0:
            continue
        change = walk_classes(first, plan.minutes)
        for group, members in comparison.groups.items():
            for kind, classes in (("gaining", GAINS), ("losing", LOSSES)):
                inside = np.isin(change, _places(classes))
                table[f"{group}_{kind}_{number}"] = np.bincount(
                    row, np.where(inside, members, 0.0), names.size
                )
    return pd.DataFrame(table)


def _places(classes: Iterable[str]) -> list[int]:
    return [CLASSES.index(name) for name in classes]


def _mean(row: Ints, minutes: Floats, residents: Floats, many: int) -> Floats:
    """Mean minutes by place of the residents in reach."""
    reached = np.isfinite(minutes)
    weight = np.bincount(row, residents * reached, many)
    total = np.bincount(row, residents * np.where(reached, minutes, 0.0), many)
    return np.asarray(np.divide(total, weight, out=np.full(many, np.nan), where=weight > 0))
