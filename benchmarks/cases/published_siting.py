"""
Published medians, centres and covers, read from where the user has them.

Values come from the ``optima.csv`` of the folder; :mod:`.published_costs` has the instances with
costs and capacities.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ...instances.readers import mclp, orlib, tsplib
from ...instances.readers.optima import Optimum, read_optima
from ..registry import Case, Known, register_case

Read = Callable[[Path], Any]
ORLIB = "the OR-Library of J. E. Beasley"
TSPLIB = "TSPLIB of G. Reinelt"
FOLDER = "siting"
TARGET = "siting-target"
"""Tag of the cases with a target, or a limit of their own where a proof is open."""

LEAST_LIMIT = 60.0
"""Time limit in seconds of cases whose target is shorter."""


@functools.cache
def _optima(folder: Path) -> dict[tuple[str, str, int | None], Optimum]:
    return read_optima(folder) if (folder / "optima.csv").is_file() else {}


def find_best(
    data: Path, *, families: tuple[str, ...], instance: str, p: int | None
) -> Known | None:
    """Look a published value up, with p or without."""
    optima = _optima(data / FOLDER)
    for family in families:
        for key in ((family, instance, p), (family, instance, None)):
            if key in optima:
                found = optima[key]
                return Known(found.value, found.proven, found.source)
        same = [value for (f, name, _), value in optima.items() if (f, name) == (family, instance)]
        if p is None and len(same) == 1:
            return Known(same[0].value, same[0].proven, same[0].source)
    return None


def add(
    family: str,
    name: str,
    file: str,
    read: Read,
    *,
    size: dict[str, int],
    optima: tuple[str, ...],
    instance: str,
    p: int | None = None,
    where: str = ORLIB,
    tags: tuple[str, ...] = (),
    target: float | None = None,
    time_limit: float | None = None,
) -> None:
    """
    Register one published instance.

    Parameters
    ----------
    family, name, file, read
        What it is and how its file is read.
    size
        Clients and sites.
    optima, instance, p
        Families, instance and p by which ``optima.csv`` knows its value.
    where
        Where the file can be had.
    tags
        Tags beside ``published``.
    target
        Seconds within which a proof is aimed at.
    time_limit
        Its own limit in the suite of targets; None for the target, a minute at least.
    """

    def load(data: Path) -> Any:  # noqa: ANN401 - each family has its own
        return read(data / FOLDER / file)

    limit = time_limit if target is None else max(target, time_limit or LEAST_LIMIT)
    register_case(
        Case(
            name=f"{family}/{name}",
            family=family,
            load=load,
            size=size,
            tags=frozenset({"published", *tags, *([TARGET] if limit else [])}),
            find_best=partial(find_best, families=optima, instance=instance, p=p),
            needs=f"{FOLDER}/{file}",
            where=where,
            target_seconds=target,
            time_limit=limit,
        )
    )


# number of nodes, then p, as tabled by Beasley (1985), "A note on solving large p-median problems"
PMED: tuple[tuple[int, tuple[int, ...]], ...] = (
    (100, (5, 10, 10, 20, 33)),
    (200, (5, 10, 20, 40, 67)),
    (300, (5, 10, 30, 60, 100)),
    (400, (5, 10, 40, 80, 133)),
    (500, (5, 10, 50, 100, 167)),
    (600, (5, 10, 60, 120, 200)),
    (700, (5, 10, 70, 140)),
    (800, (5, 10, 80)),
    (900, (5, 10, 90)),
)
SHORT_PMED = 10
MEDIAN_SECONDS, CENTRE_SECONDS = 2.0, 0.2
"""Seconds for each of the forty instances: 2 each for the median, 8 together for the centre."""


def _add_pmed() -> None:
    number = 0
    for nodes, all_p in PMED:
        for p in all_p:
            number += 1
            tags = ("short",) if number <= SHORT_PMED else ()
            for family, reader, key, target in (
                ("p-median", orlib.read_p_median, "pmedian", MEDIAN_SECONDS),
                ("p-center", orlib.read_p_center, "pcenter", CENTRE_SECONDS),
            ):
                add(
                    family,
                    f"pmed{number:02}",
                    f"pmedian_orlib/pmed{number}.txt",
                    reader,
                    size={"clients": nodes, "sites": nodes},
                    optima=(key,),
                    instance=f"pmed{number}",
                    p=p,
                    tags=tags,
                    target=target,
                )


MEDIAN_TARGETS: dict[tuple[str, int], float] = {
    ("rl1304", 10): 60.0, ("rl1304", 50): 1.0, ("rl1304", 100): 15.0, ("rl1304", 500): 8.0,
    ("vm1748", 200): 8.0, ("pcb3038", 200): 120.0, ("pcb3038", 500): 120.0,
    ("rl5934", 500): 600.0,
}  # fmt: skip
"""Seconds within which a proof is aimed at."""

MEDIAN_OPEN: dict[tuple[str, int], float] = {("fl1400", 500): 600.0, ("u1432", 400): 600.0}
"""Limits in seconds of instances without a published proof."""

NODES = {
    "pr226": 226, "pr264": 264, "pr299": 299, "rl1304": 1304, "fl1400": 1400, "u1432": 1432,
    "vm1748": 1748, "d2103": 2103, "pcb3038": 3038, "fl3795": 3795, "rl5934": 5934,
}  # fmt: skip

CENTRE_SECONDS_OF_NODES = ((1500, 60.0), (4000, 120.0), (6000, 300.0))
"""Limits in seconds by the number of nodes."""


def _add_tsplib_medians() -> None:
    several = {
        "rl1304": (5, 10, 20, 50, 100, 200, 300, 400, 500),
        "vm1748": (10, 100, 200),
        "fl1400": (500,),
        "u1432": (400,),
        "pcb3038": (200, 500),
        "rl5934": (500,),
    }
    for instance, all_p in several.items():
        for p in all_p:
            add(
                "p-median",
                f"{instance}-p{p:03}",
                f"tsplib/{instance}.tsp",
                partial(tsplib.read_p_median, p=p, rounding="floor"),
                size={"clients": NODES[instance], "sites": NODES[instance]},
                optima=("pmedian_tsplib",),
                instance=instance,
                p=p,
                where=TSPLIB,
                target=MEDIAN_TARGETS.get((instance, p)),
                time_limit=MEDIAN_OPEN.get((instance, p)),
            )


def _add_tsplib_centres() -> None:
    several: dict[str, tuple[int, ...]] = dict.fromkeys(
        ("rl1304", "u1432", "vm1748", "pcb3038", "rl5934"), (5, 10, 20, 50, 100)
    )
    several |= {"pr226": (10,), "pr264": (5, 10), "pr299": (10, 20, 40)}
    for instance, all_p in several.items():
        nodes = NODES[instance]
        for p in all_p:
            add(
                "p-center",
                f"{instance}-p{p:03}",
                f"tsplib/{instance}.tsp",
                partial(tsplib.read_p_center, p=p, rounding="nearest"),
                size={"clients": nodes, "sites": nodes},
                optima=("pcenter",),
                instance=instance,
                p=p,
                where=TSPLIB,
                time_limit=next(limit for most, limit in CENTRE_SECONDS_OF_NODES if nodes <= most),
            )


def _add_covering() -> None:
    for group, rows, columns in ((4, 200, 1000), (5, 200, 2000), (6, 200, 1000)):
        for member in range(1, 6 if group == 6 else 11):
            instance = f"scp{group}{member}"
            add(
                "set-covering",
                instance,
                f"setcover_orlib/{instance}.txt",
                orlib.read_set_covering,
                size={"clients": rows, "sites": columns},
                optima=("setcover",),
                instance=instance,
                tags=("short",) if member <= 2 else (),
            )


CITIES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "Bronx": (600, 3839, (50, 70, 80, 90, 100)),
    "Kings": (800, 7730, (50, 60)),
    "NewYork": (400, 2713, (50, 70, 80, 100)),
    "SanFrancisco": (600, 5137, (50, 60, 100)),
}
"""Radius in metres, points, and the numbers of sites with a published best value."""

CITY_LIMIT = 120.0


def _add_cities() -> None:
    for city, (radius, points, all_p) in CITIES.items():
        for p in all_p:
            add(
                "maximal-covering",
                f"{city.lower()}-r{radius}-p{p:03}",
                f"mclp_cities/{city}.txt",
                partial(mclp.read_city, radius_m=radius, p=p),
                size={"clients": points, "sites": points},
                optima=("mclp",),
                instance=f"{city}_r{radius}",
                p=p,
                where="Máximo, Cordeau and Nascimento (2023)",
                time_limit=CITY_LIMIT,
            )


for register in (
    _add_pmed,
    _add_tsplib_medians,
    _add_tsplib_centres,
    _add_covering,
    _add_cities,
):
    register()
