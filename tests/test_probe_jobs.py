"""Jobs of probes: what goes into one, when it is done, and that it leaves what ``probe`` would leave."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.cli.demo import sample_runs
from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.launching.settings import parse_slurm
from ired_diag.probe_jobs.job import Job, Question, RunPart, read_job
from ired_diag.probe_jobs.packing import LEAST, MOST, job_size, pack
from ired_diag.probe_jobs.receipt import read_receipt
from ired_diag.probe_jobs.snakefile import check_path, resources, srun_text
from ired_diag.probe_jobs.workflow import NamedJob, Workflow, plan_jobs, remove_stale_receipts, write_jobs
from ired_diag.table import read_table
from tests.many_checkpoints import tables

ROOT = Path(__file__).parents[1]
TINY = (
    "rank=3",
    "width=8",
    "time_embedding=8",
    "time_width=8",
    "batch_size=8",
    "train_steps=12",
    "validate_every=6",
    "validation_batches=1",
    "validation_batch_size=4",
    "checkpoint_every=2",
)
PROBE = ("probe", "conditioning", "q103", "--checkpoint", "all", "--samples", 4, "--figures", "none")
OWN_MODEL = """
from ired_diag.own_model import OwnModel
import torch


def draw(count, generator):
    x = torch.randn(count, 4, generator=generator)
    return x, torch.tanh(x)


def build(weights, step):
    scale = 1 + step / 10 + 0 * sum(tensor.float().sum() for tensor in weights.values())

    def energy(x, y, t):
        return scale * (y - torch.tanh(x)).square().sum(-1)

    return OwnModel(energy, draw, levels=10)
"""
DRY_RUN = """\
Dry run: nothing is written or run. 2 jobs would put 1 probe to 27 checkpoints:
  0001   21 checkpoints  q101/seed0 to q103/seed0
  0002    6 checkpoints  q103/seed1 to q103/seed2

HERE/my out/snakemake/energy_gap-HASH/Snakefile:

# Written by ired-diag probe --engine snakemake. To run it by hand, from any folder:
#   snakemake --snakefile 'HERE/my out/snakemake/energy_gap-HASH/Snakefile' --directory \
'HERE/my out/snakemake/energy_gap-HASH' --keep-going --retries 1 --rerun-incomplete --rerun-triggers mtime \
--nolock --quiet rules --executor slurm --jobs 2 --latency-wait 60 \
--slurm-init-seconds-before-status-checks 10 --slurm-status-command squeue
# A file in jobs/ says what a job measures. Its receipt in done/ says which rows of which tables it wrote.
# The tables are the truth: before anything runs, receipts are removed whose rows are not there, or whose
# checkpoints have changed. A job asks the tables too, and measures only what is missing.

PROBE_JOBS = 'PYTHON -m ired_diag_command probe-jobs'

if workflow.is_main_process:
    shell("{PROBE_JOBS} ask .")


rule all:
    input:
        expand("done/{job}.json", job=glob_wildcards("jobs/{job,[0-9]+}.json").job),


rule measure:
    input:
        "jobs/{job}.json",
    output:
        "done/{job}.json",
    log:
        "logs/{job}.log",
    threads: 2
    resources:
        mem_mb=8192,
        runtime=240,
        slurm_partition="gpu,long",
        gres="gpu:a100:1",
        slurm_account="group",
        slurm_extra="--exclude=n1,n2",
    params:
        probe_jobs=PROBE_JOBS,
    shell:
        "export OMP_NUM_THREADS={threads}; "
        "{params.probe_jobs} measure {input:q} {output:q} >> {log:q} 2>&1"

