"""What browser tests share: a dashboard as a process of its own, and pages that remember all they did."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request

from app.dashboard import pages
from app.dashboard.address import View
from ired_diag.runs.history import Row, to_jsonl

ROOT = Path(__file__).parents[1]
NEVER = 3600.0  # s: a dashboard that looks once
START = 60.0  # s
PATIENCE = 60.0  # seconds; a loaded machine draws a page slowly
OURS = ("data:", "blob:", "about:")  # what leaves no machine

T = TypeVar("T")

# Whether the page has a heading, awaits nothing, and all its charts are drawn.
SETTLED = """() => {
  const content = document.getElementById("content");
  if (!content || !content.querySelector("h1")) return false;
  if (Array.from(content.querySelectorAll(".waiting")).some((p) => p.textContent.trim())) return false;
  if (Array.from(content.querySelectorAll("p, td")).some((p) => p.textContent.trim() === "…")) return false;
  const graphs = Array.from(content.querySelectorAll(".dash-graph"));
  return graphs.every((graph) => graph.offsetParent === null || graph.querySelector(".main-svg"));
}"""

# A drawn chart's traces, as plotly holds them after it has decoded what was sent.
TRACES = """(name) => {
  const graph = document.querySelector(`#${name}-graph .js-plotly-plot`);
  return graph._fullData.map((trace, i) => ({
    name: trace._input.name || "", uid: trace.uid, visible: trace.visible,
    colour: trace.fill === "toself" ? trace.fillcolor : (trace.line || trace.marker || {}).color,
    shown: trace.opacity !== 0,
    x: Array.from(trace.x || []), y: Array.from(trace.y || []),
  }));
}"""
ZOOM = """(name) => {
  const layout = document.querySelector(`#${name}-graph .js-plotly-plot`)._fullLayout;
  return [Array.from(layout.xaxis.range), Array.from(layout.yaxis.range)];
}"""


def find_chromium() -> str | None:
    """Return Chromium's path, None where there is none."""
    told = os.environ.get("IRED_DIAG_CHROMIUM") or "chromium"
    return shutil.which(told)


@dataclass(frozen=True)
class Dashboard:
    """A dashboard that is being served; ``address`` holds the key."""

    address: str

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.address).query)["token"][0]

    @property
    def origin(self) -> str:
        return f"http://{urlsplit(self.address).netloc}"

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    def at(self, query: str = "") -> str:
        """Return the address of a view, with the key."""
        rest = query.removeprefix("?")
        return f"{self.address}&{rest}" if rest else self.address


@contextmanager
def serve(folder: Path, *, interval: float = NEVER) -> Iterator[Dashboard]:
    """Serve a folder by the command, until the block ends; no traceback may stand in what it said.

    Args:
        folder: Of runs or logs.
        interval: How often the page looks for changes, in seconds.
    """
    command = [sys.executable, "-m", "app.cli", "dashboard", str(folder), "--no-browser"]
    command += ["--port", str(free_port()), "--interval", str(interval)]
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile("w+") as said:
        env = {**os.environ, "XDG_CACHE_HOME": cache, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=said
        ) as server:
            try:
                yield Dashboard(_printed_address(server, said))
            finally:
                server.send_signal(signal.SIGINT)
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()
                said.seek(0)
                told = said.read()
        assert "Traceback" not in told, told


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _printed_address(server: subprocess.Popen[str], said: IO[str]) -> str:
    """Return the address that the command prints first; ``said`` holds its errors."""
    assert server.stdout is not None
    ready, _, _ = select.select([server.stdout], [], [], START)
    line = server.stdout.readline() if ready else ""
    said.seek(0)
    assert "http://127.0.0.1:" in line, f"no address within {START:g} s: {line}{said.read()}"
    return "http://" + line.strip().rpartition("http://")[2]


