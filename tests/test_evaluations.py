"""Evaluations in a study: listed, compared with floors, told how they ended, and kept by an import."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from ired_diag import forensics
from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.forensics import failed_evaluation, trivial_floor
from ired_diag.importing import import_logs
from ired_diag.open import open_study
from ired_diag.runs.evaluation_store import find_evaluations, read_evaluation
from ired_diag.runs.history import Row, history_of, to_jsonl
from ired_diag.runs.study import Study
from tests.conftest import LogWriter, configuration
from tests.test_printed_results import FINAL, STUDY, SUMMARY

LOG = STUDY + FINAL + SUMMARY

EvaluationWriter = Callable[..., Path]


@pytest.fixture
def write_evaluation(tmp_path: Path) -> EvaluationWriter:
    """A function (text, job=…, err=…) that writes the log of an evaluation and returns its folder."""

    def write(text: str = LOG, *, job: int = 5001, err: str | None = None) -> Path:
        folder = tmp_path / "logs"
        folder.mkdir(exist_ok=True)
        path = folder / f"ired_q900_eval_{job}.out"
        path.write_text(text)
        if err is not None:
            path.with_suffix(".err").write_text(err)
        return folder

    return write


def ls(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["ls", *arguments])
    assert result.exit_code == 0, result.output
    return result


def of_mse(mse: str, **keys: Any) -> str:
    """Return an evaluation's log with another result and other keys of its configuration."""
    text = LOG.replace("0.213141", mse)
    for key, value in keys.items():
        text = text.replace(f'"{key}": {json.dumps(BASE[key])}', f'"{key}": {json.dumps(value)}')
    return text


BASE = {"ood": True, "rank": 20, "dataset": "inverse"}


def floors(folder: Path) -> list[Finding]:
    return list(trivial_floor.find(open_study(folder)))


def test_an_evaluation_is_listed_with_model_data_metric_value_and_place(
    write_evaluation: EvaluationWriter,
) -> None:
    folder = write_evaluation()
    assert "1 evaluation (1 complete), 2 results" in ls(str(folder)).output
    table = ls("--evaluations", str(folder)).output
    for word in (
        "q800_full",
        "inverse, out of distribution",
        "ood/mse",
        "0.213141",
        "ired_q900_eval_5001.out:",
    ):
        assert word in table
    (listed,) = json.loads(ls("--evaluations", "--json", str(folder)).output)["evaluations"]
    assert listed["state"] == "complete"
    assert [(r["metric"], r["value"], r["spread"]) for r in listed["results"]] == [
        ("ood/mse", 0.213141, 0.081284),
        ("ood/solved", 0.0, None),
    ]


def test_a_printed_summary_is_an_end_and_a_running_value_is_none(write_evaluation: EvaluationWriter) -> None:
    assert list(failed_evaluation.find(open_study(write_evaluation()))) == []
    (finding,) = failed_evaluation.find(open_study(write_evaluation(STUDY)))
    assert finding.severity == "warning"
    assert "printed so far: ood/mse 0.212295 (running value after batch 10)" in finding.statement


def test_an_evaluation_that_failed_or_was_stopped_says_what_it_gave(
    write_evaluation: EvaluationWriter,
) -> None:
    error = SUMMARY.replace("\n  MSE: 0.213141 ± 0.081284\n  % Solved: 0.0%", " ERROR - no such key")
    (failed,) = failed_evaluation.find(open_study(write_evaluation(STUDY + FINAL + error)))
    assert failed.severity == "error"
    assert "gave only a part of its results: ood/mse 0.213141 ± 0.081284" in failed.statement
    assert "ERROR - no such key" in failed.statement
    stop = "slurmstepd: error: *** JOB 5001 ON n1 CANCELLED AT 2026-02-24T15:12:52 DUE TO TIME LIMIT ***\n"
    (stopped,) = failed_evaluation.find(open_study(write_evaluation(STUDY, err=stop)))
    assert (
        "was stopped (time limit (scheduler)) and gave only a part of its results: ood/mse 0.212295"
        in stopped.statement
    )


