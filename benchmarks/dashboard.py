"""The dashboard on large studies: seconds until a reader can use it, and what the first chart weighs.

    python -m benchmarks.dashboard [--chromium FILE] [--wide 300x20x100] [--long 30x8x100000] [--json FILE]

Two studies are written into a temporary folder as runs x metrics x evaluations, and served by
``ired-diag dashboard``, a process of its own with a cache folder of its own. A headless Chromium opens it:

- cold: no history is cached; warm: a second server, for the cache that the first has filled;
- table: from opening the address until the first row of the Study page can be clicked;
- chart: from opening the Curves page, in a third server that has read nothing yet, until plotly has drawn;
- data: bytes of all answers to callbacks (``/_dash-update-component``) until then, uncompressed as they are
  sent. The scripts, of which plotly.min.js is the largest, come on top, once.

The seconds from the start of the process to the printed address are told beside them. The operating
system's own cache of files is warm in both: they were just written. Exit status 3 where a goal is missed:
table and chart under 3 s warm, data under 2 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.runs.history import Row, to_jsonl

ROOT = Path(__file__).resolve().parents[1]
GOAL_SECONDS, GOAL_BYTES = 3.0, 2_000_000
PATIENCE = 600_000  # ms
SEEDS = 10  # of a group
DATA = "/_dash-update-component"
ROW, CHART = "[data-row]", "#curves-graph .main-svg .scatterlayer .trace"
INSTALL = "benchmarks.dashboard needs Playwright and Chromium: pip install 'ired-diag[test]'\n"


@dataclass(frozen=True)
class Size:
    """How large a study is: runs x metrics x evaluations."""

    runs: int
    metrics: int
    points: int

    @classmethod
    def of(cls, words: str) -> Size:
        """Return the size that ``300x20x100`` tells."""
        return cls(*(int(number) for number in words.split("x")))

    def __str__(self) -> str:
        return f"{self.runs} runs x {self.metrics} metrics x {self.points:,} evaluations"


@dataclass(frozen=True)
class Opened:
    """What opening a page took.

    Attributes:
        startup: Seconds from the start of the process to its address.
        seconds: From opening the page until it could be used.
        data: Bytes of the answers to callbacks until then.
    """

    startup: float
    seconds: float
    data: int


def write_study(root: Path, size: Size, rng: np.random.Generator) -> None:
    """Write a study: curves that fall to a noisy plateau, ``validation/mse`` among them."""
    names = ["validation/mse", *(f"train/metric_{number}" for number in range(1, size.metrics))]
    fall = np.exp(-np.linspace(0, 8, size.points))[:, None]
    for number in range(size.runs):
        name, seed = f"q{100 + number // SEEDS}", number % SEEDS
        folder = root / name / f"seed{seed}"
        folder.mkdir(parents=True)
        config: dict[str, Any] = {"format": 1, "experiment": name, "seed": seed, "config": {}}
        config["ending"] = {"state": "complete"}
        (folder / "config.json").write_text(json.dumps(config))
        values = fall + 0.01 * (1 + 0.01 * rng.standard_normal((size.points, size.metrics)))
        rows = (Row(10 * i, dict(zip(names, row, strict=True))) for i, row in enumerate(values.tolist(), 1))
        (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))


@contextlib.contextmanager
def served(root: Path, cache: Path, *, build: Path = ROOT) -> Iterator[tuple[str, float, int]]:
    """Serve a study while it lasts; yields its address, the seconds until it was told, and the process.

    Args:
        root: The study.
        cache: The user's cache folder.
        build: The code that serves it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "dashboard", str(root), "--no-browser", "--port", str(port)]
    start = time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(build)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=build, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://\S+", line)
        if address is None:
            raise RuntimeError(f"the dashboard told no address but {line!r}")
        yield address[0], time.perf_counter() - start, process.pid
    finally:
        process.terminate()
        process.wait(30)


def opened(browser: Any, root: Path, cache: Path, *, page: str, until: str) -> Opened:
    """Open a page of a server that was just started.

    Args:
        browser: Playwright's.
        root: The study.
        cache: The user's cache folder.
        page: Its name.
        until: Selector of what tells that the page can be used: it is seen and enabled.
    """
    with served(root, cache) as (address, startup, _):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        view, answers = context.new_page(), []
        view.on("response", lambda answer: answers.append(answer) if DATA in answer.url else None)
        start = time.perf_counter()
        view.goto(f"{address}&page={page}")
        part = view.locator(until).first
        part.wait_for(state="visible" if until == ROW else "attached", timeout=PATIENCE)
        if until == ROW:
            part.click(trial=True, timeout=PATIENCE)
        seconds = time.perf_counter() - start
        data = sum(len(answer.body()) for answer in answers if answer.status == 200)
        context.close()
    return Opened(startup, seconds, data)


def measure(browser: Any, size: Size) -> dict[str, Opened]:
    """Return what opening a study of a size took: table cold, table warm, chart warm."""
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder, "runs"), Path(folder, "cache")
        write_study(root, size, np.random.default_rng(0))
        return {
            "table, cold": opened(browser, root, cache, page="study", until=ROW),
            "table, warm": opened(browser, root, cache, page="study", until=ROW),
            "chart, warm": opened(browser, root, cache, page="curves", until=CHART),
        }


def missed(pages: dict[str, Opened]) -> list[str]:
    """Return which goals are missed."""
    missed_goals = [
        f"{what}: {page.seconds:.2f} s, the goal is {GOAL_SECONDS:g} s"
        for what, page in pages.items()
        if "warm" in what and page.seconds >= GOAL_SECONDS
    ]
    if (data := pages["chart, warm"].data) >= GOAL_BYTES:
        missed_goals.append(f"data of the first chart: {data:,} bytes, the goal is {GOAL_BYTES:,}")
    return missed_goals


def tell(size: Size, pages: dict[str, Opened]) -> None:
    """Print what was found."""
    print(f"\n{size}")  # noqa: T201
    for what, page in pages.items():
        print(  # noqa: T201
            f"  {what}: {page.seconds:6.2f} s from opening the page; {page.startup:.2f} s start to address; "
            f"{page.data / 1e6:.3f} MB of data (scripts such as plotly.min.js not counted)"
        )
    for miss in missed(pages):
        print(f"  MISSED {miss}")  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--chromium", help="Its executable; Playwright's own without.")
    parser.add_argument("--wide", type=Size.of, default=Size(300, 20, 100))
    parser.add_argument("--long", type=Size.of, default=Size(30, 8, 100_000))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.stderr.write(INSTALL)
        return 2
    all_found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for size in (options.wide, options.long):
            all_found[size] = measure(browser, size)
            tell(size, all_found[size])
        browser.close()
    if options.json:
        plain = {str(size): {k: asdict(v) for k, v in pages.items()} for size, pages in all_found.items()}
        options.json.write_text(json.dumps(plain, indent=2))
    return 3 if any(missed(pages) for pages in all_found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
