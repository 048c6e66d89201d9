"""Trade-off curves of a city: ends, proofs, resuming, and what is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
from shequ.instances.city import City, build_city
from shequ.instances.policy import Policy
from shequ.instances.synthetic import generate_city
from shequ.optimize.limits import Stop
from shequ.optimize.planning import trade_off as module
from shequ.optimize.planning.trade_off import TradeOff, make_trade_off
from shequ.outputs.trade_off.figure import Curve, curve_svg, nice_ticks
from shequ.outputs.trade_off.files import FILES, curve_record, curve_text, write_trade_off
from shequ.outputs.trade_off.page import render_trade_off, trade_off_texts
from shequ.outputs.trade_off.table import curve_table

POINTS = 4


@pytest.fixture(scope="module")
def city() -> City:
    """Return a synthetic city of 60,000 residents."""
    return build_city(generate_city(residents=60_000, seed=7), Policy())


@pytest.fixture(scope="module")
def served(city: City, tmp_path_factory: pytest.TempPathFactory) -> tuple[TradeOff, Path]:
    """Return the curve of residents served, and the file that keeps its points."""
    kept = tmp_path_factory.mktemp("resume") / "points.json"
    return make_trade_off(city, Policy(), points=POINTS, resume=kept), kept


@pytest.fixture(scope="module")
def walking(city: City) -> TradeOff:
    """Return the curve of walking."""
    return make_trade_off(city, Policy(), against="walking", points=3)


def test_the_curve_of_served_goes_from_today_to_every_rule(
    served: tuple[TradeOff, Path],
) -> None:
    """It begins with those served today for nothing, and ends where the rules are met."""
    curve, _ = served
    problem, first, last = curve.problem, curve.points[0], curve.points[-1]
    assert curve.is_whole
    assert (first.cost, first.value) == (0, problem.residents_served(problem.today()))
    assert curve.every_rule.solution is not None
    assert last.value == pytest.approx(problem.residents_served(curve.every_rule.solution))
    assert curve.every_rule.objective is not None
    assert last.cost <= curve.every_rule.objective * (1 + 1e-6)
    values = [point.value for point in curve.points]
    assert values == sorted(values)
    assert not any(curve.dominated)


def test_the_curve_of_walking_meets_every_rule(walking: TradeOff) -> None:
    """Each point breaks no rule; the last walks as little as with every site open."""
    assert walking.is_whole
    for point in walking.points:
        assert walking.attainable.violations(point.siting) == []
    shortest = walking.value(walking.problem.everything())
    assert walking.points[-1].value == pytest.approx(shortest)
    assert walking.points[0].cost == pytest.approx(walking.every_rule.objective)


def test_a_stopped_run_goes_on_from_its_points(
    served: tuple[TradeOff, Path], city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points that are kept are taken as they are, those that are missing computed."""
    curve, kept = served
    content = json.loads(kept.read_text(encoding="utf-8"))
    assert sorted(content["entries"]) == [str(place) for place in range(POINTS)]
    del content["entries"]["2"]
    kept.write_text(json.dumps(content), encoding="utf-8")
    asked: list[float] = []
    whole = module.Frontier.point

    def counted(self, budget, **how):  # noqa: ANN003, ANN202 - the method's own
        asked.append(budget)
        return whole(self, budget, **how)

    monkeypatch.setattr(module.Frontier, "point", counted)
    again = make_trade_off(city, Policy(), points=POINTS, resume=kept)
    assert len(asked) == 1
    assert again.resumed == POINTS - 1
    assert [p.value for p in again.points] == pytest.approx([p.value for p in curve.points])


def test_points_of_another_policy_are_not_taken(
    served: tuple[TradeOff, Path], city: City, tmp_path: Path
) -> None:
    """A file of another reach, or with another's figures, starts afresh."""
    _, kept = served
    other = tmp_path / "points.json"
    other.write_bytes(kept.read_bytes())
    nearer = Policy().with_values({"siting.reach_minutes": 12})
    assert make_trade_off(city, nearer, points=2, resume=other).resumed == 0
    other.write_bytes(kept.read_bytes())
    content = json.loads(other.read_text(encoding="utf-8"))
    content["entries"]["1"]["best"]["objective"] += 50
    other.write_text(json.dumps(content), encoding="utf-8")
    assert make_trade_off(city, Policy(), points=POINTS, resume=other).resumed == POINTS - 1


def test_a_request_to_stop_ends_the_curve_early(city: City) -> None:
    """A run that is stopped before its first point has none, and is not whole."""
    stop = Stop()
    stop.request()
    curve = make_trade_off(city, Policy(), points=3, stop=stop)
    assert curve.points == ()
    assert not curve.is_whole
    with pytest.raises(ValueError, match="no point yet"):
        render_trade_off(curve)


def test_the_table_counts_what_a_point_gives(served: tuple[TradeOff, Path]) -> None:
    """Figures are those of the sitings, and each step costs what the table says."""
    curve, _ = served
    table = curve_table(curve)
    assert table["point"].tolist() == list(range(1, POINTS + 1))
    assert table["residents_served"].tolist() == pytest.approx([p.value for p in curve.points])
    gained = np.diff(table["residents_served"])
    assert (table["cost_per_more"][1:] * gained).tolist() == pytest.approx(np.diff(table["cost"]))
    assert (table["value_gap"] == 0).all()
    assert (table["cost_gap"] == 0).all()
    assert "10 of" not in curve_text(curve)
    assert f"{POINTS} of {POINTS} points proven" in curve_text(curve)