"""


def call(*words: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result


def part(run: int, checkpoints: int) -> RunPart:
    files = tuple(f"/runs/{run}/step-{step}" for step in range(checkpoints))
    return RunPart(
        group="q101",
        seed=f"seed{run}",
        path=f"/runs/{run}",
        task="",
        task_place={},
        configuration={"rate": 0.1, "betas": [0.9, float("inf")]},
        folder=f"/runs/{run}/probes",
        checkpoints=files,
        last=files[-1] if files else None,
    )


def question(**changes: object) -> Question:
    content: dict[str, object] = {
        "probes": {"conditioning": 1},
        "weights": None,
        "samples": 4,
        "seed": 0,
        "figures": "none",
        "device": "cpu",
        "task": None,
        "model": None,
        "working": "/",
    }
    return Question(**{**content, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "runs",
    [[3] * 9, [40] * 5, [1000], [15, 90, 15, 90], [1], [250, 1, 1, 250], [7] * 3000, [19, 99, 100, 101]],
)
def test_jobs_hold_each_checkpoint_once_and_are_neither_short_nor_long(runs: Sequence[int]) -> None:
    parts = [part(run, checkpoints) for run, checkpoints in enumerate(runs)]
    jobs = pack(parts, job_size(sum(runs)))
    files = [file for job in jobs for piece in job for file in piece.checkpoints]
    assert sorted(files) == sorted(file for each in parts for file in each.checkpoints)
    assert len(files) == len(set(files))
    sizes = [sum(len(piece.checkpoints) for piece in job) for job in jobs]
    assert max(sizes) <= MOST
    # What is left over at the end, and what a large run would push over the most, may be short.
    short = [size for size in sizes[:-1] if size < LEAST]
    assert len(short) <= runs.count(90) + runs.count(99)
    lasts = [piece.last for job in jobs for piece in job if piece.last is not None]
    assert len(lasts) == len(runs)


def test_a_job_is_what_its_file_says(tmp_path: Path) -> None:
    job = Job(question(), (part(0, 3), part(1, 2)))
    path = tmp_path / "0001.json"
    path.write_bytes(job.content)
    again = read_job(path)
    assert (again.question, again.parts, again.digest) == (job.question, job.parts, job.digest)
    path.write_text('{"format": 1, "question": {}, "runs": []}')
    with pytest.raises(UnreadableFile, match="is not a job of probes"):
        read_job(path)


def test_jobs_that_still_fit_are_kept_and_the_rest_is_new(tmp_path: Path) -> None:
    parts = [part(run, 20) for run in range(3)]
    first = plan_jobs(tmp_path, parts, question())
    assert [job.name for job in first.jobs] == ["0001", "0002", "0003"]
    write_jobs(first)
    grown = [parts[0], part(1, 21), parts[2]]
    second = plan_jobs(tmp_path, grown, question())
    assert [(job.name, job.job.size, job.is_new) for job in second.jobs] == [
        ("0001", 20, False),
        ("0002", 20, False),
        ("0003", 20, False),
        ("0004", 1, True),
    ]
    shrunk = plan_jobs(tmp_path, parts[:2], question())
    write_jobs(shrunk)
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["0001.json", "0002.json"]
    other = plan_jobs(tmp_path, parts, question(seed=1))
    assert all(job.is_new for job in other.jobs)


def test_a_dry_run_shows_the_jobs_and_the_snakefile_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # a SLURM on this machine is not asked
    monkeypatch.delenv("SLURM_CONF", raising=False)
    words = ["probe", "energy_gap", "q101", "q102", "q103", "--runs", sample_runs(), "--checkpoint", "all"]
    words += ["--engine", "snakemake", "--dry-run", "--out", tmp_path / "my out", "--slurm"]
    words += ["partition=gpu,long,time=240,gpus=a100:1,parallel=2,cpus=2", "--slurm"]
    words += ["memory=8G,account=group,exclude=n1,n2"]
    text = call(*words).stdout.replace(str(tmp_path), "HERE").replace(sys.executable, "PYTHON")
    assert re.sub("energy_gap-[0-9a-f]{8}", "energy_gap-HASH", text) == DRY_RUN
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_of_slurm_becomes_resources() -> None:
    texts = ["time=1-12,qos=long,constraint=a100|h100,reservation=maintenance week".replace(" ", "_")]
    settings = parse_slurm(texts, warned=False)
    assert resources(settings.values) == {
        "mem_mb": 0,
        "runtime": 36 * 60,
        "qos": "long",
        "constraint": "a100|h100",
        "slurm_extra": "--reservation=maintenance_week",
    }
    assert parse_slurm(["time=1"], warned=False).values == {"time": "1"}
    with pytest.raises(DiagError, match="is for trainings"):
        parse_slurm(["time=240,warning=30"], warned=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dry-run"], "need --engine snakemake"),
        (["--slurm", "time=3"], "need --engine snakemake"),
        (["--per-job", "3"], "need --engine snakemake"),
        (["--engine", "snakemake", "--again"], "would measure everything once more"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: list[str], message: str) -> None:
    assert message in call("probe", "energy_gap", "q101", *words, status=2).output


def test_without_snakemake_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    words = ["probe", "energy_gap", "q101", "--runs", sample_runs(), "--out", tmp_path, "--device", "cpu"]
    message = call(*words, "--engine", "snakemake", status=1).output
    assert "pip install 'ired-diag[cluster]'" in message


def test_a_path_that_snakemake_would_read_as_its_own_is_refused() -> None:
    with pytest.raises(DiagError, match="braces"):
        check_path(Path("/runs/{seed}"))


def test_srun_is_started_with_the_configuration_of_the_cluster(tmp_path: Path) -> None:
    real = tmp_path / "the real srun"
    real.write_text('#!/bin/sh\necho "$SLURM_CONF" "$@"\n')
    real.chmod(0o755)
    wrapper = tmp_path / "srun"
    wrapper.write_text(srun_text(str(real), "/etc/o'brien/slurm.conf"))
    wrapper.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "SLURM_CONF"}
    printed = subprocess.check_output([wrapper, "-n1", "a b"], env=environment, text=True)
    assert printed == "/etc/o'brien/slurm.conf -n1 a b\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny runs, each with six checkpoints."""
    runs = tmp_path_factory.mktemp("trained") / "runs"
    settings = [word for knob in TINY for word in ("--set", knob)]
    call("train", "q103", "--seeds", "0-1", "--runs", runs, "--device", "cpu", *settings)
    return runs


