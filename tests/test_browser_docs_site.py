"""The documentation as a site in a browser, from a folder and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from docs_site.site import write_site
from tests.browser import ROOT, Visit, visit

pytestmark = pytest.mark.slow

PAGES = ("index.html", "stats.html", "gallery.html", "formats.html", "probes/gap.html")
UNREAD_STYLES = {"preload": False}  # axe would ask for the style sheet, which no page of a folder may do


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "pages"
    write_site(ROOT, out)
    return out


@pytest.fixture(params=["light", "dark"])
def read(request: pytest.FixtureRequest, chromium: Any, site: Path) -> Iterator[Visit]:
    one = visit(chromium, (site / "index.html").as_uri(), offline=True, color_scheme=request.param)
    yield one
    one.context.close()
    own = f"request: {site.as_uri()}/"  # a file of the site itself
    assert [problem for problem in one.problems if not problem.startswith(own)] == []


def test_pages_are_readable_and_nothing_is_cut(read: Visit, site: Path) -> None:
    for name in PAGES:
        read.page.goto((site / name).as_uri())
        found = Axe().run(read.page, options=UNREAD_STYLES).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == [], name
        for width in (1440, 1000, 400):
            read.page.set_viewport_size({"width": width, "height": 900})
            assert read.page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def test_the_search_finds_a_probe_from_a_page_in_a_folder_and_goes_there(read: Visit, site: Path) -> None:
    read.page.goto((site / "probes" / "gap.html").as_uri())
    read.page.keyboard.press("/")
    read.page.keyboard.type("worst-rank test")
    first = read.page.locator("#hits a").first
    assert "Comparing experiments" in first.inner_text()
    marks = read.page.locator("#hits a").first.locator("mark").all_inner_texts()
    assert "worst-rank" in [mark.lower() for mark in marks]
    read.page.keyboard.press("ArrowDown")
    read.page.keyboard.press("Enter")
    read.page.wait_for_url("**/stats.html*")
    read.page.keyboard.press("/")
    read.page.keyboard.type("xyzzy")
    assert read.page.locator("#hits").inner_text() == "Nothing found."
