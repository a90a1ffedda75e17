"""A logged cosine that contradicts the error and the norms next to it.

A cosine near 0 says that predictions point nowhere near their targets, and an error far below the targets'
variance says that they do. For one sample the two are one identity; for means over a batch they are not, and
only an inequality holds (``stats.mean_cosine``). It is checked at each step where the mean norm and the
standard deviation of predictions or targets are logged by the same prefix as cosine and MSE, and where the
number of elements is known (by the task, or a configured output size). The standard deviation is taken as the
root mean square: the elements are taken to average 0.

A contradiction at a tenth of the steps or more, and at five at least, is a warning. The rule also states the
cosine of all samples taken together that the error forces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, labels_of, runs_of, seeds_in_words
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.mean_cosine import least_error, pooled_cosine
from ired_diag.stats.printed_numbers import printed

COSINE = re.compile(r"(?i)^(.*[/.])?(?:cos|cosine|cos_sim|cosine_sim|cosine_similarity)$")
ERROR = ("mse", "mse_pos")
SIDES = ("pred", "prediction", "output", "tgt", "target")
SIZES = ("output_dim", "out_dim", "target_dim", "y_dim")
OFTEN, FEWEST = 0.1, 5  # of the steps

Array = NDArray[np.float64]
Metrics = Mapping[str, Series]


@dataclass(frozen=True)
class Contradiction:
    """A cosine that the error and the norms of a run rule out at some of its steps.

    Attributes:
        run: The run.
        failed: Number of steps at which the cosine is ruled out.
        pooled: The cosine of all samples together that the error forces, at each step.
        cosine: The logged cosine at each step.
    """

    run: Run
    failed: int
    pooled: Array
    cosine: Array

    @property
    def share(self) -> float:
        """The share of the steps at which the cosine is ruled out."""
        return self.failed / len(self.pooled)


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and cosine that the error and the norms rule out."""
    cases: dict[tuple[str, str], list[Contradiction]] = defaultdict(list)
    for run in study.runs:
        size = elements_of(run)
        if not size:
            continue
        for name in filter(COSINE.match, run.history.series):
            contradiction = _contradiction(run, name, size)
            if contradiction is not None:
                cases[run.group, name].append(contradiction)
    for (_, name), contradictions in cases.items():
        yield _finding(name, contradictions)


def elements_of(run: Run) -> int | None:
    """Return how many elements a target has; None where neither task nor configuration says so."""
    configuration: Mapping[str, Any] = run.configuration or {}
    size = _configured_size(configuration)
    if size is not None:
        return size
    task = tasks.recognised(configuration)
    if task is None:
        return None
    return task.answer_size(configuration)


def _configured_size(configuration: Mapping[str, Any]) -> int | None:
    """Return the first configured size of an output; None where it is not a positive number."""
    for key in SIZES:
        size = configuration.get(key)
        if isinstance(size, int):
            is_size = not isinstance(size, bool) and size > 0
            return size if is_size else None
    return None


def _contradiction(run: Run, name: str, size: int) -> Contradiction | None:
    """Return the contradiction to the norms of the first side that gives one; None without one."""
    metrics = run.history.series
    prefix = name[: -len(name.rpartition("/")[2])]
    error = _error_next_to(metrics, prefix)
    if error is None:
        return None
    for side in SIDES:
        names = (name, error, f"{prefix}{side}_norm", f"{prefix}{side}_std")
        if all(other in metrics for other in names):
            contradiction = _contradiction_of(run, names, prefix=prefix, size=size)
            if contradiction is not None:
                return contradiction
    return None


def _error_next_to(metrics: Metrics, prefix: str) -> str | None:
    """Return the logged squared error with a prefix; None without one."""
    errors = {f"{prefix}{error}".lower() for error in ERROR}
    return next((name for name in metrics if name.lower() in errors), None)


