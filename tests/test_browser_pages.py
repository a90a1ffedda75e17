"""Every page in a browser: with sample runs and with the study's logs, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.dashboard import pages
from tests.browser import ROOT, Visit, all_pages, axe_problems

pytestmark = pytest.mark.slow

SAMPLES = ROOT / "sample_runs"
NARROW = 640  # px


def check(visit: Visit, name: str) -> None:
    """Hold that a page has its heading and its place in the navigation, and that axe is content."""
    title = pages.load(name).title
    heading = visit.page.inner_text("#content h1")
    assert heading == title or name == "run"
    current = visit.page.eval_on_selector_all("nav [aria-current=page]", "all => all.map(a => a.innerText)")
    assert current == [title]
    assert "Traceback" not in visit.words() and "Error" not in heading
    assert axe_problems(visit.page) == []


@pytest.mark.parametrize("name", all_pages())
def test_a_page_of_the_sample_runs_is_whole(
    serving: Callable[..., Any], opened: Callable[..., Visit], name: str
) -> None:
    visit = opened(serving(SAMPLES), f"?page={name}", color_scheme="light")
    check(visit, name)
    visit.page.emulate_media(color_scheme="dark")
    check(visit, name)
    visit.page.set_viewport_size({"width": NARROW, "height": 800})
    visit.settle()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= NARROW, "it scrolls sideways"


@pytest.mark.parametrize("name", all_pages())
def test_a_page_of_the_study_s_logs_is_whole(
    shared: Path, serving: Callable[..., Any], opened: Callable[..., Visit], name: str
) -> None:
    visit = opened(serving(shared / "ired_logs"), f"?page={name}")
    check(visit, name)


def test_a_run_s_page_is_reached_by_its_link_and_whole(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(SAMPLES), "?page=study&open=q101", color_scheme="light")
    visit.page.click("th.seed a >> nth=0")
    visit.settle()
    assert visit.view().page == "run" and visit.view().run
    check(visit, "run")
    visit.page.emulate_media(color_scheme="dark")
    check(visit, "run")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_in_the_address_is_stronger_than_the_system_s(
    serving: Callable[..., Any], opened: Callable[..., Visit], theme: str
) -> None:
    other = "dark" if theme == "light" else "light"
    visit = opened(serving(SAMPLES), f"?page=findings&theme={theme}", color_scheme=other)
    red = visit.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    assert (int(red) > 128) == (theme == "light")
    assert axe_problems(visit.page) == []
