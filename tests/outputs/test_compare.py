"""Plans side by side: figures, gains and losses, moves, stations, spending; pages and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shequ.outputs.compare.changes import (
    differing_sites,
    differing_units,
    moves,
    only_in,
    services,
    spending_by_street,
)
from shequ.outputs.compare.comparison import ComparedPlan, Comparison, compared, read_comparison
from shequ.outputs.compare.figures import (
    asked_differently,
    figures,
    largest_minutes,
    worst_minutes,
)
from shequ.outputs.compare.files import comparison_record, figure_table, write_comparison
from shequ.outputs.compare.page import comparison_texts, render_comparison, signed
from shequ.outputs.compare.walks import (
    CLASSES,
    changes_by_community,
    changes_by_street,
    group_changes,
    walk_classes,
)
from shequ.outputs.files import plain, write_plan
from shequ.outputs.layers import PlanFiles


def changed(files: PlanFiles) -> PlanFiles:
    """
    Return the plan with other walks, one station closed, and two units in another district.

    Units 0 and 1 walk 3 minutes less, unit 20 one more, and unit 40 falls out of reach.
    """
    units = files.units.copy()
    units.loc[[0, 1], "minutes"] = [files.units["minutes"][60] + 1.0, 2.0]
    units.loc[[0, 1], "in_reach"] = True
    units.loc[20, "minutes"] = files.units["minutes"][20] + 1.0
    units.loc[40, ["minutes", "in_reach"]] = [np.nan, False]
    units.loc[[8, 9], "community_id"] = "C4"
    return replace(files, units=units.iloc[::-1].reset_index(drop=True))


@pytest.fixture
def plans(build_plan: Callable[..., PlanFiles]) -> Comparison:
    """Compare a plan of 192 units with one in which six units are not the same."""
    files = build_plan()
    ages = files.units.assign(residents_65plus=files.units["residents"] // 10)
    files = replace(files, units=ages)
    return compared([ComparedPlan("A", files), ComparedPlan("B", changed(files))])


def test_units_of_all_plans_are_in_one_order(plans: Comparison) -> None:
    """The second plan holds its units backwards, and the comparison does not."""
    first, second = (plan.files.units["unit_id"].tolist() for plan in plans.plans)
    assert first == second
    assert plans.plans[1].community[8] == "C4"


def test_worst_minutes_count_a_unit_in_part() -> None:
    """A tenth of 100 residents are the five that walk 10 minutes and five of the next unit."""
    minutes = np.array([2.0, 8.0, 10.0, np.nan])
    residents = np.array([80.0, 15.0, 5.0, 1_000.0])
    assert worst_minutes(minutes, residents) == 9.0
    assert largest_minutes(minutes, residents) == 10.0
    assert worst_minutes(np.array([np.nan]), np.array([5.0])) is None
    assert largest_minutes(np.array([3.0, 7.0]), np.array([5.0, 0.0])) == 3.0


@given(
    arrays(float, 12, elements=st.floats(0.1, 60)),
    arrays(float, 12, elements=st.integers(1, 500).map(float)),
)
def test_worst_minutes_lie_between_mean_and_largest(minutes, residents) -> None:
    """Those who walk furthest walk at least the mean, at most the longest walk."""
    worst = worst_minutes(minutes, residents)
    assert worst is not None
    assert worst >= (minutes * residents).sum() / residents.sum() - 1e-9
    assert worst <= minutes.max() + 1e-9


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (8.0, 8.4, "same"),
        (8.0, 8.5, "a_little_more"),
        (8.0, 10.0, "more"),
        (8.0, 13.0, "much_more"),
        (8.0, 7.5, "a_little_less"),
        (8.0, 6.0, "less"),
        (8.0, 3.0, "much_less"),
        (8.0, np.nan, "reach_lost"),
        (np.nan, 3.0, "reach_gained"),
        (np.nan, np.nan, "never"),
    ],
)
def test_classes_of_change(before: float, after: float, name: str) -> None:
    """Each step of minutes has its class, whose lower bound belongs to it."""
    assert CLASSES[walk_classes(np.array([before]), np.array([after]))[0]] == name


@given(arrays(float, 9, elements=st.floats(0, 40) | st.just(np.nan)), st.randoms())
def test_what_one_gains_the_other_way_loses(minutes, random) -> None:
    """With the plans exchanged every class becomes its mirror image."""
    other = minutes.copy()
    random.shuffle(other)
    there, back = walk_classes(minutes, other), walk_classes(other, minutes)
    never = CLASSES.index("never")
    assert (np.where(there == never, never, never - 1 - there) == back).all()


def test_gains_and_losses_count_residents_and_ages(plans: Comparison) -> None:
    """Gains are units 0 and 1, losses units 20 and 40; ages are a tenth of them."""
    residents = plans.residents
    everyone, elderly = group_changes(plans, 1)
    assert everyone.gaining == residents[[0, 1]].sum()
    assert everyone.losing == residents[[20, 40]].sum()
    assert everyone.total == residents.sum()
    assert elderly.group == "residents_65plus"
    assert elderly.losing == (residents[[20, 40]] // 10).sum()
    table = changes_by_community(plans)
    assert table["residents_gaining_1"].sum() == everyone.gaining
    assert table["residents_65plus_losing_1"].sum() == elderly.losing
    assert table.loc[table["place"] == "C4", "residents_losing_1"].item() == 0
    streets = changes_by_street(plans)
    assert streets["place"].tolist() == ["S1", "S2"]
    assert streets["residents"].sum() == residents.sum()


def test_moves_name_both_communities(plans: Comparison) -> None:
    """Two units leave their community for C4."""
    table = moves(plans, 1)
    home = plans.first.community[8]
    assert table["in_other"].tolist() == ["C4"]
    assert table["in_first"].tolist() == [home]
    assert table["units"].sum() == 2
    assert table["residents"].sum() == plans.residents[[8, 9]].sum()


def test_provisional_ids_are_matched_by_residents(build_plan: Callable[..., PlanFiles]) -> None:
    """Two districts that exchange their provisional ids are the same districts."""
    files = build_plan()
    swap = {"C1-2": "C1-3", "C1-3": "C1-2"}
    units = files.units.assign(community_id=files.units["community_id"].replace(swap))
    comparison = compared(
        [ComparedPlan("A", files), ComparedPlan("B", replace(files, units=units))]
    )
    assert moves(comparison, 1).empty
    assert not differing_units(comparison)["community_differs"].any()


def test_the_table_of_units_holds_what_differs(plans: Comparison) -> None:
    """Six units differ: four in their walk, two in their community."""
    table = differing_units(plans)
    assert table["unit_id"].tolist() == ["u000", "u001", "u008", "u009", "u020", "u040"]
    assert table["community_differs"].sum() == 2
    assert table["walk_differs"].sum() == 4
    assert pd.isna(table.set_index("unit_id").loc["u040", "minutes_B"])


def test_stations_that_differ(plans: Comparison) -> None:
    """A station that is closed in one plan only is listed, with the action of each."""
    first, second = plans.plans
    opened = first.files.facilities
    site = opened["site_id"].iloc[-1]
    closed = opened[opened["site_id"] == site].assign(action="closed", floor_area_m2=0.0, cost=0.0)
    files = replace(
        second.files,
        facilities=opened[opened["site_id"] != site],
        candidates=pd.concat([second.files.candidates, closed]),
    )
    comparison = compared([first, replace(second, files=files)])
    table = differing_sites(comparison)
    assert table["site_id"].tolist() == [site]
    assert table["action_1"].tolist() == ["closed"]
    action = table["action_0"].item()
    assert only_in(comparison, 0, 1, (action,)) == [site]
    assert only_in(comparison, 1, 0, (action,)) == []
    assert differing_sites(plans).empty


def test_spending_adds_up_to_the_cost(plans: Comparison) -> None:
    """Money by street sums to the cost of the stations, per resident divides it."""
    table = spending_by_street(plans)
    assert table["cost_0"].sum() == pytest.approx(plans.first.files.facilities["cost"].sum())
    row = table[table["residents"] > 0].iloc[0]
    assert row["cost_per_resident_0"] == pytest.approx(row["cost_0"] / row["residents"])


def test_services_are_counted_where_a_plan_has_them(plans: Comparison) -> None:
    """Open ones count, closed ones do not; a plan without services has no figures."""
    table = pd.DataFrame(
        {
            "site_id": ["a", "a", "b", "c"],
            "service": ["care", "clinic", "care", "care"],
            "action": ["opened", "kept", "extended", "closed"],
            "floor_area_m2": [100.0, 50.0, 60.0, 0.0],
            "cost": [10.0, 0.0, 5.0, 0.0],
            "name_zh": ["日间照料", None, "日间照料", "日间照料"],
        }
    )
    first, second = plans.plans
    found = services(Comparison((replace(first, services=table), second)))
    assert found is not None
    care = found.set_index("service").loc["care"]
    assert (care["number_0"], care["new_0"], care["floor_area_m2_0"], care["cost_0"]) == (
        2, 2, 160, 15,
    )  # fmt: skip
    assert (care["name_zh"], care["name_en"]) == ("日间照料", "care")
    assert found["number_1"].isna().all()
    page = render_comparison(Comparison((replace(first, services=table), second)))
    assert "日间照料" in page
    rows = figures(Comparison((replace(first, services=table), second)))
    assert [one.amounts for one in rows if one.key == "cost_of_services"] == [(15.0, None)]
    assert 'id="services"' not in render_comparison(plans)
    assert services(plans) is None


def test_figures_have_differences_and_verdicts(plans: Comparison) -> None:
    """More minutes are worse, equal figures are neither."""
    table = {figure.key: figure for figure in figures(plans)}
    assert table["residents"].amounts == (plans.residents.sum(),) * 2
    assert table["cost"].verdict(1) == 0
    worst = table["worst_minutes"]
    assert worst.differences[0] == 0
    assert worst.amounts[1] is not None
    today = plans.units["community_id_before"].astype(str)
    moved = plans.residents[(plans.plans[1].community != today).to_numpy()].sum()
    assert table["residents_moved"].amounts[1] == moved


def test_what_was_asked_differently(plans: Comparison) -> None:
    """Only policy values that are not the same in all plans are named."""
    assert asked_differently(plans) == []
    first, second = plans.plans
    record = json.loads(json.dumps(plain(second.record)))
    record["policy"]["siting"]["reach_minutes"] = 7
    other = replace(second, files=replace(second.files, record=record))
    ((name, values),) = asked_differently(Comparison((first, other)))
    assert (name, values[1]) == ("siting.reach_minutes", 7)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("unit_id", "other", "B alone has unit other"),
        ("residents", 9_999, "has 500 residents in one and 9999 in the other"),
    ],
)
def test_plans_of_other_cities_are_refused(
    build_plan: Callable[..., PlanFiles], column: str, value: object, message: str
) -> None:
    """The message names plans, unit and what differs."""
    files = build_plan()
    units = files.units.copy()
    units[column] = units[column].where(np.arange(len(units)) > 0, value)
    other = ComparedPlan("B", replace(files, units=units))
    with pytest.raises(ValueError, match=message):
        compared([ComparedPlan("A", files), other])


@pytest.fixture
def folders(small_plan: PlanFiles, tmp_path: Path) -> list[Path]:
    """Write two plans of one city to folders of the same last name."""
    paths = [tmp_path / "north" / "plan", tmp_path / "south" / "plan"]
    allocation = small_plan.allocation.assign(households=1)
    files = replace(small_plan, allocation=allocation, network=None)
    for path, own in zip(paths, (files, changed(files)), strict=True):
        write_plan(own, path)
    return paths


def test_folders_are_told_apart_by_their_names(folders: list[Path]) -> None:
    """Names are the shortest ends of the paths that differ, or those that are given."""
    names = [plan.name for plan in read_comparison(folders).plans]
    assert names == ["north/plan", "south/plan"]
    named = read_comparison(folders, ["Small", " Large"])
    assert [plan.name for plan in named.plans] == ["Small", "Large"]


@pytest.mark.parametrize(
    ("wanted", "names", "message"),
    [
        ((0,), None, "1 plans cannot be compared; name 2 to 6"),
        ((0, 0), None, "is named twice"),
        ((0, 1), ["A"], "Give each a name"),
        ((0, 1), ["A", "A"], "Give each a name"),
    ],
)
def test_wrong_folders_and_names_are_refused(
    folders: list[Path], wanted: tuple[int, ...], names: list[str] | None, message: str
) -> None:
    """Too few, the same folder twice, and names that do not fit are each told."""
    with pytest.raises(ValueError, match=message):
        read_comparison([folders[place] for place in wanted], names)


def test_files_are_written_side_by_side(folders: list[Path], tmp_path: Path) -> None:
    """Page and tables lie beside each other; the tables hold what the functions say."""
    comparison = read_comparison(folders, ["A", "B"])
    files = write_comparison(comparison, tmp_path / "out" / "compare.html", lang="zh")
    assert [file.name for file in files] == ["compare.csv", "compare_units.csv", "compare.html"]
    table = pd.read_csv(files[0]).set_index("figure")
    assert table.loc["residents_losing_minutes", "B"] == group_changes(comparison, 1)[0].losing
    assert list(table.columns) == list(figure_table(comparison).columns[1:])
    assert len(pd.read_csv(files[1])) == 6
    assert '<html lang="zh">' in files[2].read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"ends with \.html"):
        write_comparison(comparison, tmp_path / "compare.pdf")


def test_the_record_is_plain(plans: Comparison) -> None:
    """The comparison is JSON without what JSON does not know."""
    record = json.loads(json.dumps(plain(comparison_record(plans)), allow_nan=False))
    assert [plan["name"] for plan in record["plans"]] == ["A", "B"]
    assert record["plans"][0]["against_first"] is None
    assert record["plans"][1]["against_first"]["units_in_another_community"] == 2


class _Page(HTMLParser):
    """Collects what a page loads from elsewhere, and ids that are there twice."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [str(given[key]) for key in ("src", "srcset") if given.get(key)]
        if tag == "link":
            self.loads.append(str(given.get("href")))
        if given.get("id"):
            self.ids.append(str(given["id"]))


