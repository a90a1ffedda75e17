"""Metrics of another program's logs are read under the names that the user gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import DiagError
from ired_diag.open import open_study
from ired_diag.runs.energy_metrics import energy_gap
from ired_diag.runs.mapped_metrics import check_metric_names
from ired_diag.runs.regroup import Grouping

NAMES = (("energy_data", "energy/positive"), ("energy_model", "energy/negative"))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two runs of an energy-based model with names of its own."""
    for seed in range(2):
        folder = tmp_path / "logs" / "ebm" / f"seed{seed}"
        folder.mkdir(parents=True)
        rows = []
        for step in range(0, 1000, 50):
            energies = {"energy_data": -3.0 + seed, "energy_model": 1.0 + step / 1000}
            rows.append(json.dumps({"step": step, "val_loss": 1 / (1 + step), **energies}))
        (folder / "metrics.jsonl").write_text("\n".join(rows) + "\n")
    return tmp_path / "logs"


def test_values_and_other_metrics_stay_as_they_are(logs: Path) -> None:
    plain = open_study(logs).runs
    mapped = open_study(logs, grouping=Grouping(metric_names=NAMES)).runs
    assert [list(run.history.series) for run in mapped] == [
        ["val_loss", "energy/positive", "energy/negative"] for _ in plain
    ]
    for before, after in zip(plain, mapped, strict=True):
        assert list(before.history.series["energy_data"].values) == list(
            after.history.series["energy/positive"].values
        )


def test_the_energy_gap_is_found_by_the_given_names_alone(logs: Path) -> None:
    assert energy_gap(open_study(logs).runs[0].history) is None
    gap = energy_gap(open_study(logs, grouping=Grouping(metric_names=NAMES)).runs[0].history)
    assert gap is not None
    _, series = gap
    assert series.values[0] == pytest.approx(4.0)


def test_two_names_may_be_exchanged(logs: Path) -> None:
    swapped = Grouping(metric_names=(("energy_data", "energy_model"), ("energy_model", "energy_data")))
    run = open_study(logs, grouping=swapped).runs[0]
    assert run.history.series["energy_model"].values[0] == pytest.approx(-3.0)


def test_a_name_that_is_taken_is_refused(logs: Path) -> None:
    with pytest.raises(DiagError, match="has a metric val_loss already"):
        open_study(logs, grouping=Grouping(metric_names=(("energy_data", "val_loss"),)))


def test_a_name_that_no_run_logged_is_refused_with_the_nearest(logs: Path) -> None:
    runs = open_study(logs).runs
    with pytest.raises(DiagError, match="Did you mean 'energy_data'"):
        check_metric_names({"energy_dat": "energy/positive"}, runs)


def test_every_command_that_groups_runs_takes_the_names(logs: Path, tmp_path: Path) -> None:
    words = [word for name, new in NAMES for word in ("--map", f"{name}={new}")]
    out = tmp_path / "figures"
    arguments = ["figures", str(logs / "ebm"), "--only", "energy-gap", "--format", "svg", "--out", str(out)]
    result = CliRunner().invoke(main, [*arguments, *words])
    assert result.exit_code == 0, result.output
    assert list(out.glob("energy-gap*.svg"))
    assert CliRunner().invoke(main, ["ls", str(logs), "--map", "energy_data"]).exit_code == 2


def test_the_words_of_a_command_line_say_the_same() -> None:
    assert Grouping(metric_names=NAMES[:1]).options == ["--map", "energy_data=energy/positive"]
