"""Rules on sites: what they forbid, what they refuse, and that rows and checks agree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.formulation import ModelBuilder
from shequ.models.siting.site_rules import (
    SiteRules,
    add_site_rules,
    check_rules,
    pairs_nearer_than,
    rule_violations,
)


def random_rules(rng: np.random.Generator, *, num_sites: int) -> SiteRules:
    """Return some rules of every kind."""
    kinds, share = rng.random(4) < 0.5, rng.random(num_sites)
    return SiteRules(
        required=share < 0.2 if kinds[0] else None,
        forbidden=share > 0.8 if kinds[1] else None,
        least=int(rng.integers(0, 3)) if kinds[2] else None,
        apart=np.array([[0, 1], [2, 4]]) if kinds[3] else None,
    )


@pytest.mark.parametrize("seed", range(30))
def test_rows_and_checks_agree_on_every_choice(seed: int) -> None:
    """A choice of sites breaks a row of the model just where the check in words objects."""
    rng = np.random.default_rng(seed)
    rules, p = random_rules(rng, num_sites=5), (None, 3)[seed % 2]
    builder = ModelBuilder("rules")
    add_site_rules(builder, builder.add_columns(np.zeros(5), upper=1, integer=True), rules, p=p)
    model = builder.build()
    for choice in itertools.product([False, True], repeat=5):
        is_open = np.array(choice)
        broken = model.violations(is_open.astype(float))
        assert bool(broken) == bool(rule_violations(is_open, rules, p=p))


@pytest.mark.parametrize(
    ("rules", "p", "message"),
    [
        (SiteRules(required=np.ones(3, dtype=bool)), 2, "3 sites are required, but only 2"),
        (
            SiteRules(required=np.ones(3, dtype=bool), forbidden=np.ones(3, dtype=bool)),
            1,
            "site 0 is required and forbidden",
        ),
        (SiteRules(forbidden=np.array([True, True, False])), 2, "p = 2 of 1 sites"),
        (SiteRules(required=np.ones(2, dtype=bool)), 1, r"shape \(2,\)"),
        (SiteRules(apart=np.array([[0, 0]])), 1, "give two different sites"),
        (SiteRules(apart=np.array([0, 1])), 1, r"expected \(pairs, 2\)"),
        (
            SiteRules(required=np.array([True, True, False]), apart=np.array([[0, 1]])),
            2,
            "sites 0 and 1 are required and too close",
        ),
        (SiteRules(least=3, most=2), None, "at least 3 sites must be open, but only 2"),
        (None, 4, "p = 4 of 3 sites"),
    ],
)
def test_rules_that_no_choice_keeps_are_refused(
    rules: SiteRules | None, p: int | None, message: str
) -> None:
    """The message names the site or the numbers that contradict each other."""
    with pytest.raises(ValueError, match=message):
        check_rules(rules, num_sites=3, p=p)


def test_sites_exactly_at_the_least_distance_are_no_pair() -> None:
    """Only points nearer than the least distance exclude each other."""
    points = np.array([[0.0, 0.0], [0.0, 5.0], [0.0, 9.9]])
    assert pairs_nearer_than(points, 5.0).tolist() == [[1, 2]]
    assert pairs_nearer_than(points, 1.0).shape == (0, 2)
