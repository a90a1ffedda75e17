"""The page Negatives: distributions at the steps that were probed, and headlines over training."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.distribution_choice import choice_of, distribution
from app.dashboard.remembered import Remembered
from app.dashboard.tables import Tables
from ired_diag.drawing.at_step import at_step, steps_by_weights
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.probe_tables import find_tables
from ired_diag.errors import NotFound
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.table import Table, read_arrow, read_table, write_table

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]
LEVELS, SAMPLES = 3, 8
OFFSET = {"random": 5.0, "start": 4.0, "adversarial": 1.0, "control": 2.0}


def write_run(root: Path, group: str, seed: int, *, checkpoints: bool = True) -> Path:
    folder = root / group / f"seed{seed}"
    (folder / "checkpoints").mkdir(parents=True)
    told = {"format": 1, "experiment": group, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "metrics.jsonl").write_bytes(to_jsonl([Row(i, {"validation/mse": 1 / i}) for i in (1, 2, 3)]))
    if checkpoints:
        (folder / "checkpoints" / "step-000001000.safetensors").touch()
    return folder


def energies(shift: float) -> Table:
    """Return a table of energy_gap: right answers at ``shift`` + sample, negatives above by their kind."""
    cells = [(level, kind, s) for kind in OFFSET for level in range(LEVELS) for s in range(SAMPLES)]
    level, kind, sample = (np.array(column) for column in zip(*cells, strict=True))
    right = shift + sample.astype(float)
    wrong = right + np.array([OFFSET[one] for one in kind])
    columns = {"energy_positive": right, "energy_negative": wrong, "gap": wrong - right}
    return {"level": level, "kind": kind, "sample": sample, **columns}


def put(folder: Path, probe: str, rows: Table, step: int, *, weights: str = "raw", **evidence: float) -> Path:
    """Add rows to a run's table as the driver does."""
    path = folder / "probes" / f"{probe}.parquet"
    path.parent.mkdir(exist_ok=True)
    after, told = read_arrow(path) if path.exists() else (None, {})
    key = {"step": step, "weights": weights, "settings": "aa"}
    headlines = [{"key": name, "label": name.replace("_", " ")} for name in evidence]
    metadata = {
        "probe": probe,
        "source": str(folder.resolve()),
        "settings": {"aa": {}},
        "headlines": headlines,
        "answers": [*told.get("answers", []), key | {"evidence": evidence}],
    }
    write_table(path, rows, metadata, key=key, among=after)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two groups of two seeds probed at steps 1000 and 2000; q902 also with ema; q903 without a table."""
    root = tmp_path / "runs"
    for number, group in enumerate(("q901", "q902")):
        for seed in range(2):
            folder = write_run(root, group, seed)
            for step in (1000, 2000):
                shift = 100.0 * number + 10 * seed + step / 1000
                put(folder, "energy_gap", energies(shift), step, gap_adversarial=1.0)
                rows = {"level": np.array([0])}
                put(folder, "false_negatives", rows, step, closer=shift, n=8.0)
            if group == "q902":
                put(folder, "energy_gap", energies(500.0), 1000, weights="ema", gap_adversarial=1.0)
    write_run(root, "q903", 0)
    write_run(root, "q904", 0, checkpoints=False)
    return root


@pytest.fixture
def draw(root: Path) -> Callable[..., FigureData]:
    """A function (**View's) that returns the picture of distributions."""
    catalog = Catalog(root)
    kept: Remembered[FigureData] = Remembered()

    def drawn(**view: Any) -> FigureData:
        return distribution(View(page="negatives", **view), catalog.snapshot(), catalog.tables, kept)

    return drawn


def words(tree: Any) -> str:
    if isinstance(tree, list):
        return " ".join(words(one) for one in tree)
    return words(tree["props"].get("children")) if isinstance(tree, dict) else str(tree or "")


def shown(ask: Ask, client: Any, query: str, part: str = "distribution") -> dict[str, Any]:
    told = ask(client, f"negatives-{part}-graph.figure", address_search=query, version_data=1)
    return {name.removeprefix(f"negatives-{part}-"): value for name, value in told.items()}


def controls(ask: Ask, client: Any, query: str, known: str | None = None) -> dict[str, Any]:
    return ask(
        client,
        "negatives-controls.children",
        address_search=query,
        version_data=1,
        negatives_known_data=known,
    )


@pytest.mark.parametrize(("step", "expected"), [(1000, 1.0), (2000, 2.0), (None, 2.0)])
def test_the_step_of_the_address_is_the_step_that_is_drawn(
    draw: Callable[..., FigureData], step: int | None, expected: float
) -> None:
    figure = draw(groups=("q901",), step=step, level=0)
    lines = {line.name: line for line in figure.panels[0].lines}
    # Seeds 0 and 1 together: 8 problems from shift on, and 8 from 10 above it.
    right = np.sort([expected + 10 * seed + sample for seed in range(2) for sample in range(SAMPLES)])
    for kind, offset in {"positive": 0.0, **OFFSET}.items():
        assert set(lines[kind].x) == set(right + offset)
    assert f"step {expected:.0f}000" in figure.title


def test_a_kind_is_compared_over_groups_whose_colours_hiding_does_not_change(
    draw: Callable[..., FigureData],
) -> None:
    both, one = draw(kind="adversarial", level=1), draw(kind="adversarial", level=1, hidden=("q901",))
    assert [line.name for line in both.panels[0].lines] == ["q901", "q902"]
    assert [line.name for line in one.panels[0].lines] == ["q902"]
    assert both.order == one.order == ("q901", "q902", "q903", "q904")
    assert set(both.panels[0].lines[1].x) == set(one.panels[0].lines[0].x)


@pytest.mark.parametrize("form", ["ecdf", "violin", "histogram"])
def test_every_form_is_drawn_at_one_level_or_at_all(draw: Callable[..., FigureData], form: str) -> None:
    assert len(draw(form=form).panels) == LEVELS
    assert len(draw(form=form, level=2).panels) == 1


def test_weights_are_those_probed_last_or_those_chosen(draw: Callable[..., FigureData]) -> None:
    assert "weights averaged over training" in draw(groups=("q902",)).method
    assert "weights not averaged" in draw(groups=("q902",), weights="raw").method
    assert "weights not averaged" in draw(groups=("q901",), weights="ema").method  # it has no others


def test_a_run_that_was_not_probed_at_a_step_is_told_with_the_command(
    root: Path, draw: Callable[..., FigureData]
) -> None:
    put(root / "q901/seed0", "energy_gap", energies(7.0), 3000, gap_adversarial=1.0)
    method = draw(groups=("q901",), step=3000).method
    assert "left out: q901/seed1" in method and "--checkpoint 3000" in method
    catalog = Catalog(root)
    found = find_tables(catalog.snapshot().study.groups(), "energy_gap")
    assert steps_by_weights(found.of("q901")) == {"raw": [1000, 2000, 3000]}
    assert [m.step for m in at_step(found.of("q901"), "raw").measured] == [3000, 2000]


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"groups": ("q903",)}, "ired-diag probe energy_gap"),
        ({"groups": ("q904",)}, "No checkpoint to probe: q904/seed0"),
        ({"quantity": "vendi"}, "ired-diag probe diversity"),
        ({"level": 99}, "no level 99"),
        ({"filter": "nothing"}, "No run matches"),
        ({"step": 77}, "Not measured at step 77"),
    ],
)
def test_what_is_missing_is_said_with_what_makes_it(
    draw: Callable[..., FigureData], view: dict[str, Any], said: str
) -> None:
    with pytest.raises(NotFound, match=said):
        draw(**view)


