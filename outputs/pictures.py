"""The plan as one picture: before and after, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from geopandas import GeoDataFrame
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.text import Text

from .layers import PlanFiles
from .report.classes import NO_FIGURE, Colouring, colourings
from .report.mapdata import new_boundaries
from .report.paths import in_metres
from .report.texts import Texts, is_missing, load_texts, number, percent

_CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Noto Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "SimHei",
)
_LATIN_FONT = "DejaVu Sans"
_MANY_SPLITS = 30
_FIRST_CHINESE = 0x2E80
_INK, _QUIET = "#1d2733", "#5c6773"
_BARRIERS = {"river": "#5b9bd0", "railway": "#555555"}
_OTHER_BARRIER = "#8a6d9c"
_WHITE = "#ffffff"
_SYMBOLS = {"kept": ("o", _WHITE), "extended": ("s", "#2e9c8b"), "opened": ("^", "#7b2d8b")}


def render_map(plan: PlanFiles, path: Path, *, lang: str = "en") -> None:
    """
    Write a picture of the communities before and after the plan.

    Parameters
    ----------
    plan
        The layers and the record of the plan.
    path
        The PNG file to write.
    lang
        Language of the words, ``en`` or ``zh``. Without a font that has Chinese characters the
        words are English, and Chinese names are left out.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    texts = load_texts()
    if lang not in texts.by_lang:
        raise ValueError(f"lang = {lang!r} is not known; choose one of {', '.join(texts.by_lang)}.")
    font = cjk_font()
    words = lang if font else "en"
    families = (
        [font, _LATIN_FONT] if font and lang == "zh" else [_LATIN_FONT, *filter(None, [font])]
    )
    figure = _figure(plan, texts, words)
    for text in figure.findobj(Text):
        text.set_fontfamily(families)
        if font is None:
            text.set_text(_without_chinese(text.get_text()))
    figure.savefig(path, dpi=150)


def _figure(plan: PlanFiles, texts: Texts, lang: str) -> Figure:
    before, after = in_metres(plan.communities_before), in_metres(plan.districts)
    west, south, east, north = before.total_bounds
    shape = float(np.clip((north - south) / max(east - west, 1e-9), 0.5, 1.5))
    figure = Figure(figsize=(14, 7 * shape + 2.7), facecolor="white")
    FigureCanvasAgg(figure)
    base, height = 1.3 / (7 * shape + 2.7), 7 * shape / (7 * shape + 2.7)
    change, residents = colourings(plan.record["policy"], texts)[:2]
    for idx, (side, layer, colouring) in enumerate(
        [("before", before, residents), ("after", after, change)]
    ):
        axes = figure.add_axes((0.02 + 0.49 * idx, base, 0.47, height))
        _draw_places(axes, layer, colouring)
        _draw_barriers(axes, plan.barriers)
        if side == "after":
            cuts = np.array(new_boundaries(after), dtype=object)
            _draw_lines(axes, cuts, colour=_INK, width=2.4 if len(cuts) < _MANY_SPLITS else 1.4)
        _draw_facilities(axes, plan, side=side)
        _frame(axes, before, texts(f"map_{side}")[lang])
        axes.legend(
            handles=[*_swatches(colouring, layer, lang), *_signs(plan, texts, lang, side=side)],
            loc="upper left",
            bbox_to_anchor=(0.0, 0.0),
            ncols=2,
            fontsize=8.5,
            frameon=False,
            borderaxespad=0.2,
            title=texts(f"colour_{colouring.key}")[lang],
            title_fontsize=9,
            alignment="left",
        )
    _draw_scale(figure.axes[0])
    _write_heading(figure, plan.record, texts, lang)
    return figure


def _draw_places(axes: Axes, layer: GeoDataFrame, colouring: Colouring) -> None:
    classes = colouring.classify(layer)
    axes.add_collection(
        PathCollection(
            [_outline(shape) for shape in layer.geometry],
            facecolors=[colouring.colours[kind] if kind >= 0 else NO_FIGURE for kind in classes],
            edgecolors="#5d666f",
            linewidths=0.5,
        )
    )