def test_every_file_is_written(walking: TradeOff, tmp_path: Path) -> None:
    """Table, record, layer, figure and page lie in the folder and tell the same."""
    files = write_trade_off(walking, tmp_path, lang="zh")
    assert [file.name for file in files] == list(FILES)
    table = pd.read_csv(tmp_path / "trade_off.csv")
    layer = pyogrio.read_dataframe(tmp_path / "trade_off.gpkg", layer="sites")
    assert layer.crs == walking.city.input_crs
    spent = layer.groupby("point")["cost"].sum()
    assert spent.tolist() == pytest.approx(table["cost"].tolist())
    opened = layer[layer["action"] == "opened"].groupby("point").size()
    assert opened.tolist() == table["opened"].tolist()
    record = json.loads((tmp_path / "trade_off.json").read_text(encoding="utf-8"))
    assert record["whole"]
    assert [row["value"]["status"] for row in record["points"]] == ["optimal"] * 3
    assert (tmp_path / "trade_off.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_page_needs_no_network_and_speaks_both_languages(walking: TradeOff) -> None:
    """Nothing is loaded from elsewhere; a point is a row, and a circle in both drawings."""
    page = render_trade_off(walking, lang="zh")
    assert '<html lang="zh">' in page
    outside = set(re.findall(r"https?://[^\s\"'<]+", page)) - {"http://www.w3.org/2000/svg"}
    assert outside == set()
    assert page.count('class="point"') == 2 * len(walking.points)
    assert page.count("<tr tabindex") == len(walking.points)
    with pytest.raises(ValueError, match="lang = 'xx' is not known"):
        render_trade_off(walking, lang="xx")


@pytest.mark.slow
def test_slider_table_and_figure_show_one_point(
    walking: TradeOff, notes: Callable[..., dict[str, str]]
) -> None:
    """A row of the table moves the slider and draws the stations of its point, without an error."""
    script = """
      document.querySelector('tr[data-point="1"]').click();
      note("drawn", document.querySelectorAll("#sites path").length);
      note("fresh", document.querySelectorAll("#sites .new").length > 0);
      note("slid", document.getElementById("slider").value);
      document.getElementById("language").click();
      note("words", document.getElementById("now").textContent);
    """
    found = notes(render_trade_off(walking), script)
    assert (found["point"], found["slid"]) == ("1", "1")
    assert int(found["drawn"]) == walking.points[1].siting.is_open.sum()
    assert found["fresh"] == "true"
    assert found["words"].startswith("点 2: 费用")


def test_a_point_without_proof_is_said_to_have_none(walking: TradeOff) -> None:
    """A point with a gap makes the curve not whole, in record and page."""
    point = walking.points[1]
    bound = 0.9 * point.value
    best = replace(point.best, status=type(point.best.status).FEASIBLE, bound=bound)
    open_ = replace(point, best=best)
    curve = replace(walking, points=(walking.points[0], open_, walking.points[2]))
    assert not curve.is_whole
    assert curve_record(curve)["points"][1]["proven"] is False
    assert "not proven, gap 10.0" in render_trade_off(curve)
    assert "not proven" in curve_text(curve)


def test_the_band_reaches_from_the_points_to_the_bounds() -> None:
    """With a bound above the value the band is taller than the step."""
    words = dict.fromkeys(("title", "cost", "value", "proven", "rule"), "<&>")
    curve = Curve([0, 5], [10, 20], [0, 5], [10, 20], [True, False], None, maximize=True)
    drawing = curve_svg(curve, words)
    assert drawing.count("<circle") == 2
    assert "<&>" not in drawing
    looser = curve_svg(replace(curve, bounds=[10, 30]), words)
    assert looser != drawing
    alone = curve_svg(replace(curve, bounds=[None, None]), words)
    assert alone.count('fill="#cfe2f0"') == 0


@pytest.mark.parametrize(("low", "high"), [(0, 1), (3, 4_000), (69_964, 155_324), (5, 5)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    """Ticks lie within the axis, evenly, and are few."""
    ticks = nice_ticks(low, high)
    assert 1 <= len(ticks) <= 12
    assert all(low <= tick <= high for tick in ticks)
    assert len(np.unique(np.round(np.diff(ticks), 6))) <= 1


def test_texts_have_the_same_keys_and_placeholders() -> None:
    """Every text is there in both languages and takes the same values."""
    english, chinese = (trade_off_texts().by_lang[lang] for lang in ("en", "zh"))
    assert set(english) == set(chinese)
    for key, words in english.items():
        assert set(re.findall(r"{(\w+)", words)) == set(re.findall(r"{(\w+)", chinese[key])), key


def test_one_point_is_no_curve(city: City) -> None:
    """Fewer than two points are refused."""
    with pytest.raises(ValueError, match="points = 1 not understood"):
        make_trade_off(city, Policy(), points=1)
