"""Which circle of daily life each unit lies in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...instances.city import City
from ...models.formulation import IntArray


def circles_of_units(city: City, column: str) -> tuple[IntArray, pd.DataFrame]:
    """
    Return the circle of each unit, and the circles of a column.

    Raises
    ------
    ValueError
        If neither the units nor the communities have such a column, or it is empty.
    """
    units = city.units
    if column in units:
        ids = units[column]
    elif column in city.communities:
        ids = city.communities[column].iloc[city.unit_community_idx].reset_index(drop=True)
    else:
        known = [str(name) for name in units.columns if name != "geometry"]
        raise ValueError(
            f"--circles {column}: the layer units has no such column; choose {', '.join(known)}."
        )
    given = ids.notna() & (ids.astype(str) != "")
    if not given.any():
        raise ValueError(f"--circles {column}: the column is empty; choose another one.")
    texts = ids.astype(str).where(given)
    codes, names = pd.factorize(texts, sort=True)
    inside = codes >= 0
    residents = np.bincount(codes[inside], units["residents"].to_numpy(float)[inside], len(names))
    circles = pd.DataFrame(
        {
            "circle_id": np.asarray(names, dtype=object),
            "name": _names(city, column, names),
            "residents": np.rint(residents).astype(int),
            "units": np.bincount(codes[inside], minlength=len(names)),
        }
    )
    return codes.astype(np.int64), circles


def _names(city: City, column: str, ids: Sequence[str]) -> list[str]:
    """Names of communities where the circles are such, else the ids."""
    if column != "community_id" or "name" not in city.communities:
        return [str(one) for one in ids]
    pairs = zip(city.communities["community_id"].astype(str), city.communities["name"], strict=True)
    names = {key: name for key, name in pairs if isinstance(name, str) and name}
    return [names.get(str(one), str(one)) for one in ids]
