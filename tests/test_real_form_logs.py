"""Three short logs in the form of the study's, and their right reading; they need no data beyond the tests.

The logs were written for these tests: nothing in them was copied. What they show happened in the study.

- ``q901``: a scalar energy that is best at step 7000 and then runs away, to 1.70 (worse than answering zero).
- ``q902`` and ``q903``: two keys differ, and every evaluation is the same to the last digit: the keys never
  reached the model. Both rest at 0.0097, where linear regression has 0.0096 and the mean inverse 0.0141.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ired_diag import forensics
from ired_diag.finding import Finding
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.verdict import verdict_of

LOGS = Path(__file__).parent / "real_form_logs"


@pytest.fixture(scope="module")
def study() -> Study:
    return open_study(LOGS)


@pytest.fixture(scope="module")
def findings(study: Study) -> list[Finding]:
    return forensics.diagnose(study)


def only_run(study: Study, experiment: str) -> Run:
    (run,) = [run for run in study.runs if run.experiment == experiment]
    return run


def test_each_log_is_shorter_than_5_kb_and_one_complete_run(study: Study) -> None:
    files = sorted(LOGS.glob("*.out"))
    assert all(path.stat().st_size < 5000 for path in files)
    assert sorted(run.path for run in study.runs) == files
    assert [run.ending.state for run in study.runs] == ["complete"] * 3
    assert [run.seed for run in study.runs] == [0, 0, 0]


@pytest.mark.parametrize("experiment", ["q901", "q902", "q903"])
def test_every_printed_evaluation_is_read_at_its_step(study: Study, experiment: str) -> None:
    run = only_run(study, experiment)
    lines = run.path.read_text().splitlines()
    printed = [float(line.split()[1]) for line in lines if line.startswith("mse ")]
    steps = [int(line.split()[4].rstrip(";")) for line in lines if line.startswith("Validation Result")]
    series = run.history.series["validation/mse"]
    np.testing.assert_array_equal(series.values, printed)
    np.testing.assert_array_equal(series.steps, steps)


def test_a_run_that_leaves_its_best_for_good_has_diverged_since_that_step(study: Study) -> None:
    verdict = verdict_of(only_run(study, "q901"))
    assert (verdict.shape, verdict.best_step, verdict.last) == ("diverged", 7000, 1.7)
    assert verdict.onset is not None
    assert 7000 < verdict.onset <= 9000


def test_the_best_of_a_plateau_is_explained_by_noise(study: Study) -> None:
    verdict = verdict_of(only_run(study, "q902"))
    assert verdict.shape == "converged"
    assert verdict.best_is_luck


def test_curves_that_agree_to_the_last_digit_are_one_computation(findings: list[Finding]) -> None:
    (finding,) = [finding for finding in findings if finding.rule == "identical_curves"]
    assert finding.severity == "error"
    assert "q902" in finding.statement and "q903" in finding.statement and "q901" not in finding.statement
    assert "use_langevin, use_replay_buffer" in finding.statement


def test_each_level_is_placed_among_predictors_without_training(findings: list[Finding]) -> None:
    floors = [finding for finding in findings if finding.rule == "trivial_floor"]
    failed = {finding.statement[:4]: finding.statement for finding in floors}
    assert "no better than answering zero" in failed["q901"]
    assert "no better than linear regression" in failed["q902"]
    assert "no better than linear regression" in failed["q903"]


def test_nothing_else_is_called_an_error(findings: list[Finding]) -> None:
    errors = {finding.rule for finding in findings if finding.severity == "error"}
    assert errors == {"curve_shape", "identical_curves", "trivial_floor"}
