"""The dashboard at ten thousand runs: the first page, a refresh, a sort, a filter, and memory.

    python -m benchmarks.dashboard_scale [--runs 10000] [--root DIR] [--chromium FILE] [--no-browser]

A study of run folders is written into a temporary folder (``--root`` takes one that is there, and appends a
line to the history of one of its runs). Measured are

- cold: the first start of ``ired-diag dashboard``, with an empty cache; warm: the second;
- page: from opening the address until the first row of the Study page can be clicked, in headless Chromium.
  The server has just printed its address, and begins to read at that moment; its CPU seconds count from the
  start of the process, 1.5 of which are imports. Without Chromium: from asking
  for the first refresh until the page is laid out and written as JSON, in one process;
- refresh: CPU seconds of a look that finds nothing changed, and of one that finds one line appended to one
  history, the median of five;
- sort, filter: CPU seconds until the table is laid out by another column, or by a condition;
- memory: the largest resident size of the server after the first page (``VmHWM``).

Exit status 3 where a goal is missed: the warm page within 3 s, the refresh of one changed file within 0.3 s.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from plotly.io.json import to_json_plotly

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.history_cache import HistoryCache
from app.dashboard.pages import study
from benchmarks.dashboard import PATIENCE, ROW, served
from ired_diag.runs.history import Row, to_jsonl

GOAL_PAGE, GOAL_REFRESH = 3.0, 0.3
SEEDS, POINTS = 10, 40
REPEATS = 5
CONDITION = "last < 0.0098 and learning_rate <= 3e-4"


@dataclass(frozen=True)
class Page:
    """What the first page took: seconds by the clock, CPU seconds and largest size (MB) of the server."""

    seconds: float
    cpu: float
    size: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s by the clock, {self.cpu:.2f} s of CPU, {self.size:.0f} MB"


def write_study(root: Path, runs: int, rng: np.random.Generator) -> None:
    """Write run folders, ten seeds a group, of forty evaluations and a configuration of forty keys."""
    fall = 0.0097 + 0.02 * np.exp(-np.arange(POINTS) / 8)
    for number in range(runs):
        group, seed = f"q{1000 + number // SEEDS}", number % SEEDS
        folder = root / group / f"seed{seed}"
        folder.mkdir(parents=True)
        settings: dict[str, Any] = {f"setting_{key}": key for key in range(38)}
        settings |= {"learning_rate": 1e-4 * (1 + number // SEEDS % 7), "seed": seed}
        config = {"format": 1, "experiment": group, "seed": seed, "config": settings}
        config["ending"] = {"state": "complete"}
        (folder / "config.json").write_text(json.dumps(config))
        values = fall * (1 + 0.01 * rng.standard_normal(POINTS))
        rows = []
        for place, value in enumerate(values.tolist(), start=1):
            rows.append(Row(1000 * place, {"validation/mse": value, "train/loss": 2 * value}))
        (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))


def page_in_browser(browser: Any, root: Path, cache: Path) -> Page:
    """Return what it took until the first row could be clicked."""
    with served(root, cache) as (address, _, process):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        start = time.perf_counter()
        page.goto(f"{address}&page=study")
        row = page.locator(ROW).first
        row.wait_for(state="visible", timeout=PATIENCE)
        row.click(trial=True, timeout=PATIENCE)
        seconds = time.perf_counter() - start
        taken = Page(seconds, cpu_of_process(process), largest_size(process))
        context.close()
        return taken


def page_in_process(root: Path, cache: Path) -> Page:
    """Return what it took until a catalog that has read nothing had the page; all is kept afterwards."""
    start, cpu = time.perf_counter(), time.process_time()
    catalog = opened(root, cache)
    to_json_plotly(study.layout(View(), catalog))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    catalog.prepare()
    return Page(seconds, cpu, largest_size(os.getpid()))


def opened(root: Path, cache: Path) -> Catalog:
    """Return a catalog that has not looked yet."""
    return Catalog(root, cache=HistoryCache(cache / "ired-diag" / "histories"))


def largest_size(process: int) -> float:
    """Return the largest resident size of a process so far, in MB; NaN where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return float("nan")
    size = re.search(r"VmHWM:\s+(\d+) kB", status)
    if size is None:
        return float("nan")
    return int(size[1]) / 1000


def cpu_of_process(process: int) -> float:
    """Return the CPU seconds that a process has taken so far; NaN where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def cpu_of(action: Callable[[], object]) -> float:
    """Return the CPU seconds that an action takes in this process."""
    start = time.process_time()
    action()
    return time.process_time() - start


def looks(catalog: Catalog) -> dict[str, float]:
    """Return CPU seconds of looks, sorts and filters of a catalog that is open."""
    seconds = {"refresh, nothing changed": statistics.median(cpu_of(catalog.refresh) for _ in range(REPEATS))}
    history = catalog.snapshot().study.runs[-1].path / "metrics.jsonl"
    appended = []
    for number in range(REPEATS):
        with history.open("ab") as file:
            file.write(to_jsonl([Row(10_000_000 + number, {"validation/mse": 0.0097})]))
        version = catalog.snapshot().version
        appended.append(cpu_of(catalog.refresh))
        if catalog.snapshot().version != version + 1:
            raise RuntimeError("a refresh missed a change")
    seconds["refresh, one history grew"] = statistics.median(appended)
    views = {
        "next part": View(part=2),
        "sort by the last value": View(sort="last"),
        "filter by words": View(filter="q1 complete"),
        "filter by a condition": View(filter=CONDITION),
    }
    for name, view in views.items():
        seconds[name] = cpu_of(partial(_page_of, view, catalog))
    return seconds


def _page_of(view: View, catalog: Catalog) -> str:
    page: str = to_json_plotly(study.layout(view, catalog))
    return page


def measure(root: Path, cache: Path, browser: Any) -> int:
    """Print all numbers; return the exit status."""
    page: Callable[[Path, Path], Page] = page_in_process
    if browser is not None:

        def page(root: Path, cache: Path) -> Page:
            return page_in_browser(browser, root, cache)

    print(f"first page, cold: {page(root, cache)}")  # noqa: T201
    opened(root, cache).prepare()
    warm = page(root, cache)
    print(f"first page, warm: {warm}")  # noqa: T201
    catalog = opened(root, cache)
    catalog.refresh()
    seconds = looks(catalog)
    for name, spent in seconds.items():
        print(f"{name}: {spent:6.3f} s of CPU")  # noqa: T201
    is_missed = warm.seconds >= GOAL_PAGE or seconds["refresh, one history grew"] >= GOAL_REFRESH
    if is_missed:
        print(f"MISSED: the goals are {GOAL_PAGE:g} s for the warm page, {GOAL_REFRESH:g} s for a refresh")  # noqa: T201
    return 3 if is_missed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--root", type=Path, help="Run folders. Default: they are made.")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="Its executable.")
    parser.add_argument("--no-browser", action="store_true", help="Lay the page out in this process.")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        root, cache = options.root or Path(folder, "runs"), Path(folder, "cache")
        if options.root is None:
            write_study(root, options.runs, np.random.default_rng(0))
        if options.no_browser:
            return measure(root, cache, None)
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
            try:
                return measure(root, cache, browser)
            finally:
                browser.close()


if __name__ == "__main__":
    sys.exit(main())
