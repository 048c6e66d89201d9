"""Networks out of plain lines: cut where lines meet, ends that nearly meet joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from .columns import is_marked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..models.formulation import BoolArray, FloatArray, IntArray

_SAME_PLACE_M = 1e-6
_LEVELS = ("layer", "bridge", "tunnel")
MARKS = ("bridge", "tunnel", "stairs", "no_cycling")
"""Columns that say yes or no."""


@dataclass(frozen=True, eq=False)
class NodedLines:
    """
    A network cut out of lines.

    Parameters
    ----------
    edges
        One line an edge: the columns of the lines, with ``from_node``, ``to_node``, ``length_m``.
    num_lines
        Lines that came in, parts of multilines counted one by one.
    num_crossings
        Places where the insides of two lines of one level meet, which became nodes.
    num_apart
        Pairs of lines of different levels that cross without a common vertex, and stay apart.
    num_joined
        Ends of lines that were moved to another line, or to the end of one.
    num_dropped
        Pieces that were dropped, since both their ends became one node.
    """

    edges: gpd.GeoDataFrame
    num_lines: int
    num_crossings: int
    num_apart: int
    num_joined: int
    num_dropped: int


def node_lines(lines: gpd.GeoDataFrame, *, tolerance_m: float = 0.5) -> NodedLines:
    """
    Cut lines where they meet, and number the nodes.

    Lines of one level (equal ``layer``, ``bridge`` and ``tunnel``) meet wherever they cross or
    touch; lines of different levels only where they share a vertex or one of them ends. An end
    within the tolerance of another line, or of its end, is moved there.

    Parameters
    ----------
    lines
        Lines or multilines in a reference system in metres.
    tolerance_m
        How far the end of a line may be from what it was meant to meet; 0 joins only what touches.

    Raises
    ------
    ValueError
        If there are no lines, other shapes, or coordinates in degrees.
    """
    lines = _plain(lines)
    shapes = np.asarray(lines.geometry, dtype=object)
    near = max(tolerance_m, _SAME_PLACE_M)
    ends = _end_points(shapes)
    level = _levels(lines)
    crossing, passing = _crossings(shapes, level)
    joints = [
        _ends_beside(shapes, ends, near),
        crossing,
        _vertices_on(shapes, level),
        _shared_vertices(shapes),
        (np.tile(np.arange(shapes.size), 2), ends),
    ]
    of_line = np.concatenate([line for line, _ in joints])
    node, node_xy = _merge_places(np.concatenate([place for _, place in joints]), near)
    edges, dropped = _cut(lines, shapes, of_line, node, node_xy, near)
    of_end = node[-2 * shapes.size :]
    crossed = node[joints[0][0].size :][: crossing[0].size]
    return NodedLines(
        edges=edges,
        num_lines=shapes.size,
        num_crossings=np.setdiff1d(crossed, of_end).size,
        num_apart=_num_apart(passing, of_line, node),
        num_joined=int((np.hypot(*(node_xy[of_end] - ends).T) > _SAME_PLACE_M).sum()),
        num_dropped=dropped,
    )


def _num_apart(passing: IntArray, of_line: IntArray, node: IntArray) -> int:
    """Count the pairs of lines that cross and have no node in common."""
    nodes: dict[int, set[int]] = {}
    for line, one in zip(of_line.tolist(), node.tolist(), strict=True):
        nodes.setdefault(line, set()).add(one)
    return sum(not nodes[a] & nodes[b] for a, b in passing.tolist())


def _plain(lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return simple lines of two dimensions, one a row, with marks as yes and no."""
    if lines.crs is None or not lines.crs.is_projected:
        raise ValueError("lines are cut in metres; bring them into a projected reference system.")
    lines = lines[~(lines.geometry.isna() | lines.geometry.is_empty)]
    kinds = set(lines.geometry.geom_type)
    if not len(lines) or kinds - {"LineString", "MultiLineString", "LinearRing"}:
        raise ValueError(
            f"a network is made of lines; the layer has {', '.join(sorted(kinds)) or 'no rows'}."
        )
    flat = lines.set_geometry(shapely.force_2d(np.asarray(lines.geometry, dtype=object)))
    flat = flat.set_crs(lines.crs, allow_override=True).explode(ignore_index=True)
    simple = shapely.is_simple(np.asarray(flat.geometry, dtype=object))
    if not simple.all():
        crossed = np.flatnonzero(~simple)
        parts = shapely.node(np.asarray(flat.geometry, dtype=object)[crossed])
        noded = flat.iloc[crossed].set_geometry(parts, crs=lines.crs).explode(ignore_index=True)
        flat = pd.concat([flat[simple], noded], ignore_index=True)
    flat = flat[flat.geometry.length > _SAME_PLACE_M].reset_index(drop=True)
    for name in MARKS:
        if name in flat:
            flat[name] = flat[name].map(is_marked).astype(bool)
    return flat


