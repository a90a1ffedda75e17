"""What a plan of jobs, a question to the tables, and Snakemake's graph cost, by the number of checkpoints.

    python -m benchmarks.many_checkpoints --runs 10 100 1000

Each run has 100 checkpoints and the tables of two probes, copied from one: no probe measures anything here.
Times are CPU seconds. Where Snakemake is installed, or on PATH, it builds the graph of all jobs
(``snakemake --dry-run``), of 100 checkpoints each.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ired_diag.errors import DiagError
from ired_diag.probe_jobs.job import Question, RunPart
from ired_diag.probe_jobs.receipt import CheckpointReceipt, Entry, Receipt, file_state, write_receipt
from ired_diag.probe_jobs.running import find_snakemake
from ired_diag.probe_jobs.snakefile import snakefile_text, snakemake_words
from ired_diag.probe_jobs.workflow import Workflow, plan_jobs, write_jobs
from ired_diag.table import METADATA

CHECKPOINTS = 100  # of a run
PROBES = ("one", "two")
SETTINGS = "0123456789ab"  # the hash of what an answer was measured with
SENTENCE = "An answer of some length, as probes give them, with a number of evidence or two in it. " * 4


def make_table(path: Path) -> None:
    """Write a table as a probe leaves it: an answer to each checkpoint, one row for each."""
    answers = []
    for step in range(CHECKPOINTS):
        key = {"step": step, "weights": "raw", "settings": SETTINGS}
        answer = {"rule": "one", "severity": "note", "statement": SENTENCE, "evidence": {}, "advice": ""}
        answers.append(key | answer)
    content = json.dumps({"format": 1, "answers": answers}).encode()
    table = pa.table({"step": list(range(CHECKPOINTS))})
    pq.write_table(table.replace_schema_metadata({METADATA: content}), path)


def make_run(folder: Path, table: Path) -> RunPart:
    """Make the files of a run that is measured, and return it."""
    folder.mkdir(parents=True)
    files = []
    for step in range(CHECKPOINTS):
        file = folder / f"step-{step:09d}.safetensors"
        file.touch()
        files.append(str(file))
    for probe in PROBES:
        shutil.copy(table, folder / f"{probe}.parquet")
    return RunPart(
        group="q101",
        seed=folder.name,
        path=str(folder),
        task="",
        task_place={},
        configuration={f"setting_{number}": number for number in range(30)},
        folder=str(folder),
        checkpoints=tuple(files),
        last=files[-1],
    )


def write_receipts(workflow: Workflow) -> None:
    """Write the receipt that each job would leave."""
    for job in workflow.jobs:
        checkpoints = []
        for part in job.job.parts:
            for file in part.checkpoints:
                checkpoints.append(_receipt_of(Path(file)))
        receipt = Receipt(job.job.digest, tuple(checkpoints))
        write_receipt(workflow.receipt(job.name), receipt)


def _receipt_of(file: Path) -> CheckpointReceipt:
    step = int(file.stem.removeprefix("step-"))
    entries = []
    for probe in PROBES:
        entry = Entry(probe=probe, step=step, weights="raw", settings=SETTINGS, known=False)
        entries.append(entry)
    size, changed = file_state(file)
    return CheckpointReceipt(
        path=str(file),
        size=size,
        changed=changed,
        entries=tuple(entries),
        refusals=(),
        notes=(),
    )


def graph_seconds(workflow: Workflow) -> float | None:
    """Return the CPU seconds in which Snakemake builds the graph of a workflow; None without Snakemake."""
    try:
        snakemake = find_snakemake(None)
    except DiagError:
        return None
    workflow.snakefile.write_text(snakefile_text(["true"], "", None))
    words = snakemake_words(snakemake, workflow.snakefile, None, jobs=1, asks_squeue=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Without receipts, so that every job is in the graph.
    subprocess.run([*words, "--dry-run"], check=True, capture_output=True, env=dict(os.environ))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(root: Path, runs: int) -> list[str]:
    """Return the row of a number of runs."""
    table = root / "table.parquet"
    make_table(table)
    parts = []
    for number in range(runs):
        parts.append(make_run(root / "runs" / f"seed{number}", table))
    question = Question(
        probes=dict.fromkeys(PROBES, 1),
        weights=None,
        samples=None,
        seed=0,
        figures="none",
        device="cpu",
        task=None,
        model=None,
        working=str(root),
    )
    folder = root / "workflow"
    start = time.process_time()
    workflow = plan_jobs(folder, parts, question, CHECKPOINTS)
    write_jobs(workflow)
    planned = time.process_time() - start
    graph = graph_seconds(workflow)
    write_receipts(workflow)
    start = time.process_time()
    again = plan_jobs(folder, parts, question, CHECKPOINTS)
    asking = time.process_time() - start
    if again.open_jobs:
        raise AssertionError(f"{len(again.open_jobs)} jobs are open, although all is measured")
    graph_text = "-" if graph is None else f"{graph:.1f}"
    return [str(runs * CHECKPOINTS), str(len(workflow.jobs)), f"{planned:.2f}", f"{asking:.2f}", graph_text]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What jobs of probes cost before and after they measure.")
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 100, 1000])
    chosen = parser.parse_args(arguments)
    print("| checkpoints | jobs | plan and write | ask again, all done | Snakemake's graph |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for runs in chosen.runs:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(Path(folder), runs)
        print(f"| {' | '.join(row)} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
