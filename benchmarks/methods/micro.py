"""Parts of shequ timed on their own, each beside a plainer way to do the same."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ...models.districting.hess import hess_model
from ...models.districting.problem import Districting
from ...optimize.result import Status
from ..ask import Answer, Ask
from ..problems import MicroTask
from ..registry import Method, register_method

Do = Callable[[Any], Any]


def build_sparse(problem: Districting) -> tuple[int, int, float]:
    """Build the raw Hess model as sparse arrays; return rows, nonzeros and sum of costs."""
    everything = np.ones((problem.num_nodes, problem.num_nodes), dtype=bool)
    model = hess_model(problem, everything).model
    return model.num_rows, int(model.rows.nnz), float(model.costs.sum())


def build_pulp(problem: Districting) -> tuple[int, int, float]:
    """Build the same model with PuLP's expressions, an object for every pair."""
    import pulp  # noqa: PLC0415 - only this method needs it

    n, k = problem.num_nodes, problem.num_districts
    pairs = [(i, j) for i in range(n) for j in range(n)]
    costs = problem.costs.tolist()
    weights = problem.weights.tolist()
    lower, upper = problem.lower.tolist(), problem.upper.tolist()
    x = pulp.LpVariable.dicts("x", pairs, cat="Binary")
    model = pulp.LpProblem("hess", pulp.LpMinimize)
    model += pulp.lpSum(costs[i][j] * x[i, j] for i, j in pairs)
    for i in range(n):
        model += pulp.lpSum(x[i, j] for j in range(n)) == 1
    model += pulp.lpSum(x[j, j] for j in range(n)) == k
    for j in range(n):
        for w in range(len(lower)):
            load = pulp.lpSum(weights[i][w] * x[i, j] for i in range(n))
            if np.isfinite(upper[w]):
                model += load <= upper[w] * x[j, j]
            if lower[w] > 0:
                model += load >= lower[w] * x[j, j]
    for i, j in pairs:
        if i != j:
            model += x[i, j] <= x[j, j]
    rows = list(model.constraints.values())
    nonzeros = sum(sum(1 for value in row.values() if value) for row in rows)
    return len(rows), nonzeros, float(sum(model.objective.values()))


def walk_bounded(subject: Any) -> Any:  # noqa: ANN401 - city and policy
    """Search from each site up to the limit, for the minutes within reach."""
    from ...instances.walking import walking_times  # noqa: PLC0415 - geopandas is slow to load

    city, policy = subject
    return walking_times(city, policy).minutes


def walk_everywhere(subject: Any) -> Any:  # noqa: ANN401 - city and policy
    """Search from each site to everywhere, and cut off at the limit afterwards."""
    from scipy.sparse import csgraph  # noqa: PLC0415 - as below

    from ...instances.network import walking_network  # noqa: PLC0415 - geopandas is slow to load

    city, policy = subject
    network = walking_network(city.network, city.barriers, policy)
    site_node, site_snap = network.snap(city.site_points)
    unit_node, unit_snap = network.snap(city.unit_points)
    per_metre = 60 / (policy.walking.speed_kmh * 1000)
    most, limit = policy.walking.max_snap_m, policy.siting.reach_minutes
    minutes = csgraph.dijkstra(network.graph, indices=site_node)[:, unit_node]
    minutes = minutes + (site_snap[:, None] + unit_snap[None, :]) * per_metre
    minutes[site_snap > most] = np.inf
    minutes[:, unit_snap > most] = np.inf
    return sparse.csr_array(np.where(minutes <= limit, np.maximum(minutes, 1e-6), 0))


def dissolve_coverage(subject: Any) -> Any:  # noqa: ANN401 - units and labels
    """Union of the units of each community, as a coverage."""
    import shapely  # noqa: PLC0415 - only whole cities need it

    shapes, label = subject
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(label.max() + 2))
    return np.array(
        [shapely.coverage_union_all(shapes[order[a:b]]) for a, b in itertools.pairwise(bounds)],
        dtype=object,
    )


def dissolve_geopandas(subject: Any) -> Any:  # noqa: ANN401 - units and labels
    """Return the same with geopandas' dissolve, which does not know that it is a coverage."""
    import geopandas as gpd  # noqa: PLC0415 - only whole cities need it

    shapes, label = subject
    frame = gpd.GeoDataFrame({"label": label}, geometry=list(shapes))
    return np.asarray(frame.dissolve("label").sort_index().geometry, dtype=object)


def read_checked(path: Path) -> tuple[int, int]:
    """Read a city and check everything; return its residents and households."""
    from ...instances.city import read_city  # noqa: PLC0415 - geopandas is slow to load

    city = read_city(path)
    return city.num_residents, city.num_households


def read_plain(path: Path) -> tuple[int, int]:
    """Read the same layers with geopandas, unchecked."""
    import geopandas as gpd  # noqa: PLC0415 - only whole cities need it

    names = ("units", "sites", "network", "barriers", "communities")
    units, *_ = (gpd.read_file(path, layer=name) for name in names)
    return int(units["residents"].sum()), int(units["households"].sum())


def write_whole(city: Any) -> Path:  # noqa: ANN401 - a city
    """Write a city beside its target and move it into place."""
    from ...instances.city import write_city  # noqa: PLC0415 - geopandas is slow to load

    return write_city(city, Path(tempfile.mkdtemp(prefix="shequ-bench-")) / "city.gpkg")


def write_plain(city: Any) -> Path:  # noqa: ANN401 - a city
    """Write the same layers with geopandas."""
    path = Path(tempfile.mkdtemp(prefix="shequ-bench-")) / "city.gpkg"
    for name in ("units", "sites", "network", "barriers", "communities"):
        layer = getattr(city, name)
        if layer is not None:
            layer.to_file(path, layer=name, driver="GPKG")
    return path


def time_part(problem: MicroTask, ask: Ask, *, parts: Mapping[str, Do]) -> Answer:
    """Do one part; what it made is the solution, for the check to look at."""
    with ask.phase(problem.task):
        made = parts[problem.task](problem.subject)
    return Answer(status=Status.OPTIMAL, solution=made)


OWN: Mapping[str, Do] = {
    "build": build_sparse,
    "walk": walk_bounded,
    "dissolve": dissolve_coverage,
    "read": read_checked,
    "write": write_whole,
}
PLAIN: Mapping[str, Do] = {
    "build": build_pulp,
    "walk": walk_everywhere,
    "dissolve": dissolve_geopandas,
    "read": read_plain,
    "write": write_plain,
}


def load_own(problem: MicroTask) -> None:
    """Compile the search before the clock runs, where the part needs it."""
    if problem.task == "walk":
        from ...instances.walking_search import bounded_paths  # noqa: PLC0415 - numba is slow

        one = np.zeros(1, dtype=np.int64)
        bounded_paths(sparse.csr_array((1, 1)), one, one, 0.0)


for name, parts, is_peer in (("shequ-part", OWN, False), ("plain-part", PLAIN, True)):
    register_method(
        Method(
            name=name,
            families=frozenset(f"micro-{task}" for task in parts),
            run=partial(time_part, parts=parts),
            load=None if is_peer else load_own,
            is_peer=is_peer,
        )
    )