def test_a_table_is_read_once_and_again_only_when_it_has_changed(root: Path) -> None:
    catalog, kept = Catalog(root), Remembered[FigureData]()
    view = View(page="negatives", groups=("q901",))
    first = distribution(view, catalog.snapshot(), catalog.tables, kept)
    before = catalog.tables.reads
    for step in (1000, 2000, None):
        distribution(replace(view, step=step), catalog.snapshot(), catalog.tables, kept)
    assert catalog.tables.reads == before
    assert distribution(view, catalog.snapshot(), catalog.tables, kept) is first
    put(root / "q901/seed0", "energy_gap", energies(40.0), 4000, gap_adversarial=1.0)
    assert distribution(view, catalog.refresh(), catalog.tables, kept) is not first
    assert catalog.tables.reads == before + 2  # one file: its metadata, and its rows


def test_a_file_of_another_time_or_size_is_read_again_and_few_bytes_are_kept(root: Path) -> None:
    groups = Catalog(root).snapshot().study.groups()
    tables = Tables(most_bytes=1)
    found = tables.find(groups, "energy_gap").tables
    reads = tables.reads
    for table in found:
        assert table.read()[0].rows.keys() == read_table(table.path)[0].keys() - {
            "step",
            "weights",
            "settings",
        }
    assert tables.reads == reads + len(found)
    found[-1].read()
    assert tables.reads == reads + len(found)  # the newest is kept
    os.utime(found[-1].path, (1, 1))
    found[-1].read()
    found[0].read()
    assert tables.reads == reads + len(found) + 2


