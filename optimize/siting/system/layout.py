"""Where the sites of a service system are, and regions of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.formulation import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Layout:
    """
    Where the sites are.

    Parameters
    ----------
    points
        Coordinates of the sites, shape (sites, 2).
    regions
        Region of each site, whose program gives a bound, shape (sites,).
    """

    points: FloatArray
    regions: IntArray


def site_regions(
    xy: FloatArray, community: IntArray, weight: FloatArray, *, most: float
) -> IntArray:
    """
    Divide sites into regions of limited weight, each of whole communities.

    Parameters
    ----------
    xy
        Coordinates of the sites, shape (sites, 2).
    community
        Of each site, -1 for none, shape (sites,).
    weight
        What each site counts, such as its facilities, shape (sites,).
    most
        Weight up to which a region is not divided.

    Returns
    -------
    IntArray
        Region of each site, shape (sites,).
    """
    region = np.zeros(len(xy), dtype=np.int64)
    waiting = [np.arange(len(xy))]
    found = 0
    while waiting:
        sites = waiting.pop(0)
        halves = _halves(xy[sites], community[sites], weight[sites])
        if weight[sites].sum() > most and halves is not None:
            waiting += [sites[halves], sites[~halves]]
        else:
            region[sites] = found
            found += 1
    return region


def _halves(xy: FloatArray, community: IntArray, weight: FloatArray) -> BoolArray | None:
    """Cut along the longer side into halves of whole communities, None where there is only one."""
    names, member = np.unique(community, return_inverse=True)
    if names.size < 2:
        return None
    total = np.bincount(member, weight)
    count = np.bincount(member)
    centre = np.stack([np.bincount(member, xy[:, axis]) / count for axis in (0, 1)], axis=1)
    axis = int(np.argmax(np.ptp(centre, axis=0)))
    order = np.argsort(centre[:, axis], kind="stable")
    half = int(np.searchsorted(np.cumsum(total[order]), total.sum() / 2))
    first = order[: min(max(half, 0), names.size - 2) + 1]
    return np.asarray(np.isin(member, first))
