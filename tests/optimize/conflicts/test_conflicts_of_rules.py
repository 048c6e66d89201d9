"""Irreducible sets and cheapest relaxations, against all subsets of the rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.formulation import ModelBuilder
from shequ.optimize.conflicts import (
    GroupedModel,
    RuleGroup,
    cheapest_relaxation,
    find_conflict,
    find_conflicts,
)
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model

LIMITS = Limits(20.0)


def random_rules(seed: int) -> GroupedModel:
    """Return a small integer program whose rows and bounds are rules, often clashing."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder("rules")
    x = builder.add_columns(np.zeros(3), upper=4, integer=[True, True, False])
    sides = rng.integers(-3, 4, size=(6, 3)).astype(float)
    sides[:, 0] += sides.sum(axis=1) == 0
    limits = rng.integers(-4, 8, size=6).astype(float)
    for row, (side, limit) in enumerate(zip(sides, limits, strict=True)):
        bound = {"lower": [limit]} if row % 2 else {"upper": [limit]}
        builder.add_rows(np.zeros(3, dtype=int), x, side, **bound)
    model = builder.build()
    model.lower[0], model.upper[1] = 2.0, 1.0  # bounds that are rules
    groups = [RuleGroup(f"row {r}", rows=np.array([r]), price=1.0 + r) for r in range(4)]
    groups.append(RuleGroup("rows 4 and 5", rows=np.array([4, 5]), price=0.5))
    groups.append(RuleGroup("x0 at least 2", columns=np.array([0]), price=2.0))
    groups.append(RuleGroup("x1 at most 1", columns=np.array([1]), price=3.0))
    return GroupedModel(model, tuple(groups), np.zeros(3), np.full(3, 4.0))


def candidates(grouped: GroupedModel) -> list[np.ndarray]:
    """
    Points one of which is best: whole x0 and x1, and x2 where a row meets its bound, or at an end.

    For given x0 and x1 the price is convex and piecewise linear in x2, with its kinks there.
    """
    model = grouped.model
    matrix = model.rows.toarray()
    limit = np.where(np.isfinite(model.row_lower), model.row_lower, model.row_upper)
    points = []
    for whole in itertools.product(range(5), range(5)):
        met = limit - matrix[:, :2] @ np.array(whole)
        kinks = met[matrix[:, 2] != 0] / matrix[matrix[:, 2] != 0, 2]
        points += [np.array([*whole, c]) for c in np.clip(np.r_[kinks, 0, 4], 0, 4)]
    return points


def can_be_kept(grouped: GroupedModel, rules: frozenset[int]) -> bool:
    """Ask a solver that is not the one under test."""
    status = solve_model(grouped.with_groups(rules), solver="scip", limits=LIMITS).status
    assert status in {Status.OPTIMAL, Status.INFEASIBLE}
    return status is Status.OPTIMAL


def irreducible_sets(grouped: GroupedModel) -> set[frozenset[int]]:
    """Find all irreducible sets by looking at every subset of the rules."""
    subsets = [
        frozenset(chosen)
        for size in range(len(grouped.groups) + 1)
        for chosen in itertools.combinations(range(len(grouped.groups)), size)
    ]
    found: set[frozenset[int]] = set()
    for subset in subsets:
        if not any(one <= subset for one in found) and not can_be_kept(grouped, subset):
            found.add(subset)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_conflict_is_one_of_the_irreducible_sets(seed: int) -> None:
    """What is found is irreducible by brute force; nothing is found where rules can be kept."""
    grouped = random_rules(seed)
    all_sets = irreducible_sets(grouped)
    found = find_conflict(grouped, limits=LIMITS)
    if not all_sets:
        assert found.status is Status.FEASIBLE
        return
    assert found.status is Status.INFEASIBLE
    (conflict,) = found.conflicts
    assert frozenset(conflict.rules) in all_sets
    assert conflict.is_irreducible
    for rule, witness in zip(conflict.rules, conflict.witnesses, strict=True):
        assert witness is not None
        rest = set(conflict.rules) - {rule}
        assert grouped.with_groups(rest).violations(witness) == []


