"""A real SLURM on this machine, for tests that ask for one: ``make test-slurm``.

It is started by a script that comes with the study's data, which installs what is missing; where that is
absent, or no SLURM can be started, the tests are skipped with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0  # seconds
ASKED_FOR = "IRED_DIAG_SLURM"
ACCOUNTING = {"0": "without accounting", "1": "with accounting"}


@dataclass(frozen=True)
class Cluster:
    """A running SLURM."""

    environment: dict[str, str]

    def run(
        self, words: Sequence[object], folder: Path, patience: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, words)),
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    def diag(self, *words: object, folder: Path, status: int = 0, patience: float = PATIENCE) -> str:
        result = self.run([sys.executable, "-m", "ired_diag_command", *words], folder, patience)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr

    def states(self, folder: Path) -> dict[int, dict[str, Any]]:
        answer = self.diag("launch", "status", "runs/q103", "--json", folder=folder)
        return {row["index"]: row for row in json.loads(answer)["runs"]}


def skip_unless_asked_for() -> None:
    if os.environ.get(ASKED_FOR) != "1":
        pytest.skip("a real SLURM takes minutes: make test-slurm")


@contextmanager
def running_cluster(shared: Path, accounting: str) -> Iterator[Cluster]:
    """Start a SLURM, and stop it.

    Args:
        shared: Folder of the study's data.
        accounting: "1": with accounting.
    """
    skip_unless_asked_for()
    script = shared.parent / "bin" / "slurm_local.sh"
    if not script.is_file():
        pytest.skip(f"nothing starts a SLURM here: {script} is absent")
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # a short path: that of a socket lies below it
    settings = {"SLURM_LOCAL_DBD": accounting, "SLURM_LOCAL_GPUS": "0"}
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    try:
        started = subprocess.run(
            [script, "start", folder], env=environment, capture_output=True, text=True, check=False
        )
        if started.returncode:
            pytest.skip(f"no SLURM could be started: {started.stderr.strip()[-300:]}")
        yield Cluster({**environment, "SLURM_CONF": str(folder / "slurm.conf")})
    finally:
        subprocess.run([script, "stop", folder], env=environment, capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(is_so: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.5)
