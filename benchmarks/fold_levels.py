"""How often is a difference seen where there is none, if the folds of a cross-validation are tested?

    python -m benchmarks.fold_levels [--studies 2000] [--folds 5] [--samples 100]

Each study draws new data, y = Σ x_j / √d + noise with d = 20 independent normal features, and cross-validates
two ridge regressions: one sees the first ten features, the other the last ten. Both are equally good in the
mean over data, so a difference is a false alarm. Printed is its share at 5%, with its standard error, by the
usual paired t test of the folds, by the corrected one (``stats.resampled_t``), and by Welch's test, which
takes fold k of both for independent. Then the same for the interval of the mean error of one method, whose
truth is the mean over all studies. The exit status is 1 where the corrected paired test exceeds 5% by more
than three standard errors.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.mean_estimate import StudentEstimate
from ired_diag.stats.resampled_t import mean_over_folds
from ired_diag.stats.standard_error import mean_of_runs
from ired_diag.stats.t_tests import paired, welch

Array = NDArray[np.float64]
ALPHA = 0.05
FEATURES = 20
PENALTY = 1.0
NOISE = 1.0


@dataclass(frozen=True)
class Levels:
    """Shares of null studies.

    Attributes:
        studies: How many studies there are.
        usual: In how many the usual paired t test sees a difference.
        corrected: The same of the corrected one.
        unpaired: The same of Welch's test.
        usual_misses: How often the usual interval of one method's mean error misses the mean over studies.
        corrected_misses: The same of the corrected one.
    """

    studies: int
    usual: float
    corrected: float
    unpaired: float
    usual_misses: float
    corrected_misses: float


def levels(studies: int, folds: int, samples: int, *, rng: np.random.Generator) -> Levels:
    """Return how often each test is wrong in studies without a difference.

    Args:
        studies: Number of studies, each with data of its own.
        folds: K, all of which are trained.
        samples: Size of a study's data; a multiple of K.
        rng: Source of the data.
    """
    errors = np.array([fold_errors(folds, samples, rng=rng) for _ in range(studies)])
    truth = float(errors[:, 0].mean())
    counts = np.zeros(5)
    numbers = list(range(folds))
    for first, second in errors:
        corrected = StudentEstimate(mean_over_folds(first - second, numbers, folds))
        counts[0] += paired(first, second).p <= ALPHA
        counts[1] += corrected.test(folds).p <= ALPHA
        counts[2] += welch(first, second).p <= ALPHA
        usual_mean = StudentEstimate(mean_of_runs(first))
        corrected_mean = StudentEstimate(mean_over_folds(first, numbers, folds))
        counts[3] += _misses(usual_mean, truth)
        counts[4] += _misses(corrected_mean, truth)
    return Levels(studies, *(counts / studies).tolist())


def fold_errors(folds: int, samples: int, *, rng: np.random.Generator) -> Array:
    """Return the squared error of two equally good methods in each fold of new data, of shape (2, folds)."""
    x = rng.standard_normal((samples, FEATURES))
    y = x.sum(axis=1) / math.sqrt(FEATURES) + NOISE * rng.standard_normal(samples)
    held_out = np.arange(samples) % folds
    errors = np.empty((2, folds))
    for method, features in enumerate((x[:, : FEATURES // 2], x[:, FEATURES // 2 :])):
        for fold in range(folds):
            is_test = held_out == fold
            weights = ridge(features[~is_test], y[~is_test])
            errors[method, fold] = np.mean((features[is_test] @ weights - y[is_test]) ** 2)
    return errors


def ridge(x: Array, y: Array) -> Array:
    """Return the weights of a ridge regression: (XᵀX + λI)⁻¹ Xᵀy."""
    return np.asarray(np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)


def _misses(estimate: StudentEstimate, truth: float) -> bool:
    low, high = estimate.interval()
    return not low <= truth <= high


def _printed(share: float, studies: int) -> str:
    error = math.sqrt(share * (1 - share) / studies)
    return f"{100 * share:.1f}% (± {100 * error:.1f})"


def main() -> int:
    """Print the shares; return 1 where the corrected test does not keep its level."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    shares = levels(options.studies, options.folds, options.samples, rng=rng)
    for name, share in (
        ("difference, usual paired t test", shares.usual),
        ("difference, corrected paired t test", shares.corrected),
        ("difference, Welch's t test", shares.unpaired),
        ("mean of one method, usual t interval misses", shares.usual_misses),
        ("mean of one method, corrected t interval misses", shares.corrected_misses),
    ):
        print(f"{name:<50}{_printed(share, options.studies):>16}")  # noqa: T201
    error = math.sqrt(ALPHA * (1 - ALPHA) / options.studies)
    return int(shares.corrected > ALPHA + 3 * error)


if __name__ == "__main__":
    sys.exit(main())