@dataclass
class Visit:
    """A page that is open, and all that happened on it.

    Attributes:
        page: The page.
        home: What an address it loads may begin with.
        context: What it shares its cookie with.
        requests: All, in their order.
        problems: What no page should do: errors, dialogs, requests elsewhere.
    """

    page: Page
    home: str
    context: BrowserContext
    requests: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", self._requested)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("console", self._logged)
        self.page.on("dialog", self._asked)
        self.page.on("popup", lambda other: self.problems.append(f"popup: {other.url}"))

    def until(self, ask: Callable[[], T], *, within: float = PATIENCE) -> T:
        """Return the first true answer; meanwhile the page goes on.

        Raises:
            AssertionError: There was none in time; the last answer is told.
        """
        end = time.monotonic() + within
        while not (answer := ask()):
            assert time.monotonic() < end, f"not within {within:g} s; the last answer was {answer!r}"
            self.page.wait_for_timeout(50)
        return answer

    def settle(self) -> None:
        """Wait until the page has what it asked for, and has drawn it."""
        self.until(lambda: self.rests() and not self.unanswered() and self.page.evaluate(SETTLED))

    def rests(self) -> bool:
        """Say whether a quarter of a second passes without a question to the server."""
        before = len(self.requests)
        self.page.wait_for_timeout(250)
        return len(self.requests) == before

    def unanswered(self) -> int:
        self.page.wait_for_timeout(10)  # lets the events come in
        return sum(request.timing["responseEnd"] < 0 and not request.failure for request in self.requests)

    def go(self, query: str) -> None:
        """Go to another view, as by its address."""
        self.page.goto(f"{self.home}/{query}")
        self.settle()

    def query(self) -> str:
        return urlsplit(self.page.url).query

    def view(self) -> View:
        return View.from_query(self.query())

    def words(self) -> str:
        return self.page.inner_text("#content")

    def charts(self) -> list[str]:
        """Return the names of the charts that are seen."""
        ids: list[str] = self.page.eval_on_selector_all(
            ".dash-graph", "all => all.filter(g => g.offsetParent).map(g => g.id)"
        )
        return [name.removesuffix("-graph") for name in ids]

    def traces(self, chart: str) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.page.evaluate(TRACES, chart)
        return told

    def zoom(self, chart: str) -> list[list[float]]:
        told: list[list[float]] = self.page.evaluate(ZOOM, chart)
        return told

    def answers_since(self, number: int) -> list[tuple[str, int]]:
        """Return the outputs that were asked of the server since a request, and the bytes of each answer."""
        asked = [r for r in self.requests[number:] if "/_dash-update-component" in r.url]
        answered = [(json.loads(r.post_data or "")["output"], r.response()) for r in asked]
        return [(output, len(_body(answer))) for output, answer in answered if answer is not None]

    def _requested(self, request: Request) -> None:
        self.requests.append(request)
        if request.url.startswith(OURS):
            return
        if request.url != self.home and not request.url.startswith(f"{self.home}/"):
            self.problems.append(f"request: {request.url}")

    def _logged(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")

    def _asked(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def _body(answer: Any) -> bytes:
    return b"" if answer.status == 204 else bytes(answer.body())


def visit(browser: Browser, home: str, **options: Any) -> Visit:
    """Return a blank page that is watched, in a context of its own."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(1000 * PATIENCE)
    opened = Visit(context.new_page(), home, context)
    opened.watch()
    return opened


def axe_problems(page: Page) -> list[str]:
    """Return what axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:5]
    ]


def all_pages() -> list[str]:
    return [name for name in pages.names() if name != "run"]


def write_run(
    root: Path, name: str, seed: int, values: list[float], *, folder: str = "", state: str = "complete"
) -> Path:
    """Write a run with one metric, and return its folder."""
    path = root / (folder or name) / f"seed{seed}"
    path.mkdir(parents=True)
    told = {"format": 1, "experiment": name, "seed": seed, "config": {}, "ending": {"state": state}}
    (path / "config.json").write_text(json.dumps(told))
    rows = [Row(100 * i, {"validation/mse": value}) for i, value in enumerate(values, start=1)]
    (path / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return path


def drag_across(visit: Visit, chart: str, *, down: float = 0.0) -> None:
    """Zoom into the middle of a chart's first panel, as a reader does.

    Args:
        visit: The page.
        chart: Its name.
        down: Share of the panel's height that is dragged across; 0 leaves the y axis as it is.
    """
    plot = visit.page.locator(f"#{chart}-graph .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    x, y, width, height = box["x"], box["y"], box["width"], box["height"]
    mouse = visit.page.mouse
    mouse.move(x + 0.3 * width, y + 0.2 * height)
    mouse.down()
    mouse.move(x + 0.7 * width, y + (0.2 + down) * height, steps=5)
    mouse.up()
