"""Training planned runs one batch after the other, with progress, and a line on how each ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import hangup, output

if TYPE_CHECKING:
    import torch

    from ired_diag.finding import Finding
    from ired_diag.training.compiled import Compile
    from ired_diag.training.opening import Options
    from ired_diag.training.plan import PlannedRun


def train_in_turn(
    batches: Sequence[Sequence[PlannedRun]],
    *,
    device: torch.device,
    compiling: Compile = "auto",
    stop_on_trouble: bool = False,
) -> None:
    """Train batches of runs one after the other, and print how each run ended.

    Args:
        batches: Runs that train together.
        device: Where.
        compiling: Whether the loss is compiled.
        stop_on_trouble: End a run that diverges, runs away or is dead.

    Raises:
        Interrupted: A signal asked for an end; the states are saved.
    """
    from ired_diag.training.opening import Options
    from ired_diag.training.trainer import Interrupted

    training = Options(device, compiling, stop_on_trouble, announce=_announce, heard=_heard)

    for number, batch in enumerate(batches, start=1):
        is_interrupted = _train(batch, training)
        if is_interrupted and number < len(batches):
            raise Interrupted(
                "Stopped as asked before the other runs. Continue with the same command and --resume."
            )


def _train(batch: Sequence[PlannedRun], training: Options) -> bool:
    """Train runs together, print how each ended, and return whether a signal interrupted them."""
    from ired_diag.training.trainer import train_together

    title = str(batch[0].folder)
    if len(batch) > 1:
        title += f" and {len(batch) - 1} more"
    with output.progress(title, unit="steps") as show:
        training = replace(training, progress=lambda step, steps, values: show(step, steps))
        is_interrupted = train_together(batch, training)
    for run in batch:
        click.echo(f"{run.folder}: {_result(run)}")
    return is_interrupted


def is_complete(folder: Path) -> bool:
    """Say whether the run in a folder was trained to its end."""
    from ired_diag.open import open_run

    return open_run(folder).ending.complete


def _heard() -> None:
    hangup.say("Stopping after this step. Again: stop now; the last checkpoint stays whole.")


def _announce(folder: Path, finding: Finding) -> None:
    hangup.say(f"{folder}: {finding.statement} {finding.advice}".rstrip())


def _result(planned: PlannedRun) -> str:
    from ired_diag.open import open_run

    run, metric = open_run(planned.folder), planned.task.metric
    series = run.history.series.get(metric.name)
    ending = run.ending.detail or "trained"
    if series is None:
        return f"{ending}. No evaluation yet."
    for step, value in zip(series.steps, series.values, strict=True):
        if not math.isfinite(value):
            return f"{ending}. It DIVERGED: {metric.title} is not finite from step {step} on."
    title = metric.title[:1].upper() + metric.title[1:]
    return f"{ending}. {title} {series.values[-1]:.6g} at step {series.steps[-1]}."
