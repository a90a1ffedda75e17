"""Whether two runs log one validation curve although they trained differently.

Two trainings that differ in one digit differ in the digits of every later evaluation. Where the whole curve
of the validation metric has the same digits in two runs, and these digits prove it (``curves.agreement``),
while another metric differs, the evaluation does not depend on what was trained: it reads the weights of
another run, or its numbers were copied. Such runs are one piece of evidence. Runs that agree in all
that they log are one computation (``curves.one_computation``), and not meant here.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ired_diag.curves.agreement import FEWEST, Agreement
from ired_diag.curves.one_computation import HALF, agreement_of_series, is_result
from ired_diag.runs.evaluation_metric import is_of_training
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.seed_sources import source_of_key


@dataclass(frozen=True)
class OneEvaluation:
    """Two runs with one validation curve.

    Attributes:
        a: The first run.
        b: The second run.
        metric: Name of the validation metric.
        agreement: How far its curves agree.
        differing: Name of a metric that differs between the runs.
    """

    a: Run
    b: Run
    metric: str
    agreement: Agreement
    differing: str


def one_evaluation(a: Run, b: Run, metric: str) -> OneEvaluation | None:
    """Return two runs whose validation curve is one while another metric differs; None where it is not so."""
    x, y = a.history.series, b.history.series
    if metric not in x or metric not in y or is_of_training(metric, x):
        return None
    agreement = agreement_of_series(x[metric], y[metric])
    if agreement is None or not agreement.proves:
        return None
    if agreement.steps < HALF * max(len(x[metric]), len(y[metric])):
        return None
    differing = _differing(a, b)
    if not differing:
        return None
    return OneEvaluation(a, b, metric, agreement, differing)


def equal_evaluations(runs: Sequence[Run]) -> Iterator[OneEvaluation]:
    """Yield the pairs of runs that log one validation curve although they trained differently."""
    alike: dict[tuple[object, ...], list[Run]] = defaultdict(list)
    for run in runs:
        metric = run.judging_metric
        if metric and run.is_judged and not has_seeds_of_sources(run):
            first_values = run.history.series[metric].values[:FEWEST].tolist()
            alike[metric, *first_values].append(run)
    for members in alike.values():
        for a, b in itertools.combinations(members, 2):
            pair = one_evaluation(a, b, a.judging_metric or "")
            if pair is not None:
                yield pair


def has_seeds_of_sources(run: Run) -> bool:
    """Say whether a run is one of a crossed design, where a source of randomness may have no effect."""
    return any(source_of_key(key) is not None for key in run.configuration or {})


def _differing(a: Run, b: Run) -> str:
    """Return a result that differs at a common step, a known measure first; empty without any."""
    x, y = a.history.series, b.history.series
    common = [name for name in x if name in y and is_result(name)]
    for name in sorted(common, key=lambda name: not measures_in(words_of(name))):
        are_apart = agreement_of_series(x[name], y[name]) is None
        if are_apart and not set(x[name].steps.tolist()).isdisjoint(y[name].steps.tolist()):
            return name
    return ""
