"""Training on SLURM, as far as no SLURM is needed: options, the batch script, states, what a task does."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import DiagError
from ired_diag.launching.events import Event, append_event
from ired_diag.launching.launch import Launch, Member, Submission, launch_folder, write_launch
from ired_diag.launching.log_lines import COMPLETE, head_lines, step_lines
from ired_diag.launching.scheduler import Queued, clean_environment
from ired_diag.launching.settings import parse_slurm
from ired_diag.launching.specification import Manner, read_specification, write_specification
from ired_diag.launching.states import status_of
from ired_diag.launching.work import EXIT_COMPLETE, EXIT_SAVED, NoProgress, Voice, check_progress, work
from ired_diag.open import open_study
from ired_diag.readers import slurm as slurm_reader
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.training.interrupt import Stop
from ired_diag.training.lock import locked
from ired_diag.training.plan import PlannedRun, plan

TINY = {
    "train_steps": "60",
    "rank": "2",
    "width": "4",
    "batch_size": "4",
    "validation_batches": "1",
    "validation_batch_size": "4",
    "validate_every": "20",
    "log_every": "5",
    "checkpoint_every": "10",
}
SETTINGS = [f"{key}={value}" for key, value in TINY.items()]
OPTIONS = [word for setting in SETTINGS for word in ("--set", setting)]
SILENT = Voice(say=lambda line: None, announce=lambda folder, finding: None, heard=lambda: None)

DRY_RUN = """\
Dry run: nothing is written or submitted. One array would train 3 runs:
     0  RUNS/q103/seed0  new
     1  RUNS/q103/seed1  new
     5  RUNS/q103/seed5  new

RUNS/q103/slurm/submit-1.sbatch:

#!/bin/bash
# Trains q103 with ired-diag.
# One task of the array trains one run: tasks/<index>.json says which. To submit what is not finished again:
# ired-diag launch resume 'RUNS/q103'
#SBATCH --job-name=q103
#SBATCH --array=0-1,5%2
#SBATCH --output=q103_%A_%a.out
#SBATCH --error=q103_%A_%a.err
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR2@120
#SBATCH --export=ALL
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --time=240
#SBATCH --partition=gpu,long
#SBATCH --gres=gpu:a100:1

# A warning that comes before the training listens must not end it.
trap '' USR2
cd -- HERE || exit
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}"
exec PYTHON -m ired_diag_command launch work 'RUNS/q103/slurm' "$SLURM_ARRAY_TASK_ID"

