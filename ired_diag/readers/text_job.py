"""A job's output whose metrics stand in lines of text.

Where ``slurm`` finds no table, no diagnostic and no progress bar in an output file, its lines are read as
those of any text log. What the file says of the job, its seed and its end is kept.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers import slurm, text_log
from ired_diag.readers.evaluation_ending import PRINTED
from ired_diag.runs.job_kind import only_evaluates
from ired_diag.runs.run import Run


def read(path: Path) -> Run:
    """Return the run in a job's output.

    Raises:
        DiedWithoutMetrics: The files say what the job died of, and nothing of a training.
        UnreadableFile: The file is missing, empty, binary, or says nothing of a training job.
    """
    try:
        run = slurm.read(path)
    except UnreadableFile:
        if not _is_text(path):
            raise
        return text_log.read_run(path)
    if run.history.series or not _is_text(path):
        return run
    if only_evaluates(run) and not text_log.read_text(path).rows.counts_training:
        return run
    text = text_log.read_run(path)
    seed = text.seed if run.seed is None else run.seed
    # The results of an evaluation during training say nothing of the end of training.
    ending = text.ending if run.ending.detail == PRINTED else run.ending
    return replace(
        run,
        ending=ending,
        history=text.history,
        evaluations=text.evaluations,
        seed=seed,
        configuration=run.configuration or text.configuration,
        findings=(*run.findings, *text.findings),
    )


def is_read_as_text(path: Path) -> bool:
    """Say whether what a job's output logs is read from its lines of text."""
    try:
        run = slurm.read(path)
    except UnreadableFile:
        return _is_text(path)
    return not run.history.series and bool(read(path).history.series)


def _is_text(path: Path) -> bool:
    return path.suffix != ".err" and path.is_file() and text_log.accepts(path)
