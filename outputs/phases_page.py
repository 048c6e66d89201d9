"""The page of phases: a map of every year, and the tables; one file that needs no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from .report.paths import Frame, frame_of, in_metres, simplified, svg_paths

if TYPE_CHECKING:
    from .phases import PhaseFiles

TEXTS = {
    "en": {
        "title": "Circles of daily life in phases",
        "today": "Today",
        "year": "Year {year}",
        "new": "recognised this year",
        "known": "recognised before",
        "partly": "partly served",
        "none": "not served",
        "built": "built this year",
        "there": "there before",
        "head": [
            "Year", "Budget", "Spent", "Carried over", "Built", "Circles", "Residents in circles",
            "Target", "Short",
        ],
        "facilities": "What is built",
        "facility_head": ["Year", "Site", "Service", "Category", "m²", "Cost"],
        "proof": "How well it is known",
        "proof_head": ["Step", "Status", "Objective", "Bound", "Gap"],
        "warnings": "What to know",
        "needs": "A circle counts when {share:g} % of its residents have all of {categories} "
        "within reach. Money in {currency}.",
    },
    "zh": {
        "title": "十五分钟生活圈分年实施",
        "today": "现状",
        "year": "第 {year} 年",
        "new": "当年认定",
        "known": "此前已认定",
        "partly": "部分覆盖",
        "none": "未覆盖",
        "built": "当年建成",
        "there": "此前已有",
        "head": [
            "年份", "预算", "支出", "结转", "新建", "认定生活圈", "圈内居民", "目标", "缺口",
        ],
        "facilities": "建设项目",
        "facility_head": ["年份", "场址", "服务", "类别", "m²", "费用"],
        "proof": "结果的把握",
        "proof_head": ["步骤", "状态", "目标值", "界", "间隙"],
        "warnings": "须知",
        "needs": "生活圈内 {share:g} % 的居民可达全部类别 ({categories}) 即予认定。"
        "金额单位: {currency}。",
    },
}  # fmt: skip

STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#222;
max-width:1200px;margin:24px auto;padding:0 16px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}p{margin:4px 0;color:#555}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:16px;margin:16px 0}
figure{margin:0;border:1px solid #ddd;border-radius:6px;padding:8px}
figcaption{font-weight:600;margin-bottom:4px}svg{width:100%;height:auto;display:block}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 8px;border-bottom:1px solid #e5e5e5;text-align:right}
th:first-child,td:first-child,td.text,th.text{text-align:left}
.scroll{overflow-x:auto}.key span{display:inline-block;margin-right:16px}
.key i{display:inline-block;width:12px;height:12px;margin-right:5px;vertical-align:-1px;
border:1px solid #888}.key i.dot{border-radius:50%}
.c0{fill:#f3f1ec}.c1{fill:#d8e6ef}.c2{fill:#7fb8a4}.c3{fill:#1b7f5f}
.line{stroke:#fff;stroke-width:1px;vector-effect:non-scaling-stroke}
"""
FILLS = {"c0": "#f3f1ec", "c1": "#d8e6ef", "c2": "#7fb8a4", "c3": "#1b7f5f"}
NEW, OLD = "#d1495b", "#555555"


