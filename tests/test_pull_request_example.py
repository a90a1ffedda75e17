"""The example of a workflow: its commands are run by bash on pull requests whose claim is true, or is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / "examples" / "pull-request.yml"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as the runner starts it


def pull_request(folder: Path, *, better_by: float, claimed: float) -> None:
    """Write the logs of six seeds of two groups, and a report that claims a mean of the new one."""
    rng = np.random.default_rng(2)
    for group, level in (("new", 1.0 - better_by), ("old", 1.0)):
        (folder / "runs" / group).mkdir(parents=True)
        for seed in range(6):
            value = level + 0.01 * rng.standard_normal()
            rows = [f"{step},{value + 3 * 0.5**step:.6f}" for step in range(1, 31)]
            text = "\n".join(["step,val_loss", *rows]) + "\n"
            (folder / "runs" / group / f"seed{seed}.csv").write_text(text)
    report = f"| group | val_loss |\n|---|---|\n| new | {claimed:.2f} |\n| old | 1.00 |\n"
    (folder / "results.md").write_text(f"# Results\n\n{report}")


def outcomes(folder: Path, tmp_path: Path) -> dict[str, int]:
    """Return the exit status of each step that runs the program, until one fails."""
    command = tmp_path / "bin" / "ired-diag"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m app.cli "$@"\n')
    command.chmod(0o755)
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["claims"]
    environment = os.environ | job["env"]
    environment["PATH"] = f"{command.parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(ROOT)
    statuses = {}
    for step in job["steps"]:
        if "ired-diag " not in step.get("run", ""):
            continue
        done = subprocess.run(
            [*SHELL, step["run"]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        statuses[step["name"]] = done.returncode
        if done.returncode:
            break
    return statuses


@pytest.mark.slow
@pytest.mark.parametrize(
    ("better_by", "claimed", "expected"),
    [
        (0.1, 0.9, {"The numbers of the report hold": 0, "The change is better": 0}),
        (0.1, 0.7, {"The numbers of the report hold": 3}),
        (-0.1, 1.1, {"The numbers of the report hold": 0, "The change is better": 3}),
        (0.0, 1.0, {"The numbers of the report hold": 0, "The change is better": 4}),
    ],
)
def test_a_pull_request_passes_only_where_its_claim_holds(
    tmp_path: Path, better_by: float, claimed: float, expected: dict[str, int]
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    pull_request(folder, better_by=better_by, claimed=claimed)
    assert outcomes(folder, tmp_path) == expected