def _contradiction_of(
    run: Run, names: tuple[str, str, str, str], *, prefix: str, size: int
) -> Contradiction | None:
    """Return the contradiction between a cosine, an error, a norm and a standard deviation, if there is one.

    Args:
        run: The run.
        names: The metrics, in this order.
        prefix: What their names begin with.
        size: Number of elements of a target.
    """
    metrics = run.history.series
    steps, columns = _columns(metrics, names)
    if len(steps) < FEWEST:
        return None
    cosine, mse, norm, std = (printed(column) for column in columns)
    # Each printed value stands for an interval; the bound takes the end that contradicts least.
    bound = least_error(
        cosine.values + cosine.unit / 2,
        (norm.values - norm.unit / 2) / np.sqrt(size),
        np.maximum(std.values - std.unit / 2, 0),
    )
    # A thousandth of slack, for rounding in the bound itself.
    failed = bound > (mse.values + mse.unit) * 1.001
    if failed.sum() < FEWEST or failed.mean() < OFTEN:
        return None
    target_rms = _rms_of_target(metrics, prefix, steps, otherwise=std.values)
    return Contradiction(
        run=run,
        failed=int(failed.sum()),
        pooled=pooled_cosine(mse.values, target_rms),
        cosine=cosine.values,
    )


def _rms_of_target(metrics: Metrics, prefix: str, steps: NDArray[np.int64], *, otherwise: Array) -> Array:
    """Return the targets' standard deviation where it is logged, else the predictions'."""
    for name in (f"{prefix}tgt_std", f"{prefix}target_std"):
        if name in metrics:
            series = metrics[name]
            is_complete = np.isin(steps, series.steps).all()
            return _values_at(series, steps) if is_complete else otherwise
    return otherwise


def _columns(metrics: Metrics, names: tuple[str, ...]) -> tuple[NDArray[np.int64], Array]:
    """Return the steps at which all metrics are finite, and their values there, of shape (names, steps)."""
    steps = metrics[names[0]].steps
    for name in names[1:]:
        steps = np.intersect1d(steps, metrics[name].steps)
    values = np.stack([_values_at(metrics[name], steps) for name in names])
    finite = np.isfinite(values).all(axis=0)
    return steps[finite], values[:, finite]


def _values_at(series: Series, steps: NDArray[np.int64]) -> Array:
    """Return the values of a metric at steps at which it is logged."""
    places = np.searchsorted(series.steps, steps)
    return np.asarray(series.values[places], dtype=np.float64)


def _finding(name: str, cases: list[Contradiction]) -> Finding:
    runs = runs_of(cases)
    worst = max(cases, key=lambda case: case.share)
    steps = len(worst.pooled)
    last, forced = float(worst.cosine[-1]), float(worst.pooled[-1])
    statement = (
        f"{runs[0].group}: {name} is {last:.3g} at the last step, where the error next to it forces a "
        f"cosine of {forced:.3g} or more over all samples together. Norms and error rule the logged mean "
        f"out at {100 * worst.share:.0f}% of {steps} steps ({seeds_in_words(runs)})."
    )
    evidence: Evidence = {
        "group": runs[0].group,
        "metric": name,
        "runs": len(runs),
        "share": worst.share,
        "steps": steps,
        "last_cosine": last,
        "forced_cosine": forced,
    }
    return Finding(
        rule="logged_cosine",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Look at which axis and which two tensors {name} is taken over; do not conclude from it.",
        runs=labels_of(runs),
    )


RULE = Rule(
    name="logged_cosine",
    question="Does a logged cosine agree with the error and the norms next to it?",
    find=find,
    refuted_by=(
        "The program: its cosine is of other tensors than its error, or the elements do not average 0, so "
        "that the standard deviation is not the root mean square."
    ),
    near_miss="A mean cosine below that of all samples together, because a few long samples rule the error.",
    consequence="conclusion",
    example="cosine 0.000 with an MSE of 0.05 between vectors of equal length and of variance 1.",
)
