"""What an array task prints, in the forms that our own reader of SLURM's files reads (docs/slurm-logs.md).

A head for each start: machine, job, commit, seed, configuration; a table for each evaluation; and, where the
training came to its end, the words ``training complete``. A log so tells its runs without their folders.
"""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ired_diag.runs.code_version import code_commit
from ired_diag.training.plan import PlannedRun
from ired_diag.training.seed_design import own_seeds

COMPLETE = "training complete"


def head_lines(run: PlannedRun, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a start.

    Args:
        run: What is trained.
        environment: The variables that SLURM sets for a job.
    """
    now = datetime.now(UTC)
    yield f"Job started at {now.strftime('%a %b %d %H:%M:%S UTC %Y')}"
    yield f"Running on host: {platform.node()}"
    job, array = environment.get("SLURM_JOB_ID"), environment.get("SLURM_ARRAY_JOB_ID")
    if job:
        task = environment.get("SLURM_ARRAY_TASK_ID")
        of_array = f" (Array Job ID: {array}, Task ID: {task})" if array else ""
        yield f"Job ID: {job}{of_array}"
    if commit := code_commit():
        yield f"Git SHA: {commit}"
    yield f"Run folder: {run.folder}"
    if not own_seeds(run.config):
        yield f"Setting random seed: {run.config.seed}"
    yield f"Configuration: {json.dumps(run.config.model_dump(mode='json'), indent=2)}"


def step_lines(step: int, values: Mapping[str, float], metric: str) -> Iterator[str]:
    """Yield the lines of a logged step: those of an evaluation alone.

    Args:
        step: The step.
        values: What is logged of it, by name: ``validation/mse``.
        metric: Name of the metric that an evaluation has.
    """
    if metric not in values:
        return
    tables: dict[str, dict[str, float]] = defaultdict(dict)
    for name, value in values.items():
        label, _, row = name.partition("/")
        is_readable = row and not any(letter.isspace() for letter in name)
        if is_readable:
            tables[label][row] = value
    for label, rows in tables.items():
        width = max(map(len, rows))
        # The reader knows these words; which table it is, it takes from the ID.
        yield f"Validation Result @ Iteration {step}; Milestone = {step} (ID: {label.title()})"
        yield f"{'-' * width}  -------"
        for row, value in rows.items():
            yield f"{row:<{width}}  {value!r}"
        yield f"{'-' * width}  -------"