def _levels(lines: gpd.GeoDataFrame) -> IntArray:
    """Label of the level that each line lies on, shape (lines,)."""
    keys = pd.DataFrame(index=lines.index)
    for name in _LEVELS:
        if name in lines:
            keys[name] = (
                pd.to_numeric(lines[name], errors="coerce").fillna(0)
                if name == "layer"
                else lines[name]
            )
    if keys.empty or not len(keys.columns):
        return np.zeros(len(lines), dtype=np.int64)
    return np.asarray(keys.groupby(list(keys.columns), sort=False).ngroup(), dtype=np.int64)


def _end_points(shapes: NDArray[np.object_]) -> FloatArray:
    """Coordinates of all first, then all last points."""
    both = [shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)]
    return shapely.get_coordinates(np.concatenate(both))


def _crossings(
    shapes: NDArray[np.object_], level: IntArray
) -> tuple[tuple[IntArray, FloatArray], IntArray]:
    """Line and place of every meeting of two lines of one level; pairs that pass each other."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    same = level[first] == level[second]
    passing = np.column_stack([first, second])[~same]
    passing = passing[shapely.crosses(shapes[passing[:, 0]], shapes[passing[:, 1]])]
    first, second = first[same], second[same]
    meeting = shapely.intersection(shapes[first], shapes[second])
    points, pair = _corner_points(meeting)
    line = np.concatenate([first[pair], second[pair]])
    return (line, np.concatenate([points, points])), passing


def _corner_points(shapes: NDArray[np.object_]) -> tuple[FloatArray, IntArray]:
    """Coordinates of points, and of the ends of lines, with the row that each comes from."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    inner, part = shapely.get_parts(parts, return_index=True)
    row = row[part]
    is_line = shapely.get_type_id(inner) == 1
    xy = [
        shapely.get_coordinates(inner[~is_line]),
        shapely.get_coordinates(shapely.get_point(inner[is_line], 0)),
        shapely.get_coordinates(shapely.get_point(inner[is_line], -1)),
    ]
    return np.concatenate(xy), np.concatenate([row[~is_line], row[is_line], row[is_line]])


def _shared_vertices(shapes: NDArray[np.object_]) -> tuple[IntArray, FloatArray]:
    """Line and place of every vertex that two lines have, whatever their levels."""
    xy, line = shapely.get_coordinates(shapes, return_index=True)
    label = pd.DataFrame(xy).groupby([0, 1], sort=False).ngroup().to_numpy()
    pairs = np.unique(np.column_stack([label, line]), axis=0)
    shared = np.bincount(pairs[:, 0], minlength=label.max() + 1)[label] > 1
    return line[shared], xy[shared]