@pytest.mark.parametrize("seed", range(12))
def test_after_all_conflicts_the_rest_can_be_kept(seed: int) -> None:
    """Every conflict is irreducible, and without what was given up the others can be kept."""
    grouped = random_rules(seed)
    all_sets = irreducible_sets(grouped)
    found = find_conflicts(grouped, give_up=lambda rule: rule.price <= 2.0, limits=LIMITS)
    assert found.status is (Status.INFEASIBLE if all_sets else Status.FEASIBLE)
    assert all(frozenset(conflict.rules) in all_sets for conflict in found.conflicts)
    assert can_be_kept(grouped, grouped.all_groups - set(found.given_up))


@pytest.mark.parametrize("seed", range(12))
def test_no_relaxation_is_cheaper(seed: int) -> None:
    """The weighted amount is that of the best point by enumeration, and is attained."""
    grouped = random_rules(seed)
    best = cheapest_relaxation(grouped, limits=LIMITS)
    assert best.result.status is Status.OPTIMAL
    assert best.result.objective is not None
    model = grouped.model

    def price(values: np.ndarray) -> float:
        activity = model.rows @ values
        missed = np.maximum(model.row_lower - activity, activity - model.row_upper).clip(0)
        beyond = np.maximum(model.lower - values, values - model.upper).clip(0)
        return float(
            sum(
                group.price * (missed[group.rows].sum() + beyond[group.columns].sum())
                for group in grouped.groups
            )
        )

    least = min(price(values) for values in candidates(grouped))
    assert best.result.objective == pytest.approx(least, abs=1e-6)
    assert best.result.solution is not None
    assert price(best.result.solution) == pytest.approx(best.result.objective, abs=1e-6)


def test_integrality_alone_can_clash() -> None:
    """Rules that only whole numbers break are found, and a rule that plays no part is not."""
    builder = ModelBuilder("parity")
    x = builder.add_columns([0.0, 0.0], upper=10, integer=True)
    builder.add_rows([0, 0, 1, 2], [x[0], x[1], x[0], x[1]], [2, 2, 1, 1], lower=[3, 0, 0],
                     upper=[3, 4, 10])  # fmt: skip
    groups = [RuleGroup(name, rows=np.array([r])) for r, name in enumerate("abc")]
    found = find_conflict(GroupedModel(builder.build(), tuple(groups)))
    assert found.conflicts[0].rules == (0,)
    assert found.conflicts[0].is_irreducible


def test_rules_that_may_not_be_relaxed_make_it_impossible() -> None:
    """If the hard rules clash by themselves, no relaxation of the others helps: proven."""
    builder = ModelBuilder("hard")
    x = builder.add_columns([0.0], upper=10)
    builder.add_rows([0, 1, 2], [x[0]] * 3, 1, lower=[5, -np.inf, 1], upper=[np.inf, 4, np.inf])
    groups = tuple(RuleGroup(name, rows=np.array([r])) for r, name in enumerate("abc"))
    grouped = GroupedModel(builder.build(), groups)
    assert cheapest_relaxation(grouped, soft={2}).result.status is Status.INFEASIBLE
    best = cheapest_relaxation(grouped, soft={0, 2})
    assert best.amounts == pytest.approx({0: 1.0})
    assert best.result.status is Status.OPTIMAL


def test_a_row_of_two_rules_is_refused() -> None:
    """A row belongs to one rule, and a price is above 0."""
    builder = ModelBuilder("twice")
    x = builder.add_columns([0.0])
    builder.add_rows([0], x, 1, lower=[1.0])
    rule = RuleGroup("a", rows=np.array([0]))
    with pytest.raises(ValueError, match="two rules"):
        GroupedModel(builder.build(), (rule, rule))
    with pytest.raises(ValueError, match="above 0"):
        RuleGroup("free", price=0.0)
