"""200 checkpoints on a real SLURM: a job is killed, the command too, and the tables are whole in the end.

It takes some minutes each way: ``make test-slurm``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ired_diag.launching.settings import parse_slurm
from tests.many_checkpoints import make_study, need_snakemake, tables
from tests.slurm_cluster import ACCOUNTING, Cluster, running_cluster, wait_until

pytestmark = pytest.mark.slow

RUNS, CHECKPOINTS = 5, 40
SLURM = "time=30,memory=1500M,parallel=3"
PATIENCE = 1500.0  # seconds; a machine with other work to do needs some minutes
PROBE = ("probe", "energy_gap", "q101", "q102", "q103", "--checkpoint", "all", "--samples", "4")
WORDS = (*PROBE, "--figures", "none", "--device", "cpu", "--json")


@pytest.fixture(scope="module", params=list(ACCOUNTING), ids=list(ACCOUNTING.values()))
def cluster(request: pytest.FixtureRequest, shared: Path) -> Iterator[Cluster]:
    with running_cluster(shared, request.param) as running:
        need_snakemake(parse_slurm([SLURM]))
        yield running


def running_jobs(cluster: Cluster, folder: Path) -> list[str]:
    return cluster.run(["squeue", "-h", "-t", "R", "-o", "%A"], folder).stdout.split()


def receipts(folder: Path) -> int:
    return len(list((folder / "ired-diag-out").glob("snakemake/*/done/*.json")))


def test_what_was_killed_goes_on_and_the_tables_are_those_of_a_plain_probe(
    cluster: Cluster, tmp_path: Path
) -> None:
    folder = tmp_path / "o'brien's study"
    make_study(folder / "runs", RUNS, CHECKPOINTS)
    words = [*WORDS, "--engine", "snakemake", "--slurm", SLURM]
    command = subprocess.Popen(
        [sys.executable, "-m", "ired_diag_command", *words],
        cwd=folder,
        env=cluster.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: bool(tables(folder)), PATIENCE)
        job = running_jobs(cluster, folder)[0]
        assert cluster.run(["scancel", "--signal=KILL", "--full", job], folder).returncode == 0
        wait_until(lambda: receipts(folder) >= 2, PATIENCE)
    finally:
        os.killpg(command.pid, signal.SIGKILL)  # Snakemake is in the same group
        command.wait()
    assert receipts(folder) < RUNS * CHECKPOINTS // 20
    # Its jobs still run. Those of the next command wait for them where they meet.
    answers = json.loads(
        cluster.run([sys.executable, "-m", "ired_diag_command", *words], folder, PATIENCE).stdout
    )
    assert answers["failed_jobs"] == answers["unanswered"] == []
    assert len(answers["answers"]) == RUNS * CHECKPOINTS
    logs = [path.read_text() for path in folder.rglob("logs/*.log")]
    known = [int(number) for text in logs for number in re.findall(r"(\d+) were in the tables", text)]
    assert sum(known) > 0
    in_jobs = tables(folder)

    moved = folder.with_name("in jobs")
    folder.rename(moved)
    shutil.copytree(moved, folder, ignore=shutil.ignore_patterns("probes", "ired-diag-out"))
    plain = json.loads(
        cluster.run([sys.executable, "-m", "ired_diag_command", *WORDS], folder, PATIENCE).stdout
    )
    assert len(in_jobs) == RUNS
    assert in_jobs == tables(folder)
    assert plain["over_training"] == answers["over_training"]