@pytest.mark.parametrize(
    ("mse", "keys", "floor"),
    [
        ("0.265082", {}, "zero"),
        ("0.235", {}, "mean_inverse"),
        ("0.213141", {}, "linear"),
        ("0.190000", {}, None),
        ("0.0300", {"ood": False}, "zero"),
        ("0.00975", {"ood": False}, "linear"),
        ("0.0050", {"ood": False}, None),
        ("0.9", {"rank": None}, None),
        ("0.9", {"ood": None}, None),
        ("0.9", {"dataset": "sudoku"}, None),
    ],
)
def test_an_evaluation_is_compared_with_the_floors_of_its_own_data(
    write_evaluation: EvaluationWriter, mse: str, keys: Mapping[str, Any], floor: str | None
) -> None:
    text = of_mse(mse, **keys).replace("Difficulty: ood=True, rank=20\n", "")
    found = floors(write_evaluation(text))
    assert [finding.evidence["floor"] for finding in found] == ([floor] if floor else [])
    assert all(finding.severity == "error" for finding in found)


def test_the_floors_out_of_distribution_are_fitted_in_distribution(
    write_evaluation: EvaluationWriter,
) -> None:
    """FACTS: zero 0.255, the constant 0.228 and linear regression 0.208."""
    (finding,) = floors(write_evaluation(of_mse("0.265082")))
    found = [finding.evidence[f"mse_{name}"] for name in ("zero", "mean_inverse", "linear")]
    assert found == pytest.approx([0.255, 0.228, 0.208], rel=0.01)
    assert "out of distribution" in finding.statement
    assert "Weights that were not loaded give that" in finding.statement


def test_a_log_that_says_its_data_itself_needs_no_configuration(write_evaluation: EvaluationWriter) -> None:
    head = "Evaluating: q900\nDataset: Inverse matrices (20x20)\nLoading checkpoint from a/q7/model-1.pt\n"
    (finding,) = floors(write_evaluation(f"{head}OOD MSE: 0.27\n"))
    assert (finding.evidence["floor"], finding.evidence["model"]) == ("zero", "q7")
    assert floors(write_evaluation(f"{head}MSE: 0.27\n")) == []  # which data: unknown


def test_a_training_that_prints_a_final_test_is_a_run_with_a_result(
    write_log: LogWriter, tmp_path: Path
) -> None:
    log = write_log(1001)
    log.write_text(log.read_text() + "Final test MSE: 0.0301\n")
    study = open_study(tmp_path / "logs")
    (run,) = study.runs
    assert [(r.metric, r.value) for r in run.results] == [("test/mse", 0.0301)]
    assert study.evaluations == ()
    text = configuration(diffusion_steps=10)
    log = write_log(1001, config=text)
    log.write_text(log.read_text() + "Final test MSE: 0.0301\n")
    groups = [f.evidence["floor"] for f in floors(tmp_path / "logs") if f.evidence.get("evaluations")]
    assert groups == ["zero"]


def test_an_evaluation_without_a_configuration_is_no_incomplete_run(
    write_evaluation: EvaluationWriter,
) -> None:
    head = "Job started at Wed Feb 25 16:21:43 EST 2026\n"
    study = open_study(write_evaluation(f"{head}Test accuracy: 93.2%\n"))
    assert (len(study.runs), len(study.evaluations)) == (0, 1)
    died = open_study(write_evaluation(f"{head}Starting q900 OOD evaluation with seed 0...\n"))
    assert (len(died.runs), len(died.evaluations)) == (0, 1)
    training = open_study(write_evaluation(f"{head}Starting training and evaluation\n"))
    assert (len(training.runs), len(training.evaluations)) == (1, 0)


