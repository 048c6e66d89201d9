"""Compiled kernels that find sets contained in others."""

from __future__ import annotations

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....compiled import inner_kernel, kernel


@inner_kernel
def is_subset(
    small_begin: int, small_end: int, big_begin: int, big_end: int, sets: IntArray
) -> bool:
    """Tell whether one sorted set is part of another."""
    at = big_begin
    for k in range(small_begin, small_end):
        member = sets[k]
        while at < big_end and sets[at] < member:
            at += 1
        if at == big_end or sets[at] != member:
            return False
        at += 1
    return True


@inner_kernel
def rarest_member(begin: int, end: int, sets: IntArray, member_ptr: IntArray) -> int:
    """Member of a set that is in the fewest sets."""
    best = sets[begin]
    for k in range(begin + 1, end):
        member = sets[k]
        if member_ptr[member + 1] - member_ptr[member] < member_ptr[best + 1] - member_ptr[best]:
            best = member
    return int(best)


@kernel
def contained(
    set_ptr: IntArray,
    sets: IntArray,
    member_ptr: IntArray,
    members: IntArray,
    costs: FloatArray,
    free: BoolArray,
) -> BoolArray:
    """Tell which sets are part of another one that costs no more; of equals the first stays."""
    num_sets = set_ptr.size - 1
    beaten = np.zeros(num_sets, dtype=np.bool_)
    for one in range(num_sets):
        begin, end = set_ptr[one], set_ptr[one + 1]
        if not free[one]:
            continue
        if end == begin:
            continue
        rarest = rarest_member(begin, end, sets, member_ptr)
        for k in range(member_ptr[rarest], member_ptr[rarest + 1]):
            other = members[k]
            size = set_ptr[other + 1] - set_ptr[other]
            if other == one or beaten[other] or not free[other] or size < end - begin:
                continue
            if costs[other] > costs[one]:
                continue
            if size == end - begin and costs[other] == costs[one] and other > one:
                continue
            if is_subset(begin, end, set_ptr[other], set_ptr[other + 1], sets):
                beaten[one] = True
                break
    return beaten


@kernel
def containing(
    set_ptr: IntArray, sets: IntArray, member_ptr: IntArray, members: IntArray
) -> BoolArray:
    """Tell which sets contain another one that stays; of equals the first stays."""
    num_sets = set_ptr.size - 1
    superfluous = np.zeros(num_sets, dtype=np.bool_)
    for one in range(num_sets):
        begin, end = set_ptr[one], set_ptr[one + 1]
        if superfluous[one] or end == begin:
            continue
        rarest = rarest_member(begin, end, sets, member_ptr)
        for k in range(member_ptr[rarest], member_ptr[rarest + 1]):
            other = members[k]
            size = set_ptr[other + 1] - set_ptr[other]
            if other == one or superfluous[other] or size < end - begin:
                continue
            if is_subset(begin, end, set_ptr[other], set_ptr[other + 1], sets):
                superfluous[other] = True
    return superfluous