def _vertices_on(shapes: NDArray[np.object_], level: IntArray) -> tuple[IntArray, FloatArray]:
    """Both lines and the place of every vertex that lies on another line of its level."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    points = np.asarray(shapely.points(xy), dtype=object)
    vertex, line = shapely.STRtree(shapes).query(
        points, predicate="dwithin", distance=_SAME_PLACE_M
    )
    meets = (owner[vertex] != line) & (level[owner[vertex]] == level[line])
    vertex, line = vertex[meets], line[meets]
    return np.concatenate([line, owner[vertex]]), np.concatenate([xy[vertex], xy[vertex]])


def _ends_beside(
    shapes: NDArray[np.object_], ends: FloatArray, near: float
) -> tuple[IntArray, FloatArray]:
    """Line and place on it of every end of another line that lies on it or beside it."""
    points = np.asarray(shapely.points(ends), dtype=object)
    end, line = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=near)
    other = end % shapes.size != line
    end, line = end[other], line[other]
    metres = shapely.line_locate_point(shapes[line], points[end])
    return line, shapely.get_coordinates(shapely.line_interpolate_point(shapes[line], metres))


def _merge_places(xy: FloatArray, near: float) -> tuple[IntArray, FloatArray]:
    """Give near places one number, and the coordinates of the first of them."""
    unique, place = np.unique(xy, axis=0, return_inverse=True)
    pairs = cKDTree(unique).query_pairs(near, output_type="ndarray")
    graph = sparse.coo_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(unique), len(unique))
    )
    node = csgraph.connected_components(graph, directed=False)[1][place.reshape(-1)]
    _, first, label = np.unique(node, return_index=True, return_inverse=True)
    return label, xy[first]


def _cut(
    lines: gpd.GeoDataFrame,
    shapes: NDArray[np.object_],
    of_line: IntArray,
    node: IntArray,
    node_xy: FloatArray,
    near: float,
) -> tuple[gpd.GeoDataFrame, int]:
    """Cut every line at its nodes; return the edges, and how many vanish."""
    line, along, xy, node = _in_order(shapes, of_line, node, node_xy, near)
    cut = np.flatnonzero(node >= 0)
    follows = line[cut[1:]] == line[cut[:-1]]
    begins, stops = cut[:-1][follows], cut[1:][follows]
    size = stops - begins + 1
    edge = np.repeat(np.arange(begins.size), size)
    vertex = np.arange(edge.size) - np.repeat(np.cumsum(size) - size - begins, size)
    pieces = np.asarray(shapely.linestrings(xy[vertex], indices=edge), dtype=object)
    metres = np.minimum(along[stops] - along[begins], shapely.length(pieces))
    kept = (node[begins] != node[stops]) | (metres > 2 * near)
    begins, stops = begins[kept], stops[kept]
    made = lines.iloc[line[begins]].reset_index(drop=True)
    made = made.set_geometry(pieces[kept], crs=lines.crs)
    label = np.unique(np.concatenate([node[begins], node[stops]]), return_inverse=True)[1]
    made["from_node"], made["to_node"] = np.split(label.reshape(-1), 2)
    made["length_m"] = made.geometry.length
    first = ["from_node", "to_node", "length_m"]
    rest = [name for name in made.columns if name not in first]
    return made[[*first, *rest]], int((~kept).sum())


def _in_order(
    shapes: NDArray[np.object_],
    of_line: IntArray,
    node: IntArray,
    node_xy: FloatArray,
    near: float,
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Vertices and nodes of all lines in their order: line, metres, coordinates, node or -1."""
    xy, line = shapely.get_coordinates(shapes, return_index=True)
    along = _metres_along(xy, line)
    at = shapely.line_locate_point(shapes[of_line], shapely.points(node_xy[node]))
    length = shapely.length(shapes)
    is_start = np.zeros(of_line.size, dtype=bool)
    is_stop = is_start.copy()
    is_start[-2 * shapes.size : -shapes.size] = is_stop[-shapes.size :] = True
    at = np.where(is_start, 0.0, np.where(is_stop, length[of_line], at))
    order = np.lexsort((node, at, of_line))
    of_line, at, node = of_line[order], at[order], node[order]
    twice = (of_line[1:] == of_line[:-1]) & (node[1:] == node[:-1]) & (np.diff(at) <= near)
    run = np.concatenate([[0], np.cumsum(~twice)])
    is_end = (is_start | is_stop)[order]
    has_end = np.bincount(run, weights=is_end) > 0
    kept = is_end | (np.concatenate([[True], ~twice]) & ~has_end[run])
    of_line, at, node = of_line[kept], at[kept], node[kept]
    inside = ~_beside_a_node(line, along, of_line, at)
    line = np.concatenate([of_line, line[inside]])
    places = np.concatenate([node_xy[node], xy[inside]])
    along = np.concatenate([at, along[inside]])
    label = np.concatenate([node, np.full(int(inside.sum()), -1)])
    order = np.lexsort((along, line))
    return line[order], along[order], places[order], label[order]


def _metres_along(xy: FloatArray, line: IntArray) -> FloatArray:
    """Metres from the start of its line to every vertex."""
    step = np.zeros(len(xy))
    step[1:] = np.hypot(*np.diff(xy, axis=0).T) * (line[1:] == line[:-1])
    total = np.cumsum(step)
    first = np.searchsorted(line, np.arange(line[-1] + 1))
    return np.asarray(total - total[first][line])


def _beside_a_node(
    line: IntArray, along: FloatArray, of_line: IntArray, at: FloatArray
) -> BoolArray:
    """Whether each vertex lies where its line has a node, and is to be replaced by it."""
    reach = 1.0 + max(float(along.max()), float(at.max()))
    key, known = line * reach + along, np.sort(of_line * reach + at)
    right = np.minimum(np.searchsorted(known, key), known.size - 1)
    left = np.maximum(right - 1, 0)
    gap = np.minimum(np.abs(known[right] - key), np.abs(known[left] - key))
    return np.asarray(gap <= 1e-5, dtype=np.bool_)
