"""Clients and sites of a siting problem, whichever file they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from scipy import sparse

from ..models.formulation import BoolArray, FloatArray, IntArray
from ..models.siting.distances import (
    Distances,
    MatrixDistances,
    PointDistances,
    Rounding,
    SparseDistances,
    round_distances,
)
from .faults import quote
from .readers.distances import covers_on_sphere, covers_within, great_circle_distances

MOST_NAMED = 10
"""Ids that a message names; of the others it says how many there are."""


@dataclass(frozen=True)
class SourceFile:
    """
    A file that was read.

    Parameters
    ----------
    role
        What it gives: file, costs, weights, capacities, fixed_costs, clients, sites or distances.
    name, sha256
        Its name and the hash of its content.
    """

    role: str
    name: str
    sha256: str

    @classmethod
    def of(cls, role: str, path: Path) -> SourceFile:
        """Return a file with its hash; the parts of a shapefile are hashed together."""
        parts = (".shp", ".dbf", ".shx", ".prj")
        files = [path]
        if path.suffix.lower() == ".shp":
            files = [path.with_suffix(part) for part in parts]
        digest = hashlib.sha256()
        for file in files:
            if file.is_file():
                digest.update(file.read_bytes())
        return cls(role, path.name, digest.hexdigest())


@dataclass(frozen=True, eq=False, kw_only=True)
class SitingData:
    """
    Clients, sites and all that is known of them; what the files do not give is None.

    Parameters
    ----------
    files
        The files.
    form
        Name of the format, as :mod:`.siting_formats` lists them, or "tables" or "points".
    client_ids, site_ids
        Their ids, each one once.
    distances
        Distances of a matrix or of pairs; None where points or degrees say them.
    totals
        Costs of serving ALL demand of a client, shape (clients, sites).
    covering
        Which site covers which client, where the file itself says so.
    client_points, site_points
        Coordinates in the plane, shapes (clients, 2) and (sites, 2).
    client_degrees, site_degrees
        Latitude and longitude, same shapes.
    rounding
        How Euclidean distances are rounded.
    weights, reach
        Weight of each client, and how far it goes.
    capacity, least_load, fixed_costs
        Of each site: what it can serve, what it must serve if it is open, and what it costs.
    required, forbidden, existing
        Sites that must be open, that must stay closed, and that are open today.
    p
        Number of sites that the file asks for.
    in_metres
        Whether distances are metres.
    warnings
        What a reader of the results should know.
    """

    files: tuple[SourceFile, ...]
    form: str
    client_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    distances: Distances | None = None
    totals: FloatArray | None = None
    covering: sparse.csr_array | None = None
    client_points: FloatArray | None = None
    site_points: FloatArray | None = None
    client_degrees: FloatArray | None = None
    site_degrees: FloatArray | None = None
    rounding: Rounding = None
    weights: FloatArray | None = None
    reach: FloatArray | None = None
    capacity: FloatArray | None = None
    least_load: FloatArray | None = None
    fixed_costs: FloatArray | None = None
    required: BoolArray | None = None
    forbidden: BoolArray | None = None
    existing: BoolArray | None = None
    p: int | None = None
    in_metres: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the file that says where clients and sites are."""
        return self.files[0].name

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return len(self.client_ids)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return len(self.site_ids)

    @cached_property
    def client_weights(self) -> FloatArray:
        """Weight of each client, 1 where nothing is said."""
        return np.ones(self.num_clients) if self.weights is None else self.weights

    @cached_property
    def pairs(self) -> Distances:
        """
        Distances from client to site.

        Raises
        ------
        ValueError
            If the files do not say them.
        """
        if self.distances is not None:
            return self.distances
        if self.client_points is not None and self.site_points is not None:
            return PointDistances(self.client_points, self.site_points, self.rounding)
        if self.client_degrees is not None and self.site_degrees is not None:
            return MatrixDistances(_all_great_circles(self.client_degrees, self.site_degrees))
        raise ValueError(
            f"{self.name} ({self.form}) gives no distances between clients and sites; take a file "
            "with points or a matrix."
        )

    @cached_property
    def site_distances(self) -> Distances:
        """
        Distances between the sites.

        Raises
        ------
        ValueError
            If the files do not say them, or they depend on the direction.
        """
        if self.site_points is not None:
            return PointDistances(self.site_points, self.site_points, self.rounding)
        if self.client_ids != self.site_ids:
            raise ValueError(
                f"{self.name} gives distances from clients to sites, not between sites. Give a "
                "square matrix with the same ids in rows and columns, or points."
            )
        square = self.pairs.dense()
        wrong = np.argwhere(square != square.T)
        if wrong.size:
            i, j = wrong[0].tolist()
            one, other = self.site_ids[i], self.site_ids[j]
            raise ValueError(
                f"{self.name}: the distance from {one} to {other} is {square[i, j]:g}, back it is "
                f"{square[j, i]:g}. Distances between sites must be equal in both directions."
            )
        return self.pairs

    def covers(self, radius: FloatArray) -> sparse.csr_array:
        """
        Tell which sites lie within each client's radius.

        Parameters
        ----------
        radius
            Largest distance that counts, itself included, shape (clients,).

        Returns
        -------
        sparse.csr_array
            Entries 1 where a site covers a client, shape (clients, sites).
        """
        most = float(radius.max())
        if self.client_points is not None and self.site_points is not None:
            # Rounding moves a distance by less than 1.
            wide = most + (self.rounding is not None)
            found = covers_within(self.client_points, self.site_points, radius=wide)
            pairs = PointDistances(self.client_points, self.site_points, self.rounding)
        elif self.client_degrees is not None and self.site_degrees is not None:
            found = covers_on_sphere(self.client_degrees, self.site_degrees, radius_m=most)
            client, site = _places(found)
            away = great_circle_distances(self.client_degrees[client], self.site_degrees[site])
            return _kept(found, away <= radius[client])
        elif isinstance(self.pairs, SparseDistances):
            stored = self.pairs.pairs
            found = sparse.csr_array(
                (np.ones(stored.nnz), stored.indices, stored.indptr), shape=stored.shape
            )
            return _kept(found, stored.data <= radius[_places(found)[0]])
        else:
            return sparse.csr_array((self.pairs.dense() <= radius[:, None]).astype(float))
        client, site = _places(found)
        return _kept(found, pairs.of_pairs(client, site) <= radius[client])