def test_the_controls_offer_what_the_tables_have_and_stay_while_the_slider_moves(
    root: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(root)
    told = controls(ask, client, "?page=negatives&groups=q902&weights=raw")
    text = json.dumps(told["negatives-controls"])
    assert '"1000 2000"' in text and '"data-choice": "weights"' in text and '"data-choice": "level"' in text
    known = told["negatives-known"]["data"]
    again = controls(ask, client, "?page=negatives&groups=q902&weights=raw&step=1000", known)
    assert "negatives-controls" not in again
    other = controls(ask, client, "?page=negatives&groups=q902&weights=ema", known)
    assert '"1000 2000"' not in json.dumps(other["negatives-controls"])  # one step: nothing to slide over


def test_runs_without_a_table_are_listed_beneath_a_comparison(root: Path, browse: Browse, ask: Ask) -> None:
    told = controls(ask, browse(root), "?page=negatives&kind=random")["negatives-lacking"]["children"]
    assert "q903/seed0" in words(told) and "ired-diag probe energy_gap" in words(told)
    assert "No checkpoint to probe: q904/seed0" in words(told)


def test_the_headline_over_training_is_the_mean_over_seeds(root: Path, browse: Browse, ask: Ask) -> None:
    told = shown(ask, browse(root), "?page=negatives&hidden=q902", "headlines")
    assert "closer: q901 6 to 7 (steps 1000 to 2000)" in words(told["words"]["children"])
    none = shown(ask, browse(root), "?page=negatives&probe=diversity", "headlines")
    assert "ired-diag probe diversity" in words(none["words"]["children"])


def test_another_scale_of_an_axis_is_a_new_picture_and_another_step_new_data(
    root: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(root)
    query = "?page=negatives&groups=q901&level=0"
    drawn = shown(ask, client, f"{query}&step=1000")["drawn"]["data"]

    def next_figure(more: str) -> str:
        told = ask(
            client,
            "negatives-distribution-graph.figure",
            address_search=query + more,
            version_data=1,
            negatives_distribution_drawn_data=drawn,
        )
        return json.dumps(told["negatives-distribution-graph"]["figure"])

    assert "__dash_patch_update" in next_figure("&step=2000")
    for folder in root.glob("q901/seed*"):
        put(folder, "energy_gap", energies(0.001), 3000, gap_adversarial=1.0)  # spans decades: a log axis
    assert "__dash_patch_update" not in next_figure("&step=3000")


def test_a_choice_that_the_tables_do_not_have_becomes_one_that_they_have(root: Path) -> None:
    catalog = Catalog(root)
    view = View(groups=("gone",), quantity="gap", kind="positive", weights="none")
    chosen = choice_of(view, catalog.snapshot(), catalog.tables)
    assert (chosen.group, chosen.kind, chosen.weights) == ("q901", "", "raw")
    assert chosen.levels == tuple(range(LEVELS))
