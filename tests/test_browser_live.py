"""Live: what is appended appears by itself, and zoom, legend and scroll stay as the reader left them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ired_diag.runs.history import Row, to_jsonl
from tests.browser import PATIENCE, ROOT, Visit, drag_across

pytestmark = pytest.mark.slow

INTERVAL = 1.0  # s
PAUSE = 0.4  # s between two evaluations
ALLOWED = 10.0  # s until a line is seen; an idle machine needs INTERVAL + 1
Open = Callable[..., Visit]
HIDE = "Object.defineProperty(document, 'hidden', { get: () => %s, configurable: true });"
NOTICE = "document.dispatchEvent(new Event('visibilitychange'));"


@dataclass
class Training:
    """A run that is still written: a thread appends evaluations until the block ends."""

    path: Path
    last: int = 0  # step
    ended: threading.Event = field(default_factory=threading.Event)

    def append(self, step: int) -> None:
        with self.path.open("ab") as file:
            file.write(to_jsonl([Row(step, {"validation/mse": 0.09 + 1e-4 * (step % 7)})]))
        self.last = step

    def __enter__(self) -> Training:
        self.thread = threading.Thread(target=self._go)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def _go(self) -> None:
        while not self.ended.wait(PAUSE):
            self.append(self.last + 25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("live") / "runs"
    for name in ("q101", "q102", "q103"):
        shutil.copytree(ROOT / "sample_runs" / name, root / name)
    yield root


@pytest.fixture
def run(folder: Path) -> Training:
    return Training(folder / "q101" / "seed0" / "metrics.jsonl")


def last_step(visit: Visit) -> float:
    """Return the largest step that the chart draws."""
    return max(float(x) for trace in visit.traces("curves") for x in trace["x"] if x is not None)


def refreshes(visit: Visit, number: int = 0) -> int:
    """Return how often the chart got new data since a request."""
    return sum("curves-graph" in output and size > 0 for output, size in visit.answers_since(number))


def legend(visit: Visit) -> dict[str, Any]:
    return {trace["uid"]: trace["visible"] for trace in visit.traces("curves") if trace["name"]}


def test_an_appended_line_is_drawn_within_the_interval(
    folder: Path,
    run: Training,
    serving: Callable[..., Any],
    opened: Open,
    record_property: Callable[[str, object], None],
) -> None:
    visit = opened(serving(folder, interval=INTERVAL), "?page=curves&metric=validation/mse")
    delays = []
    for _ in range(3):
        step = int(last_step(visit)) + 25
        began = time.monotonic()
        run.append(step)
        visit.until(lambda step=step: last_step(visit) >= step, within=ALLOWED)  # type: ignore[misc]
        delays.append(time.monotonic() - began)
    record_property("seconds until an appended line was drawn", [round(delay, 2) for delay in delays])


def test_zoom_legend_and_scroll_survive_three_refreshes(
    folder: Path, run: Training, serving: Callable[..., Any], opened: Open
) -> None:
    visit = opened(
        serving(folder, interval=INTERVAL),
        "?page=curves&metric=validation/mse",
        viewport={"width": 1100, "height": 500},
    )
    run.last = int(last_step(visit))
    drag_across(visit, "curves", down=0.6)
    visit.until(lambda: visit.view().x)
    visit.page.locator("#curves-graph .legendtoggle").nth(1).click()
    visit.until(lambda: "legendonly" in legend(visit).values())
    visit.page.mouse.wheel(0, 60)
    visit.page.wait_for_timeout(600)
    before = (visit.zoom("curves"), legend(visit), visit.page.evaluate("scrollY"))
    assert before[2] > 0
    first, number = last_step(visit), len(visit.requests)
    with run:
        visit.until(lambda: refreshes(visit, number) >= 3)
    after = (visit.zoom("curves"), legend(visit), visit.page.evaluate("scrollY"))
    assert after == before
    visit.page.dblclick("#curves-graph .nsewdrag >> nth=0")
    visit.until(lambda: last_step(visit) > first)


def test_the_study_s_table_and_the_findings_follow(
    folder: Path, run: Training, serving: Callable[..., Any], opened: Open
) -> None:
    visit = opened(serving(folder, interval=INTERVAL), "?page=study&open=q101")
    run.append(20_000)
    visit.until(lambda: "20,000" in visit.words(), within=ALLOWED)
    assert visit.page.inner_text("#updated-text").startswith("updated ")
    lines = run.path.read_text().splitlines()  # step 20000 is not the next tests' concern
    run.path.write_text("\n".join(lines[:-1]) + "\n")
    visit.until(lambda: "20,000" not in visit.words(), within=ALLOWED)


@pytest.mark.parametrize("name", ["study", "curves", "statistics"])
def test_unchanged_files_send_nothing_but_the_time(
    folder: Path, serving: Callable[..., Any], opened: Open, name: str
) -> None:
    visit = opened(serving(folder, interval=INTERVAL), f"?page={name}")
    visit.page.wait_for_timeout(1200)
    number = len(visit.requests)
    visit.page.wait_for_timeout(int(3500 * INTERVAL))
    answers = visit.answers_since(number)
    assert answers, "no refresh"
    assert {output for output, _ in answers} == {"..version.data...updated.data.."}
    assert max(size for _, size in answers) < 200


def test_a_hidden_tab_rests_and_looks_at_once_when_it_is_seen(
    folder: Path, serving: Callable[..., Any], opened: Open
) -> None:
    visit = opened(serving(folder, interval=INTERVAL), "?page=study")
    visit.page.evaluate(HIDE % "true" + NOTICE)
    visit.page.wait_for_timeout(500)
    number = len(visit.requests)
    visit.page.wait_for_timeout(int(3000 * INTERVAL))
    assert len(visit.requests) == number
    visit.page.evaluate(HIDE % "false" + NOTICE)
    visit.until(lambda: len(visit.requests) > number, within=PATIENCE)
    visit.until(lambda: len(visit.requests) > number + 2, within=PATIENCE)
