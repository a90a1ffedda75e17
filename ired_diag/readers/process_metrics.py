"""What the processes of one training log of its metric: where they differ, one of them is not the whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ired_diag.finding import Evidence, Finding
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run


def evaluations_of(log: Run) -> tuple[str, Series] | None:
    """Return the metric that judges a log, by its name, and its values; None where there is none."""
    metric = evaluation_metric(log.history.series)
    series = log.history.series.get(metric) if metric else None
    return (str(metric), series) if series is not None and len(series) else None


def differing_evaluations(run: Run, logs: Sequence[Run]) -> list[Finding]:
    """Return that processes log different values at the last step of the one that is read; else nothing.

    Args:
        run: The log that is read.
        logs: Those of all processes.
    """
    own = evaluations_of(run)
    if own is None:
        return []
    metric, series = own
    step = series.last_step
    values = [value for log in logs if (value := _value_at(log, metric, step)) is not None]
    if len(values) < 2 or np.ptp(values) == 0:
        return []
    shown, lowest, highest = float(series.values[-1]), min(values), max(values)
    statement = (
        f"{metric} differs between {len(values)} processes of this training: at step {step} from "
        f"{lowest:.4g} to {highest:.4g}. The log that is read has {shown:.4g}, which holds for its own part "
        "of the data or its own draw; the mean over all processes is not logged."
    )
    evidence: Evidence = {
        "metric": metric,
        "step": step,
        "lowest": lowest,
        "highest": highest,
        "shown": shown,
    }
    advice = (
        "Average the metric over all processes before it is logged, as torch.distributed.all_reduce does."
    )
    return [Finding("process_metrics", "warning", statement, evidence=evidence, advice=advice)]


def _value_at(log: Run, metric: str, step: int) -> float | None:
    series = log.history.series.get(metric)
    if series is None:
        return None
    values = series.values[(series.steps == step) & np.isfinite(series.values)]
    return float(values[-1]) if len(values) else None
