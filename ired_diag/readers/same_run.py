"""One run told in several formats: a job's output, TensorBoard's events and a table of the same training.

Two logs tell one run where their evaluations agree at all common steps, three or more that are not all
equal, to a single-precision number's rounding, their formats differ, and neither seed nor configuration
says otherwise. A trainer that saves its state with every checkpoint tells the run many times in one format:
the states that agree with the longest are that run. Logs of one format that agree are different runs that
computed the same, and are left for a rule to find.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ired_diag.config_keys import METADATA
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import Series

FEWEST = 3  # evaluations
ROUNDING = 1e-5  # relative: a float32 printed with six digits
SAVED_OFTEN = "trainer_state"
BEST_TOLD = ("slurm",)  # the format whose word on job and ending counts


def join_same_runs(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return attempts, those that tell one run joined into one."""
    attempts = list(attempts)
    formats = {attempt.format for attempt in attempts}
    if len(formats) < 2 and formats != {SAVED_OFTEN}:
        return attempts
    joined: list[tuple[Attempt, Series | None]] = []
    for attempt in sorted(attempts, key=_most_telling):
        own = _evaluations(attempt)
        for place, (other, series) in enumerate(joined):
            if own is not None and series is not None and _is_same(attempt, own, other, series):
                joined[place] = (_join(other, attempt), series)
                break
        else:
            joined.append((attempt, own))
    return [attempt for attempt, _ in joined]


def _most_telling(attempt: Attempt) -> tuple[bool, bool, int]:
    return attempt.format not in BEST_TOLD, attempt.configuration is None, -attempt.evaluations


def _evaluations(attempt: Attempt) -> Series | None:
    history = attempt.history
    metric = evaluation_metric(history.series)
    return history.series[metric] if metric else None


def _is_same(one: Attempt, own: Series, other: Attempt, its: Series) -> bool:
    formats = set(one.format.split("+")) & set(other.format.split("+"))
    if formats - {SAVED_OFTEN} or (None not in (one.seed, other.seed) and one.seed != other.seed):
        return False
    if one.configuration and other.configuration and _knobs(one) != _knobs(other):
        return False
    return _agree(own, its)


def _knobs(attempt: Attempt) -> dict[str, object]:
    return {k: v for k, v in (attempt.configuration or {}).items() if k not in (*METADATA, "seed")}


def _agree(one: Series, other: Series) -> bool:
    """Say whether two series agree at all common steps, which are nearly all of the shorter one's."""
    if min(len(one), len(other)) < FEWEST or one.steps[0] != other.steps[0]:
        return False
    if not np.isclose(one.values[0], other.values[0], rtol=ROUNDING, atol=0, equal_nan=True):
        return False
    _, i, j = np.intersect1d(one.steps, other.steps, return_indices=True)
    a, b = one.values[i], other.values[j]
    enough = len(a) >= max(FEWEST, 0.9 * min(len(one), len(other)))
    finite = a[np.isfinite(a)]
    varied = len(finite) > 1 and bool(np.ptp(finite) > 0)
    return bool(enough and varied and np.allclose(a, b, rtol=ROUNDING, atol=0, equal_nan=True))


def _join(told: Attempt, further: Attempt) -> Attempt:
    """Return the attempt that two logs tell together; where both speak, the first counts."""
    ending = further.ending if told.ending.state == "unknown" else told.ending
    known = {name for row in told.rows for name in row.values} | told.series.keys()
    new = {name: series for name, series in further.history.series.items() if name not in known}
    formats = told.format if further.format in told.format.split("+") else f"{told.format}+{further.format}"
    return replace(
        told,
        source=(*told.source, *further.source),
        seed=further.seed if told.seed is None else told.seed,
        name=told.name or further.name,
        configuration=told.configuration or further.configuration,
        ending=ending,
        provenance={**further.provenance, **told.provenance},
        findings=(*told.findings, *further.findings),
        series={**told.series, **new},
        format=formats,
    )
