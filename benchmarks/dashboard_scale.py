"""The dashboard at ten thousand runs: the first page, a refresh, a sort, a filter, and memory.

    python -m benchmarks.dashboard_scale [--runs 10000] [--root DIR] [--before aa46d43] [--alone]
        [--chromium FILE] [--no-browser]

A study of run folders is written into a temporary folder (``--root`` takes one that is there, and appends
lines to the history of one of its runs). Measured are

- start: from the start of ``ired-diag dashboard`` until it prints its address;
- page: from opening that address until the first row of the Study page can be clicked, in headless Chromium.
  The server has just begun to read. Its CPU seconds count from the start of the process;
- cold: the first start, with an empty cache; warm: one after a session that has read and judged all runs;
- refresh: CPU seconds of a look that finds nothing changed, and of one that finds one line appended to one
  history, the median of three;
- sort, filter: CPU seconds until the table is laid out by another column, or by a condition;
- memory: the largest resident size of the server after the first page (``VmHWM``).

The earlier commit is checked out into a temporary folder and measured in turn on the same runs, with a cache
of its own, but for its cold page; printed are the ratios. Clock times depend on what else the machine does:
its load is printed. Without Chromium there is no page, and CPU seconds of looks alone are measured.

Exit status 3 where a goal is missed: start and warm page together within 3 s, and the refresh of one changed
file within 0.3 s of CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from benchmarks.against_before import BEFORE, checked_out
from benchmarks.dashboard import PATIENCE, ROOT, ROW, served
from ired_diag.runs.history import Row, to_jsonl

GOAL_PAGE, GOAL_REFRESH = 3.0, 0.3
SEEDS, POINTS = 10, 40
REPEATS = 3
CONDITION = "last < 0.0098 and learning_rate <= 3e-4"
GREW = "refresh, one history grew"

# Run by each build in a process of its own; arguments: the runs, the cache.
LOOKS = """
import json, statistics, sys, time
from pathlib import Path
from app.dashboard.catalog import Catalog
from app.dashboard.history_cache import HistoryCache

def cpu_of_look():
    start = time.process_time()
    catalog.refresh()
    return time.process_time() - start

catalog = Catalog(Path(sys.argv[1]), cache=HistoryCache(Path(sys.argv[2])))
for entry in catalog.refresh().entries.values():
    entry.verdict
unchanged = [cpu_of_look() for _ in range(3)]
history = catalog.snapshot().study.runs[-1].path / "metrics.jsonl"
grew = []
for number in range(3):
    with history.open("a") as file:
        step = catalog.snapshot().study.runs[-1].history.last_step + 1000
        file.write(json.dumps({"step": step, "attempt": 1, "validation/mse": 0.0097}) + chr(10))
    version = catalog.snapshot().version
    grew.append(cpu_of_look())
    assert catalog.snapshot().version == version + 1, "a refresh missed a change"
