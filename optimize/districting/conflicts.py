"""Conflicts that need no solver: units, groups, parts and rules that rule every plan out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from ...models.districting.label_rules import seats_of
from ...models.districting.problem import Districting
from ...models.formulation import FloatArray, IntArray

MOST_NAMES = 5
"""Number of units that a message names."""

SLACK = 1e-6


def obvious_conflicts(problem: Districting, labels: Sequence[str]) -> list[str]:
    """
    Conflicts in words, with the names of the units that are in the way.

    Parameters
    ----------
    labels
        What each weight is called, for messages: residents, households, ...

    Returns
    -------
    list of str
        Empty if nothing obvious is in the way.
    """
    homeless = list(_without_district(problem))
    if homeless:
        return homeless
    finders = (_too_large, _wrong_total, _wrong_parts, _broken_districts)
    return [text for find in finders for text in find(problem, labels)] + list(_not_apart(problem))


def names_of(problem: Districting, nodes: IntArray) -> str:
    """Names of some nodes, the rest counted."""
    named = ", ".join(problem.name(int(i)) for i in nodes[:MOST_NAMES])
    return named + (f" and {nodes.size - MOST_NAMES} more" if nodes.size > MOST_NAMES else "")


def _without_district(problem: Districting) -> Iterator[str]:
    for node in np.flatnonzero(~problem.may_hold.any(axis=1))[:MOST_NAMES]:
        yield f"the rules leave no district for {problem.name(int(node))}"
    seats = seats_of(problem)
    for district in np.flatnonzero(~problem.may_hold.any(axis=0)):
        yield f"the rules leave no unit for district {district}"
    for seat in np.unique(seats[seats >= 0]):
        districts = np.flatnonzero(seats == seat)
        if districts.size > 1:
            listed = ", ".join(str(d) for d in districts)
            yield f"{problem.name(int(seat))} is the seat of districts {listed}"


def _too_large(problem: Districting, labels: Sequence[str]) -> Iterator[str]:
    most = np.where(problem.may_hold[:, :, None], problem.district_upper[None], -np.inf).max(axis=1)
    for i, w in np.argwhere(problem.weights > most + SLACK)[:MOST_NAMES]:
        yield (
            f"{problem.name(int(i))} alone has {problem.weights[i, w]:,.0f} {labels[w]}, more than "
            f"a district may have ({most[i, w]:,.0f})"
        )


def _wrong_total(problem: Districting, labels: Sequence[str]) -> Iterator[str]:
    total, k = problem.weights.sum(axis=0), problem.num_districts
    least, most = problem.district_lower.sum(axis=0), problem.district_upper.sum(axis=0)
    for w, label in enumerate(labels):
        if total[w] > most[w] + SLACK:
            yield (
                f"{total[w]:,.0f} {label} do not fit into {k} districts of at most "
                f"{_shown(problem.district_upper[:, w])}"
            )
        if total[w] < least[w] - SLACK:
            yield (
                f"{total[w]:,.0f} {label} are too few for {k} districts of at least "
                f"{_shown(problem.district_lower[:, w])}"
            )


def _shown(bounds: FloatArray) -> str:
    low, high = float(bounds.min()), float(bounds.max())
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _wrong_parts(problem: Districting, labels: Sequence[str]) -> Iterator[str]:
    """Parts of the graph that do not touch: too many, or one that districts cannot fill."""
    num_parts, part = connected_components(problem.graph, directed=False)
    if num_parts == 1:
        return
    sizes = np.bincount(part)
    if num_parts > problem.num_districts:
        rest = np.flatnonzero(part != np.argmax(sizes))
        yield (
            f"it falls into {num_parts} parts that do not touch, more than its "
            f"{problem.num_districts} districts (outside the largest part: "
            f"{names_of(problem, rest)})"
        )
        return
    least, most = problem.district_lower.min(axis=0), problem.district_upper.max(axis=0)
    fitting = problem.num_districts - num_parts + 1
    counts = np.arange(1, fitting + 1)[:, None]
    for number in np.argsort(sizes):
        members = np.flatnonzero(part == number)
        load = problem.weights[members].sum(axis=0)
        fits = (counts * least <= load + SLACK) & (load <= counts * most + SLACK)
        if not fits.all(axis=1).any():
            loads = " and ".join(f"{load[w]:,.0f} {labels[w]}" for w in range(len(labels)))
            yield (
                f"{names_of(problem, members)} touch no other unit and have {loads}, which no "
                f"number of districts can hold"
            )


def _broken_districts(problem: Districting, labels: Sequence[str]) -> Iterator[str]:
    """Districts whose own rules contradict each other."""
    if problem.rules is None:
        return
    fixed = problem.may_hold.sum(axis=1) == 1
    for district in range(problem.num_districts):
        may = problem.may_hold[:, district]
        own, inside = np.flatnonzero(fixed & may), np.flatnonzero(may)
        part = connected_components(problem.graph[inside][:, inside], directed=False)[1]
        own_part = part[np.searchsorted(inside, own)]
        yield from _too_heavy_locks(problem, labels, district, own)
        if np.unique(own_part).size > 1:
            apart = own[own_part != own_part[0]]
            yield (
                f"district {district} must hold {problem.name(int(own[0]))} and "
                f"{names_of(problem, apart)}, which no units that may belong to it connect"
            )
        elif not may.all():
            parts = [part == own_part[0]] if own.size else [part == one for one in np.unique(part)]
            reachable = [problem.weights[inside[nodes]].sum(axis=0) for nodes in parts]
            yield from _too_light_parts(problem, labels, district, np.max(reachable, axis=0))


def _too_heavy_locks(
    problem: Districting, labels: Sequence[str], district: int, own: IntArray
) -> Iterator[str]:
    held, most = problem.weights[own].sum(axis=0), problem.district_upper[district]
    for w in np.flatnonzero(held > most + SLACK):
        if own.size > 1:
            yield (
                f"district {district} must hold {names_of(problem, own)}, together "
                f"{held[w]:,.0f} {labels[int(w)]}, more than it may have ({most[w]:,.0f})"
            )


def _too_light_parts(
    problem: Districting, labels: Sequence[str], district: int, possible: FloatArray
) -> Iterator[str]:
    least = problem.district_lower[district]
    for w in np.flatnonzero(possible < least - SLACK):
        yield (
            f"the units that may belong to district {district} and hang together have "
            f"{possible[w]:,.0f} {labels[int(w)]}, fewer than it must have ({least[w]:,.0f})"
        )


def _not_apart(problem: Districting) -> Iterator[str]:
    """Pairs that must be apart and are held in one district."""
    if problem.rules is None or problem.rules.apart is None:
        return
    single = problem.may_hold.sum(axis=1) == 1
    for one, other in problem.rules.apart:
        same = np.array_equal(problem.may_hold[one], problem.may_hold[other])
        if one == other or (single[one] and single[other] and same):
            yield (
                f"{problem.name(int(one))} and {problem.name(int(other))} must be apart and in the "
                "same district"
            )