def parity(logs: Path, runs: Path) -> None:
    """Check that an import of logs has the same findings, evaluations and results as the logs."""
    import_logs([logs], runs)
    in_place, imported = open_study(logs), open_study(runs)
    assert facts(imported) == facts(in_place)
    assert results_of(imported) == results_of(in_place)
    told = [[a.findings for a in run.attempts] for run in in_place.runs]
    assert [[a.findings for a in run.attempts] for run in imported.runs] == told


def results_of(study: Study) -> list[str]:
    """Return every result with who gave it, as text: NaN equals itself there."""
    jobs = [(a.experiment, a.seed, a.job, a.ending, a.results) for a in study.evaluations]
    return sorted(map(repr, [*jobs, *((run.label, run.results) for run in study.runs)]))


def facts(study: Study) -> list[str]:
    """Return every finding as rule, severity and evidence, without names of files."""
    return sorted(
        json.dumps([f.rule, f.severity, {k: v for k, v in f.evidence.items() if k != "file"}], sort_keys=True)
        for f in forensics.diagnose(study)
    )


def test_an_import_of_a_small_study_has_every_finding_of_the_logs(
    write_log: LogWriter, write_evaluation: EvaluationWriter, tmp_path: Path
) -> None:
    odd = write_log(1001, seed=0, complete=False, config=configuration(diffusion_steps=10))
    odd.write_text(odd.read_text() + "Configuration: {}\nhalf a li")
    for seed in (1, 2):
        write_log(
            1002 + seed, seed=seed, config=configuration(diffusion_steps=10, notes="Our MSE was 0.4321.")
        )
    died = write_log(1010, seed=1, complete=False, evaluations=(), err="MemoryError\n")
    died.write_text(died.read_text() + "half a li")
    write_evaluation(of_mse("0.265082"))
    write_evaluation(STUDY, job=5002)
    write_evaluation(STUDY + "q800_full: ERROR - no such key\n", job=5003)
    folder = write_evaluation("Evaluating: q901\nOOD MSE: nan ± nan\n", job=5004)
    (folder / "ired_q900_eval_5001_results.json").write_text('{"q800_full": {"condition_number": null}}')
    (folder / "table_seed3").mkdir()
    (folder / "table_seed3/metrics.csv").write_text("step,val_loss\n1,0.5\n2,nan\n3,0.3\n")
    study = open_study(folder)
    assert any(attempt.findings for run in study.runs for attempt in run.attempts)
    assert len(forensics.diagnose(study)) > 5
    parity(folder, tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ired_logs", "ired_logs_2"])
def test_an_import_of_the_real_logs_has_every_finding_of_the_logs(
    shared: Path, tmp_path: Path, name: str
) -> None:
    parity(shared / name, tmp_path / "runs")


def test_the_real_evaluations_are_read(shared: Path) -> None:
    study = open_study(shared / "ired_logs_2")
    found = [(r.model, r.metric, r.value, r.spread, r.partial) for r in study.results if r.measure == "mse"]
    assert found == [
        ("q223_test_minimal", "id/mse", 0.030712, None, True),
        ("q225_tam_ctl_full_100k", "ood/mse", 0.265082, 0.090611, False),
        ("q242_hard_state_replay_unc_100k", "ood/mse", 0.213141, 0.081284, False),
    ]
    at_floors = {
        f.evidence["model"]: f.evidence["floor"] for f in trivial_floor.find(study) if "model" in f.evidence
    }
    assert at_floors == {
        "q223_test_minimal": "zero",
        "q225_tam_ctl_full_100k": "zero",
        "q242_hard_state_replay_unc_100k": "linear",
    }
    ends = {a.path.name: a.ending.complete for a in study.evaluations}
    assert ends["ired_q242_ood_eval_63288305.out"]
    assert sum(ends.values()) == 1


def test_evaluations_alone_can_be_imported_and_imported_again(
    write_evaluation: EvaluationWriter, tmp_path: Path
) -> None:
    folder, runs = write_evaluation(), tmp_path / "runs"
    imported = import_logs([folder], runs)
    assert (len(imported.runs), len(imported.evaluations), imported.skipped) == (0, 1, ())
    (path,) = find_evaluations(runs)
    before = path.read_bytes()
    import_logs([folder], runs)
    assert [p.read_bytes() for p in find_evaluations(runs)] == [before]
    assert json.loads(before)["format"] == 1
    assert "ood/mse" in ls("--evaluations", "--runs", str(runs)).output
    assert "ood/mse" in ls("--evaluations", str(path)).output


def test_logs_of_one_name_keep_their_own_evaluation(
    write_evaluation: EvaluationWriter, tmp_path: Path
) -> None:
    folder = write_evaluation()
    (tmp_path / "more").mkdir()
    (tmp_path / "more/ired_q900_eval_5001.out").write_text(of_mse("0.19"))
    import_logs([folder], tmp_path / "runs")
    import_logs([tmp_path / "more"], tmp_path / "runs")
    values = {r.value for r in open_study(tmp_path / "runs").results if r.measure == "mse"}
    assert values == {0.213141, 0.19}


def test_what_was_imported_as_a_run_and_is_an_evaluation_is_moved(
    write_evaluation: EvaluationWriter, tmp_path: Path
) -> None:
    head = "Job started at Wed Feb 25 16:21:43 EST 2026\n"
    folder = write_evaluation(head)
    import_logs([folder], tmp_path / "runs")
    assert len(open_study(tmp_path / "runs").runs) == 1
    write_evaluation(f"{head}Test accuracy: 93.2%\n")
    import_logs([folder], tmp_path / "runs")
    study = open_study(tmp_path / "runs")
    assert (len(study.runs), len(study.evaluations)) == (0, 1)
    write_evaluation(head)
    import_logs([folder], tmp_path / "runs")
    study = open_study(tmp_path / "runs")
    assert (len(study.runs), len(study.evaluations)) == (1, 0)


@pytest.mark.parametrize(
    "text", ['{"format": 9}', '{"format": 1}', "{", '{"format": 1, "kind": "evaluation"}']
)
def test_a_damaged_or_newer_evaluation_is_refused_by_name_and_hides_nothing(
    write_evaluation: EvaluationWriter, tmp_path: Path, text: str
) -> None:
    runs = tmp_path / "runs"
    import_logs([write_evaluation()], runs)
    bad = runs / "evaluations/bad.evaluation.json"
    bad.write_text(text)
    with pytest.raises(UnreadableFile, match=r"bad\.evaluation\.json"):
        read_evaluation(bad)
    study = open_study(runs)
    assert len(study.evaluations) == 1
    assert [skipped.path.name for skipped in study.skipped if "evaluation's log" not in skipped.reason] == [
        bad.name
    ]


def test_a_metric_by_the_name_of_a_row_s_key_survives_in_a_history() -> None:
    rows = [Row(10, {"step": 3.5, "attempt": 2.0, "loss": 0.1}), Row(20, {"step": 4.5, "loss": 0.2})]
    history = history_of(to_jsonl(rows))
    assert {name: series.values.tolist() for name, series in history.series.items()} == {
        "step": [3.5, 4.5],
        "attempt": [2.0],
        "loss": [0.1, 0.2],
    }
    slow = history_of(to_jsonl(rows) + b"no row\n")
    assert slow.series == history.series


def test_runs_that_would_share_a_folder_are_all_imported(tmp_path: Path) -> None:
    for version in range(3):
        folder = tmp_path / f"logs/lightning_logs/version_{version}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(f"step,val_loss\n1,0.{version + 2}\n2,0.1\n")
    number = len(open_study(tmp_path / "logs").runs)
    assert len(import_logs([tmp_path / "logs"], tmp_path / "runs").runs) == number
    assert (
        len({p.parent for p in (tmp_path / "runs").rglob("config.json") if "attempts" not in p.parts})
        == number
    )