def named(ids: Sequence[str]) -> str:
    """Return the first ten ids and how many more there are."""
    return quote(ids, most=MOST_NAMED)


def ids_at(ids: Sequence[str], mask: BoolArray) -> list[str]:
    """Return the ids where a mask holds."""
    return [ids[int(place)] for place in np.flatnonzero(mask)]


def numbered(count: int) -> tuple[str, ...]:
    """Return the ids "1", "2", ... that published instances count by."""
    return tuple(map(str, range(1, count + 1)))


def rounded_by(text: str | None) -> Rounding:
    """
    Return a rounding by its name.

    Raises
    ------
    ValueError
        If there is no such rounding.
    """
    rounding = cast("Rounding", None if text == "none" else text)
    round_distances(np.zeros(1), rounding=rounding)
    return rounding


def _places(covers: sparse.csr_array) -> tuple[IntArray, IntArray]:
    """Client and site of each stored entry."""
    client = np.repeat(np.arange(covers.shape[0]), np.diff(covers.indptr))
    return client, covers.indices.astype(np.int64)


def _kept(covers: sparse.csr_array, kept: BoolArray) -> sparse.csr_array:
    """Leave out entries, by a mask over the stored ones."""
    client, site = (place[kept] for place in _places(covers))
    entries = (np.ones(client.size), (client, site))
    return sparse.csr_array(sparse.coo_array(entries, shape=covers.shape))


def _all_great_circles(clients: FloatArray, sites: FloatArray) -> FloatArray:
    """Great-circle metres from every client to every site."""
    rows = [
        great_circle_distances(np.broadcast_to(client, sites.shape), sites) for client in clients
    ]
    return np.array(rows)
