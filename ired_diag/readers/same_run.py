"""A run in several formats: a job's output, TensorBoard's events and a table of the same training.

Two logs hold the same run where their formats differ, their evaluations agree at all common steps (three or
more that are not all equal, to the rounding of a print; of ten or more the last may differ), and neither seed
nor configuration says otherwise. The lines of a text log may show fewer digits than a table in their folder
or right below (``printed_rounding``); the digits of the table count. A trainer that saves its state with
every checkpoint writes the run many times in one format: the states that agree with the longest are that run.
So do files of one folder that are parts of one result (``metrics.json``, ``agent_metrics.json``). Other logs
of one format that agree are different runs that computed the same, and are left for a rule to find.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.config_keys import METADATA
from ired_diag.readers.printed_rounding import is_rounded
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run

FEWEST = 3  # evaluations
ROUNDING = 6e-5  # relative: a number printed with five digits
MANY = 10  # common steps: of so many the last may differ
SAVED_OFTEN = "trainer_state"
PRINTED = "text_log"
NEAREST = 2  # folders: that of a log, or that of the folder which its files are in
IN_SEVERAL_FILES = "history_json"  # by a program that writes a file for each part of its results
BEST_INFORMED = ("slurm",)  # the format whose word on job and ending counts

Values = NDArray[np.float64]


def join_same_runs(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; those that hold the same run are joined into one."""
    attempts = list(attempts)
    formats = {attempt.format for attempt in attempts}
    if len(formats) < 2 and formats.isdisjoint((SAVED_OFTEN, IN_SEVERAL_FILES)):
        return attempts
    joined: list[tuple[Run, Series | None]] = []
    for attempt in sorted(attempts, key=_least_informative):
        evaluations = _evaluations(attempt)
        for place, (other, other_evaluations) in enumerate(joined):
            is_printed = attempt.format == PRINTED and _are_in_one_folder(attempt, other)
            if _may_be_same(attempt, other) and _agree(
                evaluations, other_evaluations, first_is_printed=is_printed
            ):
                joined[place] = (_join(other, attempt), other_evaluations)
                break
        else:
            joined.append((attempt, evaluations))
    return [attempt for attempt, _ in joined]


def _least_informative(attempt: Run) -> tuple[bool, bool, bool, int]:
    """Return a sort key: the attempt that says most about the job comes first, printed digits last."""
    is_printed = attempt.format == PRINTED
    return (
        attempt.format not in BEST_INFORMED,
        is_printed,
        attempt.configuration is None,
        -attempt.evaluations,
    )


def _are_in_one_folder(printed: Run, other: Run) -> bool:
    """Say whether a text log stands in the folder of another log, or right above it."""
    folder = printed.path.resolve().parent
    return folder in other.path.resolve().parents[:NEAREST]


def _evaluations(attempt: Run) -> Series | None:
    history = attempt.history
    metric = evaluation_metric(history.series)
    return history.series[metric] if metric else None


def _may_be_same(first: Run, second: Run) -> bool:
    """Say whether neither format, seed nor configuration says that two attempts are different runs."""
    shared_formats = set(first.format.split("+")) & set(second.format.split("+"))
    repeatable = {SAVED_OFTEN}
    if _are_files_of_one_run(first, second):
        repeatable.add(IN_SEVERAL_FILES)
    if shared_formats - repeatable:
        return False
    has_seeds = first.seed is not None and second.seed is not None
    if has_seeds and first.seed != second.seed:
        return False
    if first.configuration and second.configuration:
        return _knobs(first) == _knobs(second)
    return True


def _are_files_of_one_run(first: Run, second: Run) -> bool:
    """Say whether two files of one folder are named as parts of one: ``metrics`` and ``agent_metrics``."""
    if first.path == second.path or first.path.parent != second.path.parent:
        return False
    words = set(words_of(first.path.stem))
    other_words = set(words_of(second.path.stem))
    return words <= other_words or other_words <= words


def _knobs(attempt: Run) -> dict[str, object]:
    knobs = dict(attempt.configuration or {})
    for name in (*METADATA, "seed"):
        knobs.pop(name, None)
    return knobs


def _agree(first: Series | None, second: Series | None, *, first_is_printed: bool) -> bool:
    """Say whether two series agree at all common steps, which are nearly all of the shorter one's.

    Args:
        first: Evaluations of a log.
        second: Those of another.
        first_is_printed: Whether the first may show fewer digits than the second.
    """
    if first is None or second is None:
        return False
    shorter = min(len(first), len(second))
    if shorter < FEWEST or first.steps[0] != second.steps[0]:
        return False
    if not first_is_printed and not _are_close(first.values[:1], second.values[:1]):
        return False
    _, places, other_places = np.intersect1d(first.steps, second.steps, return_indices=True)
    values = first.values[places]
    if len(values) < max(FEWEST, 0.9 * shorter):
        return False
    finite = values[np.isfinite(values)]
    is_varied = len(finite) > 1 and bool(np.ptp(finite) > 0)
    other_values = second.values[other_places]
    if len(values) >= MANY:  # YOLO evaluates its best weights at the last step again, for one of its logs
        values, other_values = values[:-1], other_values[:-1]
    if is_varied and _are_close(values, other_values):
        return True
    return first_is_printed and is_rounded(values, other_values)


def _are_close(first: Values, second: Values) -> bool:
    return bool(np.allclose(first, second, rtol=ROUNDING, atol=0, equal_nan=True))


def _join(first: Run, further: Run) -> Run:
    """Return the attempt that two logs hold together; where both speak, the first counts."""
    seed = first.seed
    if seed is None:
        seed = further.seed
    ending = first.ending
    if ending.state == "unknown":
        ending = further.ending
    formats = first.format
    if further.format not in formats.split("+"):
        formats = f"{formats}+{further.format}"
    return replace(
        first,
        sources=(*first.sources, *further.sources),
        seed=seed,
        name=first.name or further.name,
        configuration=first.configuration or further.configuration,
        ending=ending,
        provenance={**further.provenance, **first.provenance},
        findings=(*first.findings, *further.findings),
        history=replace(first.history, series={**further.history.series, **first.history.series}),
        format=formats,
    )
