"""Statistics and Study in a browser: cards as they are ready, words explained, columns that sort."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.runs.history import Row, to_jsonl
from tests.browser import Visit, axe_problems, write_run

pytestmark = pytest.mark.slow

PARTS = {  # by what is seen of them
    "configurations": "#statistics-configurations h2",
    "verdicts": "#statistics-content .verdict",
    "differences": "#statistics-differences-graph .scatterlayer .trace",
    "readouts": "#statistics-readouts-graph .scatterlayer .trace",
    "noise": "#statistics-noise-graph .scatterlayer .trace",
    "apart": "#statistics-apart-graph .scatterlayer .trace",
}
SEEN = """(parts) => {
  const seen = [];
  const look = () => {
    Object.entries(parts).forEach(([name, selector]) => {
      if (!seen.includes(name) && document.querySelector(selector)) seen.push(name);
    });
    window.setTimeout(look, 5);
  };
  look();
  window.seen = seen;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cards_of_statistics_come_in_their_order_and_none_waits_for_the_last(
    shared: Path, serving: Callable[..., Any], opened: Callable[..., Visit], scheme: str
) -> None:
    visit = opened(
        serving(shared / "ired_logs"), color_scheme=scheme, viewport={"width": 1000, "height": 900}
    )
    visit.page.add_init_script(f"({SEEN})({json.dumps(PARTS)})")
    visit.go("?page=statistics&groups=q101&groups=q103&readout=last")
    visit.until(lambda: len(visit.page.evaluate("window.seen")) == len(PARTS))
    seen = visit.page.evaluate("window.seen")
    assert seen[0] == "configurations", "nothing has to be compared for them"
    pictures = [name for name in seen if name not in ("apart", "configurations")]
    assert pictures == ["verdicts", "differences", "readouts", "noise"]
    assert "When do q103 and q101 come apart?" in visit.words()
    assert "They differ from step 9000 on: q103 is worse than q101" in visit.words()
    visit.page.click("text=What the words mean")
    for word in ("readout", "last10", "area", "p of equivalence", "exact test"):
        assert visit.page.locator(".word-list dt", has_text=word).first.is_visible()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 1000
    assert axe_problems(visit.page) == []


def write_timed(root: Path, name: str, seed: int, per_step: float) -> None:
    """Write a run that logs the time since its start."""
    path = write_run(root, name, seed, [1.0])
    rng = np.random.default_rng(seed)
    rows = []
    for step in range(100, 1100, 100):
        values = {"validation/mse": 1 / step + rng.normal(0, 1e-4), "train_time": per_step * step + seed}
        rows.append(Row(step, values))
    (path / "metrics.jsonl").write_bytes(to_jsonl(rows))


def test_the_study_sorts_by_time_says_who_is_slower_and_names_a_metric_that_nobody_logs(
    tmp_path: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    for name, per_step in (("q501", 0.02), ("q502", 0.05), ("q503", 0.01)):
        for seed in range(2):
            write_timed(tmp_path / "runs", name, seed, per_step)
    visit = opened(serving(tmp_path / "runs"), "?page=study&metric=val/nothing")
    said = "No run here logs 'val/nothing', the metric in the address: the page shows the default metric."
    assert said in visit.words() and "validation/mse" in visit.words()
    unknown = "as logged in train_time (the unit is unknown)"
    assert f"Groups run at different speed: {unknown}, a step of q502 takes" in visit.words()
    names = (
        "() => Array.from(document.querySelectorAll('tr.group [data-toggle]')).map((b) => b.dataset.value)"
    )
    visit.page.click("[data-sort=time]")
    visit.until(lambda: visit.page.evaluate(names) == ["q503", "q501", "q502"])
    visit.page.click("[data-sort=time]")
    visit.until(lambda: visit.page.evaluate(names) == ["q502", "q501", "q503"])
    assert axe_problems(visit.page) == []
    visit.page.select_option("select[data-choice=metric]", "validation/mse")
    visit.until(lambda: "No run here logs" not in visit.words())