def render_page(files: PhaseFiles, *, lang: str = "en") -> str:
    """
    Return the page as HTML.

    Parameters
    ----------
    files
        The layers and the record.
    lang
        Language, en or zh.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    if lang not in TEXTS:
        raise ValueError(f"language {lang!r} not understood; choose {' or '.join(TEXTS)}.")
    texts: dict[str, Any] = TEXTS[lang]
    record = files.record
    needs = texts["needs"].format(
        share=100 * record["circles"]["share"],
        categories=", ".join(record["circles"]["categories"]),
        currency=record["policy"]["siting"]["currency"],
    )
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{lang}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(texts['title'])}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(texts['title'])}: {escape(str(record['city']['name']))}</h1>",
        f"<p>{escape(needs)}</p>",
        _key(texts),
        f'<div class="maps">{"".join(_maps(files, texts))}</div>',
        _year_table(files, texts),
        _facility_table(files, texts),
        _proof_table(record, texts),
        _warnings(record, texts),
        "</body></html>",
    ]
    return "\n".join(parts)


def _key(texts: dict[str, Any]) -> str:
    marks = [("c3", texts["new"]), ("c2", texts["known"]), ("c1", texts["partly"])]
    marks.append(("c0", texts["none"]))
    squares = [f'<span><i style="background:{FILLS[c]}"></i>{escape(t)}</span>' for c, t in marks]
    dots = [
        f'<span><i class="dot" style="background:{colour}"></i>{escape(text)}</span>'
        for colour, text in ((NEW, texts["built"]), (OLD, texts["there"]))
    ]
    return f'<p class="key">{"".join(squares + dots)}</p>'


def _maps(files: PhaseFiles, texts: dict[str, Any]) -> list[str]:
    """Draw a map for today and for each year."""
    layer = in_metres(files.circles)
    frame = frame_of(layer)
    today = layer[layer["year"] == 0]
    drawn = simplified(today, tolerance=max(frame.width, frame.height) * frame.step / 900)
    paths = svg_paths(np.asarray(drawn.geometry.array, dtype=object), frame)
    facilities = in_metres(files.facilities).to_crs(layer.crs)
    before = np.zeros(len(today), dtype=bool)
    found = []
    for year in sorted(set(layer["year"])):
        state = layer[layer["year"] == year]
        known = state["recognised"].to_numpy(bool)
        served = state["share_served"].to_numpy(float) > 0
        classes = np.select([known & ~before, known, served], ["c3", "c2", "c1"], default="c0")
        caption = texts["today"] if year == 0 else texts["year"].format(year=year)
        found.append(_map(paths, classes, state, facilities, int(year), frame, caption))
        before = known
    return found


def _map(
    paths: list[str],
    classes: np.ndarray,
    state: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    year: int,
    frame: Frame,
    caption: str,
) -> str:
    shapes = [
        f'<path class="{kind} line" d="{path}">'
        f"<title>{escape(str(name))}: {share:.0%}</title></path>"
        for path, kind, name, share in zip(
            paths, classes, state["name"], state["share_served"], strict=True
        )
    ]
    radius = max(frame.width, frame.height) / 110
    there = facilities[facilities["year"] <= year].sort_values("year")
    points = frame.steps(np.column_stack([there.geometry.x, there.geometry.y]))
    dots = [
        f'<circle cx="{x}" cy="{y}" r="{radius:.0f}" fill="{NEW if built == year > 0 else OLD}" '
        f'stroke="#fff" stroke-width="{radius / 4:.0f}">'
        f"<title>{escape(str(label))}</title></circle>"
        for (x, y), built, label in zip(points, there["year"], there["facility_id"], strict=True)
    ]
    margin = int(radius * 2)
    box = f"{-margin} {-margin} {frame.width + 2 * margin} {frame.height + 2 * margin}"
    number = int(state["recognised"].sum())
    return (
        f"<figure><figcaption>{escape(caption)} · {number}/{len(state)}</figcaption>"
        f'<svg viewBox="{box}" role="img" aria-label="{escape(caption)}">'
        f"{''.join(shapes)}{''.join(dots)}</svg></figure>"
    )


def _table(head: list[str], rows: list[list[str]], *, text: tuple[int, ...] = ()) -> str:
    def cells(row: list[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=text' if place in text else ''}>{escape(cell)}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{cells(head, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _year_table(files: PhaseFiles, texts: dict[str, Any]) -> str:
    rows = []
    for row in files.years.to_dict(orient="records"):
        year = int(row["year"])
        target = f"{row['target']:,}" if row["target"] else ""
        rows.append(
            [
                texts["today"] if year == 0 else str(year),
                *(f"{row[name]:,.1f}" for name in ("budget", "spent", "carried")),
                *(f"{row[name]:,.0f}" for name in ("built", "circles", "residents_in_circles")),
                target,
                f"{row['short']:,}" if row["short"] else "",
            ]
        )
    return _table(texts["head"], rows)


def _facility_table(files: PhaseFiles, texts: dict[str, Any]) -> str:
    built = files.facilities[files.facilities["year"] > 0].sort_values(["year", "facility_id"])
    rows = [
        [str(year), str(site), name or str(service), str(category), f"{area:,.0f}", f"{cost:,.1f}"]
        for year, site, name, service, category, area, cost in zip(
            *(
                built[column]
                for column in (
                    "year", "site_id", "name", "service", "category", "floor_area_m2", "cost",
                )
            ),
            strict=True,
        )
    ]  # fmt: skip
    head = f"<h2>{escape(texts['facilities'])}</h2>"
    return head + _table(texts["facility_head"], rows, text=(1, 2, 3))


def _proof_table(record: dict[str, Any], texts: dict[str, Any]) -> str:
    rows = []
    for name, step in record["steps"].items():
        gap = step["gap"]
        rows.append(
            [
                name,
                str(step["status"]),
                *(
                    "" if step[key] is None else f"{step[key]:,.0f}"
                    for key in ("objective", "bound")
                ),
                f"{gap:.2%}" if gap is not None and step["objective"] else "",
            ]
        )
    return f"<h2>{escape(texts['proof'])}</h2>" + _table(texts["proof_head"], rows, text=(1,))


def _warnings(record: dict[str, Any], texts: dict[str, Any]) -> str:
    lines = [*record["warnings"], *record["city"]["warnings"]]
    if not lines:
        return ""
    items = "".join(f"<li>{escape(str(line))}</li>" for line in lines)
    return f"<h2>{escape(texts['warnings'])}</h2><ul>{items}</ul>"
