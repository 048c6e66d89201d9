"""Compiled kernels that move the years of facilities at random, at falling temperature."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...models.formulation import FloatArray, IntArray
from ..compiled import (
    Random,
    inner_kernel,
    kernel,
    random_below,
    random_threshold,
    random_unit,
)

PRICE = 1e-3
"""Residents that a unit of money counts for, so that less is spent where nothing is lost."""


class Field(NamedTuple):
    """
    What does not change: who reaches whom, money, circles.

    ``unit_ptr, units`` list the units of each facility, ``near_ptr, near`` the facilities of each
    unit and category (row ``unit * categories + category``). ``free`` are the facilities that may
    be built. ``money`` is what may be spent up to each year, or in it.
    """

    unit_ptr: IntArray
    units: IntArray
    near_ptr: IntArray
    near: IntArray
    free: IntArray
    category: IntArray
    costs: FloatArray
    site: IntArray
    areas: FloatArray
    room: FloatArray
    residents: FloatArray
    circle: IntArray
    circle_residents: FloatArray
    needed: FloatArray
    weights: FloatArray
    targets: IntArray
    money: FloatArray
    options: FloatArray
    """Bonus of a circle, number of categories, 1.0 if money carries over."""


class Position(NamedTuple):
    """
    One solution, and what follows from it.

    ``years`` holds 0 for today and T + 1 for never. ``times`` is the number of facilities of a
    category within reach of a unit in a year, ``kinds`` that of categories within reach; ``served``
    are residents with all, ``soft`` counts those with some by their share of the categories.
    """

    years: IntArray
    times: IntArray
    kinds: IntArray
    served: FloatArray
    soft: FloatArray
    known: IntArray
    spent: FloatArray
    used: FloatArray
    value: FloatArray
    """Objective without the bonus, soft part of it, cost."""


@inner_kernel
def soft_value(f: Field, s: Position, year: int, circle: int) -> float:
    """Value of a circle that is not whole: the square of the share that it has."""
    part = min(1.0, s.soft[year, circle] / max(f.needed[circle], 1e-9))
    return float(f.weights[year] * f.circle_residents[circle] * part * part)


@inner_kernel
def meet(f: Field, s: Position, year: int, unit: int, change: int) -> None:
    """Give a unit a category more within reach in a year, or take one away."""
    circle = f.circle[unit]
    num = int(f.options[1])
    s.value[1] -= soft_value(f, s, year, circle)
    before = s.served[year, circle] >= f.needed[circle]
    if change > 0:
        s.kinds[year, unit] += 1
        if s.kinds[year, unit] == num:
            s.served[year, circle] += f.residents[unit]
    else:
        if s.kinds[year, unit] == num:
            s.served[year, circle] -= f.residents[unit]
        s.kinds[year, unit] -= 1
    s.soft[year, circle] += change * f.residents[unit] / num
    after = s.served[year, circle] >= f.needed[circle]
    s.value[1] += soft_value(f, s, year, circle)
    if before != after:
        sign = 1 if after else -1
        s.known[year] += sign
        s.value[0] += sign * f.weights[year] * f.circle_residents[circle]


@inner_kernel
def shift(f: Field, s: Position, facility: int, year: int) -> None:
    """Move a facility to another year, 1..T, or T + 1 for never."""
    old, last = s.years[facility], f.money.size + 1
    if old == year:
        return
    change = 1 if year < old else -1
    first, end = (year, old) if change > 0 else (old, year)
    category = f.category[facility]
    for t in range(first - 1, end - 1):
        for k in range(f.unit_ptr[facility], f.unit_ptr[facility + 1]):
            unit = f.units[k]
            if change > 0:
                s.times[t, category, unit] += 1
                if s.times[t, category, unit] == 1:
                    meet(f, s, t, unit, 1)
            else:
                s.times[t, category, unit] -= 1
                if s.times[t, category, unit] == 0:
                    meet(f, s, t, unit, -1)
    for moved, sign in ((old, -1.0), (year, 1.0)):
        if 1 <= moved < last:
            s.spent[moved - 1] += sign * f.costs[facility]
            s.value[2] += sign * f.costs[facility]
            if f.site[facility] >= 0:
                s.used[f.site[facility]] += sign * f.areas[facility]
    s.years[facility] = year


@kernel
def build_all(f: Field, s: Position, years: IntArray) -> None:
    """Move every facility to its year, 1..T, or T + 1 for never."""
    for facility in range(years.size):
        shift(f, s, facility, years[facility])


@inner_kernel
def affordable(f: Field, s: Position) -> bool:
    """Whether no year spends more than it may."""
    total = 0.0
    for t in range(f.money.size):
        total = total + s.spent[t] if f.options[2] > 0 else s.spent[t]
        if total > f.money[t] + 1e-9 * (1.0 + f.money[t]):
            return False
    return True


@inner_kernel
def has_room(f: Field, s: Position, facility: int) -> bool:
    """Whether the site of a facility holds no more than it can."""
    site = f.site[facility]
    return bool(site < 0 or s.used[site] <= f.room[site] + 1e-6)


@inner_kernel
def objective(f: Field, s: Position) -> float:
    """Weighted residents less the bonus of missing circles."""
    short = 0.0
    for t in range(f.money.size):
        short += max(0.0, float(f.targets[t] - s.known[t]))
    return float(s.value[0] - f.options[0] * short)


@inner_kernel
def neighbour(f: Field, facility: int, random: Random) -> int:
    """Draw a facility of the same category that reaches one of the same units, or any."""
    begin, end = f.unit_ptr[facility], f.unit_ptr[facility + 1]
    if end == begin or random_unit(random) > 0.8:
        return int(f.free[random_below(random, f.free.size)])
    unit = f.units[begin + random_below(random, end - begin)]
    category = f.category[facility]
    if random_unit(random) < 0.25:
        category = random_below(random, int(f.options[1]))
    row = unit * int(f.options[1]) + category
    first, last = f.near_ptr[row], f.near_ptr[row + 1]
    if last == first:
        return facility
    return int(f.near[first + random_below(random, last - first)])


class Built(NamedTuple):
    """
    Which facilities are built: a list to draw from.

    ``number[0]`` of ``listed`` count; ``place`` is where a facility stands in it, -1 if not.
    """

    listed: IntArray
    place: IntArray
    number: IntArray


@inner_kernel
def enlist(b: Built, facility: int, is_built: bool) -> None:
    """Take a facility into the list, or out of it."""
    if is_built and b.place[facility] < 0:
        b.listed[b.number[0]], b.place[facility] = facility, b.number[0]
        b.number[0] += 1
    elif not is_built and b.place[facility] >= 0:
        b.number[0] -= 1
        moved = b.listed[b.number[0]]
        b.listed[b.place[facility]] = moved
        b.place[moved] = b.place[facility]
        b.place[facility] = -1


@inner_kernel
def draw_move(f: Field, s: Position, b: Built, move: IntArray, random: Random) -> bool:
    """
    Draw a move: facility and year, and those of another facility, -1 for none.

    It builds, drops or delays one facility, exchanges the years of two that are built, or builds
    one in place of another. Tells whether it changes anything.
    """
    never, number, draw = f.money.size + 1, b.number[0], random_unit(random)
    move[2] = -1
    if number == 0 or draw < 0.2:
        move[0] = f.free[random_below(random, f.free.size)]
        if number and random_unit(random) < 0.7:
            move[0] = neighbour(f, b.listed[random_below(random, number)], random)
        move[1] = 1 + random_below(random, f.money.size)
        return bool(s.years[move[0]] != move[1])
    move[0] = b.listed[random_below(random, number)]
    if draw < 0.3:
        move[1] = never
        return True
    if draw < 0.35:
        move[1] = 1 + random_below(random, f.money.size)
        return bool(s.years[move[0]] != move[1])
    if draw < 0.4:
        move[2] = b.listed[random_below(random, number)]
        move[1], move[3] = s.years[move[2]], s.years[move[0]]
        return bool(move[1] != move[3])
    move[2] = neighbour(f, move[0], random)
    move[1], move[3] = never, s.years[move[0]]
    return bool(move[2] != move[0] and s.years[move[2]] == never)


@inner_kernel
def try_move(
    f: Field, s: Position, move: IntArray, soft: float, heat: float, random: Random
) -> bool:
    """Make a move, and take it back if it does not fit or costs more than heat allows."""
    one, other = move[0], move[2]
    old_one, old_other = s.years[one], s.years[max(other, 0)]
    before = objective(f, s) + soft * s.value[1] - PRICE * s.value[2]
    shift(f, s, one, move[1])
    if other >= 0:
        shift(f, s, other, move[3])
    fits = affordable(f, s) and has_room(f, s, one) and (other < 0 or has_room(f, s, other))
    if fits:
        after = objective(f, s) + soft * s.value[1] - PRICE * s.value[2]
        if before - after <= random_threshold(random, heat):
            return True
    if other >= 0:
        shift(f, s, other, old_other)
    shift(f, s, one, old_one)
    return False


@kernel
def anneal(
    f: Field,
    s: Position,
    best: IntArray,
    steps: int,
    warm: float,
    cold: float,
    random: Random,
) -> float:
    """
    Anneal from a position; the best years found are written to ``best``.

    While it is warm, circles that are partly served count in part.

    Returns
    -------
    float
        Objective of ``best``.
    """
    never = f.money.size + 1
    b = Built(
        np.empty(f.free.size + 1, dtype=np.int64),
        np.full(s.years.size, -1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )
    for facility in f.free:
        enlist(b, facility, s.years[facility] < never)
    top, low = objective(f, s), s.value[2]
    best[:] = s.years
    move = np.empty(4, dtype=np.int64)
    for step in range(steps):
        done = step / steps
        if not draw_move(f, s, b, move, random):
            continue
        if not try_move(
            f, s, move, 0.5 * (1.0 - done) + 0.01, warm * (cold / warm) ** done, random
        ):
            continue
        enlist(b, move[0], s.years[move[0]] < never)
        if move[2] >= 0:
            enlist(b, move[2], s.years[move[2]] < never)
        value = objective(f, s)
        if value > top + 1e-6 or (value > top - 1e-6 and s.value[2] < low - 1e-9):
            top, low = value, s.value[2]
            best[:] = s.years
    return float(top)
