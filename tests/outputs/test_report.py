"""The report as text: complete, in two languages, safe against the names of the input."""

from __future__ import annotations

import copy
import dataclasses
import html
import json
import re
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.outputs.console import summary
from shequ.outputs.layers import PlanFiles
from shequ.outputs.report import render_report
from shequ.outputs.report.classes import colourings, minutes_classes, shades
from shequ.outputs.report.figures import key_figures
from shequ.outputs.report.mapdata import map_data, new_boundaries
from shequ.outputs.report.paths import Frame, frame_of, simplified, svg_paths
from shequ.outputs.report.texts import load_texts, number, percent

TAIPEI = Path(__file__).parents[2] / "../shared/data/cities/taipei/city.gpkg"
NASTY = ["<script>alert(1)</script>\"&'", "</script>", "<!-- \u2028", "{{ 7 * 7 }}"]


class _Elements(HTMLParser):
    """Counts elements and notes what their attributes point to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action"}]


def _payload(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_opens_in_the_language_asked_and_holds_both(small_plan, lang):
    """The language is that of the document and of its title; the other is a button away."""
    page = render_report(small_plan, lang=lang)
    titles = _payload(page)["titles"]
    assert f'<html lang="{lang}">' in page
    assert f"<title>{html.escape(titles[lang])}</title>" in page
    assert "Key figures" in page
    assert "关键指标" in page


def test_unknown_language_is_refused(small_plan):
    """The message names the language and those that there are."""
    with pytest.raises(ValueError, match="'fr' is not known; choose one of en, zh"):
        render_report(small_plan, lang="fr")


def test_page_needs_no_network(small_plan):
    """No element of the page points outside it, and no address of the network is in it."""
    page = render_report(small_plan)
    assert all(link.startswith("#") for link in _Elements(page).links)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in page
    assert "url(" not in page


def test_names_of_the_input_never_become_markup(build_plan):
    """Names with markup are shown as text, in HTML and in the data of the script alike."""
    page = render_report(build_plan(names=NASTY))
    plain = render_report(build_plan())
    assert _Elements(page).tags == _Elements(plain).tags
    assert page.count("</script>") == 2
    assert "alert(1)</script>" not in page
    assert "\u2028" not in page.split('id="data">')[1].split("</script>")[0]
    assert _payload(page)["before"]["name"] == NASTY


def test_texts_have_the_same_keys_and_placeholders_in_both_languages():
    """No text is missing in a language, and none lacks a value that the other shows."""
    by_lang = load_texts().by_lang

    def placeholders(words: str) -> set[str | None]:
        return {field for _, field, _, _ in string.Formatter().parse(words)} - {None}

    assert by_lang["en"].keys() == by_lang["zh"].keys()
    for key, words in by_lang["en"].items():
        assert placeholders(words) == placeholders(by_lang["zh"][key]), key


def test_report_is_the_same_each_time(small_plan):
    """The same plan gives the same page, and the plan is left as it was."""
    columns = list(small_plan.districts.columns)
    assert render_report(small_plan) == render_report(small_plan)
    assert list(small_plan.districts.columns) == columns


def test_key_figures_are_judged_against_the_policy(small_plan):
    """A figure that misses its target before and meets it after says so; others have no verdict."""
    rows = {row.key: row for row in key_figures(small_plan.record, load_texts())}
    assert (rows["over_mandatory"].met_before, rows["over_mandatory"].met_after) == (False, True)
    assert rows["largest_residents"].target["en"] == "less than 15,000"
    assert rows["floor_area_per_100_households"].target["en"] == "at least 80 (national: 30)"
    assert rows["share_in_reach"].met_after is False
    assert rows["communities"].met_after is None
    assert rows["cost"].before == "\u2013"


def test_community_of_exactly_the_gradual_threshold_does_not_meet_it(small_plan):
    """Splitting begins at the threshold, so the largest community must lie below it."""
    small_plan.record["figures"]["after"]["largest_residents"] = 15_000
    rows = {row.key: row for row in key_figures(small_plan.record, load_texts())}
    assert rows["largest_residents"].met_after is False


def test_only_mandatory_splits_are_judged_by_the_mandatory_threshold(small_plan):
    """Where only the largest are to be split, the gradual thresholds are no target."""
    small_plan.record["policy"]["split"]["tier"] = "mandatory"
    rows = {row.key: row for row in key_figures(small_plan.record, load_texts())}
    assert rows["largest_residents"].target["en"] == "at most 20,000"
    assert rows["over_gradual"].met_after is None


def test_shortfalls_are_listed_with_place_and_remedy(small_plan):
    """Each shortfall is a row that knows its place on the map, and the header counts them."""
    page = render_report(small_plan)
    section = page.split('<section id="shortfalls">')[1].split("</section>")[0]
    assert 'data-kind="community" data-place="C1-1"' in section
    assert 'data-kind="unit" data-place="u000"' in section
    assert "Candidate sites in it with 300 m² more." in section
    assert "在该社区内增设共 300 m² 的备选站点。" in section
    assert "shortfalls: 2, places: 2" in page


def test_plan_without_shortfalls_says_that_it_keeps_every_rule(small_plan):
    """The header says in one sentence that nothing falls short."""
    record = copy.deepcopy(small_plan.record) | {"shortfalls": []}
    record["figures"]["after"] |= {"communities_below_target": 0, "residents_out_of_reach": 0}
    page = render_report(dataclasses.replace(small_plan, record=record))
    assert "The plan keeps every rule of the policy." in page
    assert "every rule is kept in every community" in page


def test_split_alone_does_not_say_that_stations_suffice(small_plan):
    """Where nothing that was asked falls short but a key figure does, the header says so."""
    record = copy.deepcopy(small_plan.record) | {"shortfalls": []}
    record["figures"]["after"]["communities_below_target"] = 3
    page = render_report(dataclasses.replace(small_plan, record=record))
    assert "keeps every rule that it was asked to keep" in page
    assert "keeps every rule of the policy" not in page
    assert "every rule is kept in every community" not in page
    assert summary(record).endswith("every rule that was asked for is met")


def _rules(plan: PlanFiles, **changes: object) -> tuple[str, list[list[str]]]:
    """Return what the table of communities says of rules: before it, and row by row."""
    record = copy.deepcopy(plan.record) | {"shortfalls": []} | changes
    page = render_report(dataclasses.replace(plan, record=record))
    section = page.split('<section id="communities">')[1].partition("</section>")[0]
    table = section.partition('id="table">')[2]
    cells = [row.rpartition("<td data-v=")[2] for row in table.split("</tr>")[1:-1]]
    english = r'class="t-en" lang="en">(.*?)</span>'
    return section.partition("</p>")[0], [re.findall(english, cell) for cell in cells]


def _with_districts(plan: PlanFiles, **columns: list[float]) -> PlanFiles:
    """Return a plan whose communities meet every rule but for what the columns say."""
    clean = {"residents": 9_000, "floor_area_shortfall_m2": 0.0, "residents_out_of_reach": 0}
    return dataclasses.replace(plan, districts=plan.districts.assign(**clean | columns))


def test_rules_of_a_whole_plan_are_all_checked(small_plan):
    """A plan of both stages says that every rule is kept, and which rules these are."""
    intro, rows = _rules(_with_districts(small_plan))
    assert "checked for: Size of communities; Floor area; Within walking reach." in intro
    assert "Not asked" not in intro
    assert rows == [["kept"]] * 7
    large = [15_000, *[9_000] * 6]
    plan = _with_districts(small_plan, residents=large, residents_out_of_reach=[0, 40, *[0] * 5])
    _, rows = _rules(plan)
    assert rows == [["Size of communities"], ["Within walking reach"], *[["kept"]] * 5]


def test_rules_of_a_split_alone_claim_nothing_of_stations(small_plan):
    """A split says that sizes are kept, and where floor area and reach are unmet."""
    far, area = [0, 40, *[0] * 5], [300.0, *[0.0] * 6]
    plan = _with_districts(small_plan, floor_area_shortfall_m2=area, residents_out_of_reach=far)
    nothing = {"mode": "none"} | dict.fromkeys(("budget", "lowest", "cost", "served", "walking"))
    intro, rows = _rules(plan, siting=nothing, seconds={"split": 1.0})
    assert "checked for: Size of communities. Not asked of this plan: Floor area;" in intro
    page = render_report(dataclasses.replace(plan, record=small_plan.record | {"siting": nothing}))
    assert "This plan leaves all facilities as they are." in page
    assert "so that every community has enough" not in page
    assert rows[0] == ["kept: Size of communities", "Floor area: unmet, not asked for"]
    assert rows[1] == ["kept: Size of communities", "Within walking reach: unmet, not asked for"]
    assert rows[2:] == [["kept: Size of communities"]] * 5
    _, rows = _rules(plan, siting=nothing, seconds={}, split=[], rebalance={"regions": []})
    assert rows[2:] == [["kept: Size of communities"]] * 5


def test_rules_of_stations_alone_claim_nothing_of_sizes(small_plan):
    """A plan of stations says which communities stay too large."""
    plan = _with_districts(small_plan, residents=[15_000, *[9_000] * 6])
    intro, rows = _rules(plan, split=[], seconds={"site": 1.0})
    assert "Not asked of this plan: Size of communities." in intro
    assert rows[0][1:] == ["Size of communities: unmet, not asked for"]
    assert rows[1:] == [["kept: Floor area; Within walking reach"]] * 6
    services = {"services": [], "unserved_m2": 0.0, "cost": 0.0, "mode": "one", "notes": []}
    services |= {"proof": {"gap_of_what_can_change": None}}
    siting = small_plan.record["siting"] | {"mode": "none", "cost": None, "walking": None}
    _, rows = _rules(plan, split=[], seconds={"services": 1.0}, siting=siting, services=services)
    assert rows[1:] == [["kept: Floor area; Within walking reach"]] * 6


def test_split_communities_come_first_in_the_table(small_plan):
    """The table begins with the new communities and names what each was split from."""
    page = render_report(small_plan)
    table = page.split('id="table">')[1].split("</table>")[0]
    places = re.findall(r'data-place="([^"]+)"', table)
    assert places == ["C1-1", "C1-2", "C1-3", "C3-1", "C3-2", "C2", "C4"]
    assert table.count("split from 桂花社区") == 3


def test_communities_of_a_rebalancing_say_what_became_of_them(small_plan):
    """Merged and rebalanced communities are named in both languages, before those that are kept."""
    changes = ["merged", "rebalanced", "split", "kept", "kept", "kept", "kept"]
    districts = small_plan.districts.assign(change_type=changes)
    page = render_report(dataclasses.replace(small_plan, districts=districts))
    table = page.split('id="table">')[1].split("</table>")[0]
    rows = re.findall(r'data-place="([^"]+)">.*?</td><td>(.*?)</td>', table, re.DOTALL)
    words = [re.findall(r'lang="(?:en|zh[^"]*)"[^>]*>([^<]*)<', change) for _, change in rows]
    assert words[:3] == [
        ["merged with others", "与其他社区合并"],
        ["rebalanced with neighbours", "与相邻社区调整"],
        ["split from 桂花社区", "由桂花社区拆分"],
    ]
    assert words[3:] == [["kept", "不变"]] * 4


def test_plan_without_splits_sites_or_optional_layers_still_renders(small_plan):
    """Empty lists become sentences, not errors."""
    districts = small_plan.districts
    kept = districts[districts["change_type"] == "kept"]
    record = small_plan.record | {"split": []}
    bare = dataclasses.replace(
        small_plan,
        districts=kept,
        facilities=small_plan.facilities.iloc[:0],
        candidates=small_plan.candidates.iloc[:0],
        network=None,
        barriers=None,
        record=record,
    )
    page = render_report(bare)
    assert "No community had to be split." in page
    assert "The plan opens or extends no facility." in page
    assert _payload(page)["barriers"] == []
    assert _payload(page)["cuts"] == ""


def test_classes_follow_the_thresholds_of_the_policy(small_plan):
    """The largest community is above the mandatory threshold, the third from the gradual one."""
    ways = {way.key: way for way in colourings(small_plan.record["policy"], load_texts())}
    assert ways["residents"].classify(small_plan.communities_before).tolist() == [3, 1, 2, 1]
    assert ways["change"].classify(small_plan.communities_before).tolist() == [2, 0, 1, 0]
    assert ways["change"].classify(small_plan.districts).tolist() == [3, 4, 5, 0, 3, 4, 0]
    for way in ways.values():
        assert len(way.colours) == len(way.labels)
        assert way.classify(small_plan.districts).max() < len(way.colours)


def test_minutes_at_the_reach_are_within_it():
    """A walk of exactly the reach counts; longer or unknown ones do not."""
    minutes = np.array([0.0, 5.0, 5.1, 10.0, 15.0, 15.1, np.nan])
    assert minutes_classes(minutes, 15.0).tolist() == [0, 0, 1, 1, 2, 3, 3]


def test_new_boundaries_are_the_lines_between_districts_of_one_community(small_plan):
    """Three strips share two lines of 600 m; two halves share one of 800 m."""
    lengths = sorted(shapely.length(line) for line in new_boundaries(small_plan.districts))
    assert lengths == pytest.approx([800.0, 1200.0])


def test_paths_hold_holes_points_and_lines():
    """Every ring is closed, a point is a line of no length, nothing stays an empty path."""
    frame = Frame(west=0.0, north=10.0, step=1.0, metres=1.0, width=10, height=10)
    ring = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(2, 2), (2, 3), (3, 3), (3, 2)]])
    shapes = np.array([ring, shapely.Point(3, 4), shapely.LineString([(0, 0), (1, 2)]), None])
    assert svg_paths(shapes, frame) == [
        "M0 10h9v-9h-9zM2 8v-1h1v1z",
        "M3 6h0",
        "M0 10l1-2",
        "",
    ]


def test_borders_that_were_shared_stay_shared_when_simplified():
    """A wavy border between two communities is thinned alike on both sides."""
    x = np.linspace(0, 1000, 400)
    wave = np.column_stack([x, 500 + np.sin(x / 20)])
    low = shapely.Polygon([*wave, (1000, 0), (0, 0)])
    high = shapely.Polygon([*wave, (1000, 1000), (0, 1000)])
    layer = simplified(gpd.GeoDataFrame(geometry=[low, high], crs="EPSG:4547"), tolerance=2.0)
    first, second = layer.geometry
    assert shapely.get_num_coordinates(first) < 100
    assert shapely.area(shapely.intersection(first, second)) == 0.0
    assert shapely.area(shapely.union(first, second)) == pytest.approx(1_000_000.0)


def test_city_in_degrees_is_drawn_in_metres(small_plan):
    """Geographic coordinates are projected, so that the scale bar is right."""
    layers = {
        name: getattr(small_plan, name).to_crs("EPSG:4326")
        for name in ("districts", "units", "facilities", "candidates", "communities_before")
    }
    plan = dataclasses.replace(small_plan, **layers, barriers=None, network=None)
    frame = map_data(plan, load_texts())["frame"]
    # The grid of the zone is turned against that of the city, so its box is a little wider.
    assert frame["width"] * frame["metres"] == pytest.approx(1600, rel=0.05)


def test_units_may_be_points(small_plan):
    """Units without an outline are drawn as dots."""
    units = small_plan.units
    dots = dataclasses.replace(small_plan, units=units.set_geometry(units.centroid))
    data = map_data(dots, load_texts())["units"]
    assert data["points"] is True
    assert all(path.endswith("h0") for path in data["d"])


def test_figures_are_shown_for_people():
    """Thousands are separated, shares are per cent, what is missing is a dash."""
    assert [number(1234567.8), number(None), number(np.nan)] == ["1,234,568", "\u2013", "\u2013"]
    assert [percent(0.853), percent(-0.01)] == ["85.3 %", "\u22121.0 %"]
    assert [percent(0.99987), percent(1.0)] == ["99.99 %", "100.0 %"]
    assert percent(1 - 4e-10) == "100.0 %"


def test_drawing_of_a_large_city_stays_small():
    """All 11,490 zones of a real city take less than 1.5 MB as paths."""
    if not TAIPEI.exists():
        pytest.skip("the city input of Taipei is not at ../shared/data")
    units = gpd.read_file(TAIPEI, layer="units", columns=["unit_id"])
    frame = frame_of(units)
    thinned = simplified(units, tolerance=frame.step).geometry.to_numpy()
    paths = svg_paths(thinned, frame)
    assert len(paths) == 11_490
    assert sum(map(len, paths)) < 1_500_000


def test_neighbours_have_different_shades():
    """Nine cells are told apart by their shades where they touch."""
    cells = np.array([shapely.box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)])
    shade = shades(cells, np.full(9, -1))
    assert set(shade) == {0, 1, 2, 3}
    one, other = shapely.STRtree(cells).query(cells, predicate="intersects")
    assert (shade[one] != shade[other])[one != other].all()


def test_given_shades_are_kept():
    """A given shade stays, also beside an equal one, and the others avoid it."""
    row = np.array([shapely.box(i, 0, i + 1, 1) for i in range(4)])
    assert shades(row, np.array([-1, 0, 0, -1])).tolist() == [1, 0, 0, 1]


def _rebalanced(plan: PlanFiles) -> PlanFiles:
    """Return a plan of one region: two communities, of which the first breaks a rule."""
    step = {**plan.record["split"][0], "detail": ""}
    region = {
        "communities": ["C1", "C2"],
        "breaking": ["C1"],
        "districts": 3,
        "moved": {**step, "objective": 4_321.0, "bound": 4_000.0, "gap": 321 / 4_321},
        "second": {**step, "objective_of": "border"},
    }
    rebalance = {"second": "border", "regions": [region]}
    return dataclasses.replace(plan, record={**plan.record, "split": [], "rebalance": rebalance})


def test_regions_of_a_rebalancing_have_a_table(small_plan):
    """Each region has its communities before and after, who moves, and what is proven of it."""
    page = render_report(_rebalanced(small_plan))
    table = page.split('<section id="splits">')[1].split("</section>")[0]
    for text in ("Residents who change community", "4,321", "4,000", "7.43 %", "再求边界长度"):
        assert text in table
    assert table.count("<tr>") == 3
    assert "No community had to be split" not in page
    assert "Rebalancing" in page


def test_a_rebalancing_without_regions_says_so(small_plan):
    """Where nothing broke a rule the report says that nothing had to be rebalanced."""
    plan = _rebalanced(small_plan)
    rebalance = {**plan.record["rebalance"], "regions": []}
    page = render_report(dataclasses.replace(plan, record={**plan.record, "rebalance": rebalance}))
    assert "No community had to be rebalanced." in page
    assert "没有需要调整的社区。" in page


def test_a_region_without_a_plan_is_shown_without_a_second_step(small_plan):
    """A region that could not be rebalanced has one row, which says what is known."""
    plan = _rebalanced(small_plan)
    region = plan.record["rebalance"]["regions"][0]
    nothing = {"status": "infeasible", "objective": None, "bound": None, "gap": None}
    region |= {"second": None, "moved": {**region["moved"], **nothing, "detail": "U7 is too large"}}
    table = render_report(plan).split('<section id="splits">')[1].split("</section>")[0]
    assert table.count("<tr>") == 2
    assert "proven impossible" in table
    assert "U7 is too large" in table


def test_a_split_by_levels_says_how_compact_it_is(small_plan):
    """Moment of inertia, its limit and its best stand beside the split, in both languages."""
    record = json.loads(json.dumps(small_plan.record))
    best = {"status": "feasible", "objective": 1_000.0}
    kept = {"inertia": 1_040.0, "limit": 1_050.0, "slack": 0.05, "best": best}
    record["split"][0] |= {"objective_of": "border", "compactness": kept}
    record["policy"]["split"]["objective"] = "border"
    page = render_report(dataclasses.replace(small_plan, record=record))
    assert "Moment of inertia 1,040; the most compact division has 1,000 (good, not proven" in page
    assert "转动惯量为 1,040" in page
    assert "at most 5.0 % less compact, the one with the least length of new borders" in page


def test_bridges_and_cuts_are_listed(small_plan):
    """Each change of neighbours stands among the input, and nothing where there is none."""
    assert "Bridges and cuts" not in render_report(small_plan)
    changes = [
        {"unit_a": "u1", "unit_b": "u2", "action": "add", "length_m": 0.0},
        {"unit_a": "u3", "unit_b": "u4", "action": "remove", "length_m": 0.0},
    ]
    city = {**small_plan.record["city"], "edge_changes": changes}
    record = {**small_plan.record, "city": city}
    page = render_report(dataclasses.replace(small_plan, record=record))
    assert "u1 and u2 were made neighbours" in page
    assert "u3 与 u4：设为不相邻" in page
