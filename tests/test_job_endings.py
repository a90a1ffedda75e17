"""How jobs ended: requeued jobs, early stopping, evaluations, array tasks, and jobs that died early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag import forensics
from ired_diag.comparison import compare
from ired_diag.errors import UnreadableFile
from ired_diag.open import open_run, open_study
from ired_diag.readers import slurm
from ired_diag.readers.logs import read_logs
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.runs.completion import completion_of
from ired_diag.runs.ending import Cause, Ending, State

START = "Job started at Mon Jan  5 10:00:00 EST 2026\nRunning on host: node1\n"
GIT = "Cloning into 'x'...\nfatal: reference is not a tree: 0476f2c\n"
CANCELLED = "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-05T12:00:00 DUE TO {} ***\n"
BARS = "".join(f"\r {n}%|█    | {n}/100 [00:0{n}<01:00, 1.2it/s, loss=0.5]" for n in range(9))


def table(step: int) -> str:
    return (
        f"Validation Result @ Iteration {step}; Milestone = 1 (ID: Validation)\n"
        f"---  ----\nmse  {1 / step:.6f}\n---  ----\n"
    )


TABLES = "".join(table(step) for step in (1000, 2000, 3000))


def test_the_console_log_next_to_a_table_says_how_its_run_ended(tmp_path: Path) -> None:
    death = "RuntimeError: CUDA error: out of memory\n"
    table = "step,val_loss\n10,0.5\n20,0.4\n"
    for folder, name, log in (("a", "metrics.csv", "slurm-61099.err"), ("b", "run_1.csv", "run_1.log")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(table)
        (tmp_path / folder / log).write_text(death)
    for name in ("run_2.csv", "run_3.csv"):
        (tmp_path / "b" / name).write_text(table)
    endings = {run.path.name: run.ending for run in open_study(tmp_path).runs}
    assert endings["metrics.csv"].cause == endings["run_1.csv"].cause == "cuda_oom"
    assert not any(endings[name].cause for name in ("run_2.csv", "run_3.csv"))


@pytest.mark.parametrize("reason", ["PREEMPTION", "JOB REQUEUE", "NODE FAILURE"])
def test_a_requeued_job_that_still_runs_is_not_cancelled(reason: str) -> None:
    cancelled = CANCELLED.format(reason)
    again = START + TABLES + cancelled + START + TABLES
    assert find_ending(again.encode(), None) == Ending("cut_off")
    without_marks = TABLES + cancelled + "step 100 | loss 0.5\nstep 200 | loss 0.4\n"
    assert find_ending(without_marks.encode(), None) == Ending("cut_off")
    assert find_ending((again + cancelled).encode(), None).state == "cancelled"
    assert find_ending((START + TABLES + cancelled).encode(), None).state == "cancelled"


def test_a_requeued_job_with_two_files_is_judged_by_its_last_start() -> None:
    cancelled = CANCELLED.format("PREEMPTION").encode()
    twice = (START + TABLES).encode() * 2
    assert find_ending(twice, cancelled) == Ending("cut_off")
    assert find_ending(twice, BARS.encode() + cancelled + BARS.encode()) == Ending("cut_off")
    assert find_ending(twice, cancelled * 2).state == "cancelled"
    assert find_ending(twice + b"training complete\n", cancelled).state == "complete"
    died = cancelled + b"Traceback (most recent call last):\n  File 'x'\nKeyError: 'a'\n"
    assert find_ending(twice, died).cause == "traceback"


def test_output_after_a_time_limit_is_of_the_dying_program() -> None:
    late = CANCELLED.format("TIME LIMIT") + "step 100 | loss 0.5\n"
    assert find_ending((START + TABLES + late).encode(), None).state == "time_limit"


@pytest.mark.parametrize(
    "line",
    [
        "Early stopping at step 3000",
        "Epoch 00012: early stopping",
        "Early stopping triggered!",
        "EarlyStopping: no improvement for 5 evaluations",
        "INFO Early stopping, best iteration is: [120]",
        "Monitored metric val_loss did not improve in the last 3 records. Signaling Trainer to stop.",
        "Stopping early: patience exhausted",
    ],
)
def test_early_stopping_is_an_end(line: str) -> None:
    assert find_ending((START + TABLES + line + "\n").encode(), None) == Ending("complete", line)
    assert find_ending((START + line + "\n" + TABLES).encode(), None) == Ending("cut_off")


@pytest.mark.parametrize(
    "line",
    [
        "Early stopping: True",
        "Early stopping patience: 10",
        "EarlyStopping counter: 3 out of 7",
        "early_stopping_patience = 5",
        "Early stopping is disabled",
        "Early stopping: no",
    ],
)
def test_a_setting_of_early_stopping_is_no_end(line: str) -> None:
    assert find_ending((START + TABLES + line + "\n").encode(), None) == Ending("cut_off")


def test_an_evaluation_that_printed_its_summary_is_complete() -> None:
    summary = "Evaluation Summary: q900_ood\n  MSE: 0.213141 +- 0.081284\n"
    assert find_ending((START + summary).encode(), b"").complete
    wrong = summary + "q900: ERROR - Unrecognized checkpoint format\nEvaluation completed at x\n"
    assert find_ending((START + wrong).encode(), b"").state == "unexplained"


def test_the_last_error_line_is_quoted_where_no_cause_is_known(tmp_path: Path) -> None:
    error = b"rsync error: some files could not be transferred (code 23)\n"
    untrained = find_ending(START.encode(), error)
    assert (untrained.label, untrained.detail) == ("failed: error", error.decode().strip())
    trained = find_ending((START + TABLES).encode(), error)
    assert (trained.state, trained.detail) == ("cut_off", f"last error line: {error.decode().strip()}")


@pytest.mark.parametrize(
    "err",
    ["UserWarning: slow\n", "HEAD is now at abc Fix OOM\n", "0 errors\n", "Saved to error_analysis/\n", BARS],
)
def test_what_is_no_error_is_no_reason(err: str) -> None:
    assert find_ending(START.encode(), err.encode()) == Ending("cut_off")


def test_a_complete_training_whose_loss_is_nan_says_so() -> None:
    out = START + TABLES + "step 1 | loss nan\nstep 2 | loss nan\nTraining complete\n"
    ending = find_ending(out.encode(), None)
    assert (ending.complete, ending.cause, ending.label) == (True, "nan_loss", "complete (nan_loss)")


def write_job(folder: Path, name: str, out: str, err: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.out"
    path.write_text(out)
    if err is not None:
        path.with_suffix(".err").write_text(err)
    return path


def config(**keys: object) -> str:
    return f"Configuration: {json.dumps({'experiment_name': 'q900_x', **keys}, indent=2)}\n"


def test_slurms_number_for_no_task_is_neither_task_nor_seed(tmp_path: Path) -> None:
    attempt = slurm.read(write_job(tmp_path, "q900_61080044_4294967294", START + config() + TABLES))
    assert (attempt.job, attempt.seed, attempt.provenance.get("task")) == ("61080044", None, None)
    stated = START + "Setting random seed: 3\n" + config() + TABLES
    assert slurm.read(write_job(tmp_path, "q900_61080045_4294967294", stated)).seed == 3


def test_a_short_job_id_in_the_file_name_is_known_by_the_log(tmp_path: Path) -> None:
    attempt = slurm.read(write_job(tmp_path, "q900_777_3", START + "Job ID: 777\n" + config() + TABLES))
    assert (attempt.job, attempt.seed) == ("777", 3)


def test_the_task_that_trains_a_configuration_of_a_sweep_is_no_seed(tmp_path: Path) -> None:
    sweep = "Starting q900 sweep config 24 (batch B: 23-44)...\n"
    assert slurm.read(write_job(tmp_path, "q900_61624629_1", START + sweep)).seed is None
    plain = "Starting the baseline with seed 1...\n"
    assert slurm.read(write_job(tmp_path, "q900_61624630_1", START + plain)).seed == 1
    own = START + sweep + config(seed=5) + TABLES
    assert slurm.read(write_job(tmp_path, "q900_61624631_1", own)).seed == 5


def test_tasks_of_one_job_that_differ_in_their_configuration_have_no_seed(tmp_path: Path) -> None:
    for task in range(3):
        write_job(tmp_path / "sweep", f"q900_61624629_{task}", START + config(rank=task) + TABLES)
        write_job(tmp_path / "seeds", f"q900_61624629_{task}", START + config(rank=20) + TABLES)
    assert [a.seed for a in read_logs([tmp_path / "sweep"]).settled()] == [None] * 3
    assert [a.seed for a in read_logs([tmp_path / "seeds"]).settled()] == [0, 1, 2]


def test_a_job_that_died_in_its_script_is_an_attempt_and_no_run(tmp_path: Path) -> None:
    write_job(tmp_path, "q900_61000001_3", START + "Cloning repository...\n", GIT)
    write_job(tmp_path, "q900_61000002_4", "", GIT)  # nothing was printed at all
    write_job(tmp_path, "q900_61000003_4", START + config() + TABLES + "training complete\n")
    study = open_study(tmp_path)
    (run,) = study.runs
    assert [attempt.ending.cause for attempt in run.attempts] == ["git"]
    (skipped,) = study.skipped
    assert skipped.path.name == "q900_61000001_3.out"
    assert "failed: git: fatal: reference is not a tree" in skipped.reason
    statements = [f.statement for f in forensics.diagnose(study) if f.rule == "incomplete"]
    assert any("1 job died before training started" in text and "seed3" in text for text in statements)


def test_a_program_that_refused_its_arguments_stays_a_failed_run(tmp_path: Path) -> None:
    err = "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --seed 5\n"
    write_job(tmp_path, "q900_61000001_3", START, err)
    assert open_run(tmp_path).ending.label == "failed: argument_error"


def test_ls_says_what_killed_a_job_whose_log_has_no_metrics(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("Traceback (most recent call last):\n  File 'x'\nKeyError: 'warmup'\n")
    (tmp_path / "notes.md").write_text("Once it died of\n\nRuntimeError: CUDA out of memory\n")
    (tmp_path / "lonely.err").write_text(GIT)
    result = CliRunner().invoke(main, ["ls", str(log)])
    assert result.exit_code == 0
    assert "train.log: failed: traceback: KeyError: 'warmup'" in result.output
    folder = CliRunner().invoke(main, ["ls", str(tmp_path)]).output
    assert "lonely.err: has no .out file next to it; failed: git: fatal: reference" in folder
    assert "cuda_oom" not in folder


def test_a_text_that_says_nothing_of_a_death_is_refused_as_before(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("hello\n")
    with pytest.raises(UnreadableFile, match="is not a log of a known format"):
        open_study(log)


def write_csv(folder: Path, group: str, seed: int, last: int) -> None:
    place = folder / group / f"seed{seed}"
    place.mkdir(parents=True)
    steps = range(100, last + 1, 100)
    rows = "".join(f"{step},{1 / step + 0.001 * seed}\n" for step in steps)
    (place / "metrics.csv").write_text(f"step,val_loss\n{rows}")


def test_runs_of_unknown_ending_are_compared_with_a_note_and_are_not_incomplete(tmp_path: Path) -> None:
    for group, offset in (("a", 0), ("b", 100)):
        for seed in range(3):
            write_csv(tmp_path, group, seed, 3000 + offset + 100 * seed)
    study = open_study(tmp_path)
    assert {completion_of(run) for run in study.runs} == {"unknown"}
    result = compare(study.groups(), metric="val_loss")
    assert [len(group.values) for group in result.groups] == [3, 3]
    assert any("the log does not say whether training finished" in note for note in result.notes)
    statements = [f.statement for f in forensics.diagnose(study) if f.rule == "incomplete"]
    assert not any("not complete" in text for text in statements)
    assert all("their last steps differ" in text for text in statements)


def test_siblings_that_end_at_the_same_last_step_are_complete(tmp_path: Path) -> None:
    for seed in range(2):
        write_csv(tmp_path, "a", seed, 3000)
    write_csv(tmp_path, "a", 2, 1000)
    write_csv(tmp_path, "b", 0, 3000)  # alone in its group
    labels = {run.label: run.ending.label for run in open_study(tmp_path).runs}
    assert labels == {
        "a/seed0": "complete (inferred)",
        "a/seed1": "complete (inferred)",
        "a/seed2": "unknown",
        "b/seed0": "unknown",
    }


def test_a_log_that_just_stops_is_not_complete_by_its_siblings(tmp_path: Path) -> None:
    for task in range(4):
        last = "training complete\n" if task < 2 else ""
        write_job(tmp_path, f"q900_61624629_{task}", START + config(rank=20) + TABLES + last)
    states = [run.ending.state for run in open_study(tmp_path).runs]
    assert states == ["complete", "complete", "cut_off", "cut_off"]


def test_run_folders_of_earlier_versions_stay_readable(tmp_path: Path) -> None:
    told = {"format": 1, "experiment": "q900", "seed": 0, "config": {}, "ending": {"state": "untold"}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    assert open_run(tmp_path).ending == Ending("unknown")


STUDY: dict[str, tuple[State, Cause]] = {
    "ired_q202_cd_langevin_61080044_4": ("cut_off", ""),
    "ired_q203_cd_replay_61080045_2": ("cut_off", ""),
    "ired_q204_cd_full_61080048_1": ("cut_off", ""),
    "ired_q205_cd_adversarial_61083596_0": ("complete", ""),
    "ired_q205_cd_adversarial_61089254_4": ("failed", "git"),
    "ired_q207_scalar_base_61170022_0": ("cut_off", ""),
    "ired_q207_scalar_base_61170022_1": ("cut_off", ""),
    "ired_q207_scalar_base_61184757_0": ("failed", "git"),
    "ired_q207_scalar_base_61184757_1": ("failed", "git"),
    "ired_q211_base_61637386_0": ("cut_off", ""),
    "ired_q211_base_61637386_7": ("cut_off", ""),
    "ired_q220_swA_61624776_0": ("cut_off", ""),
    "ired_q220_swA_61624776_7": ("cut_off", ""),
    "ired_q220_swB_61624629_1": ("cut_off", ""),
    "ired_q220_swB_61624629_2": ("cut_off", ""),
    "ired_q224_eval_test_61956261": ("time_limit", "scheduler"),
    "ired_q225_ood_eval_gpu_62217968_4": ("traceback", "traceback"),
    "ired_q225_ood_eval_gpu_test_62214448_0": ("failed", "shell"),
    "ired_q242_ood_eval_63288305": ("complete", ""),
}
# Those of ired_logs that are neither complete nor just stop, and are not inferred.
EARLIER: dict[str, tuple[State, Cause]] = {
    "ired_q102_random_seed%a_56540909_3": ("file_not_found", "file_not_found"),
    "ired_q103_adversarial_seed%a_56216364_5": ("argument_error", "argument_error"),
    "ired_q203_cd_replay_61091859_7": ("out_of_memory", "oom_killer"),
    "ired_q245_steps_63515507_0": ("unexplained", ""),
}


def test_every_ending_of_the_studys_further_logs_is_right(shared: Path) -> None:
    attempts = read_logs([shared / "ired_logs_2"]).settled()
    assert {a.path.stem: (a.ending.state, a.ending.cause) for a in attempts} == STUDY


def test_the_endings_of_the_studys_first_logs_stay(shared: Path) -> None:
    attempts = read_logs([shared / "ired_logs"]).settled()
    said = {a.path.stem: (a.ending.state, a.ending.cause) for a in attempts if not a.ending.inferred}
    plain = {"complete", "cut_off"}
    assert {name: ending for name, ending in said.items() if ending[0] not in plain} == EARLIER
    states = [a.ending.state for a in attempts]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    assert counts["complete"] == 53
    assert counts["argument_error"] == counts["file_not_found"] == 30