"""


def planned_run(runs: Path, seed: int = 3) -> PlannedRun:
    [run] = plan("q103", str(seed), SETTINGS, runs=runs)
    return run


def launched(runs: Path, *, job: str = "4711", device: str = "cpu") -> Launch:
    """Return the launch of one seed, written as a submission leaves it."""
    run = planned_run(runs)
    launch = Launch(folder=launch_folder([run], runs), experiment="q103").with_runs([run])
    submission = Submission(
        number=1,
        script=str(launch.script(1)),
        job=job,
        indices=(3,),
        submitted="2026-11-29T11:00:00+00:00",
        slurm={"time": "240"},
    )
    launch = replace(launch, submissions=(submission,))
    write_specification(launch.specification(3), run, Manner(device=device))
    write_launch(launch)
    return launch


def event(kind: str, *, step: int, restart: int = 0, detail: str = "", is_requeued: bool = False) -> Event:
    return Event(
        kind=kind,  # type: ignore[arg-type]
        job="4711",
        restart=restart,
        step=step,
        time="2026-11-29T11:00:00+00:00",
        host="node1",
        detail=detail,
        is_requeued=is_requeued,
    )


def environment(restart: int = 0) -> dict[str, str]:
    return {
        "SLURM_JOB_ID": "4715",
        "SLURM_ARRAY_JOB_ID": "4711",
        "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_RESTART_COUNT": str(restart),
    }


def test_a_dry_run_shows_the_script_and_writes_nothing(tmp_path: Path) -> None:
    runs = tmp_path / "my runs"
    words = ["train", "q103", "--seeds", "0-1,5", *OPTIONS, "--runs", str(runs), "--launcher", "slurm"]
    words += ["--dry-run", "--slurm", "partition=gpu,long,time=240", "--slurm", "gpus=a100:1,parallel=2"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    text = result.stdout.replace(str(runs), "RUNS").replace(sys.executable, "PYTHON")
    assert text.replace(f"cd -- {Path.cwd()} ", "cd -- HERE ") == DRY_RUN
    assert not runs.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tme=3", "Did you mean 'time'\\? The keys are: time, partition, gpus"),
        ("gpu", "expected KEY=VALUE"),
        ("time=two", "expected minutes, or SLURM's forms"),
        ("time=2", "which would be at its start"),
        ("time=240,gpus=0", "expected a number of GPUs"),
        ("partition=a b", "expected names of partitions"),
        ("account=a\n#SBATCH --uid=0", "expected the name of an account"),
    ],
)
def test_wrong_options_of_slurm_are_refused_with_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(DiagError, match=message):
        parse_slurm([text])


def test_a_device_that_means_nothing_is_refused_before_anything_waits(tmp_path: Path) -> None:
    words = ["train", "q103", "--runs", str(tmp_path), "--launcher", "slurm", "--dry-run", "--device", "gpu"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "expected auto, cpu, cuda or cuda:<n>" in result.output


def test_options_of_one_launcher_are_refused_with_the_other() -> None:
    for words in (["--wait"], ["--dry-run"], ["--launcher", "slurm", "--together", "2"]):
        assert CliRunner().invoke(main, ["train", "q103", *words]).exit_code == 2


def test_what_another_job_left_in_the_environment_is_not_handed_on() -> None:
    before = {
        "PATH": "/bin",
        "SLURM_CONF": "/etc/slurm.conf",
        "SLURM_JOB_ID": "1",
        "SLURM_CPUS_PER_TASK": "8",
        "SBATCH_ARRAY_INX": "0-99",
        "SBATCH_TIMELIMIT": "1",
        "SBATCH_ACCOUNT": "group",
    }
    after = clean_environment(before, parse_slurm(["time=240"]).overriding_variables)
    assert after == {"PATH": "/bin", "SLURM_CONF": "/etc/slurm.conf", "SBATCH_ACCOUNT": "group"}


def test_an_index_is_the_seed_and_stays_what_it_was(tmp_path: Path) -> None:
    first = launched(tmp_path)
    more = plan("q103", "2-3,2000", SETTINGS, runs=tmp_path)
    assert first.with_runs(more).members == (
        Member(0, "seed2000"),
        Member(2, "seed2"),
        Member(3, "seed3"),
    )


@pytest.mark.parametrize(
    ("queued", "events", "err", "state", "detail"),
    [
        (Queued("PENDING", "Priority"), [], "", "waiting", "Priority"),
        (Queued("RUNNING", ""), [event("start", step=0)], "", "running", "on node1"),
        (Queued("COMPLETING", ""), [event("start", step=0)], "", "running", "on node1"),
        (Queued("TIMEOUT", ""), [event("start", step=0)], "", "time limit", "SLURM: TIMEOUT"),
        (
            Queued("CANCELLED", ""),
            [event("saved", step=9, detail="SIGTERM")],
            "",
            "cancelled",
            "saved at step 9",
        ),
        (Queued("FAILED", ""), [event("failed", step=9, detail="no room")], "", "failed", "no room"),
        (Queued("FAILED", "NonZeroExitCode"), [event("start", step=0)], "", "failed", "NonZeroExitCode"),
        (None, [event("start", step=4)], "", "lost", "started at step 4 on node1"),
        (None, [], "", "lost", "never started"),
        (
            None,
            [event("saved", step=9, is_requeued=True)],
            "",
            "lost",
            "asked to be started again",
        ),
        (None, [event("saved", step=9, detail="SIGTERM")], "", "saved", "SIGTERM"),
        (None, [event("stopped", step=9, detail="in trouble")], "", "stopped", "in trouble"),
        (
            None,
            [event("start", step=4)],
            "slurmstepd: error: *** JOB 4715 ON n1 CANCELLED AT 2026-11-29T11:50:52 DUE TO TIME LIMIT ***\n",
            "time limit",
            "DUE TO TIME LIMIT",
        ),
        (None, [event("start", step=4)], "MemoryError\n", "failed", "MemoryError"),
    ],
)
def test_the_state_of_a_run_follows_from_queue_words_and_files(
    queued: Queued | None, events: list[Event], err: str, state: str, detail: str, tmp_path: Path
) -> None:
    launch = launched(tmp_path)
    for said in events:
        append_event(launch.events(3), said)
    out_path, err_path = launch.outputs(3, "4711")
    out_path.write_text("Job started at Sun Nov 29 11:49:07 UTC 2026\n")
    err_path.write_text(err)
    queue = {} if queued is None else {("4711", 3): queued}
    status = status_of(launch, launch.members[0], queue)
    assert (status.state, status.job) == (state, "4711_3")
    assert detail in status.detail


def test_without_an_answer_from_slurm_nothing_is_called_lost(tmp_path: Path) -> None:
    launch = launched(tmp_path)
    status = status_of(launch, launch.members[0], None, silence="squeue: is not on PATH.")
    assert (status.state, status.detail) == ("unknown", "squeue: is not on PATH")


def test_a_run_that_somebody_trains_by_hand_is_running(tmp_path: Path) -> None:
    launch = launched(tmp_path)
    folder = launch.run_folder(launch.members[0])
    with locked(folder):
        status = status_of(launch, launch.members[0], {})
    assert status.state == "running"
    assert "not by a job of this launch" in status.detail
    assert status_of(launch, launch.members[0], {}).state == "lost"


def test_a_task_trains_its_run_and_its_log_reads_as_the_run(tmp_path: Path) -> None:
    launch = launched(tmp_path)
    lines: list[str] = []
    voice = replace(SILENT, say=lines.append)
    status = work(launch.folder, 3, stop=Stop(), environment=environment(), voice=voice)
    assert status == EXIT_COMPLETE
    assert status_of(launch, launch.members[0], {}).state == "complete"
    assert status_of(launch, launch.members[0], None).state == "complete"
    out_path, _ = launch.outputs(3, "4711")
    out_path.write_text("\n".join(lines) + "\n")
    log = slurm_reader.read(out_path)
    run = read_run(launch.run_folder(launch.members[0]))
    assert (log.seed, log.ending.state, log.configuration) == (3, "complete", run.configuration)
    logged, trained = log.history.series["validation/mse"], run.history.series["validation/mse"]
    assert logged.steps.tolist() == trained.steps.tolist()
    assert logged.values.tolist() == trained.values.tolist()


def test_outputs_of_an_array_are_no_further_runs(tmp_path: Path) -> None:
    """They would count each seed twice."""
    launch = launched(tmp_path)
    lines: list[str] = []
    voice = replace(SILENT, say=lines.append)
    work(launch.folder, 3, stop=Stop(), environment=environment(), voice=voice)
    launch.outputs(3, "4711")[0].write_text("\n".join(lines) + "\n")
    assert [run.label for run in open_study([tmp_path]).runs] == ["q103/seed3"]
    assert open_study([tmp_path]).skipped == ()
    assert [run.format for run in open_study([launch.folder]).runs] == ["slurm"]


def test_a_launch_file_of_somebody_else_hides_no_log(tmp_path: Path) -> None:
    (tmp_path / "launch.json").write_text('{"version": "0.2.0", "configurations": []}\n')
    log = "Setting random seed: 1\nConfiguration: {}\n" + "\n".join(step_lines(5, {"a/b": 1.0}, "a/b")) + "\n"
    (tmp_path / "q900_x_5555_1.out").write_text(log)
    assert len(open_study([tmp_path]).runs) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="PyTorch can use a GPU here")
def test_a_gpu_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    launch = launched(tmp_path, device="auto")
    given = environment() | {"SLURM_JOB_GPUS": "0"}
    with pytest.raises(DiagError, match=r"SLURM gave this job a GPU on .*, and PyTorch cannot use it"):
        work(launch.folder, 3, stop=Stop(), environment=given, voice=SILENT)
    assert status_of(launch, launch.members[0], {}).state == "failed"


def test_a_warning_saves_and_ends_with_status_75(tmp_path: Path) -> None:
    launch = launched(tmp_path)
    stop = Stop()

    def say(line: str) -> None:
        if line.startswith("Validation Result @ Iteration 20"):
            signal.raise_signal(signal.SIGUSR2)

    status = work(launch.folder, 3, stop=stop, environment=environment(), voice=replace(SILENT, say=say))
    assert status == EXIT_SAVED
    assert stop.signal == signal.SIGUSR2
    rows = [json.loads(line) for line in launch.events(3).read_text().splitlines()]
    assert [(row["kind"], row["step"]) for row in rows[:2]] == [("start", 0), ("saved", 20)]
    # Here is no job to start again: the run must not be taken for one that waits for its next start.
    assert not rows[-1]["is_requeued"]
    assert work(launch.folder, 3, stop=Stop(), environment=environment(1), voice=SILENT) == EXIT_COMPLETE


def test_a_warning_before_the_first_step_is_a_failure(tmp_path: Path) -> None:
    launch = launched(tmp_path)
    stop = Stop(is_wished=True, signal=signal.SIGUSR2)
    with pytest.raises(NoProgress, match="no step was taken between the start at step 0"):
        work(launch.folder, 3, stop=stop, environment=environment(), voice=SILENT)
    status = status_of(launch, launch.members[0], {})
    assert status.state == "failed"
    assert "no step was taken" in status.detail


def test_two_requeues_without_progress_are_a_failure() -> None:
    starts = [event("start", step=8, restart=number) for number in range(3)]
    check_progress(starts[:2], "4711")  # one requeue at an unlucky moment
    with pytest.raises(NoProgress, match="no progress between two requeues: the checkpoint is at step 8"):
        check_progress(starts, "4711")
    further = [*starts[:2], event("start", step=9, restart=2)]
    check_progress(further, "4711")
    check_progress(starts, "4712")  # of another job


def test_a_task_file_that_changed_since_is_not_trained(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("from ired_diag.tasks.inverse import TASK\ndef build():\n    return TASK\n")
    run = planned_run(tmp_path / "runs")
    own = replace(run, task=replace(run.task, name="own"), task_file=file, task_function="build")
    write_specification(tmp_path / "3.json", own, Manner())
    file.write_text(file.read_text() + "# changed\n")
    with pytest.raises(DiagError, match="changed since this run was submitted"):
        read_specification(tmp_path / "3.json", run.folder)


def test_a_fork_of_a_parent_that_went_on_is_not_trained(tmp_path: Path) -> None:
    words = ["train", "q103", "--seeds", "3", *OPTIONS, "--runs", str(tmp_path), "--device", "cpu"]
    assert CliRunner().invoke(main, words).exit_code == 0
    from ired_diag.training.plan_fork import plan_fork

    [run] = plan_fork("q103/seed3@last", None, ["train_steps=90"], runs=tmp_path)
    write_specification(tmp_path / "3.json", run, Manner())
    read, manner = read_specification(tmp_path / "3.json", run.folder)
    assert (read.config, read.variant, manner) == (run.config, run.variant, Manner())
    assert read.fork is not None
    assert run.fork is not None
    assert read.fork == replace(run.fork, checkpoint=run.fork.checkpoint.absolute())
    content = json.loads((tmp_path / "3.json").read_text())
    content["fork"]["step"] = 40
    (tmp_path / "3.json").write_text(json.dumps(content))
    with pytest.raises(DiagError, match="holds step 60, and held step 40"):
        read_specification(tmp_path / "3.json", run.folder)


def test_a_name_that_was_never_launched_is_an_error_of_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["launch", "status", "q103", "--runs", str(tmp_path)])
    assert result.exit_code == 1
    assert "was not launched on SLURM" in result.output


def test_a_head_reads_as_that_of_a_job(tmp_path: Path) -> None:
    lines = [*head_lines(planned_run(tmp_path), environment()), COMPLETE]
    path = tmp_path / "x.out"
    path.write_text("\n".join(lines) + "\n")
    log = slurm_reader.read(path)
    assert (log.seed, log.job) == (3, "4711")


def test_history_of_a_run_that_was_saved_and_went_on_is_whole(tmp_path: Path) -> None:
    launch = launched(tmp_path)

    def say(line: str) -> None:
        if line.startswith("Validation Result @ Iteration 40") and line.endswith("Validation)"):
            signal.raise_signal(signal.SIGTERM)

    voice = replace(SILENT, say=say)
    assert work(launch.folder, 3, stop=Stop(), environment=environment(), voice=voice) == EXIT_SAVED
    assert work(launch.folder, 3, stop=Stop(), environment=environment(), voice=SILENT) == EXIT_COMPLETE
    history = read_history(launch.run_folder(launch.members[0]) / "metrics.jsonl")
    assert history.series["train/loss"].steps.tolist() == list(range(5, 65, 5))
