"""Real cities: the fewest sites from which everybody walks fifteen minutes at most."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse

from ...models.siting.set_covering import SetCovering
from ..registry import Case, register_case
from .published_siting import LEAST_LIMIT, TARGET

SIZES = {"kaohsiung": (4105, 1306), "taipei": (11361, 2210)}
"""Units that some site reaches along the streets, and sites."""


def city_cover(data: Path, *, city: str) -> SetCovering:
    """Return set covering of the units that some site reaches, by sites of today or new ones."""
    from ...instances.city import read_city  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.policy import Policy  # noqa: PLC0415
    from ...instances.walking import walking_times  # noqa: PLC0415

    walks = walking_times(read_city(data / "cities" / city / "city.gpkg"), Policy())
    covers = sparse.csr_array(walks.minutes.T)
    covers = sparse.csr_array(covers[np.diff(covers.indptr) > 0])
    covers.data[:] = 1.0
    return SetCovering(covers, np.ones(walks.num_sites))


for name, (units, sites) in SIZES.items():
    register_case(
        Case(
            name=f"set-covering/{name}-15-minutes",
            family="set-covering",
            load=partial(city_cover, city=name),
            size={"clients": units, "sites": sites},
            tags=frozenset({"published", "real", TARGET}),
            needs=f"cities/{name}/city.gpkg",
            where="Taiwan government open data",
            target_seconds=LEAST_LIMIT,
            time_limit=LEAST_LIMIT,
        )
    )
