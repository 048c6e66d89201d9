"""The report in a browser: it draws, it answers, and it makes no errors."""

from __future__ import annotations

import re

import pytest
from shequ.outputs.report import render_report

pytestmark = pytest.mark.slow
LINE = "const lineOf = (side) => document.querySelector(`svg[data-side=${side}] .selected .line`);"


def test_page_draws_both_maps_without_an_error(small_plan, notes):
    """Every community is a path on its map, and no error was raised."""
    script = """
    for (const side of ["before", "after"])
      note(side, document.querySelectorAll(`svg[data-side=${side}] .fills path[fill^="#"]`).length);
    """
    noted = notes(render_report(small_plan), script)
    assert (noted["before"], noted["after"]) == ("4", "7")


def test_click_on_a_row_highlights_its_community_on_both_maps(small_plan, notes):
    """A new community is outlined after the plan, and its old community before it."""
    script = (
        LINE
        + """
    document.querySelector('#table tr[data-place="C1-2"]').click();
    const d = (side, i) => document.querySelectorAll(`svg[data-side=${side}] .fills path`)[i]
      .getAttribute("d");
    note("onbefore", lineOf("before").getAttribute("d") === d("before", 0));
    note("onafter", lineOf("after").getAttribute("d") === d("after", 1));
    note("rows", [...document.querySelectorAll("#table tr.on")].map((r) => r.dataset.place));
    """
    )
    noted = notes(render_report(small_plan), script)
    assert noted["selected"] == "C1-2"
    assert (noted["onbefore"], noted["onafter"]) == ("true", "true")
    assert noted["rows"] == "C1-2"


def test_enter_on_a_row_selects_it(small_plan, notes):
    """The tables work with the keyboard alone."""
    script = (
        LINE
        + """
    const row = document.querySelector('#shortfalls tr[data-place="u000"]');
    row.focus();
    row.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    note("drawn", lineOf("after").getAttribute("d").length > 0);
    """
    )
    noted = notes(render_report(small_plan), script)
    assert (noted["selected"], noted["drawn"]) == ("u000", "true")


def test_click_on_the_map_before_marks_every_new_community(small_plan, notes):
    """A click on a community of today finds the rows of all districts that it becomes."""
    script = """
    document.querySelector("svg[data-side=before] .fills path")
      .dispatchEvent(new MouseEvent("click", { bubbles: true }));
    note("rows", [...document.querySelectorAll("#table tr.on")].map((r) => r.dataset.place));
    """
    noted = notes(render_report(small_plan), script)
    assert noted["rows"] == "C1-1,C1-2,C1-3"


def test_maps_zoom_together_and_every_layer_and_colouring_draws(small_plan, notes):
    """Buttons, wheel, check boxes and colours all work, and both maps show the same extent."""
    script = """
    document.querySelector('[data-zoom="in"]').click();
    document.querySelector("svg[data-side=after]").dispatchEvent(
      new WheelEvent("wheel", { deltaY: -100, clientX: 900, clientY: 500, cancelable: true }));
    document.querySelectorAll("[type=checkbox][data-layer]").forEach((box) => box.click());
    const colour = document.getElementById("colour");
    for (const option of [...colour.options]) {
      colour.value = option.value; colour.dispatchEvent(new Event("change"));
    }
    setTimeout(() => {
      const boxes = ["before", "after"].map((side) =>
        document.querySelector(`svg[data-side=${side}]`).getAttribute("viewBox"));
      note("linked", boxes[0] === boxes[1]);
      note("units", document.querySelectorAll("svg[data-side=after] .units path").length > 0);
      note("errors", window.__errors);
    }, 500);
    """
    noted = notes(render_report(small_plan), script)
    assert (noted["linked"], noted["units"], noted["errors"]) == ("true", "true", "0")


def test_tooltip_tells_figures_of_community_and_unit(small_plan, notes):
    """With the units shown, the pointer tells the community and the unit under it."""
    script = """
    document.querySelector('[type=checkbox][data-layer="units"]').click();
    const place = document.querySelectorAll("svg[data-side=after] .fills path")[3];
    const box = place.getBoundingClientRect();
    place.dispatchEvent(new PointerEvent("pointermove",
      { bubbles: true, clientX: box.left + box.width / 3, clientY: box.top + box.height / 3 }));
    note("tip", document.getElementById("tip").textContent.replace(/"/g, ""));
    """
    tip = notes(render_report(small_plan), script)["tip"]
    assert "Willow" in tip
    assert "8,640 residents" in tip
    assert re.search(r"Unit u\d{3}: 180 residents, \d", tip)


def test_table_sorts_and_filters(small_plan, notes):
    """Largest first at the first click; a filter leaves the rows that hold the words."""
    script = """
    document.querySelectorAll("#table th button")[3].click();
    const rows = [...document.querySelectorAll("#table tbody tr")];
    note("sorted", rows.map((row) => Number(row.cells[3].dataset.v))
      .every((value, i, all) => i === 0 || all[i - 1] >= value));
    const filter = document.getElementById("filter");
    filter.value = "平江"; filter.dispatchEvent(new Event("input"));
    note("left", rows.filter((row) => !row.hidden).map((row) => row.dataset.place).sort());
    """
    noted = notes(render_report(small_plan), script)
    assert noted["sorted"] == "true"
    assert noted["left"] == "C3-1,C3-2"


def test_language_changes_without_a_reload(small_plan, notes):
    """The button changes document, title and what is shown; choices on the map stay."""
    script = """
    document.querySelector('#table tr[data-place="C2"]').click();
    document.getElementById("language").click();
    note("title", document.title);
    note("heading", document.querySelector("#figures h2").innerText);
    """
    noted = notes(render_report(small_plan), script)
    assert noted["lang"] == "zh"
    assert noted["title"] == "Pingjiang 平江：社区与设施规划"
    assert noted["heading"] == "关键指标"
    assert noted["selected"] == "C2"


def test_address_selects_a_community_and_a_language(small_plan, notes):
    """A link can point to one community in one language."""
    script = LINE + 'note("drawn", lineOf("after").getAttribute("d").length > 0);'
    noted = notes(render_report(small_plan), script, anchor="#select=C3&lang=zh")
    assert (noted["selected"], noted["lang"], noted["drawn"]) == ("C3", "zh", "true")


def test_markup_in_names_is_never_run(build_plan, notes):
    """A name that looks like a script is shown as it is, on the map too."""
    names = ["<script>alert(1)</script>\"&'", "</script>", "<img src=x onerror=note()>", "a\\'b"]
    script = """
    note("images", document.images.length);
    note("names", [...document.querySelectorAll("svg[data-side=before] text")]
      .some((label) => label.textContent.startsWith("<script>alert(1)")));
    """
    noted = notes(render_report(build_plan(names=names)), script)
    assert noted["images"] == "0"
    assert noted["names"] == "true"
