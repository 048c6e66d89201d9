"""Conflicts that need no solver: units, groups, parts and rules that rule every plan out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from ...instances.notes import Note, named, note
from ...models.districting.label_rules import seats_of
from ...models.districting.problem import Districting
from ...models.formulation import FloatArray, IntArray

MOST_NAMES = 5
"""Number of units that a message names."""

SLACK = 1e-6


def obvious_conflicts(problem: Districting, labels: Sequence[str]) -> list[Note]:
    """
    Conflicts, with the names of the units that are in the way.

    Parameters
    ----------
    labels
        What each weight is called, for messages: residents, households, ...

    Returns
    -------
    list of Note
        Empty if nothing obvious is in the way.
    """
    homeless = list(_without_district(problem))
    if homeless:
        return homeless
    finders = (_too_large, _wrong_total, _wrong_parts, _broken_districts)
    return [told for find in finders for told in find(problem, labels)] + list(_not_apart(problem))


def names_of(problem: Districting, nodes: IntArray) -> Note:
    """Names of some nodes, the rest counted."""
    names = ", ".join(problem.name(int(i)) for i in nodes[:MOST_NAMES])
    more = nodes.size - MOST_NAMES
    return note("names_more", names=names, count=more) if more > 0 else note("names", names=names)


def _called(labels: Sequence[str], weight: int) -> Note | str:
    """Return what a weight is called."""
    return named("amount", labels[weight])


def _without_district(problem: Districting) -> Iterator[Note]:
    for node in np.flatnonzero(~problem.may_hold.any(axis=1))[:MOST_NAMES]:
        yield note("unit_without_district", unit=problem.name(int(node)))
    seats = seats_of(problem)
    for district in np.flatnonzero(~problem.may_hold.any(axis=0)):
        yield note("district_without_unit", district=district)
    for seat in np.unique(seats[seats >= 0]):
        districts = np.flatnonzero(seats == seat)
        if districts.size > 1:
            listed = ", ".join(str(d) for d in districts)
            yield note("seat_of_several", unit=problem.name(int(seat)), districts=listed)


def _too_large(problem: Districting, labels: Sequence[str]) -> Iterator[Note]:
    most = np.where(problem.may_hold[:, :, None], problem.district_upper[None], -np.inf).max(axis=1)
    for i, w in np.argwhere(problem.weights > most + SLACK)[:MOST_NAMES]:
        yield note(
            "unit_too_large",
            unit=problem.name(int(i)),
            amount=problem.weights[i, w],
            what=_called(labels, int(w)),
            most=most[i, w],
        )


def _wrong_total(problem: Districting, labels: Sequence[str]) -> Iterator[Note]:
    total, k = problem.weights.sum(axis=0), problem.num_districts
    least, most = problem.district_lower.sum(axis=0), problem.district_upper.sum(axis=0)
    for w in range(len(labels)):
        facts = {"amount": total[w], "what": _called(labels, w), "districts": k}
        if total[w] > most[w] + SLACK:
            yield note("districts_too_small", **facts, most=_shown(problem.district_upper[:, w]))
        if total[w] < least[w] - SLACK:
            yield note("districts_too_many", **facts, least=_shown(problem.district_lower[:, w]))


def _shown(bounds: FloatArray) -> Note:
    low, high = float(bounds.min()), float(bounds.max())
    return note("amount", value=low) if low == high else note("amounts", low=low, high=high)


def _wrong_parts(problem: Districting, labels: Sequence[str]) -> Iterator[Note]:
    """Parts of the graph that do not touch: too many, or one that districts cannot fill."""
    num_parts, part = connected_components(problem.graph, directed=False)
    if num_parts == 1:
        return
    sizes = np.bincount(part)
    if num_parts > problem.num_districts:
        rest = np.flatnonzero(part != np.argmax(sizes))
        yield note(
            "more_parts_than_districts",
            parts=num_parts,
            districts=problem.num_districts,
            units=names_of(problem, rest),
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
            loads = [
                note("amount_of", amount=load[w], what=_called(labels, w))
                for w in range(len(labels))
            ]
            yield note("part_of_wrong_size", units=names_of(problem, members), loads=loads)


def _broken_districts(problem: Districting, labels: Sequence[str]) -> Iterator[Note]:
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
            yield note(
                "locked_apart",
                district=district,
                unit=problem.name(int(own[0])),
                units=names_of(problem, apart),
            )
        elif not may.all():
            parts = [part == own_part[0]] if own.size else [part == one for one in np.unique(part)]
            reachable = [problem.weights[inside[nodes]].sum(axis=0) for nodes in parts]
            yield from _too_light_parts(problem, labels, district, np.max(reachable, axis=0))


def _too_heavy_locks(
    problem: Districting, labels: Sequence[str], district: int, own: IntArray
) -> Iterator[Note]:
    held, most = problem.weights[own].sum(axis=0), problem.district_upper[district]
    for w in np.flatnonzero(held > most + SLACK):
        if own.size > 1:
            yield note(
                "locked_too_heavy",
                district=district,
                units=names_of(problem, own),
                amount=held[w],
                what=_called(labels, int(w)),
                most=most[w],
            )


def _too_light_parts(
    problem: Districting, labels: Sequence[str], district: int, possible: FloatArray
) -> Iterator[Note]:
    least = problem.district_lower[district]
    for w in np.flatnonzero(possible < least - SLACK):
        yield note(
            "district_too_light",
            district=district,
            amount=possible[w],
            what=_called(labels, int(w)),
            least=least[w],
        )


def _not_apart(problem: Districting) -> Iterator[Note]:
    """Pairs that must be apart and are held in one district."""
    if problem.rules is None or problem.rules.apart is None:
        return
    single = problem.may_hold.sum(axis=1) == 1
    for one, other in problem.rules.apart:
        same = np.array_equal(problem.may_hold[one], problem.may_hold[other])
        if one == other or (single[one] and single[other] and same):
            yield note(
                "apart_and_together", one=problem.name(int(one)), other=problem.name(int(other))
            )
