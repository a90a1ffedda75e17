"""Charts: what is downloaded is what is drawn, and hiding one group leaves the others as they were."""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import ROOT, Visit, all_pages

pytestmark = pytest.mark.slow

SAMPLES = ROOT / "sample_runs"
SHARING = re.compile("cloud|share|studio|upload", re.IGNORECASE)
Points = set[tuple[str, str]]


def point(x: Any, y: Any) -> tuple[str, str]:
    """Return a point as it is compared: to nine digits, names as they are."""
    return tuple(value if isinstance(value, str) else f"{value:.9g}" for value in (x, y))  # type: ignore[return-value]


def number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def is_told(*values: Any) -> bool:
    return all(v is not None and v != "" and not (isinstance(v, float) and math.isnan(v)) for v in values)


def told_points(path: Path) -> dict[str, Points]:
    """Return the points of the lines and shapes in a CSV, by name."""
    points: dict[str, Points] = defaultdict(set)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            x, y = number(row["x"]), number(row["y"])
            if row["kind"] in ("line", "single run", "outline") and is_told(x, y):
                points[row["name"]].add(point(x, y))
    return points


def drawn_points(traces: Iterable[dict[str, Any]], names: Iterable[str]) -> dict[str, Points]:
    """Return the points of the traces of these names."""
    points: dict[str, Points] = {name: set() for name in names}
    for trace in traces:
        if trace["name"] in points:
            every = zip(trace["x"], trace["y"], strict=True)
            points[trace["name"]] |= {point(x, y) for x, y in every if is_told(x, y)}
    return points


@pytest.mark.parametrize("name", all_pages())
def test_every_chart_s_csv_is_what_is_drawn_beside_words_and_a_table(
    serving: Callable[..., Any], opened: Callable[..., Visit], tmp_path: Path, name: str
) -> None:
    visit = opened(serving(SAMPLES), f"?page={name}")
    for chart in visit.charts():
        with visit.page.expect_download() as coming:
            visit.page.click(f"#{chart}-csv")
        path = tmp_path / coming.value.suggested_filename
        coming.value.save_as(path)
        told = told_points(path)
        assert drawn_points(visit.traces(chart), told) == told, chart
        assert (visit.page.text_content(f"#{chart}-words .summary") or "").strip(), chart
        visit.page.click(f"details:has(#{chart}-table) summary")
        rows = visit.page.locator(f"#{chart}-table tbody tr").count()
        assert f"{rows} of" in visit.page.inner_text(f"#{chart}-table"), chart
    assert not [title for title in buttons(visit) if SHARING.search(title)]


def buttons(visit: Visit) -> list[str]:
    """Return what the buttons above the charts say."""
    told: list[str] = visit.page.eval_on_selector_all("[data-title]", "all => all.map(b => b.dataset.title)")
    return told


def test_hiding_a_group_changes_no_colour_and_no_number_of_another(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(SAMPLES), "?page=curves")
    whole = by_id(visit)
    assert any("q102" in trace["name"] for trace in whole.values())
    visit.page.click("[data-toggle=hidden][data-value=q102]")
    visit.until(lambda: len(by_id(visit)) < len(whole))
    left = by_id(visit)
    assert not any("q102" in trace["name"] for trace in left.values())
    assert left == {uid: trace for uid, trace in whole.items() if uid in left} and len(left) > 1
    visit.page.click("[data-toggle=hidden][data-value=q102]")
    visit.until(lambda: by_id(visit) == whole)


def by_id(visit: Visit) -> dict[str, dict[str, Any]]:
    return {trace["uid"]: trace for trace in visit.traces("curves") if trace["name"]}
