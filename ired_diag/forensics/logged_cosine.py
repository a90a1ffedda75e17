"""A logged cosine that contradicts the error and the norms next to it.

A cosine near 0 says that predictions point nowhere near their targets, and an error far below the targets'
variance says that they do. For one sample the two are one identity; for means over a batch they are not, and
only an inequality holds (``stats.mean_cosine``). It is checked at each step where the mean norm and the
standard deviation of predictions or targets are logged by the same prefix as cosine and MSE, and where the
number of elements is known (matrices, or a configured output size). The standard deviation is taken as the
root mean square: the elements are taken to average 0.

A contradiction at a tenth of the steps or more, and at five at least, is a warning. The rule also tells the
cosine of all samples taken together that the error forces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.mean_cosine import least_error, pooled_cosine
from ired_diag.stats.printed_numbers import printed

COSINE = re.compile(r"(?i)^(.*[/.])?(?:cos|cosine|cos_sim|cosine_sim|cosine_similarity)$")
ERROR = ("mse", "mse_pos")
SIDES = ("pred", "prediction", "output", "tgt", "target")
SIZES = ("output_dim", "out_dim", "target_dim", "y_dim")
OFTEN, FEWEST = 0.1, 5

Array = NDArray[np.float64]
Told = Mapping[str, Series]
Case = tuple[
    Run, NDArray[np.int64], Array, Array
]  # steps where it fails, all steps' pooled cosine, their logged cosine


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and cosine that the error and the norms rule out."""
    cases: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        size = elements_of(run)
        for name in run.history.series if size else ():
            if COSINE.match(name) and (case := _case(run, name, size or 1)) is not None:
                cases[run.group, name].append(case)
    for (group, name), found in cases.items():
        yield _finding(group, name, found)


def elements_of(run: Run) -> int | None:
    """Return how many elements a target has; None where neither task nor configuration says so."""
    told: Mapping[str, Any] = run.configuration or {}
    configured = next((told[key] for key in SIZES if isinstance(told.get(key), int)), None)
    if configured is not None and not isinstance(configured, bool) and configured > 0:
        return int(configured)
    task = tasks.recognised(told)
    return None if task is None else task.answer_size(told)


def _case(run: Run, name: str, size: int) -> Case | None:
    told = run.history.series
    prefix = name[: -len(name.rpartition("/")[2])]
    error = next((n for n in told if n.lower() in {f"{prefix}{e}".lower() for e in ERROR}), None)
    for side in SIDES if error else ():
        pair = (f"{prefix}{side}_norm", f"{prefix}{side}_std")
        if error is None or any(n not in told for n in pair):
            continue
        steps, columns = _columns(told, (name, error, *pair))
        if len(steps) < FEWEST:
            continue
        cosine, mse, norm, std = (printed(column) for column in columns)
        bound = least_error(
            cosine.values + cosine.unit / 2,
            (norm.values - norm.unit / 2) / np.sqrt(size),
            np.maximum(std.values - std.unit / 2, 0),
        )
        failed = bound > (mse.values + mse.unit) * 1.001
        if failed.sum() >= FEWEST and failed.mean() >= OFTEN:
            return (
                run,
                steps[failed],
                pooled_cosine(mse.values, _rms_of_target(told, prefix, steps, std.values)),
                cosine.values,
            )
    return None


def _rms_of_target(told: Told, prefix: str, steps: NDArray[np.int64], otherwise: Array) -> Array:
    """Return the targets' standard deviation where it is logged, else the predictions'."""
    name = next((n for n in (f"{prefix}tgt_std", f"{prefix}target_std") if n in told), None)
    if name is None or not np.isin(steps, told[name].steps).all():
        return otherwise
    return np.asarray(told[name].values[np.searchsorted(told[name].steps, steps)], dtype=np.float64)


def _columns(told: Told, names: tuple[str, ...]) -> tuple[NDArray[np.int64], Array]:
    """Return the steps at which all metrics are finite, and their values there, of shape (names, steps)."""
    steps = told[names[0]].steps
    for name in names[1:]:
        steps = np.intersect1d(steps, told[name].steps)
    values = np.stack([told[n].values[np.searchsorted(told[n].steps, steps)] for n in names])
    finite = np.isfinite(values).all(axis=0)
    return steps[finite], values[:, finite]


def _finding(group: str, name: str, cases: list[Case]) -> Finding:
    _, failed, pooled, cosine = max(cases, key=lambda case: len(case[1]) / len(case[2]))
    share = len(failed) / len(pooled)
    statement = (
        f"{group}: {name} is {cosine[-1]:.3g} at the last step, where the error next to it forces a cosine "
        f"of {pooled[-1]:.3g} or more over all samples together. Norms and error rule the logged mean out at "
        f"{100 * share:.0f}% of {len(pooled)} steps ({listed(one.seed_label for one, *_ in cases)})."
    )
    evidence: Evidence = {"group": group, "metric": name, "runs": len(cases), "share": share}
    evidence |= {"steps": len(pooled), "last_cosine": float(cosine[-1]), "forced_cosine": float(pooled[-1])}
    advice = f"Look at which axis and which two tensors {name} is taken over; do not conclude from it."
    runs = tuple(run.label for run, *_ in cases)
    return Finding("logged_cosine", "warning", statement, evidence, advice, runs=runs)


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
