"""Shapes of places that are made of whole units."""

from __future__ import annotations

import itertools

import numpy as np
import shapely

from ..models.formulation import IntArray


def dissolved(shapes: np.ndarray, place: IntArray, num_places: int) -> np.ndarray:
    """
    Dissolve whole units as a coverage, so that neighbours share every vertex.

    Parameters
    ----------
    shapes
        Polygons of the units, shape (units,).
    place
        Place of each unit, -1 for none, shape (units,).
    num_places
        Number of places.

    Returns
    -------
    numpy.ndarray
        Shape of each place, shape (places,).
    """
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(num_places + 1))
    found = np.empty(num_places, dtype=object)
    for row, (begin, end) in enumerate(itertools.pairwise(starts)):
        found[row] = shapely.coverage_union_all(shapes[order[begin:end]])
    return found