print(json.dumps([statistics.median(unchanged), statistics.median(grew)]))
"""


@dataclass(frozen=True)
class Page:
    """What the first page took.

    Attributes:
        start: Seconds from the start of the server to its address.
        page: Seconds from opening the address until a row could be clicked.
        cpu: CPU seconds of the server until then.
        size: Its largest size, in MB.
    """

    start: float
    page: float
    cpu: float
    size: float

    @property
    def total(self) -> float:
        """Seconds from the start of the server until a row could be clicked."""
        return self.start + self.page

    def __str__(self) -> str:
        return (
            f"{self.total:6.2f} s by the clock (start {self.start:.2f}, page {self.page:.2f}), "
            f"{self.cpu:6.2f} s of CPU, {self.size:.0f} MB"
        )


@dataclass(frozen=True)
class Measured:
    """What a build took: the first page, cold and warm (None without a browser), and looks."""

    cold: Page | None
    warm: Page | None
    looks: Mapping[str, float]


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


def page_in_browser(browser: Any, root: Path, cache: Path, build: Path) -> Page:
    """Return what it took a build until the first row could be clicked."""
    with served(root, cache, build=build) as (address, startup, process):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        start = time.perf_counter()
        page.goto(f"{address}&page=study")
        row = page.locator(ROW).first
        row.wait_for(state="visible", timeout=PATIENCE)
        row.click(trial=True, timeout=PATIENCE)
        seconds = time.perf_counter() - start
        taken = Page(startup, seconds, cpu_of_process(process), largest_size(process))
        context.close()
        return taken


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


def looks_of(build: Path, root: Path, cache: Path) -> dict[str, float]:
    """Return CPU seconds of looks by a build; its cache holds all runs afterwards."""
    command = [sys.executable, "-c", LOOKS, str(root), str(cache / "ired-diag" / "histories")]
    environment = {**os.environ, "PYTHONPATH": str(build), "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, cwd=build, env=environment, check=True, capture_output=True, text=True)
    unchanged, grew = json.loads(done.stdout)
    return {"refresh, nothing changed": unchanged, GREW: grew}


def measured(build: Path, root: Path, cache: Path, browser: Any, *, is_cold_asked: bool) -> Measured:
    """Return what a build took."""
    cold = warm = None
    if browser is not None and is_cold_asked:
        cold = page_in_browser(browser, root, cache, build)
    looks = looks_of(build, root, cache)
    if build == ROOT:
        opened(root, cache).prepare()
    if browser is not None:
        page_in_browser(browser, root, cache, build)  # the first start after a line was appended
        warm = page_in_browser(browser, root, cache, build)
    return Measured(cold, warm, looks)


def opened(root: Path, cache: Path) -> Catalog:
    """Return a catalog that has not looked yet."""
    return Catalog(root, cache=HistoryCache(cache / "ired-diag" / "histories"))


def views(root: Path, cache: Path) -> dict[str, float]:
    """Return CPU seconds of further views of a catalog that is open."""
    catalog = opened(root, cache)
    catalog.prepare()
    queries = {
        "next part": View(part=2),
        "sort by the last value": View(sort="last"),
        "filter by words": View(filter="q1 complete"),
        "filter by a condition": View(filter=CONDITION),
    }
    _page_of(View(), catalog)
    return {name: cpu_of(partial(_page_of, view, catalog)) for name, view in queries.items()}


def _page_of(view: View, catalog: Catalog) -> str:
    page: str = to_json_plotly(study.layout(view, catalog))
    return page


def show(now: Measured) -> None:
    """Print what this build took."""
    for name, page in (("cold", now.cold), ("warm", now.warm)):
        if page is not None:
            print(f"first page, {name}: {page}")  # noqa: T201
    for name, seconds in now.looks.items():
        print(f"{name}: {seconds:.3f} s of CPU")  # noqa: T201


def show_ratios(now: Measured, before: Measured, commit: str) -> None:
    """Print what an earlier commit took, and how many times as much that is."""
    if now.warm is not None and before.warm is not None:
        clock, cpu = before.warm.total / now.warm.total, before.warm.cpu / now.warm.cpu
        print(f"{commit}: first page, warm: {before.warm}")  # noqa: T201
        print(f"    ratio {clock:.1f} by the clock, {cpu:.1f} of CPU")  # noqa: T201
    for name, seconds in before.looks.items():
        ratio = seconds / now.looks[name]
        print(f"{commit}: {name}: {seconds:.3f} s of CPU, ratio {ratio:.1f}")  # noqa: T201


def missed(now: Measured) -> list[str]:
    """Return which goals are missed."""
    goals: list[str] = []
    if now.warm is not None and now.warm.total >= GOAL_PAGE:
        goals.append(f"start and warm page: {now.warm.total:.2f} s, the goal is {GOAL_PAGE:g} s")
    if now.looks[GREW] >= GOAL_REFRESH:
        goals.append(f"{GREW}: {now.looks[GREW]:.3f} s of CPU, the goal is {GOAL_REFRESH:g} s")
    return goals


@contextmanager
def _browser(chromium: str | None, *, is_wanted: bool) -> Iterator[Any]:
    if not is_wanted:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--root", type=Path, help="Run folders. Default: they are made.")
    parser.add_argument("--before", default=BEFORE, help="The earlier commit.")
    parser.add_argument("--alone", action="store_true", help="Do not measure the earlier commit.")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="Its executable.")
    parser.add_argument("--no-browser", action="store_true", help="Measure looks alone.")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = (options.root or folder / "runs").resolve()
        if options.root is None:
            write_study(root, options.runs, np.random.default_rng(0))
        with _browser(options.chromium, is_wanted=not options.no_browser) as browser:
            load = os.getloadavg()[0]
            print(f"load {load:.1f} on {os.cpu_count()} cores")  # noqa: T201
            now = measured(ROOT, root, folder / "cache", browser, is_cold_asked=True)
            show(now)
            if not options.alone:
                with checked_out(options.before, folder) as build:
                    cache = folder / "cache-before"
                    before = measured(build, root, cache, browser, is_cold_asked=False)
                show_ratios(now, before, options.before)
        for view, seconds in views(root, folder / "cache").items():
            print(f"{view}: {seconds:.3f} s of CPU")  # noqa: T201
    goals = missed(now)
    for goal in goals:
        print(f"MISSED: {goal}")  # noqa: T201
    return 3 if goals else 0


if __name__ == "__main__":
    sys.exit(main())
