"""Which communities the policy splits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...instances.policy import Policy
from ...models.formulation import BoolArray


def over_threshold(communities: pd.DataFrame, policy: Policy) -> BoolArray:
    """
    Return whether each community is over a threshold at which the policy splits.

    Parameters
    ----------
    communities
        One row each with the column ``tier`` of the audit.
    policy
        The rules.
    """
    tiers = {"mandatory"} | ({"gradual"} if policy.split.tier == "gradual" else set())
    return np.asarray(communities["tier"].isin(tiers), dtype=bool)
