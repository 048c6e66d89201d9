"""The objective of a split by its definition, and the moment of inertia that it was to keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .borders import borders_among, kept_together, rows_of
from .inertia import moment_of_inertia
from .numbers import differs, number, show
from .view import View

INERTIA = "moment-of-inertia"
RELATIVE = 1e-5


def objective(view: View, community: str, entry: dict[str, Any]) -> tuple[float, float]:
    """
    Return least and most of what a split may cost, by the layers.

    Raises
    ------
    ValueError
        If the record names an objective that is unknown.
    """
    name = entry.get("objective_of", INERTIA)
    if name == INERTIA:
        return moment_of_inertia(view, community)
    rows = rows_of(view, community)
    units, borders = view.units.iloc[rows], borders_among(view, rows)
    district = units["community_id"].to_numpy(object)
    one, other = borders.pairs.T
    cut = district[one] != district[other]
    if name == "border":
        return (float(borders.weighted_m[cut].sum()),) * 2
    if name == "cut-edges":
        group = kept_together(view, units, borders.pairs)
        ends = np.sort(np.stack([group[one[cut]], group[other[cut]]], axis=1), axis=1)
        return (float(len(np.unique(ends, axis=0))),) * 2
    raise ValueError(f"objective {name!r} is none that is known")


def within_compactness(view: View, community: str, entry: dict[str, Any]) -> Iterator[str]:
    """Check the moment of inertia of a split against the best one and the policy's slack."""
    told = entry.get("compactness")
    if entry.get("objective_of", INERTIA) == INERTIA:
        if told is not None:
            yield f"split of {community} keeps a compactness that is its objective"
        return
    if told is None:
        yield f"split of {community} does not say how compact it is"
        return
    low, high = moment_of_inertia(view, community)
    room = RELATIVE * max(1.0, low)
    if not low - room <= number(told["inertia"]) <= high + room:
        yield (
            f"split of {community}: moment of inertia {show(told['inertia'])} is written, "
            f"{low:,.6g} is right"
        )
    slack = number(view.policy["split"]["compactness_slack"])
    if differs(slack, told["slack"]):
        yield f"split of {community}: slack {show(told['slack'])} is not the policy's {slack:g}"
    limit = (1 + slack) * number(told["best"]["objective"])
    if differs(limit, told["limit"]):
        yield f"split of {community}: limit {show(told['limit'])} is written, {limit:,.6g} is right"
    if not low <= limit * (1 + RELATIVE):
        yield f"split of {community}: moment of inertia {low:,.6g} lies above {limit:,.6g}"
    bound = number(told["best"]["bound"])
    if not (np.isnan(bound) or bound <= high + room):
        yield f"split of {community}: moment of inertia {high:,.6g} is below its bound {bound:,.6g}"
