"""The report of a benchmark: complete, honest where data is thin, safe against hostile names."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from shequ.benchmarks.report import write_report
from shequ.benchmarks.report.charts import entrant_styles
from shequ.benchmarks.report.content import build_report, headline
from shequ.benchmarks.report.formats import ratio_text, seconds_text, share_text, value_text
from shequ.benchmarks.report.markdown import escape
from shequ.benchmarks.row import Outcome, Row
from shequ.benchmarks.standings import Settings, rank
from shequ.benchmarks.trials import families_of

NASTY = "<script>alert(1)</script> | \"&' $x_1$ `code` \x07 {{ 7 * 7 }} 苏州"
PNG = b"\x89PNG\r\n\x1a\n"


class _Elements(HTMLParser):
    """Notes the elements of a page and what their attributes point to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def row(case: str, method: str, seconds: float | None, **other: object) -> Row:
    """Return a row that solved its case unless told otherwise."""
    given = {"job": f"{case}/{method}", "family": "p-median", "solver": "highs", "seed": 1}
    given |= {"status": Outcome.OPTIMAL, "time_limit": 60.0, "objective": 10.0, "bound": 10.0}
    given |= {"gap": 0.0, "host": "bench-1", "commit": "abc123", "versions": {"highspy": "1.11"}}
    return Row(**{**given, **other, "case": case, "method": method, "total_seconds": seconds})


def results(name: str = "textbook") -> list[Row]:
    """Return rows of two entrants on four cases in two repeats, with the reference job."""
    rows = [
        row(
            f"case {size}", method, factor * size**2 * (1 + repeat / 10), repeat=repeat,
            size={"clients": size}, rows=size, columns=size**2, nonzeros=3 * size**2,
            peak_mib=50.0 + size, curve=((0.01, 12.0, 5.0),), solver_version="1.11",
        )
        for size in (10, 20, 40, 80)
        for method, factor in ((name, 4e-3), ("quick", 1e-3))
        for repeat in range(2)
    ]  # fmt: skip
    reference = [
        row("reference", "reference", 1.0 + n / 100, family="reference", solver="", repeat=n,
            started=f"2025-01-01T10:0{n}:00+00:00")
        for n in range(4)
    ]  # fmt: skip
    return rows + reference


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the report of the results above."""
    folder = tmp_path_factory.mktemp("report")
    write_report(results(), folder, title="A benchmark")
    return folder


def report_of(rows: list[Row], folder: Path) -> tuple[str, str]:
    """Return the Markdown and the HTML of some rows."""
    paths = write_report(rows, folder)
    return tuple(path.read_text(encoding="utf-8") for path in paths[:2])


def test_every_file_that_is_named_is_written(tmp_path):
    """Markdown, page, and an SVG and a PNG of each chart."""
    paths = write_report(results(), tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in paths}
    charts = ("ratios", "drift", "profile-p-median", "gap-p-median", "growth-p-median")
    expected = {f"charts/{chart}.{kind}" for chart in charts for kind in ("svg", "png")}
    assert names == {"report.md", "report.html"} | expected
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(paths)


def test_charts_are_valid_svg_and_png(folder):
    """Each SVG can be parsed, each PNG begins like one."""
    drawings = list(folder.glob("charts/*.svg"))
    assert len(drawings) == 5
    for path in drawings:
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
        assert path.with_suffix(".png").read_bytes().startswith(PNG)


def test_the_same_rows_give_the_same_files(folder, tmp_path):
    """Neither the time nor a random number gets into a file."""
    for path in write_report(results(), tmp_path, title="A benchmark"):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_the_page_needs_no_network(folder):
    """No link leads out of the page, and no address of the network is in it."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(link.startswith("#") for link in _Elements(page).links)
    assert not re.search(r"https?://", page)
    assert "@import" not in page
    assert page.count("<svg") == 5


