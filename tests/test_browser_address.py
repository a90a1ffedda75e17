"""The address holds the whole view: opened elsewhere it shows the same, and Back works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import ROOT, Visit, drag_across

pytestmark = pytest.mark.slow

SAMPLES = ROOT / "sample_runs"
Open = Callable[..., Visit]
Serve = Callable[[Path], Any]


def elsewhere(visit: Visit, opened: Open, dashboard: Any) -> Visit:
    """Open the address of a page in another window, that has the cookie and nothing else of the first."""
    return opened(dashboard, f"?{visit.query()}", storage_state=visit.context.storage_state())


def test_filter_open_groups_order_and_theme_are_the_same_elsewhere(serving: Serve, opened: Open) -> None:
    dashboard = serving(SAMPLES)
    visit = opened(dashboard, "?page=study")
    visit.page.fill("#filter-box input", "q10")
    visit.until(lambda: visit.view().filter == "q10")
    visit.page.click("[data-sort=last]")
    visit.settle()
    visit.page.click("[data-sort=last]")
    visit.settle()
    visit.page.click("[data-toggle=open][data-value=q102]")
    visit.page.keyboard.press("t")
    visit.settle()
    view = visit.view()
    assert (view.filter, view.sort, view.descending, view.open) == ("q10", "last", True, ("q102",))
    other = elsewhere(visit, opened, dashboard)
    assert other.words() == visit.words()
    assert other.page.input_value("#filter-box input") == "q10"
    theme = "document.documentElement.dataset.theme"
    assert other.page.evaluate(theme) == visit.page.evaluate(theme) == "light"
    assert "token" not in visit.page.url


def test_metric_hidden_group_scale_and_zoom_are_the_same_elsewhere(serving: Serve, opened: Open) -> None:
    dashboard = serving(SAMPLES)
    visit = opened(dashboard, "?page=curves&metric=train/loss")
    visit.page.click("[data-toggle=hidden][data-value=q102]")
    visit.settle()
    visit.page.select_option("select[data-choice=scale]", "log")
    visit.settle()
    drag_across(visit, "curves", down=0.6)
    visit.until(lambda: visit.view().x)
    visit.settle()
    view = visit.view()
    assert (view.metric, view.hidden, view.scale) == ("train/loss", ("q102",), "log")
    other = elsewhere(visit, opened, dashboard)
    assert [t["name"] for t in other.traces("curves")] == [t["name"] for t in visit.traces("curves")]
    assert other.traces("curves") == visit.traces("curves")
    for one, same in zip(other.zoom("curves"), visit.zoom("curves"), strict=True):
        assert one == pytest.approx(same, rel=1e-6)
    for part in ("#curves-words", "#curves-table", ".controls"):
        assert other.page.text_content(part) == visit.page.text_content(part)
    assert other.page.get_attribute("[data-toggle=hidden][data-value=q102]", "aria-pressed") == "true"
    assert other.page.input_value("select[data-choice=scale]") == "log"


def test_back_and_forward_go_through_views_and_pages(serving: Serve, opened: Open) -> None:
    visit = opened(serving(SAMPLES), "?page=study")
    first = visit.words()
    visit.page.click("[data-sort=best]")
    visit.settle()
    second = visit.words()
    visit.page.click("nav a[data-page=findings]")
    visit.settle()
    assert visit.page.inner_text("h1") == "Findings"
    visit.page.go_back()
    visit.settle()
    assert visit.words() == second != first
    visit.page.go_back()
    visit.settle()
    assert visit.words() == first
    visit.page.go_forward()
    visit.settle()
    assert visit.words() == second


def test_a_page_keeps_the_filter_of_the_page_before(serving: Serve, opened: Open) -> None:
    visit = opened(serving(SAMPLES), "?page=study")
    visit.page.fill("#filter-box input", "q103")
    visit.page.click("nav a[data-page=findings]")
    visit.settle()
    assert visit.view().filter == "q103" and visit.page.input_value("#filter-box input") == "q103"


@pytest.mark.parametrize(
    "query", ["?page=../../etc/passwd&run=../..&x=nan,1&level=-4", "?page=<b>&metric=%00&hidden=%ff&step=1e9"]
)
def test_an_address_of_nonsense_opens_the_first_page(serving: Serve, opened: Open, query: str) -> None:
    visit = opened(serving(SAMPLES), query)
    assert visit.page.inner_text("h1") == "Overview"
