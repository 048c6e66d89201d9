"""What the timed parts made, compared with what it must be."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from ..problems import MicroTask
from ..registry import register_check
from .walking import bounded_heap

Verdict = tuple[float, list[str]]


def check_build(task: MicroTask, made: tuple[int, int, float]) -> Verdict:
    """Count rows and nonzeros of the raw Hess model by hand; compare the sum of its costs."""
    problem = task.subject
    n = problem.num_nodes
    rows, nonzeros = n + 1 + n * (n - 1), n * n + n + 2 * n * (n - 1)
    for w in range(problem.weights.shape[1]):
        sides = int(np.isfinite(problem.upper[w])) + int(problem.lower[w] > 0)
        rows += sides * n
        for j in range(n):
            entries = [float(problem.weights[i, w]) != 0 for i in range(n) if i != j]
            # the diagonal has weight - bound as its coefficient
            for is_there, bound in (
                (np.isfinite(problem.upper[w]), problem.upper[w]),
                (problem.lower[w] > 0, problem.lower[w]),
            ):
                if is_there:
                    nonzeros += sum(entries) + int(problem.weights[j, w] != bound)
    costs = math.fsum(problem.costs.ravel().tolist())
    found = {"rows": made[0], "nonzeros": made[1]}
    wanted = {"rows": rows, "nonzeros": nonzeros}
    broken = [f"{k} {found[k]}, not {wanted[k]}" for k in found if found[k] != wanted[k]]
    if abs(made[2] - costs) > 1e-6 * costs:
        broken.append(f"the costs sum up to {made[2]:g}, not {costs:g}")
    return float(made[1]), broken


def check_walk(task: MicroTask, minutes: Any) -> Verdict:  # noqa: ANN401 - any sparse matrix
    """Search from a sample of sites with a heap; compare minute by minute."""
    from ...instances.network import walking_network  # noqa: PLC0415 - only this check needs it

    city, policy = task.subject
    network = walking_network(city.network, city.barriers, policy)
    site_node, site_snap = network.snap(city.site_points)
    unit_node, unit_snap = network.snap(city.unit_points)
    per_metre = 60 / (policy.walking.speed_kmh * 1000)
    broken = []
    table = minutes.tocsr()
    for site in range(0, city.num_sites, max(1, city.num_sites // 5)):
        far = bounded_heap(network.graph, int(site_node[site]), math.inf)
        row = dict(
            zip(
                table.indices[table.indptr[site] : table.indptr[site + 1]].tolist(),
                table.data[table.indptr[site] : table.indptr[site + 1]].tolist(),
                strict=True,
            )
        )
        for unit in range(city.num_units):
            snap = site_snap[site] + unit_snap[unit]
            wanted = far.get(int(unit_node[unit]), math.inf) + snap * per_metre
            if max(site_snap[site], unit_snap[unit]) > policy.walking.max_snap_m:
                wanted = math.inf
            found = row.get(unit, math.inf)
            within = wanted <= policy.siting.reach_minutes
            if within != math.isfinite(found) or (within and abs(found - wanted) > 1e-4):
                broken.append(f"site {site}, unit {unit}: {found:g} minutes, not {wanted:g}")
    return float(minutes.sum()), broken


def check_dissolve(task: MicroTask, made: Any) -> Verdict:  # noqa: ANN401 - geometries
    """Each community has the area of its units, and the whole is a coverage."""
    shapes, label = task.subject
    area = np.bincount(label, shapely.area(shapes))
    broken = [
        f"community {c} has {found:.1f} m², its units {wanted:.1f}"
        for c, (found, wanted) in enumerate(zip(shapely.area(made), area, strict=True))
        if abs(found - wanted) > 1e-6 * wanted
    ]
    if not shapely.coverage_is_valid(made):
        broken.append("the communities are no coverage")
    return float(area.sum()), broken


def check_read(task: MicroTask, made: tuple[int, int]) -> Verdict:
    """Sum up residents and households of the table itself."""
    import pyogrio  # noqa: PLC0415 - only this check needs it

    columns = ["residents", "households"]
    table = pyogrio.read_dataframe(
        task.subject, layer="units", columns=columns, read_geometry=False
    )
    wanted = tuple(int(table[column].sum()) for column in columns)
    return float(made[0]), [] if made == wanted else [f"read {made}, the table holds {wanted}"]


def check_write(task: MicroTask, made: Path) -> Verdict:
    """Read the layer of units back."""
    import geopandas as gpd  # noqa: PLC0415 - only this check needs it

    units = gpd.read_file(made, layer="units")
    broken = []
    if units["residents"].sum() != task.subject.num_residents:
        broken.append("the written units have other residents")
    if not units.geometry.is_valid.all():
        broken.append("a written geometry is invalid")
    size = float(len(units))
    shutil.rmtree(made.parent, ignore_errors=True)
    return size, broken


register_check("micro-build", check_build)
register_check("micro-walk", check_walk)
register_check("micro-dissolve", check_dissolve)
register_check("micro-read", check_read)
register_check("micro-write", check_write)
