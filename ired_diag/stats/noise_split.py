"""How much of the spread between seeds is evaluation noise, and what more seeds or evaluations would buy.

Evaluation j of seed i on the plateau is vᵢⱼ = μ + sᵢ + eᵢⱼ, with var(s) = σ_s² and var(e) = σ_e². The one-way
analysis of variance over n seeds of k evaluations has the mean squares MS_s and MS_e, and tells

    σ_e² = MS_e,    σ_s² = (MS_s - MS_e) / k,
    ICC(1) = σ_s² / (σ_s² + σ_e²) = (MS_s - MS_e) / (MS_s + (k - 1) MS_e),

the share of one evaluation's variance that the seed makes. With F = MS_s / MS_e, divided at one end and
multiplied at the other by F's 97.5% quantile, (F - 1) / (F + k - 1) is the ends of its 95% interval. The
estimate is negative where seeds differ less than evaluation noise alone would make them; for the predicted
standard error of the mean of a group,

    se² = (σ_s² + σ_e² / k) / n,

σ_s² is then taken as 0. Unequal numbers of evaluations enter as k = (N - Σ kᵢ² / N) / (n - 1), N = Σ kᵢ; the
interval is then approximate.

The interval is exact for normal seeds and evaluations; spikes make it approximate. The model takes the
evaluations of one run to be independent. Where they are positively correlated, σ_s² and the ICC come out
too large; for that the lag-1 autocorrelation is stated, of which detrended white noise has about -2/k.
σ_e holds all that changes from one evaluation to the next, the model too: more samples in each evaluation
lower only the part that the samples make.

References: Shrout & Fleiss (1979), Intraclass correlations, case 1; Searle, Casella & McCulloch (1992),
Variance Components, chapter 3 (the 1-way classification).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ired_diag.stats.summary import CONFIDENCE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RunNoise:
    """How the evaluations of one run scatter about a straight line.

    Attributes:
        sd: √(Σ r² / (k - 2)), r the residuals.
        autocorrelation: Of the residuals at lag 1.
        n: Number of evaluations k.
        reason: Why something is NaN.
    """

    sd: float
    autocorrelation: float
    n: int
    reason: str = ""


@dataclass(frozen=True)
class NoiseSplit:
    """The spread of a group of runs, split.

    Attributes:
        seeds: Number of runs n.
        evaluations: Evaluations of each, k.
        seed_sd: σ_s, 0 where the estimate of its square is negative.
        evaluation_sd: σ_e.
        icc: ICC(1), which may be negative.
        low: Lower end of its interval.
        high: Upper end.
        p: Of the F test that seeds do not differ.
        autocorrelation: At lag 1, mean over the runs.
        confidence: Of the interval.
        reason: Why something is NaN.
    """

    seeds: int
    evaluations: float
    seed_sd: float = math.nan
    evaluation_sd: float = math.nan
    icc: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    autocorrelation: float = math.nan
    confidence: float = CONFIDENCE
    reason: str = ""


def detrended(values: ArrayLike) -> Array:
    """Return what evenly spaced values differ by from their least-squares line.

    Args:
        values: Of shape (..., k), k ≥ 1; the line is along the last axis.

    >>> detrended([1.0, 2.0, 3.0]).tolist()
    [0.0, 0.0, 0.0]
    """
    v = np.asarray(values, dtype=np.float64)
    v = v - v.mean(axis=-1, keepdims=True)
    x = np.arange(v.shape[-1]) - (v.shape[-1] - 1) / 2
    residuals: Array = v - np.multiply.outer(v @ x, x) / max(float(x @ x), 1.0)
    return residuals


def run_noise(values: ArrayLike) -> RunNoise:
    """Return the evaluation noise of one run.

    Args:
        values: Evaluations on the plateau, evenly spaced, of shape (k,).
    """
    v = np.asarray(values, dtype=np.float64)
    k = len(v)
    if k < 3:
        return RunNoise(math.nan, math.nan, k, f"{k} evaluations: at least 3 are needed")
    if not np.isfinite(v).all():
        return RunNoise(math.nan, math.nan, k, "an evaluation is not finite")
    residuals = detrended(v)
    if np.abs(residuals).max() <= _rounding(v):
        return RunNoise(0.0, math.nan, k, "no noise: the evaluations lie on a line")
    square = float(residuals @ residuals)
    return RunNoise(math.sqrt(square / (k - 2)), float(residuals[1:] @ residuals[:-1]) / square, k)


def split_noise(runs: Iterable[ArrayLike], *, confidence: float = CONFIDENCE) -> NoiseSplit:
    """Return the spread of a group of runs, split into that of seeds and that of evaluations.

    Args:
        runs: For each seed its evaluations on the plateau, of shape (k,), evenly spaced in the same window.
        confidence: Of the interval of the ICC.
    """
    given = [np.asarray(run, dtype=np.float64) for run in runs]
    n, total = len(given), sum(len(run) for run in given)
    if reason := _lacking(given):
        return NoiseSplit(n, math.nan, confidence=confidence, reason=reason)
    k = (total - sum(len(run) ** 2 for run in given) / total) / (n - 1)
    centre = np.concatenate(given).mean()
    sizes, means = np.array([[len(run), (run - centre).mean()] for run in given]).T
    between = float(sizes @ means**2) / (n - 1)
    within = sum(float(np.sum((run - run.mean()) ** 2)) for run in given) / (total - n)
    told = [noise.autocorrelation for noise in map(run_noise, given) if not noise.reason]
    autocorrelation = float(np.mean(told)) if told else math.nan
    seed_sd, evaluation_sd = math.sqrt(max(0.0, (between - within) / k)), math.sqrt(within)
    if evaluation_sd <= _rounding(np.concatenate(given)):
        reason = "no evaluation noise: every run is constant"
        return NoiseSplit(n, k, seed_sd, 0.0, confidence=confidence, reason=reason)
    f, df = between / within, (n - 1, total - n)
    tail = (1 - confidence) / 2
    low, high = f / float(stats.f.isf(tail, *df)), f / float(stats.f.ppf(tail, *df))
    icc, low, high = ((x - 1) / (x + k - 1) for x in (f, low, high))
    p = float(stats.f.sf(f, *df))
    return NoiseSplit(n, k, seed_sd, evaluation_sd, icc, low, high, p, autocorrelation, confidence)


def predicted_standard_error(split: NoiseSplit, *, seeds: int, evaluations: int) -> float:
    """Return the standard error that a group's mean would have; NaN where the split is.

    Args:
        split: Of the group as it is.
        seeds: How many seeds it would have, n.
        evaluations: How many evaluations on each seed's plateau, k.
    """
    if seeds < 1 or evaluations < 1:
        raise ValueError(f"expected at least one seed and evaluation, got {seeds!r} and {evaluations!r}")
    return math.sqrt((split.seed_sd**2 + split.evaluation_sd**2 / evaluations) / seeds)


def _lacking(runs: Sequence[Array]) -> str:
    """Say why a group cannot be split."""
    if len(runs) < 2:
        return f"{len(runs)} seed{'s' if len(runs) != 1 else ''}: at least 2 are needed"
    if min(len(run) for run in runs) < 3:
        return f"a run has {min(len(run) for run in runs)} evaluations: at least 3 are needed"
    bad = sum(not np.isfinite(run).all() for run in runs)
    return f"{bad} of {len(runs)} runs have an evaluation that is not finite" if bad else ""


def _rounding(v: Array) -> float:
    return 16 * float(np.finfo(np.float64).eps * np.abs(v).max())
