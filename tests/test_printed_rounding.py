"""A text log that shows fewer digits than the table next to it is the same run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ired_diag.open import open_study
from ired_diag.readers.printed_rounding import is_rounded

RNG = np.random.default_rng(7)
VALUES = np.concatenate([RNG.random(30), 1e-3 * RNG.random(30), 20 * RNG.random(30)])


@pytest.mark.parametrize("form", ["{:.4f}", "{:.6f}", "{:.3e}", "{:.5g}", "{}"])
def test_numbers_are_the_rounding_of_what_was_printed(form: str) -> None:
    printed = np.array([float(form.format(value)) for value in VALUES])
    assert is_rounded(printed, VALUES)


@pytest.mark.parametrize("form", ["{:.4f}", "{:.3e}"])
def test_one_number_that_differs_by_more_than_rounding_is_another_log(form: str) -> None:
    printed = np.array([float(form.format(value)) for value in VALUES])
    for place in (0, 40, 89):
        other = VALUES.copy()
        other[place] += 2e-3 * max(1.0, VALUES[place])
        assert not is_rounded(printed, other)


def test_nan_and_infinity_stand_at_the_same_steps() -> None:
    values = np.array([np.inf, 0.512345, 0.412345, np.nan, 0.312345])
    printed = np.round(values, 4)
    assert is_rounded(printed, values)
    assert not is_rounded(printed, values[::-1])
    assert not is_rounded(printed, np.where(np.isnan(values), 0.1, values))


@pytest.mark.parametrize("printed", [[0.5, 0.5, 0.5], [0.9, 0.8, 0.7], [0.97, 0.98, 0.99], []])
def test_few_digits_agree_by_chance_and_say_nothing(printed: list[float]) -> None:
    shown = np.array(printed)
    assert not is_rounded(shown, shown + 1e-4)


def write(folder: Path, values: list[float], *, log: list[float] | None = None) -> None:
    folder.mkdir(parents=True)
    rows = "".join(f"{step},{value!r}\n" for step, value in enumerate(values))
    (folder / "metrics.csv").write_text("step,val_loss\n" + rows)
    lines = "".join(f"[12:00:0{step}] step {step} val_loss {v:.4f}\n" for step, v in enumerate(log or values))
    (folder / "app.log").write_text(lines)


def test_a_table_and_the_text_log_next_to_it_are_one_run_with_the_digits_of_the_table(tmp_path: Path) -> None:
    for seed in range(2):
        write(tmp_path / f"x_seed{seed}", [0.91234567 / (1 + step) + seed / 7 for step in range(6)])
    runs = open_study(tmp_path).runs
    assert [(run.group, run.seed, run.format) for run in runs] == [
        ("x", seed, "metrics_csv+text_log") for seed in range(2)
    ]
    assert runs[0].history.series["val_loss"].values[0] == 0.91234567
    assert {path.name for path in runs[0].sources} == {"metrics.csv", "app.log"}


def test_a_text_log_of_other_values_stays_a_run(tmp_path: Path) -> None:
    values = [0.91234567 / (1 + step) for step in range(6)]
    write(tmp_path / "x", values, log=[value + 1e-4 for value in values])
    assert len(open_study(tmp_path).runs) == 2


def test_a_text_log_elsewhere_is_not_joined_by_few_digits(tmp_path: Path) -> None:
    write(tmp_path / "x", [0.91234567 / (1 + step) for step in range(6)])
    (tmp_path / "y").mkdir()
    (tmp_path / "x" / "app.log").rename(tmp_path / "y" / "app.log")
    assert len(open_study(tmp_path).runs) == 2


def test_several_trainings_in_one_text_log_are_said(tmp_path: Path) -> None:
    for starts in (1, 2, 4):
        lines = [
            f"step {step} val_loss {1 / (1 + step) + start}\n" for start in range(starts) for step in range(5)
        ]
        (tmp_path / "all.log").write_text("".join(lines))
        [run] = open_study(tmp_path).runs
        warned = [
            finding.evidence["trainings"] for finding in run.findings if finding.rule == "several_trainings"
        ]
        assert warned == ([4] if starts == 4 else [])
