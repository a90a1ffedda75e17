"""The report: opened from a file, without a network, it draws every chart and asks for nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.browser import ROOT, Visit, axe_problems, visit

pytestmark = pytest.mark.slow

MOST_BYTES = 3_000_000
DRAWN = "document.querySelectorAll('.chart .main-svg').length"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    command = [sys.executable, "-m", "app.cli", "report", "q101", "q102", "q103"]
    command += ["--runs", str(ROOT / "sample_runs"), "--out", str(path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return path


@pytest.fixture(params=["light", "dark"])
def read(request: pytest.FixtureRequest, chromium: Any, report: Path) -> Iterator[Visit]:
    one = visit(chromium, report.as_uri(), offline=True, color_scheme=request.param)
    one.page.goto(report.as_uri())
    yield one
    one.context.close()
    assert one.problems == []


def test_every_chart_is_drawn_and_nothing_is_asked_for(read: Visit, report: Path) -> None:
    charts = read.page.locator("figure .chart").count()
    assert charts >= 4
    for chart in read.page.locator("figure .chart").all():
        chart.scroll_into_view_if_needed()
    read.until(
        lambda: read.page.evaluate("""() => Array.from(document.querySelectorAll("figure .chart"))
        .every((c) => c.querySelector(".main-svg") && c.getBoundingClientRect().height > 100)""")
    )
    assert [r.url for r in read.requests if not r.url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert report.stat().st_size < MOST_BYTES


def test_only_its_own_scripts_may_run(read: Visit, report: Path) -> None:
    read.until(lambda: read.page.evaluate(DRAWN))
    policy = read.page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content") or ""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["script-src"].count("'sha256-") == 2 and "unsafe" not in rules["script-src"]
    added = """() => { const s = document.createElement("script"); s.textContent = "window.ran = true";
        document.body.append(s); return window.ran === undefined; }"""
    assert read.page.evaluate(added)
    read.problems.clear()  # the browser says that it refused the script


def test_axe_is_content_and_the_headings_are_in_order(read: Visit) -> None:
    read.until(lambda: read.page.evaluate(DRAWN))
    assert axe_problems(read.page) == []
    levels = read.page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_charts_offer_no_upload_and_the_links_stay_inside(read: Visit) -> None:
    read.until(lambda: read.page.evaluate(DRAWN))
    titles = read.page.eval_on_selector_all(
        "[data-title]", "all => all.map(b => b.dataset.title.toLowerCase())"
    )
    assert titles and not [t for t in titles if "cloud" in t or "share" in t or "studio" in t]
    links = read.page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    assert links and all(link.startswith("#") for link in links)
    for link in links:
        assert read.page.query_selector(link) is not None


def test_the_next_command_is_copied_by_the_keyboard(read: Visit) -> None:
    read.until(lambda: read.page.evaluate(DRAWN))
    buttons = read.page.locator("button[data-copy]")
    assert buttons.count() >= 2
    first = buttons.first
    assert first.get_attribute("data-copy") == first.locator("xpath=preceding-sibling::code").inner_text()
    first.focus()
    read.page.keyboard.press("Enter")
    status = first.locator("xpath=following-sibling::span")
    read.until(lambda: status.inner_text() in ("Copied", "Selected: press Ctrl-C"))
    assert axe_problems(read.page) == []
