"""
How evenly money is spent: amounts per resident of places, and what stands for all of them.

The Lorenz curve (Lorenz 1905) joins the shares of residents, those of the places with the least
money per resident first, to the shares of the money. The Gini coefficient (Gini 1912) is twice the
area between it and the diagonal: 0 where every place has the same per resident, near 1 where one
small place has all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .formulation import FloatArray
from .siting.allocation import check_numbers


@dataclass(frozen=True, eq=False)
class Evenness:
    """
    How evenly amounts lie over residents.

    Parameters
    ----------
    per_resident
        Amount per resident of each place, NaN without residents, shape (places,).
    mean
        Amount per resident of all places together.
    gini
        Gini coefficient; 0 where nothing is spent.
    least, most
        Smallest and largest amount per resident.
    ratio
        Largest by smallest; infinite if the smallest is 0 and the largest is not.
    residents_share, amount_share
        Corners of the Lorenz curve, both from 0 to 1, shape (places with residents + 1,).
    """

    per_resident: FloatArray
    mean: float
    gini: float
    least: float
    most: float
    ratio: float
    residents_share: FloatArray
    amount_share: FloatArray

    def amount_of(self, share: float) -> float:
        """Share of the money of the share of residents who get the least."""
        return float(np.interp(share, self.residents_share, self.amount_share))


def evenness(amounts: FloatArray, residents: FloatArray) -> Evenness:
    """
    Tell how evenly amounts lie over the residents of places.

    Parameters
    ----------
    amounts, residents
        Of each place, shape (places,). What is spent where nobody lives counts for nobody.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, or nobody lives anywhere.

    Examples
    --------
    >>> found = evenness(np.array([0.0, 30.0]), np.array([10.0, 10.0]))
    >>> found.gini, found.most, found.amount_of(0.5)
    (0.5, 3.0, 0.0)
    """
    check_numbers("amounts", amounts, shape=residents.shape)
    check_numbers("residents", residents, shape=residents.shape)
    some = residents > 0
    if not some.any():
        raise ValueError("no place has residents; nothing can be said per resident.")
    per_resident = np.where(some, amounts / np.where(some, residents, 1.0), np.nan)
    order = np.flatnonzero(some)[np.argsort(per_resident[some], kind="stable")]
    people = np.r_[0.0, np.cumsum(residents[order])] / residents[some].sum()
    total = float(amounts[some].sum())
    money = np.r_[0.0, np.cumsum(amounts[order])] / total if total > 0 else people.copy()
    area = float(np.sum(np.diff(people) * (money[1:] + money[:-1]) / 2))
    least, most = float(np.nanmin(per_resident)), float(np.nanmax(per_resident))
    return Evenness(
        per_resident=per_resident,
        mean=total / float(residents[some].sum()),
        gini=max(0.0, 1 - 2 * area),
        least=least,
        most=most,
        ratio=most / least if least > 0 else (np.inf if most > 0 else 1.0),
        residents_share=people,
        amount_share=money,
    )
