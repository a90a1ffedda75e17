"""How often does ``stats`` call two groups different that are not?

    python -m benchmarks.false_alarms LOGS [--studies 20000] [--seeds 10] [--seed 0]

LOGS are the logs of one experiment whose runs rest on a plateau (q101). A null study is two groups of runs,
each the plateau of one of these logs, taken at random and shifted in a circle by a random number of
evaluations: nothing but chance tells the groups apart. In the paired case the i-th runs of both groups are
shifted alike, as runs of equal seed see equal evaluation data. Each study goes through the whole of the
comparison: the plateau is found, the readout taken, seeds paired or not, the verdict given.

Printed is the share of studies that are called better or worse, by readout, with its 95% Wilson interval.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ired_diag.comparison.pairs import Question, line_of, sample_of
from ired_diag.comparison.readouts import READOUTS, read_out
from ired_diag.comparison.seeds import Members, Seed
from ired_diag.curves.common_plateau import common_plateau
from ired_diag.grouping import group_runs
from ired_diag.runs.evaluation_metric import USUAL as METRIC

Array = NDArray[np.float64]


def plateaus_of(logs: list[str], metric: str) -> Array:
    """Return the runs' evaluations on their common plateau, of shape (runs, evaluations)."""
    groups = group_runs(logs, Path(), metric=metric)
    series = [run.history.series[metric] for runs in groups.values() for run in runs]
    plateau = common_plateau([(curve.steps, curve.values) for curve in series])
    if plateau.step is None:
        raise SystemExit(f"the logs have no plateau in common: {plateau.reason}")
    return np.array([curve.values[start:] for curve, start in zip(series, plateau.indices, strict=True)])


def null_studies(
    plateaus: Array, seeds: int, count: int, *, paired: bool, seed: int
) -> Iterator[list[Members]]:
    """Yield pairs of groups that differ by chance alone."""
    rng = np.random.default_rng(seed)
    runs, evaluations = plateaus.shape
    steps = np.arange(1, evaluations + 1, dtype=np.float64)
    for _ in range(count):
        shifts = rng.integers(evaluations, size=(2, seeds))
        if paired:
            shifts[1] = shifts[0]
        sources = rng.integers(runs, size=(2, seeds))
        yield [
            Members(
                name,
                None,
                [
                    Seed(f"seed{i}", steps, np.roll(plateaus[source], shift))
                    for i, (source, shift) in enumerate(zip(sources[g], shifts[g], strict=True))
                ],
                {},
            )
            for g, name in enumerate("ab")
        ]


def false_alarms(studies: Iterator[list[Members]], *, paired: bool) -> tuple[Counter[str], Counter[str]]:
    """Return how often each readout calls the groups different, and how often it has a verdict at all."""
    alarms, tests = Counter[str](), Counter[str]()
    obstacle = "" if paired else "seeds are independent"
    for a, b in studies:
        read, shared = read_out([a, b]), [seed.label for seed in a.seeds]
        for name in READOUTS:
            values = read.values[name]
            line = line_of(
                name, sample_of(("a", "b"), values["a"], values["b"], shared, obstacle), Question()
            )
            tests[name] += not line.reason
            alarms[name] += line.decision in ("better", "worse")
    return alarms, tests


def main() -> None:
    """Print the shares of false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--metric", default=METRIC)
    given = parser.parse_args()
    plateaus = plateaus_of(given.logs, given.metric)
    say(f"{given.studies} null studies of {given.seeds} seeds, from {plateaus.shape} plateaus")
    for paired in (False, True):
        studies = null_studies(plateaus, given.seeds, given.studies, paired=paired, seed=given.seed)
        alarms, tests = false_alarms(studies, paired=paired)
        for name in READOUTS:
            if tests[name]:
                low, high = stats.binomtest(alarms[name], tests[name]).proportion_ci(method="wilson")
                share = alarms[name] / tests[name]
                say(
                    f"{'paired' if paired else 'unpaired':9s}{name:9s}{100 * share:5.2f}% "
                    f"({100 * low:.2f} to {100 * high:.2f}%) of {tests[name]}"
                )
            else:
                say(f"{'paired' if paired else 'unpaired':9s}{name:9s}{math.nan}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