def _outline(shape: shapely.Geometry) -> Outline:
    """Return a polygon with its holes as one path."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    return Outline.make_compound_path(
        *(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings)
    )


def _draw_lines(axes: Axes, shapes: npt.NDArray[np.object_], *, colour: str, width: float) -> None:
    segments = [shapely.get_coordinates(part) for part in shapely.get_parts(shapes)]
    axes.add_collection(
        LineCollection(segments, colors=colour, linewidths=width, zorder=3, capstyle="round")
    )


def _draw_barriers(axes: Axes, barriers: GeoDataFrame | None) -> None:
    if barriers is None or barriers.empty:
        return
    shapes, kinds = in_metres(barriers).geometry.to_numpy(), np.array(_kinds(barriers))
    for kind in np.unique(kinds).tolist():
        colour = _BARRIERS.get(kind, _OTHER_BARRIER)
        _draw_lines(axes, shapes[kinds == kind], colour=colour, width=2.0)


def _draw_facilities(axes: Axes, plan: PlanFiles, *, side: str) -> None:
    """Draw facilities with an area in proportion to their floor area."""
    layer = in_metres(plan.facilities)
    column = "floor_area_m2" if side == "after" else "floor_area_before_m2"
    largest = max(float(plan.facilities["floor_area_m2"].max()), 1.0) if len(layer) else 1.0
    scale = float(np.clip(9_000 / max(len(layer), 1), 40, 160))
    for action, (marker, colour) in _SYMBOLS.items():
        own = layer[layer["action"] == action]
        if side == "before":
            own = own[own["status"] == "existing"]
            marker, colour = _SYMBOLS["kept"]  # noqa: PLW2901 (all are alike before the plan)
        points = shapely.get_coordinates(shapely.point_on_surface(own.geometry.to_numpy()))
        sizes = np.maximum(scale * own[column].fillna(0.0).to_numpy(float) / largest, 5.0)
        edge = _INK if colour == _WHITE else "white"
        axes.scatter(
            points[:, 0], points[:, 1], s=sizes, c=colour, marker=marker, edgecolors=edge,
            linewidths=0.6, zorder=4,
        )  # fmt: skip


def _frame(axes: Axes, layer: GeoDataFrame, title: str) -> None:
    west, south, east, north = layer.total_bounds
    margin = 0.02 * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - 3 * margin, north + margin)  # room for the scale bar
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold")


def _swatches(colouring: Colouring, layer: GeoDataFrame, lang: str) -> list[PathPatch]:
    """Return the legend of the classes that occur; a class without words belongs to the last."""
    used = set(colouring.classify(layer).tolist())
    return [
        PathPatch(
            Outline.unit_rectangle(), facecolor=colour, edgecolor="#777777", label=label[lang]
        )
        for kind, (colour, label) in enumerate(
            zip(colouring.colours, colouring.labels, strict=True)
        )
        if label[lang] and kind in used
    ]


def _signs(plan: PlanFiles, texts: Texts, lang: str, *, side: str) -> list[Line2D]:
    """Return the legend of lines and symbols."""
    is_after = side == "after"
    signs = [_line(_INK, texts("js_new_boundary")[lang])] if is_after else []
    present = set(plan.facilities["action"]) if is_after else {"kept"}
    for action, (marker, colour) in _SYMBOLS.items():
        if action in present:
            name = texts(f"action_{action}" if is_after else "js_existing")[lang]
            signs.append(_symbol(marker, colour, name))
    for kind in sorted(set(_kinds(plan.barriers))):
        colour = _BARRIERS.get(kind, _OTHER_BARRIER)
        signs.append(_line(colour, texts.named("js", kind)[lang]))
    return signs


def _kinds(barriers: GeoDataFrame | None) -> list[str]:
    """Return the kind of each barrier."""
    if barriers is None:
        return []
    if "kind" not in barriers:
        return ["barrier"] * len(barriers)
    return barriers["kind"].fillna("barrier").astype(str).tolist()  # type: ignore[no-any-return]


def _line(colour: str, name: str) -> Line2D:
    return Line2D([], [], color=colour, linewidth=2.2, label=_shown(name))


def _symbol(marker: str, colour: str, name: str) -> Line2D:
    edge = _INK if colour == _WHITE else colour
    look = {"markerfacecolor": colour, "markeredgecolor": edge}
    return Line2D([], [], linestyle="none", marker=marker, label=name, **look)  # type: ignore[arg-type]


def _shown(name: str) -> str:
    """Return a name of the input for a legend, which would hide a leading underscore."""
    return name.lstrip("_").replace("$", r"\$")


def _draw_scale(axes: Axes) -> None:
    """Draw a bar of a round length at the lower left."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    tenth = 10 ** np.floor(np.log10((east - west) / 4))
    metres = tenth * max(part for part in (1, 2, 5) if part * tenth <= (east - west) / 4)
    left, low = west + 0.03 * (east - west), south + 0.01 * (north - south)
    axes.plot([left, left + metres], [low, low], color=_INK, linewidth=2.5, solid_capstyle="butt")
    words = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    axes.text(left, low + 0.01 * (north - south), words, fontsize=8.5, va="bottom")


def _write_heading(figure: Figure, record: Mapping[str, Any], texts: Texts, lang: str) -> None:
    title = texts("title", city=record["city"]["name"])[lang]
    figure.text(0.02, 0.985, title, fontsize=18, fontweight="bold", va="top", parse_math=False)
    height = figure.get_size_inches()[1]
    figures = list(_key_figures(record, texts, lang))
    for place, pair in enumerate((figures[:2], figures[2:])):
        y = 0.985 - (0.4 + 0.22 * place) / height
        figure.text(0.02, y, "   ·   ".join(pair), fontsize=10, va="top", color=_QUIET)


def _without_chinese(text: str) -> str:
    """Return what a font without Chinese characters can show."""
    return "".join(sign for sign in text if ord(sign) < _FIRST_CHINESE).strip(" :")


def _key_figures(record: Mapping[str, Any], texts: Texts, lang: str) -> Iterable[str]:
    before, after = record["figures"]["before"], record["figures"]["after"]
    reach = number(record["policy"]["siting"]["reach_minutes"])
    for key, show in (
        ("communities", number),
        ("largest_residents", number),
        ("floor_area_per_100_households", number),
        ("share_in_reach", percent),
    ):
        if not is_missing(after.get(key)):
            name = texts(f"figure_{key}", minutes=reach)[lang]
            yield f"{name}: {show(before.get(key))} → {show(after[key])}"


def cjk_font() -> str | None:
    """Return an installed font that has Chinese characters."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CJK_FONTS if name in installed), None)
