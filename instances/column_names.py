"""Names of columns that would not survive the plan: those that it writes, those too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import shorten
from .notes import note

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from .faults import Findings

_WRITTEN_TO_UNITS = frozenset({"community_id_before", "site_id", "minutes", "in_reach"})
_LONGEST_IN_POSTGIS = 63


def is_written(name: str) -> bool:
    """Whether the plan writes a column of this name to the units; case does not matter."""
    return name.casefold() in _WRITTEN_TO_UNITS


def input_name(name: str, present: Iterable[str]) -> str:
    """
    Return the name under which a column is kept whose own the plan needs.

    Examples
    --------
    >>> input_name("minutes", ["minutes", "minutes_input"])
    'minutes_input2'
    """
    taken = {other.casefold() for other in present}
    wanted, number = f"{name}_input", 1
    while wanted.casefold() in taken:
        number += 1
        wanted = f"{name}_input{number}"
    return wanted


def free_names(layer: str, frame: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    """
    Return a layer none of whose columns the plan overwrites; those of the units are renamed.

    Parameters
    ----------
    layer, frame
        The layer.
    findings
        Where new names, and names that PostGIS cuts, are told.
    """
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    renamed: dict[str, str] = {}
    for name in names:
        if layer == "units" and is_written(name):
            renamed[name] = input_name(name, [*names, *renamed.values()])
    if renamed:
        findings.warn(
            layer,
            "columns_renamed",
            names=[note("row_renamed", old=old, new=new) for old, new in renamed.items()],
            count=len(renamed),
        )
    _warn_of_long_names(layer, [renamed.get(name, name) for name in names], findings)
    return frame.rename(columns=renamed)


def _warn_of_long_names(layer: str, names: Iterable[str], findings: Findings) -> None:
    """Name the columns that PostGIS cuts, which counts bytes and not letters."""
    long = [name for name in names if len(name.encode()) > _LONGEST_IN_POSTGIS]
    if long:
        findings.warn(
            layer,
            "names_too_long",
            rows=[shorten(name) for name in long],
            count=len(long),
            most=_LONGEST_IN_POSTGIS,
        )
