"""The column that counts steps, named with --step; exports of grouped runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import UnreadableFile
from ired_diag.open import open_run, open_study
from ired_diag.runs.regroup import Grouping

CASES = Path(__file__).parents[2] / "shared/data/cases"
shared = pytest.mark.skipif(not CASES.exists(), reason="the shared data is not here")
EXPORT = '"tokens","a - val/loss"\n"100","0.5"\n"200","0.4"\n'


def test_a_table_without_a_known_step_says_which_option_names_it(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    with pytest.raises(UnreadableFile, match=r"its columns: 'tokens', 'a - val/loss'.*--step COLUMN"):
        open_run(path)
    result = CliRunner().invoke(main, ["ls", str(path), "--step", "tokens"])
    assert result.exit_code == 0
    assert "200" in result.output


def test_a_chosen_step_is_used_in_the_files_that_have_it_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "x_seed1.csv").write_text("step,tokens,val_loss\n1,100,0.5\n2,200,0.4\n")
    (tmp_path / "y_seed1.csv").write_text("step,val_loss\n1,0.5\n2,0.4\n")
    (tmp_path / "z_seed1.jsonl").write_text(
        '{"tokens": 100, "val_loss": 0.5}\n{"tokens": 300, "val_loss": 0.4}\n'
    )
    study = open_study(tmp_path, grouping=Grouping(step="tokens"))
    assert {run.group: run.history.last_step for run in study.runs} == {"x": 200, "y": 2, "z": 300}


def test_an_option_of_the_step_is_among_the_words_of_the_same_command() -> None:
    assert Grouping(step="tokens").options == ["--step", "tokens"]


def test_grouped_columns_are_the_mean_of_a_group_and_not_runs(tmp_path: Path) -> None:
    header = (
        "Step,Group: a - loss,Group: a - loss__MIN,Group: a - loss__MAX,lr: 0.1 - loss,lr: 0.1 - loss__MIN"
    )
    path = tmp_path / "export.csv"
    path.write_text(f"{header}\n0,1.0,0.5,1.5,2.0,1.0\n1,0.9,0.4,1.4,1.9,0.9\n")
    study = open_study(path)
    assert [run.label for run in study.runs] == ["a/mean of the group", "lr: 0.1/mean of the group"]
    assert all(run.seed is None for run in study.runs)
    assert [note.rule for note in study.runs[0].findings] == ["mean_of_group"]
    assert study.runs[0].history.series["loss__MIN"].values.tolist() == [0.5, 0.4]


def test_a_run_with_a_colon_in_its_name_and_no_range_is_a_run(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('"Step","try: two - loss","try: two - loss__MIN"\n"0","1.0","1.0"\n"1","0.9","0.9"\n')
    (run,) = open_study(path).runs
    assert "mean of the group" not in run.label


@shared
def test_the_grouped_case_is_two_groups_and_not_six_runs() -> None:
    study = open_study(CASES / "c11_wandb_grouped")
    last = {run.group: float(run.history.series["val/loss"].values[-1]) for run in study.runs}
    assert last == {"baseline": 0.55, "mined": 0.75}


@shared
def test_the_case_with_another_axis_opens_with_its_column() -> None:
    study = open_study(CASES / "c12_wandb_other_x")
    assert "--step COLUMN" in study.skipped[0].reason
    (run,) = open_study(CASES / "c12_wandb_other_x", grouping=Grouping(step="trainer/epoch_idx")).runs
    series = run.history.series["val/loss"]
    assert (int(series.steps[-1]), round(float(series.values[-1]), 6)) == (19, 0.81)


@shared
@pytest.mark.parametrize(
    ("case", "label", "step", "value"),
    [
        ("c17_ray_result", "c17_ray_result/seed1", 30, 0.71),
        ("l_ray", "q101/seed0", 20, 0.0122676),
        ("l_dvclive", "q101/seed0", 19, 0.0122676),
    ],
)
def test_the_cases_of_other_trackers_are_one_run_each(case: str, label: str, step: int, value: float) -> None:
    run = open_run(CASES / case)
    assert run.label == label
    assert run.evaluated is not None
    series = run.evaluated[1]
    assert (int(series.steps[-1]), round(float(series.values[-1]), 7)) == (step, value)
    if case == "l_dvclive":
        assert np.isnan(run.history.series["bad"].values).all()