def test_the_page_needs_no_network(plans: Comparison) -> None:
    """Nothing is loaded from elsewhere, ids are unique, and both languages are there."""
    page = render_comparison(plans)
    seen = _Page()
    seen.feed(page)
    assert seen.loads == []
    assert len(set(seen.ids)) == len(seen.ids)
    outside = set(re.findall(r"https?://[^\s\"'<]+", page)) - {"http://www.w3.org/2000/svg"}
    assert outside == set()
    assert 'lang="zh">谁受益，谁受损' in page
    with pytest.raises(ValueError, match="lang = 'xx' is not known"):
        render_comparison(plans, lang="xx")


def test_names_cannot_break_the_page(build_plan: Callable[..., PlanFiles]) -> None:
    """Names of plans and communities that look like markup stay text."""
    nasty = "</script><b>"
    files = build_plan([nasty, "B", "C", "D"])
    page = render_comparison(compared([ComparedPlan(nasty, files), ComparedPlan("y", files)]))
    assert nasty not in page
    assert "\\u003c/script\\u003e" in page


def test_texts_have_the_same_keys_and_placeholders() -> None:
    """Every text is there in both languages and takes the same values."""
    english, chinese = (comparison_texts().by_lang[lang] for lang in ("en", "zh"))
    assert set(english) == set(chinese)
    for key, words in english.items():
        assert set(re.findall(r"{(\w+)", words)) == set(re.findall(r"{(\w+)", chinese[key])), key


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(0.0, 0, "="), (-1234.5, 1, "\u22121,234.5"), (0.1, -1, "+10.0 pp"), (None, 0, "–")],
)
def test_differences_have_signs(value: float | None, digits: int, shown: str) -> None:
    """A difference says its direction, or that there is none."""
    assert signed(value, digits) == shown
