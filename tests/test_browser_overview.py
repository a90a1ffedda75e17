"""The Overview and the pages it leads to, in a browser: one step for all, one group that stands out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.runs.history import Row, to_jsonl
from tests.browser import ROOT, Visit, axe_problems, write_run

pytestmark = pytest.mark.slow

SAMPLES = ROOT / "sample_runs"
NARROW = 1000  # px
CURSOR = """() => Array.from(document.querySelectorAll("[data-linked] .cursor"))
  .filter((line) => line.style.display === "block").map((line) => line.getBoundingClientRect().left)"""
ROWS = """() => Array.from(document.querySelectorAll("[id$=-step-rows] tr"))
  .map((row) => Array.from(row.children).map((cell) => cell.textContent))"""
OPACITY = """(chart) => {
  const plot = document.querySelector(`#${chart}-graph .js-plotly-plot`);
  const isDrawn = (one) => one.legendgroup && document.querySelector(".trace" + one.uid);
  const traces = plot.data.filter(isDrawn);
  const opacity = (one) => getComputedStyle(document.querySelector(".trace" + one.uid)).opacity;
  return Object.fromEntries(traces.map((one) => [one.legendgroup, opacity(one)]));
}"""
CUT = """() => Array.from(document.querySelectorAll("#content table, #content img, #content .chart"))
  .filter((part) => part.offsetParent && !part.closest("details:not([open])"))
  .filter((part) => part.getBoundingClientRect().right > window.innerWidth + 1)
  .map((part) => part.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Sample runs of two groups with probe tables at every checkpoint."""
    root = tmp_path_factory.mktemp("probed")
    for group in ("q101", "q103"):
        shutil.copytree(SAMPLES / group / "seed0", root / group / "seed0")
    for probe in ("conditioning", "energy_gap", "false_negatives"):
        words = [
            "probe",
            probe,
            "q101",
            "q103",
            "--runs",
            str(root),
            "--checkpoint",
            "all",
            "--samples",
            "64",
        ]
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    yield root


def hover(visit: Visit, chart: str, share: float) -> None:
    """Move the pointer to a share of the width of a chart."""
    plot = visit.page.locator(f"#{chart}-graph .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def shown(visit: Visit, quantity: str) -> str:
    """Return the group, step and level of a distribution that is drawn."""
    return visit.page.get_attribute(f"#overview-{quantity}", "data-shown") or ""


def stands_out(visit: Visit, chart: str, group: str, other: str) -> bool:
    """Say whether the lines of a group are seen, and those of another one are pale."""
    opacities = visit.page.evaluate(OPACITY, chart)
    return float(opacities[other]) < 0.2 < float(opacities[group])


def test_a_hover_moves_the_step_everywhere_and_a_click_keeps_it(
    probed: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(probed))
    assert visit.view().page == "overview"
    visit.until(lambda: shown(visit, "energy").startswith("q101,9000,"))
    before = len(visit.requests)
    hover(visit, "overview-curves", 0.34)
    visit.until(lambda: shown(visit, "cond").startswith("q101,3000,"))
    words = visit.page.inner_text("#overview-step-words")
    assert "validation/mse at step 3," in words and "best first" in words
    assert "3,000" in visit.page.inner_text("#overview-probed-words")
    assert len(visit.page.evaluate(CURSOR)) == 3  # curves, energy gap, false negatives
    assert len(visit.requests) == before, "a hover asks the server nothing"
    hover(visit, "overview-gap", 0.5)
    visit.until(lambda: shown(visit, "sigma_min").startswith("q101,6000,"))
    assert "at step 6,000" in visit.page.inner_text("#overview-step-words")
    visit.page.mouse.down()
    visit.page.mouse.up()
    visit.until(lambda: visit.view().step == 6000)
    visit.page.mouse.move(5, 5)
    visit.settle()
    assert shown(visit, "energy").startswith("q101,6000,")
    assert axe_problems(visit.page) == []


def test_the_slider_moves_the_step_by_the_keyboard(
    probed: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(probed))
    visit.page.focus("[data-steps] [role=slider]")
    visit.page.keyboard.press("ArrowLeft")
    visit.until(lambda: visit.view().step == 6000)
    visit.until(lambda: shown(visit, "energy").startswith("q101,6000,"))


KNOB = """() => { const thumb = document.querySelector("[data-steps] [role=slider]");
  return [Number(thumb.getAttribute("aria-valuenow")), thumb.getBoundingClientRect().x]; }"""


def knob_is_at(visit: Visit, step: int) -> bool:
    return bool(visit.page.evaluate(KNOB)[0] == step)


def test_the_knob_follows_a_click_on_a_curve_on_the_scale_of_the_axis(
    tmp_path: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    path = write_run(tmp_path / "runs", "q501", 0, [1.0])
    rows = [Row(step, {"validation/mse": 1.0 / step}) for step in (100, 200, 300, 400, 4000)]
    (path / "metrics.jsonl").write_bytes(to_jsonl(rows))
    visit = opened(serving(tmp_path / "runs"))
    step, right = visit.until(lambda: visit.page.evaluate(KNOB))
    assert step == 4000
    hover(visit, "overview-curves", 0.02)
    visit.page.mouse.down()
    visit.page.mouse.up()
    visit.until(lambda: visit.view().step == 100)
    visit.until(lambda: visit.page.evaluate(KNOB)[0] == 100)
    left = visit.page.evaluate(KNOB)[1]
    visit.page.focus("[data-steps] [role=slider]")
    for step in (200, 300, 400):
        visit.page.keyboard.press("ArrowRight")
        visit.until(partial(knob_is_at, visit, step))
    share = (visit.page.evaluate(KNOB)[1] - left) / (right - left)
    assert abs(share - 300 / 3900) < 0.02, "as far along as on the axis"
    visit.page.keyboard.press("ArrowRight")
    visit.until(lambda: visit.view().step == 4000)
    visit.page.click("[data-steps] [data-key=step]")
    visit.until(lambda: visit.view().step is None)
    visit.settle()
    assert visit.view().step is None, "the knob that follows writes nothing"


def test_a_group_that_ended_before_the_step_is_not_ranked(
    tmp_path: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    for group, values in (
        ("q501", [0.9]),
        ("q502", [0.9, 0.5, 0.4, 0.3]),
        ("q503", [0.9, 0.8, 0.7, 0.6]),
    ):
        write_run(tmp_path / "runs", group, 0, values)
    visit = opened(serving(tmp_path / "runs"))
    rows = visit.until(lambda: visit.page.evaluate(ROWS))
    assert [row[0] for row in rows[:2]] == ["q502", "q503"]
    assert "not ranked" in rows[2][0] and rows[3][0] == "q501" and rows[3][4] == "100"
    assert "the last step of all; a group that ended long before" in visit.words()
    visit.go("?step=100")
    rows = visit.until(lambda: visit.page.evaluate(ROWS))
    assert [row[0] for row in rows] == ["q501", "q502", "q503"]


def test_values_stand_at_the_last_step_that_all_groups_reached(
    tmp_path: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    write_run(tmp_path / "runs", "q501", 0, [0.9, 0.3, 0.2])
    write_run(tmp_path / "runs", "q502", 0, [0.9, 0.5, 0.4, 0.1])
    visit = opened(serving(tmp_path / "runs"))
    rows = visit.until(lambda: visit.page.evaluate(ROWS))
    assert [row[0] for row in rows] == ["q501", "q502"] and [row[4] for row in rows] == ["", ""]
    assert "at step 300, the last step that all groups reached, best first" in visit.words()
    visit.until(lambda: knob_is_at(visit, 300))
    visit.page.focus("[data-steps] [role=slider]")
    visit.page.keyboard.press("ArrowRight")
    visit.until(lambda: visit.view().step == 400)
    visit.until(lambda: "the last step that" not in visit.words())
    visit.go("?page=curves")
    assert "at step 300, the last step that all groups reached" in visit.words()


def test_the_curves_begin_in_the_upper_third_and_lines_open_to_the_whole(
    shared: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(shared / "ired_logs"), viewport={"width": 1440, "height": 900})
    visit.until(lambda: visit.page.locator(".headlines li").count() == 3)
    top = "(name) => document.querySelector(name).closest('.chart').getBoundingClientRect().top"
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        assert visit.page.evaluate(top, "#overview-curves-graph") <= 300
        assert axe_problems(visit.page) == []
    lines = visit.page.locator("#overview-verdict summary").all_inner_texts()
    assert len(lines) == 4 and lines[2] == "1 more verdict"
    assert "q102 is worse than q101 by 0.238% (simultaneous 95% interval" in lines[1]
    assert "smaller than the 1% margin" in lines[1] and "t test" not in lines[1]
    visit.page.click("#overview-verdict li:nth-of-type(2) summary")
    assert "paired t test, 10 pairs of seeds" in visit.page.inner_text("#overview-verdict")
    finding = visit.page.locator(".headlines li").first
    finding.locator("summary").click()
    assert "trivial floor, 17 groups" in finding.inner_text()
    assert finding.locator("pre").is_visible()
    visit.go("?page=curves")
    assert visit.page.evaluate(top, "#curves-graph") <= 300


def test_a_highlighted_group_stands_out_on_every_chart_and_page(
    probed: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(probed))
    visit.page.click("[data-key=highlight][data-group=q103]")
    visit.until(lambda: shown(visit, "energy").startswith("q103,"))
    for chart in ("overview-curves", "overview-gap", "overview-false-negatives"):
        visit.until(partial(stands_out, visit, chart, "q103", "q101"))
    assert visit.page.inner_text("tr.highlighted th") == "q103"
    visit.page.click("nav a[data-page=curves]")
    visit.settle()
    visit.until(partial(stands_out, visit, "curves", "q103", "q101"))


def test_without_tables_one_line_has_the_command_and_no_card_takes_space(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(SAMPLES))
    lacking = visit.page.inner_text("#overview-lacking")
    assert "ired-diag probe all q101 q102 q103" in lacking and "--checkpoint all" in lacking
    assert visit.charts() == ["overview-curves"]
    assert visit.page.locator(".chart:visible").count() == 1
    visit.until(lambda: "all findings" in visit.words())
    assert visit.page.locator(".headlines li pre").count() == visit.page.locator(".headlines li").count() > 0


def test_the_table_at_the_step_is_sorted_by_value_with_n(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(SAMPLES), "?page=curves")
    hover(visit, "curves", 0.9)
    rows = visit.until(lambda: visit.page.evaluate(ROWS))
    ranked = [row for row in rows if len(row) > 1 and row[0] != "q900"]  # q900 ends before
    values = [float(row[1]) for row in ranked]
    assert values == sorted(values) and len(values) >= 3
    assert {row[3] for row in ranked if row[0] in ("q101", "q102", "q103")} == {"3"}


def test_overview_and_study_write_a_number_in_one_form(
    tmp_path: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    for group, middle in (("q501", 3.27880), ("q502", 3.27826)):
        for seed in range(4):
            write_run(tmp_path / "runs", group, seed, [10.0, 4.0, middle + 0.0005 * (seed - 1.5)])
    visit = opened(serving(tmp_path / "runs"))
    rows = {row[0]: row[1:4] for row in visit.until(lambda: visit.page.evaluate(ROWS))}
    assert rows["q502"] == ["3.27826", "0.00065", "4"]
    visit.go("?page=study")
    for group in ("q501", "q502"):
        assert " ± ".join(rows[group][:2]) in " ".join(visit.words().split())


@pytest.fixture
def twenty(tmp_path: Path) -> Path:
    """Twenty groups, of one or two seeds each."""
    for number in range(20):
        for seed in range(1 + number % 2):
            values = [1.0 / (step + 1) + number + seed / 10 for step in range(8)]
            write_run(tmp_path / "runs", f"q{500 + number}", seed, values)
    return tmp_path / "runs"


def test_of_twenty_groups_a_few_are_drawn_and_the_others_are_one_press_away(
    twenty: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(twenty), "?page=curves")
    assert "8 of 20 groups are drawn" in visit.words()
    few = {trace["uid"]: trace["colour"] for trace in visit.traces("curves") if trace["name"]}
    visit.page.click("[data-key=groups][data-value=all]")
    visit.settle()
    assert len([row for row in visit.page.evaluate(ROWS) if len(row) > 1]) == 20
    every = {trace["uid"]: trace["colour"] for trace in visit.traces("curves") if trace["name"]}
    assert few.items() <= every.items(), "a group has the same colour among few and among all"
    assert axe_problems(visit.page) == []


def test_two_seeds_are_two_curves_without_a_band(
    twenty: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(twenty), "?page=curves&groups=q501&groups=q500&groups=q503")
    names = [trace["name"] for trace in visit.traces("curves")]
    assert "q501, band" not in names and names.count("q501") >= 2


def test_the_study_is_sorted_grouped_and_shows_chosen_keys(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(SAMPLES), "?page=study&columns=mining_strategy")
    names = (
        "() => Array.from(document.querySelectorAll('tr.group [data-toggle]')).map((b) => b.dataset.value)"
    )
    visit.until(lambda: visit.page.locator("a.mark").count() > 0)  # findings next to the verdict
    visit.page.click("[data-sort=column_0]")
    visit.settle()
    assert visit.page.evaluate(names)[0] == "q103"  # adversarial
    visit.page.select_option("select[data-choice=by]", "mining_strategy")
    visit.settle()
    assert {"adversarial", "none", "random"} <= set(visit.page.evaluate(names))
    assert axe_problems(visit.page) == []


@pytest.mark.parametrize("page", ["overview", "study", "curves", "statistics"])
def test_nothing_is_cut_at_a_thousand_pixels(
    shared: Path, serving: Callable[..., Any], opened: Callable[..., Visit], page: str
) -> None:
    visit = opened(serving(shared / "ired_logs"), f"?page={page}", viewport={"width": NARROW, "height": 900})
    if page == "study":
        visit.until(lambda: visit.page.locator("a.mark").count() > 0)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= NARROW
    assert visit.page.evaluate(CUT) == []
    visit.page.emulate_media(color_scheme="dark")
    assert axe_problems(visit.page) == []


def test_chosen_groups_have_their_configurations_side_by_side(
    shared: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(shared / "ired_logs"), "?page=statistics&groups=q101&groups=q103")
    table = visit.page.inner_text("[aria-label='Configurations side by side']")
    (row,) = [line for line in table.splitlines() if line.startswith("mining_strategy")]
    assert "none" in row and "adversarial" in row
    assert "Equal in all groups" in visit.words() and "learning_rate" not in table
