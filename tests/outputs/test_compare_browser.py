"""The comparison in a browser: its maps move, colour and point together without an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from shequ.outputs.compare.comparison import ComparedPlan, compared
from shequ.outputs.compare.page import render_comparison
from shequ.outputs.layers import PlanFiles

pytestmark = pytest.mark.slow


@pytest.fixture
def page(small_plan: PlanFiles) -> str:
    """Compare three plans; in the second unit 0 belongs elsewhere and unit 20 walks more."""
    units = small_plan.units.copy()
    units.loc[0, "community_id"] = "C4"
    units.loc[20, "minutes"] += 3.0
    other = replace(small_plan, units=units)
    plans = [("A", small_plan), ("B", other), ("C", small_plan)]
    return render_comparison(compared([ComparedPlan(name, files) for name, files in plans]))


@pytest.fixture
def noted(page: str, notes: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """Return a function that opens the comparison, runs a script, and returns what it noted."""
    return partial(notes, page)


def test_maps_pan_and_zoom_together(noted: Callable[..., dict[str, str]]) -> None:
    """After wheel, arrow key and button all maps show the same extent, and not the first one."""
    found = noted("""
      const maps = [...document.querySelectorAll("svg.map")];
      const boxes = () => maps.map((m) => m.getAttribute("viewBox"));
      const before = boxes()[0];
      maps[1].dispatchEvent(new WheelEvent("wheel",
        { deltaY: -100, clientX: 600, clientY: 500, cancelable: true }));
      maps[2].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
      document.querySelector('[data-zoom="in"]').click();
      setTimeout(() => {
        note("linked", new Set(boxes()).size === 1 && boxes()[0] !== before);
        note("many", maps.length);
      }, 300)
    """)
    assert (found["linked"], found["many"]) == ("true", "3")


def test_a_unit_is_seen_on_every_map(noted: Callable[..., dict[str, str]]) -> None:
    """The pointer on one map outlines the unit on all, and each tells its own minutes."""
    found = noted("""
      const svg = document.querySelectorAll("svg.map")[0], box = svg.getBoundingClientRect();
      svg.dispatchEvent(new PointerEvent("pointermove",
        { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, pointerId: 1 }));
      const outlines = [...document.querySelectorAll("svg.map .under .casing")]
        .map((p) => p.getAttribute("d"));
      note("same", new Set(outlines).size === 1 && outlines[0].length > 0);
      note("read", [...document.querySelectorAll(".readout")]
        .every((p) => p.textContent.includes("min")));
      note("tip", document.getElementById("tip").textContent)
    """)
    assert (found["same"], found["read"]) == ("true", "true")
    assert re.search(r"Unit u\d{3}\d+ residentsA: .*B: .*C: ", found["tip"])


def test_every_colouring_draws_and_moved_units_are_hatched(
    noted: Callable[..., dict[str, str]],
) -> None:
    """Colours change with the choice, and the second map alone hatches a unit."""
    found = noted("""
      const colour = document.getElementById("colour");
      const fills = () => [...document.querySelectorAll("svg.map .cells path")]
        .map((p) => p.getAttribute("fill")).join();
      const seen = [...colour.options].map((o) => {
        colour.value = o.value; colour.dispatchEvent(new Event("change")); return fills();
      });
      note("seen", new Set(seen).size);
      note("moved", [...document.querySelectorAll("svg.map .moved path")]
        .map((p) => p.getAttribute("d").length > 0))
    """)
    assert (found["seen"], found["moved"]) == ("3", "false,true,false")


def test_rows_and_search_lead_to_the_maps(noted: Callable[..., dict[str, str]]) -> None:
    """A row of the table shows its community; the search finds communities and stations."""
    found = noted("""
      document.querySelector('#people tr[data-place="C2"]').click();
      note("row", document.documentElement.dataset.selected);
      const sought = document.getElementById("sought");
      const go = () => document.getElementById("find").requestSubmit();
      sought.value = "u017"; go(); note("unit", document.documentElement.dataset.selected);
      sought.value = "平江"; go(); note("place", document.documentElement.dataset.selected)
    """)
    assert (found["row"], found["unit"], found["place"]) == ("C2", "u017", "C3")


def test_tables_sort_below_merged_heads(noted: Callable[..., dict[str, str]]) -> None:
    """The head of the second plan's losses sorts by them, whatever is merged above it."""
    found = noted("""
      const table = document.querySelectorAll("#people table.sortable")[1];
      const heads = [...table.tHead.rows[1].cells], wanted = heads[3];
      wanted.querySelector("button").click();
      note("name", wanted.innerText.trim().split(/\\s*[↑↓]/)[0].replace(/\\s+/g, " "));
      const column = [...table.tBodies[0].rows].map((row) => Number(row.cells[5].dataset.v));
      note("sorted", column.every((v, i) => i === 0 || column[i - 1] >= v) && column[0] > 0)
    """)
    assert (found["name"], found["sorted"]) == ("walk more", "true")


def test_a_phone_shows_two_maps_and_no_more_than_its_width(
    noted: Callable[..., dict[str, str]],
) -> None:
    """On a narrow screen two plans are shown, and the page does not scroll sideways."""
    found = noted(
        """
      const panes = [...document.querySelectorAll("figure[data-pane]")];
      note("shown", panes.filter((f) => !f.hidden).length);
      note("wide", document.documentElement.scrollWidth <= window.innerWidth)
    """,
        width=500,
    )
    assert (found["shown"], found["wide"]) == ("2", "true")


def test_the_language_changes_without_a_reload(noted: Callable[..., dict[str, str]]) -> None:
    """The button changes title, heads and legend."""
    found = noted("""
      document.getElementById("language").click();
      note("title", document.title);
      note("heading", document.querySelector("#people h2").innerText);
      note("legend", document.getElementById("legend").textContent)
    """)
    assert "3 个方案对照" in found["title"]
    assert found["heading"] == "谁受益，谁受损"
    assert "社区" in found["legend"]
    assert all(word not in found["legend"] for word in ("community", "opened"))
