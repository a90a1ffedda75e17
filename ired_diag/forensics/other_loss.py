"""A reported loss that rises while the one that is trained falls.

Our trainer logs the loss that a step descends (``train/loss``), and, where a task reports another one, that
too (``train/reported_loss``). Where the reported curve rises lastingly (``ired_diag.curves.shape``: diverged
or regressed) and, since the onset of that rise, the trained one comes down, the training does what it was
asked for: what is watched is another loss, and no learning rate mends it.

Both are losses of the same batches with the same weights, so that neither noise between data sets nor
over-fitting can part them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

TRAINED, REPORTED = "train/loss", "train/reported_loss"
FEWEST = 20  # rows that log both
FEWEST_SINCE = 6  # rows since the onset
NOISE = 3.0  # standard errors by which the trained loss has to fall


@dataclass(frozen=True)
class Parting:
    """Two losses of one run that part.

    Attributes:
        step: Since when the reported loss rises.
        trained: The trained loss at the onset and at the end, each the median of a third of the rows.
        reported: The reported loss, likewise.
        rows: Rows since the onset.
    """

    step: float
    trained: tuple[float, float]
    reported: tuple[float, float]
    rows: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each run whose reported loss rises while its trained one falls."""
    for run in study.runs:
        parting = _parting(run)
        if parting is not None:
            yield _finding(run, parting)


def _parting(run: Run) -> Parting | None:
    """Return where the two losses of a run part; None where they do not."""
    trained, reported = run.history.series.get(TRAINED), run.history.series.get(REPORTED)
    if trained is None or reported is None:
        return None
    steps, i, j = np.intersect1d(trained.steps, reported.steps, return_indices=True)
    if len(steps) < FEWEST:
        return None
    shape = shape_of(steps, reported.values[j])
    if shape.word not in ("diverged", "regressed") or shape.onset is None:
        return None
    is_since = steps >= shape.onset.step
    fallen = Series(steps[is_since], trained.values[i][is_since])
    risen = Series(steps[is_since], reported.values[j][is_since])
    if len(fallen) < FEWEST_SINCE or not _falls(fallen):
        return None
    return Parting(
        step=shape.onset.step,
        trained=_ends(fallen),
        reported=_ends(risen),
        rows=len(fallen),
    )


def _ends(series: Series) -> tuple[float, float]:
    """Return the medians of the first and of the last third of a curve."""
    first, _, last = np.array_split(series.values, 3)
    return float(np.median(first)), float(np.median(last))


def _falls(series: Series) -> bool:
    """Say whether a curve falls from its first to its last third by more than its noise."""
    if not np.isfinite(series.values).all():
        return False
    start, end = _ends(series)
    # Differences of neighbours: what is left of them is noise, whatever the curve's own course.
    noise = float(np.median(np.abs(np.diff(series.values)))) / 0.95
    error = noise * np.sqrt(2 / (len(series) / 3))
    return bool(start - end > NOISE * error)


def _finding(run: Run, parting: Parting) -> Finding:
    trained, reported = parting.trained, parting.reported
    statement = (
        f"{run.label}: from step {parting.step:g} on the reported loss rises from {reported[0]:.3g} to "
        f"{reported[1]:.3g} while the trained one falls from {trained[0]:.3g} to {trained[1]:.3g}: they are "
        "different losses, and the steps descend the one that is not reported."
    )
    evidence: Evidence = {
        "run": run.label,
        "step": parting.step,
        "trained_before": trained[0],
        "trained_after": trained[1],
        "reported_before": reported[0],
        "reported_after": reported[1],
        "rows": parting.rows,
    }
    return Finding(
        rule="other_loss",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice="Train the terms that are reported, or judge the run by the loss that it descends.",
        runs=(run.label,),
    )


RULE = Rule(
    name="other_loss",
    question="Does the reported loss rise while the trained one falls?",
    find=find,
    refuted_by="Both losses computed with the same weights and falling; a reported loss of other data.",
    near_miss=(
        "A reported loss that falls more slowly than the trained one, or rises with it: then the steps "
        "themselves go up."
    ),
    example="From step 600 on the reported loss goes from 0.2 to 0.5, and the trained one from 0.1 to 0.05.",
    consequence="conclusion",
)
