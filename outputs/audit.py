"""The audit as text and as a picture."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..instances.city import City
from ..instances.policy import Policy
from ..optimize.planning.snapshot import Snapshot
from .pictures import cjk_font

COLORS = {"mandatory": "#d55e00", "gradual": "#e69f00", "none": "#e8e6df"}
WORDS = {
    "en": {
        "mandatory": "must be split",
        "gradual": "split gradually",
        "none": "no split",
        "blind": "out of reach of a station",
        "station": "station",
    },
    "zh": {
        "mandatory": "必须拆分",
        "gradual": "逐步拆分",
        "none": "无需拆分",
        "blind": "步行不可达",
        "station": "服务站",
    },
}


def audit_text(snapshot: Snapshot, blind: pd.DataFrame, policy: Policy) -> str:
    """Return key figures, the communities over a threshold and the blind spots."""
    figures = snapshot.figures(policy)
    target = policy.siting.floor_area_m2_per_100_households
    ratio, share = figures["floor_area_per_100_households"], figures["share_in_reach"]
    split = (
        f"{figures['communities']} communities, {figures['over_mandatory']} must be split, "
        f"{figures['over_gradual']} are split gradually"
    )
    area = (
        f"floor area: {ratio or 0:.1f} m² per 100 households (target {target:g}); "
        f"{figures['communities_below_target']} communities below the target"
    )
    reach = (
        f"reach: {100 * (share or 0):.2f} % of residents within "
        f"{policy.siting.reach_minutes:g} minutes; {len(blind)} blind spots with "
        f"{int(blind['residents'].sum()):,} residents"
    )
    workers = (
        f"workers: {figures['workers_needed']:,} needed at "
        f"{policy.staff.workers_per_10000:g} per 10,000 residents"
    )
    lines = [split, area, reach, workers]
    table = snapshot.communities
    over = table[table["tier"] != "none"].sort_values("residents", ascending=False)
    columns = ["community_id", "name", "tier", "residents", "households", "floor_area_m2"]
    if len(over):
        lines += ["", over[columns].to_string(index=False)]
    if len(blind):
        lines += ["", "blind spots, the largest first:", blind.head(10).to_string(index=False)]
    return "\n".join(lines)


def render_audit_map(
    city: City, snapshot: Snapshot, policy: Policy, path: Path, *, lang: str = "en"
) -> None:
    """Draw communities by tier, blind spots and stations."""
    del policy
    font = cjk_font()
    words = WORDS["zh" if lang == "zh" and font else "en"]
    text = {"family": font} if font else {}
    figure = Figure(figsize=(9, 9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    tiers = snapshot.communities["tier"].to_numpy(object)[snapshot.unit_community]
    units = gpd.GeoDataFrame(geometry=city.units.geometry)
    units.plot(ax=axes, color=[COLORS[str(tier)] for tier in tiers], linewidth=0)
    shapely_outline = gpd.GeoSeries(city.communities.geometry).boundary
    shapely_outline.plot(ax=axes, color="#777777", linewidth=0.4)
    blind = ~np.isfinite(snapshot.minutes) & (city.units["residents"].to_numpy() > 0)
    if blind.any():
        units[blind].plot(ax=axes, color="#cc79a7", linewidth=0)
    stations = shapely.get_coordinates(np.asarray(city.sites.geometry, dtype=object))
    x, y = stations[snapshot.is_open].T
    axes.scatter(x, y, s=8, color="#0072b2", zorder=3)
    handles = [Patch(color=COLORS[tier], label=words[tier]) for tier in COLORS]
    handles.append(Patch(color="#cc79a7", label=words["blind"]))
    dot = Line2D(
        [], [], linestyle="none", marker="o", markersize=4, color="#0072b2", label=words["station"]
    )
    axes.legend(handles=[*handles, dot], prop=text or None, loc="upper right")
    axes.set_aspect("equal")
    axes.set_axis_off()
    figure.savefig(path, dpi=130)