@pytest.fixture
def study(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with blanks and quotes in its name and the two runs in it, in which the commands run."""
    folder = tmp_path / "o'brien's study"
    shutil.copytree(trained, folder / "runs")
    monkeypatch.chdir(folder)
    return folder


def planned(*words: object, per_job: int = 4) -> Workflow:
    """Have the command write its jobs, and no Snakemake run them."""
    from app.cli import probe_snakemake

    workflows: list[Workflow] = []

    def keep(workflow: Workflow, *_: object) -> list[NamedJob]:
        write_jobs(workflow)
        workflows.append(workflow)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe_snakemake, "_run", keep)
        words = words or PROBE
        call(*words, "--engine", "snakemake", "--per-job", per_job, "--device", "cpu")
    return workflows[0]


def measure(workflow: Workflow, name: str) -> Result:
    return call("probe-jobs", "measure", workflow.file(name), workflow.receipt(name))


def plain_tables(study: Path) -> dict[str, bytes]:
    """Return what the command writes without an engine, in a copy of the study at the same path."""
    moved = study.with_name("jobs")
    study.rename(moved)
    shutil.copytree(moved, study, ignore=shutil.ignore_patterns("probes", "ired-diag-out"))
    os.chdir(study)
    call(*PROBE, "--device", "cpu")
    return tables(study)


@pytest.mark.slow
def test_jobs_in_any_order_leave_the_tables_and_answers_of_a_plain_probe(study: Path) -> None:
    workflow = planned()
    assert [job.job.size for job in workflow.jobs] == [6, 6]
    workflow = planned(per_job=3)  # the jobs that are there still fit
    assert [job.job.size for job in workflow.jobs] == [6, 6]
    shutil.rmtree(workflow.folder)
    workflow = planned(per_job=3)
    assert [job.job.size for job in workflow.jobs] == [3, 3, 3, 3]
    for job in reversed(workflow.jobs):
        assert "3 answers measured, 0 were in the tables" in measure(workflow, job.name).output
    words = [*PROBE, "--device", "cpu"]
    result = call(*words, "--engine", "snakemake", "--json")
    assert "All 12 checkpoints were measured before." in result.stderr
    printed = call(*words, "--engine", "snakemake").stdout
    in_jobs = tables(study)
    assert len(in_jobs) == 2
    assert in_jobs == plain_tables(study)
    plain = call(*words, "--json")
    answers, plain_answers = (json.loads(each.stdout)["answers"] for each in (result, plain))
    for answer in [*answers, *plain_answers]:
        del answer["known"]
    assert answers == plain_answers
    assert json.loads(result.stdout)["over_training"] == json.loads(plain.stdout)["over_training"]
    assert printed == call(*words).stdout.replace(", measured before", "")


def test_a_job_asks_the_tables_and_measures_only_what_is_missing(study: Path) -> None:
    call("probe", "conditioning", "q103", "--checkpoint", "4", "--samples", 4, "--figures", "none")
    workflow = planned()
    assert "5 answers measured, 1 were in the tables" in measure(workflow, "0001").output
    workflow.receipt("0001").unlink()
    assert "0 answers measured, 6 were in the tables" in measure(workflow, "0001").output


@pytest.mark.slow
def test_a_receipt_counts_only_while_the_tables_hold_its_rows(study: Path) -> None:
    workflow = planned()
    for job in workflow.jobs:
        measure(workflow, job.name)
    assert planned().open_jobs == []
    assert remove_stale_receipts(workflow.folder) == []

    table = study / "runs" / "q103" / "seed0" / "probes" / "conditioning.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    assert [job.name for job in planned().open_jobs] == ["0001"]
    table.unlink()
    assert call("probe-jobs", "ask", workflow.folder).stderr == ""  # planning had removed the receipt
    assert "6 answers measured" in measure(workflow, "0001").output
    assert table.read_bytes() == whole

    checkpoint = study / "runs" / "q103" / "seed1" / "checkpoints" / "step-000000004.safetensors"
    os.utime(checkpoint, ns=(1, 1))
    assert "jobs 0002" in call("probe-jobs", "ask", workflow.folder).stderr
    assert not workflow.receipt("0002").exists()
    assert "0 answers measured, 6 were" in measure(workflow, "0002").output

    workflow.receipt("0001").write_text('{"format": 1, "job": ')
    assert read_receipt(workflow.receipt("0001")) is None
    assert [job.name for job in planned().open_jobs] == ["0001"]


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_read_is_named_and_asked_again(study: Path) -> None:
    checkpoint = study / "runs" / "q103" / "seed1" / "checkpoints" / "step-000000004.safetensors"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[:100])
    workflow = planned(per_job=1)
    names = [job.name for job in workflow.jobs if str(checkpoint) in job.job.parts[0].checkpoints]
    for job in workflow.jobs:
        measure(workflow, job.name)
    assert [job.name for job in planned().open_jobs] == names
    checkpoint.write_bytes(whole)
    assert "1 answers measured" in measure(workflow, names[0]).output
    assert planned().open_jobs == []


@pytest.mark.slow
def test_a_model_of_the_users_own_is_found_by_jobs_that_start_elsewhere(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study / "mine.py").write_text(OWN_MODEL)
    words = ["q103", "--checkpoint", "all", "--samples", 4, "--figures", "none", "--model", "mine.py:build"]
    for probe, line in (
        ("energy_gap", "12 answers measured"),
        ("conditioning", "needs problems that are matrices"),
    ):
        monkeypatch.chdir(study)
        workflow = planned("probe", probe, *words, per_job=12)
        monkeypatch.chdir("/")
        assert line in measure(workflow, "0001").output
        monkeypatch.chdir(study)
        # A probe that does not apply is not put again.
        assert planned("probe", probe, *words, per_job=12).open_jobs == []


def command_of(workflow: Workflow, name: str) -> str:
    """Return the command of a job as Snakemake makes it of the Snakefile's text."""
    text = workflow.snakefile.read_text()
    namespace: dict[str, str] = {}
    exec(next(line for line in text.splitlines() if line.startswith("PROBE_JOBS")), namespace)
    shell = text.split("    shell:\n")[1]
    command = str(eval(f"({shell})"))  # two literals side by side, as Snakemake reads them
    replaced = {
        "{threads}": "1",
        "{params.probe_jobs}": namespace["PROBE_JOBS"],
        "{input:q}": f"jobs/{name}.json",
        "{output:q}": f"done/{name}.json",
        "{log:q}": f"logs/{name}.log",
    }
    for field, value in replaced.items():
        command = command.replace(field, value)
    assert not re.search(r"[{}]", command)
    return command


def start(workflow: Workflow, name: str) -> subprocess.Popen[bytes]:
    for folder in ("done", "logs"):
        (workflow.folder / folder).mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = command_of(workflow, name)
    return subprocess.Popen(
        ["bash", "-c", f"exec bash -c {_quoted(command)}"],
        cwd=workflow.folder,
        env=environment,
        start_new_session=True,
    )


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


@pytest.mark.slow
def test_the_commands_of_the_snakefile_measure_and_go_on_after_a_kill(study: Path) -> None:
    """Without Snakemake: each job's command is run by a shell, and one is killed in the middle."""
    from ired_diag.probe_jobs.running import Engine, write_workflow

    shutil.rmtree(planned().folder)
    workflow = planned(per_job=12)
    engine = Engine(
        command=[sys.executable, "-m", "ired_diag_command"],
        snakemake=["snakemake"],
        settings=None,
        jobs=1,
        asks_squeue=False,
        environment=os.environ,
    )
    write_workflow(workflow, engine)
    table = study / "runs" / "q103" / "seed0" / "probes" / "conditioning.parquet"
    first, *others = workflow.jobs
    job = start(workflow, first.name)
    try:
        end = time.monotonic() + 120
        while not table.exists():
            assert time.monotonic() < end, workflow.log(first.name).read_text()
            time.sleep(0.01)
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    measured = len(set(read_table(table)[0]["step"].tolist()))
    assert not workflow.receipt(first.name).exists()
    # Two that meet at the same job: one waits, and then has nothing to measure.
    twins = [start(workflow, first.name) for _ in range(2)]
    assert [twin.wait() for twin in twins] == [0, 0]
    log = workflow.log(first.name).read_text()
    assert f"{first.job.size - measured} answers measured, {measured} were in the tables" in log
    assert f"0 answers measured, {first.job.size} were in the tables" in log
    for other in others:
        assert start(workflow, other.name).wait() == 0
    assert planned(per_job=12).open_jobs == []
    in_jobs = tables(study)
    assert in_jobs == plain_tables(study)
