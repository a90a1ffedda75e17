"""Folders as they are: empty, with one seed, with torn files and hostile names, and changing while seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.dashboard.address import View
from tests.browser import ROOT, Visit, all_pages, axe_problems, write_run

pytestmark = pytest.mark.slow

INTERVAL = 1.0  # s
FALLING = [0.5, 0.3, 0.2, 0.15, 0.1]
IMAGE = "<img src=x onerror=\"alert('name')\">"
SCRIPT = "</script><script>alert('script')</script>"
CLIMBING = "../../etc/passwd"
Open = Callable[..., Visit]
Serve = Callable[..., Any]


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("growing")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with hostile names, in their configuration and as folders, and a torn file."""
    root = tmp_path_factory.mktemp("hostile")
    for number, name in enumerate((IMAGE, SCRIPT, CLIMBING)):
        for seed in (0, 1):
            write_run(root, name, seed, [0.01 * number + v for v in FALLING], folder=f"run{number}")
    folder = write_run(root, "q901", 0, FALLING, folder="<img src=x onerror=alert(1)>")
    told = json.loads((folder / "config.json").read_text())
    told["config"] = {"experiment_name": IMAGE, "note": SCRIPT, IMAGE: IMAGE}
    (folder / "config.json").write_text(json.dumps(told))
    torn = write_run(root, "q902", 0, FALLING) / "metrics.jsonl"
    torn.write_bytes(torn.read_bytes()[:-20])
    (write_run(root, "q903", 0, FALLING) / "config.json").write_text('{"format": 1, "exper')
    return root


def injected(visit: Visit) -> list[str]:
    """Return elements that only a name could have made."""
    told: list[str] = visit.page.evaluate(
        """() => Array.from(document.querySelectorAll("[onerror], img[src='x'], #content script"))
               .map(e => e.outerHTML)"""
    )
    return told


def test_an_empty_folder_says_what_to_do_and_a_first_run_appears(
    growing: Path, serving: Serve, opened: Open
) -> None:
    visit = opened(serving(growing, interval=INTERVAL), "?page=study")
    for name in all_pages():
        visit.go(f"?page={name}")
        assert "Traceback" not in visit.words() and len(visit.words()) > 30
        assert visit.charts() == [] and axe_problems(visit.page) == []
    visit.go("")
    assert "ired-diag demo" in visit.words()
    write_run(growing, "q900", 0, FALLING)
    visit.until(lambda: "q900" in visit.words())
    for name in all_pages():  # one seed: nothing can be compared
        visit.go(f"?page={name}")
        assert "Traceback" not in visit.words() and axe_problems(visit.page) == []


@pytest.mark.parametrize("name", all_pages())
def test_hostile_names_are_words_on_every_page(
    hostile: Path, serving: Serve, opened: Open, name: str
) -> None:
    visit = opened(serving(hostile), View(page=name, open=(IMAGE, SCRIPT, CLIMBING)).to_query())
    for details in visit.page.locator("#content details > summary:visible").all():
        details.click()
    for graph in visit.page.locator(".dash-graph:visible .nsewdrag").all():
        graph.hover()
    assert injected(visit) == [] and axe_problems(visit.page) == []
    links = visit.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    assert all(link.startswith((visit.home, "#")) and "etc/passwd" not in link for link in links)


def test_hostile_names_are_words_on_a_run_s_page_and_torn_files_are_told(
    hostile: Path, serving: Serve, opened: Open
) -> None:
    visit = opened(serving(hostile), View(page="study", open=(IMAGE, CLIMBING, "q901", "q902")).to_query())
    assert IMAGE in visit.words() and CLIMBING in visit.words()
    assert "1 file is not a run" in visit.words()
    for href in visit.page.eval_on_selector_all("th.seed a", "all => all.map(a => a.getAttribute('href'))"):
        visit.go(href)
        assert visit.view().page == "run" and injected(visit) == [], href
    visit.go("?page=findings")
    assert "q903" in visit.words()


def test_a_run_that_goes_while_it_is_seen_is_said_to_be_gone(
    serving: Serve, opened: Open, tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    for name in ("q101", "q102"):
        shutil.copytree(ROOT / "sample_runs" / name, root / name)
    dashboard = serving(root, interval=INTERVAL)
    study = opened(dashboard, "?page=study&open=q102")
    curves, run = opened(dashboard, "?page=curves"), opened(dashboard, "?page=study")
    run.go(study.page.get_attribute("th.seed a >> nth=2", "href") or "")
    assert "q102" in run.words()
    shutil.rmtree(root / "q102" / "seed2")
    study.until(lambda: "5 runs in 2 groups" in study.words())
    run.until(lambda: "no such run" in run.words())
    shutil.rmtree(root / "q102")
    study.until(lambda: "3 runs in 1 group" in study.words())
    curves.until(lambda: "q102" not in str(curves.traces("curves")))
    (root / "q101" / "seed1" / "metrics.jsonl").write_bytes(b'{"step": 25, "attempt"')
    study.page.click("[data-toggle=open][data-value=q101]")
    study.until(lambda: "nothing evaluated" in study.words())
    for visit in (study, curves, run):
        assert "Traceback" not in visit.words()
