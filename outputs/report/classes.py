"""Classes and colours of the maps, fit for any colour vision: blue is well, orange is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from geopandas import GeoDataFrame

from .texts import Text, Texts, number

NO_FIGURE = "#eae8e3"

_ALL_IN_REACH = 0.9995

Classes = npt.NDArray[np.int64]
"""Class by place; -1 where the figure is missing."""


@dataclass(frozen=True)
class Colouring:
    """
    One way to colour the maps.

    Parameters
    ----------
    key
        Its name.
    colours, labels
        Colour and meaning by class; an empty meaning continues the class before.
    classify
        Returns the class by row of a layer of communities or districts.
    """

    key: str
    colours: tuple[str, ...]
    labels: tuple[Text, ...]
    classify: Callable[[GeoDataFrame], Classes]


def colourings(policy: Mapping[str, Any], texts: Texts) -> tuple[Colouring, ...]:
    """Return every way to colour the maps, the first being the default."""
    return (
        _change(policy, texts),
        _residents(policy, texts),
        _floor_area(policy, texts),
        _share_in_reach(texts),
        minutes_colouring(policy, texts),
    )


def minutes_colouring(policy: Mapping[str, Any], texts: Texts) -> Colouring:
    """Colour by walking minutes in thirds of the reach; the last class is out of reach."""
    reach = float(policy["siting"]["reach_minutes"])
    bounds = [number(reach * part / 3, 0 if reach % 3 == 0 else 1) for part in (1, 2, 3)]
    lower = ["0", *bounds]
    labels = [texts("class_minutes", low=lower[i], high=bounds[i]) for i in range(3)]
    return Colouring(
        key="minutes",
        colours=("#d3e5f1", "#8ab8d9", "#3f7fb0", "#e07b39"),
        labels=(*labels, texts("class_out_of_reach", minutes=bounds[-1])),
        classify=lambda layer: minutes_classes(layer["mean_minutes"].to_numpy(float), reach),
    )


def minutes_classes(minutes: npt.NDArray[np.float64], reach: float) -> Classes:
    """Return the third of the reach that minutes lie in; 3 for none or beyond."""
    third = np.searchsorted([reach / 3, reach * 2 / 3, reach * (1 + 1e-9)], minutes)
    return np.where(np.isnan(minutes), 3, np.minimum(third, 3)).astype(np.int64)


def _change(policy: Mapping[str, Any], texts: Texts) -> Colouring:
    split = policy["split"]

    def classify(layer: GeoDataFrame) -> Classes:
        tier = layer["tier"].to_numpy(object)
        if "change_type" not in layer:
            return np.select([tier == "gradual", tier == "mandatory"], [1, 2], default=0)
        kind = layer["change_type"].to_numpy(object)
        sibling = layer.groupby("parent_id").cumcount().to_numpy() % 4
        given = np.where(kind == "split", sibling, -1)
        changed = kind != "kept"
        classes = np.zeros(kind.size, dtype=np.int64)
        classes[changed] = 3 + shades(layer.geometry.to_numpy()[changed], given[changed])
        return classes

    empty: Text = dict.fromkeys(texts.by_lang, "")
    return Colouring(
        key="change",
        colours=("#e9e7e1", "#f6cb74", "#e07b39", "#9fc9e4", "#5c9ccb", "#c9bbe0", "#86c5bb"),
        labels=(
            texts("class_kept"),
            texts(
                "class_gradual",
                residents=number(split["gradual_residents"]),
                households=number(split["gradual_households"]),
            ),
            texts("class_mandatory", residents=number(split["mandatory_residents"])),
            texts("class_new"),
            *(empty,) * 3,
        ),
        classify=classify,
    )


def shades(shapes: npt.NDArray[np.object_], given: Classes) -> Classes:
    """
    Shade 0..3 of each area: the one that is given, or for -1 one that no neighbour has.

    Where the neighbours have all four, an area gets the first.
    """
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shade = given.copy()
    for area in np.flatnonzero(given < 0):
        taken = shade[other[one == area]]
        shade[area] = next((choice for choice in range(4) if choice not in taken), 0)
    return shade


def _residents(policy: Mapping[str, Any], texts: Texts) -> Colouring:
    split = policy["split"]
    gradual, mandatory = split["gradual_residents"], split["mandatory_residents"]

    def classify(layer: GeoDataFrame) -> Classes:
        residents = layer["residents"].to_numpy(float)
        households = layer["households"].to_numpy(float)
        is_gradual = (residents >= gradual) | (households >= split["gradual_households"])
        tests = [residents > 1.5 * mandatory, residents > mandatory, is_gradual]
        return np.select([*tests, residents >= gradual / 2], [4, 3, 2, 1], default=0)

    half, most = number(gradual / 2), number(1.5 * mandatory)
    households = number(split["gradual_households"])
    return Colouring(
        key="residents",
        colours=("#dbe9f3", "#9cc3de", "#f6cb74", "#e07b39", "#a13e1c"),
        labels=(
            texts("class_below", value=half),
            texts("class_between", low=half, high=number(gradual)),
            texts("class_gradual", residents=number(gradual), households=households),
            texts("class_above", value=number(mandatory)),
            texts("class_above", value=most),
        ),
        classify=classify,
    )


def _floor_area(policy: Mapping[str, Any], texts: Texts) -> Colouring:
    target = float(policy["siting"]["floor_area_m2_per_100_households"])
    bounds = [target * share for share in (0.25, 0.5, 1.0, 1.5)]

    def classify(layer: GeoDataFrame) -> Classes:
        value = layer["floor_area_per_100_households"].to_numpy(float)
        band = np.searchsorted(np.array(bounds) - 1e-6, value, side="right")
        met = layer["floor_area_shortfall_m2"].to_numpy(float) <= 0.0
        band = np.where(met, np.maximum(band, 3), np.minimum(band, 2))
        return np.where(np.isnan(value), -1, band).astype(np.int64)

    shown = [number(bound) for bound in bounds]
    return Colouring(
        key="floor_area",
        colours=("#b5541c", "#e8964a", "#f8dcae", "#a6cbe3", "#3f7fb0"),
        labels=(
            texts("class_below", value=shown[0]),
            texts("class_between", low=shown[0], high=shown[1]),
            texts("class_between", low=shown[1], high=shown[2]),
            texts("class_target_met", value=shown[2]),
            texts("class_from", value=shown[3]),
        ),
        classify=classify,
    )


def _share_in_reach(texts: Texts) -> Colouring:
    def classify(layer: GeoDataFrame) -> Classes:
        residents = layer["residents"].to_numpy(float)
        reached = layer["residents_in_reach"].to_numpy(float)
        share = np.divide(reached, residents, out=np.ones_like(reached), where=residents > 0)
        band = np.searchsorted([0.5, 0.8, _ALL_IN_REACH], share, side="right")
        return np.where(np.isnan(share), -1, band).astype(np.int64)

    return Colouring(
        key="reach",
        colours=("#b5541c", "#e8964a", "#f8dcae", "#7fb2d6"),
        labels=(
            texts("class_below", value="50 %"),
            texts("class_between", low="50 %", high="80 %"),
            texts("class_between", low="80 %", high="100 %"),
            texts("class_all"),
        ),
        classify=classify,
    )
