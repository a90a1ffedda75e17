"""Training statistics of EDM and StyleGAN: means by thousands of images, or by images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ired_diag.open import open_run
from ired_diag.readers import training_stats

CASE = Path(__file__).parents[2] / "shared/data/cases/c21_edm_stats"


def written(folder: Path, kimgs: list[float], *, plain: bool = False) -> Path:
    path = folder / "stats.jsonl"
    lines = []
    for kimg in kimgs:
        entry: dict[str, object] = {"Progress/kimg": kimg, "Loss/loss": 1 / (1 + kimg), "timestamp": 1.0}
        if not plain:
            for name in ("Progress/kimg", "Loss/loss"):
                entry[name] = {"num": 4, "mean": entry[name], "std": 0.25}
        lines.append(json.dumps(entry) + "\n")
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("plain", [False, True])
def test_whole_thousands_are_the_steps(plain: bool, tmp_path: Path) -> None:
    (log,) = training_stats.read_runs(written(tmp_path, [0.0, 50.0, 100.0], plain=plain)).values()
    assert log.points["Loss/loss"].steps.tolist() == [0, 50, 100]
    assert log.points["Loss/loss"].values.tolist() == [1.0, 1 / 51, 1 / 101]
    assert ("Loss/loss/std" in log.points) == (not plain)
    assert log.notes[-1].evidence == {"images_in_step": 1000}


def test_other_counts_are_images(tmp_path: Path) -> None:
    (log,) = training_stats.read_runs(written(tmp_path, [0.0, 50.176, 100.352])).values()
    assert log.points["Loss/loss"].steps.tolist() == [0, 50176, 100352]
    assert log.notes[-1].evidence == {"images_in_step": 1}


def test_a_record_without_its_mean_or_count_is_damage_and_no_traceback(tmp_path: Path) -> None:
    path = written(tmp_path, [0.0, 50.0])
    text = path.read_text()
    path.write_text(
        text + '{"Loss/loss": {"num": 1}}\n{"Progress/kimg": {"num": 1, "mean": NaN, "std": 0}}\n'
    )
    (log,) = training_stats.read_runs(path).values()
    assert log.points["Loss/loss"].steps.tolist() == [0, 50]


@pytest.mark.skipif(not CASE.exists(), reason="the shared data is not here")
def test_the_case_ends_at_its_last_mean() -> None:
    run = open_run(CASE)
    assert run.seed == 0
    series = run.history.series["Loss/loss"]
    assert (len(series), series.steps[-1], round(float(series.values[-1]), 6)) == (30, 1450, 0.61)