def test_ids_of_the_page_are_unique_and_references_find_them(folder):
    """Charts do not clip or mark each other."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    elements = _Elements(page)
    targets = {link[1:] for link in elements.links} | set(re.findall(r"url\(#([^)]+)\)", page))
    assert len(set(elements.ids)) == len(elements.ids)
    assert targets <= set(elements.ids)


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_the_method_comes_before_any_number(folder, name):
    """Shift, penalty and definitions stand before the results."""
    text = (folder / name).read_text(encoding="utf-8")
    results = re.search("^## Results|<h2>Results", text, re.MULTILINE)
    assert results is not None
    for words in ("shift of 1 s", "as 10 times that", "Dolan and Moré (2002)"):
        assert text.index(words) < results.start()


@pytest.mark.parametrize("name", ["report.md", "report.html"])
@pytest.mark.parametrize(
    "fact", ["60 s", "bench-1", "abc123", "highspy 1.11", "case 80", "0.105", "exponent"]
)
def test_what_one_must_know_is_told(folder, name, fact):
    """Limits, hosts, commits, versions, cases, medians (0.1 and 0.11 s) and the fit."""
    text = (folder / name).read_text(encoding="utf-8")
    if name == "report.md" and fact == "exponent":
        text = (folder / "charts" / "growth-p-median.svg").read_text(encoding="utf-8")
        fact = "exponent 2.00"
    assert fact in text


def test_the_settings_are_stated(tmp_path):
    """Another shift and penalty are told, not the default ones."""
    settings = Settings(shift=2.5, penalty=3.0, baselines=("quick",))
    write_report(results(), tmp_path, settings=settings)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "shift of 2.5 s" in text
    assert "as 3 times that" in text
    assert "is quick where it has it" in text
    assert "quick \\[highs\\] (baseline)" in text


def test_markdown_links_lead_to_charts(folder):
    """Each picture of the Markdown is a file beside it."""
    text = (folder / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) == 5
    assert all((folder / link).is_file() for link in links)


def test_rows_of_markdown_tables_have_the_cells_of_their_heading(tmp_path):
    """A bar in a name does not break a table."""
    text, _ = report_of(results(NASTY), tmp_path)
    for block in text.split("\n\n"):
        if block.startswith("| "):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(counts) == 1


def test_an_empty_list_gives_a_report_that_says_so(tmp_path):
    """No row, no chart, no crash."""
    text, page = report_of([], tmp_path)
    assert "There is no row to report on." in text
    assert "There is no row to report on." in page
    assert not (tmp_path / "charts").exists()


def test_only_the_reference_job_gives_its_drift(tmp_path):
    """It is drawn, and enters no table."""
    rows = [own for own in results() if own.family == "reference"]
    text, _ = report_of(rows, tmp_path)
    assert "slowest by fastest 1.03" in text
    assert "There is no row to report on." in text


def test_hostile_names_never_become_markup(tmp_path):
    """Family, case, method, host and detail with markup are shown as text."""
    rows = [
        Row(**{**vars(own), "family": NASTY if own.family == "p-median" else own.family,
               "case": own.case + NASTY, "host": NASTY, "detail": NASTY, "reason": NASTY})
        for own in results(NASTY)
    ]  # fmt: skip
    broken = row("broken", NASTY, 1.0, family=NASTY, status=Outcome.WRONG, detail=NASTY)
    plain = row("broken", "textbook", 1.0, status=Outcome.WRONG, detail="false")
    text, page = report_of([*rows, broken], tmp_path / "nasty")
    _, harmless = report_of([*results(), plain], tmp_path / "plain")
    assert "script" not in _Elements(page).tags
    assert set(_Elements(page).tags) == set(_Elements(harmless).tags)
    assert "<script" not in text
    assert "{{ 7 * 7 }}" in page
    for path in (tmp_path / "nasty").glob("charts/*.svg"):
        names = {element.tag.split("}")[-1] for element in ET.parse(path).iter()}  # noqa: S314
        assert "script" not in names


def test_families_whose_names_make_the_same_file_name_are_kept_apart(tmp_path):
    """Neither overwrites the charts of the other."""
    rows = results()
    rows += [
        Row(**{**vars(own), "family": "P median"}) for own in rows if own.family != "reference"
    ]
    names = {path.name for path in write_report(rows, tmp_path)}
    assert {"profile-p-median.svg", "profile-p-median-2.svg"} <= names


def test_wrong_answers_stand_before_the_results_with_their_names(tmp_path):
    """Who was wrong, on which case, and what was said of it."""
    rows = [*results(), row("case 99", "liar", 0.1, status=Outcome.WRONG, detail="claims 9")]
    text, page = report_of(rows, tmp_path)
    for shown in (text, page):
        assert "1 wrong answer, given by liar" in shown
        assert shown.index("claims 9") < shown.index("is best and solves")
    assert 'class="alarm"' in page


def test_without_a_wrong_answer_the_report_says_so(folder):
    """Silence would leave it open."""
    assert "No answer was wrong" in (folder / "report.md").read_text(encoding="utf-8")


def test_contradicting_proofs_are_an_alarm():
    """A bound above a solution is told with both names and values."""
    rows = [row("c", "a", 1.0), row("c", "b", 1.0, objective=11.0, bound=11.0)]
    report = build_report(rows, title="", settings=Settings())
    assert report.alarms == (
        "c (p-median): b [highs] claims the bound 11, but a [highs] found 10.",
    )


def test_errors_memory_and_timeouts_are_counted_and_named():
    """The table of statuses counts them, the table of failures says what was said."""
    rows = [
        row("c1", "a", 1.0, status=Outcome.ERROR, detail="crashed at line 3"),
        row("c2", "a", 1.0, status=Outcome.MEMORY),
        row("c3", "a", 60.0, status=Outcome.TIMEOUT),
    ]
    report = build_report(rows, title="", settings=Settings())
    heads = [column.name for column in report.statuses.columns]
    counts = dict(zip(heads, (cell.text for cell in report.statuses.rows[0]), strict=True))
    assert [counts[word] for word in ("error", "memory", "timeout", "wrong")] == [
        "1",
        "1",
        "1",
        "–",
    ]
    assert [line[1].text for line in report.failures.rows] == ["c1", "c2"]
    assert report.failures.rows[0][-1].text == "crashed at line 3"


def test_a_family_with_too_little_data_says_which_charts_it_lacks():
    """One entrant, one unsolved case, no size, no curve: three reasons, no chart."""
    alone = row("c", "a", None, status=Outcome.TIMEOUT, objective=None, bound=None, gap=None)
    (part,) = build_report([alone], title="", settings=Settings()).families
    assert part.gallery.charts == []
    assert [line.split(":")[0] for line in part.gallery.skipped] == [
        "No performance profile", "No growth curve", "No chart of gaps over time",
    ]  # fmt: skip


def headline_of(rows: list[Row], baseline: str) -> str:
    """Return the headline of the only family of some rows."""
    return headline(rank(families_of(rows)[0], baseline=baseline, settings=Settings()))


def test_a_headline_is_a_ratio():
    """Means sqrt(2 * 8) - 1 = 3 and 6: the second takes twice the time of the first."""
    rows = [row("c1", "a", 1.0), row("c2", "a", 7.0), row("c1", "b", 6.0), row("c2", "b", 6.0)]
    assert headline_of(rows, "b [highs]") == (
        "p-median (2 cases): a [highs] is best and solves 2 of 2; b [highs] follows at 2.00 × its "
        "time and is the baseline."
    )


def test_headlines_of_single_entrants_and_of_unsolved_families():
    """Neither names a ratio that does not exist."""
    assert "is alone and solves 1 of 1" in headline_of([row("c", "a", 1.0)], "a [highs]")
    open_case = {"status": Outcome.FEASIBLE, "bound": 8.0}
    rows = [row("c", name, 60.0, **open_case) for name in ("a", "b")]
    assert "nobody solved a case" in headline_of(rows, "a [highs]")
    assert "mean gap of 20.0 %" in headline_of(rows, "a [highs]")


def test_a_new_best_value_is_news_in_both_senses():
    """Below the best known of a minimise problem, above it of a maximise problem."""
    for maximize, known in ((False, 11.0), (True, 9.0)):
        rows = [row("c", "a", 1.0, best_known=known, maximize=maximize)]
        report = build_report(rows, title="", settings=Settings())
        assert report.news == (f"c (p-median): 10 by a [highs], before {known:.0f}.",)


def test_odd_rows_do_not_stop_a_report(tmp_path):
    """Zero and missing times, infinite bounds, no limits, a curve without values."""
    rows = [
        row("c1", "a", 0.0),
        row("c1", "b", None, objective=math.nan, bound=-math.inf, gap=math.inf),
        row("c2", "a", 0.0, status=Outcome.INFEASIBLE, objective=None, bound=None),
        row("c2", "b", 1.0, status=Outcome.MEMORY, time_limit=0.0, curve=((0.0, None, None),)),
        row("c3", "a", 0.0, size={"clients": 0}),
    ]
    text, _ = report_of(rows, tmp_path)
    assert "nan" not in text.lower().replace("finance", "")


def test_entrants_of_a_family_have_different_styles_and_keep_them():
    """Up to 28 in one family; the same entrant looks alike in another family."""
    rows = [row("c", f"m{n}", 1.0) for n in range(28)]
    rows += [row("d", f"m{n}", 1.0, family="other") for n in (3, 30)]
    families = families_of(rows)
    styles = entrant_styles(families)
    own = [styles[entrant] for entrant in families[1].entrants]
    assert len(set(own)) == 28
    assert styles["m3 [highs]"] != styles["m30 [highs]"]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (seconds_text(None), "–"),
        (seconds_text(0.0), "0.000"),
        (seconds_text(0.0001), "<0.001"),
        (seconds_text(1234.5), "1,234"),
        (ratio_text(3.4), "3.40 ×"),
        (ratio_text(0.0123), "0.012 ×"),
        (ratio_text(math.inf), "∞"),
        (share_text(0.00001), "<0.01 %"),
        (share_text(0.25), "25.0 %"),
        (value_text(1234567.0), "1,234,567"),
        (value_text(-math.inf), "−∞"),
    ],
)
def test_numbers_have_the_digits_that_they_carry(shown, text):
    """A small share never reads as none, a missing number is a dash."""
    assert shown == text


def test_markdown_escapes_what_would_be_markup():
    """Bars, brackets, stars, underscores and HTML."""
    assert escape("a|b [c](d) *e* _f_ <g>\nh") == r"a\|b \[c\](d) \*e\* \_f\_ &lt;g&gt; h"


def test_no_figure_is_left_to_pyplot():
    """Charts are drawn on figures of their own."""
    report = build_report(results(), title="", settings=Settings())
    charts = [report.overview.charts[0], report.drift.charts[0], *report.families[0].gallery.charts]
    assert [type(chart.figure) for chart in charts] == [Figure] * 5


def test_targets_stand_beside_what_was_measured(tmp_path):
    """A case with a target gets a line: the best entrant, and bold seconds only if it is met."""
    rows = [
        row("easy", "quick", 1.0, target_seconds=2.0),
        row("easy", "textbook", 3.0, target_seconds=2.0),
        row("hard", "quick", 30.0, target_seconds=5.0),
        row("open", "quick", 60.0, target_seconds=5.0, status=Outcome.FEASIBLE, bound=9.0),
        row("free", "quick", 1.0),
    ]
    table = build_report(rows, title="targets", settings=Settings()).targets
    told = {line[0].text: [cell.text for cell in line] for line in table.rows}
    assert sorted(told) == ["easy", "hard", "open"]
    assert told["easy"][1] == "quick [highs]"
    assert [bool(line[4].kind) for line in table.rows] == [True, False, False]
    markdown, page = report_of(rows, tmp_path)
    assert "### Targets" in markdown
    assert "<h3>Targets</h3>" in page
    assert not build_report(results(), title="none", settings=Settings()).targets.rows
