"""Does a logged setting that moves explain why a metric becomes worse?

A loss whose weight grows becomes larger without any harm to the model: an annealed weight β of the KL term, a
robust loss whose radius ε grows, a curriculum whose level rises. Where such a setting is logged, and the
metric became worse while it moved, a rise is what the schedule asks for, and no divergence. With y the
metric, lower is better, s the setting, b the best evaluation and e the one at which s comes to rest, a rise
is explained if

    s moves between b and e by a tenth of its range or more, in the direction that makes the task harder,
    y rises with s there: the rank correlation of y and s is 0.7 or more,
    y(e) - y(b) is half of the whole rise or more, and after e the curve does not diverge by itself, and
    the rise is not out of proportion to the move.

A schedule does not explain every rise during it. The least loss min a + s b over the weights of a model is a
concave function of s, so that a rise by ten times or more of which less than a tenth has come when half of
the move has, is a divergence of its own. Where a and b are not negative, y(s') / y(s) <= s' / s for s' > s: a
jump within one evaluation by 30 times as much, at a usual pace of the setting, is one too.

Where it moves in three stages or more (a resolution that grows, a task that becomes harder), the curve may
come down within each: then the ends of the stages are compared.

Swings are explained where y follows s by a rank correlation of 0.5 or more after the first quarter (a weight
that is annealed in cycles). The name says what a setting is: weights of terms (β, λ, coefficients), which act
on a sum such as ``val_loss`` alone; what makes a task harder (ε, level, stage, mask rate, sparsity);
temperatures. A setting follows a schedule: stages, or slopes that change little from one row to the next.
What the optimiser learns (a temperature of its own) does neither, and a learning rate explains nothing: it
makes runs diverge.

References: Bowman et al. (2016), Generating Sentences from a Continuous Space, section 3.1 (KL annealing);
Gowal et al. (2018), On the Effectiveness of Interval Bound Propagation, section 4 (ε schedule); Fu et al.
(2019), Cyclical Annealing Schedule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.shape import shape_of
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.stats.rank_correlation import spearman

WEIGHTS = frozenset("beta lambda lambd lam alpha coef coeff coefficient weight anneal annealing".split())
HARDER = frozenset(
    """
    eps epsilon difficulty level stage phase task curriculum mask masking masked corruption noise sigma
    dropout horizon resolution perturbation radius attack augmentation sparsity pruning margin
    """.split()
)
EASIER = frozenset("forcing keep bits".split())
TEMPERATURES = frozenset("temperature temp tau".split())
LENGTHS = frozenset("sequence seq context".split())  # next to ``length`` or ``len``
OTHER_THINGS = frozenset(
    """
    lr learning adam adamw optimizer optim momentum decay grad grads gradient norm ema time gpu cpu memory
    amp scaler episode episodes std var mean_energy
    """.split()
)
SUMS = frozenset("loss elbo nelbo objective".split())  # metrics in which weights act
MOST_RADIUS = 16.0  # of ε: larger numbers count episodes
FEWEST = 5  # evaluations at which both are known
LEAST_MOVE = 0.1  # of the range of the setting
LEAST_SHARE = 0.5  # of the rise
FOLLOWS, SWINGS_WITH = 0.7, 0.5  # rank correlations
FEWEST_STAGES, MOST_STAGES = 3, 12
SMOOTH, MOSTLY = 0.25, 0.8  # change of a slope; share of the rows
LONG_ENOUGH = 8  # evaluations after the setting rests
LARGE, LEAST_AT_HALF = 10.0, 0.1  # times the best; share of the rise when half of the move has come
JUMP = 30.0  # times what a setting allows from one evaluation to the next

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MovingSetting:
    """A logged setting that moves with a metric.

    Attributes:
        name: Its name in the log.
        first: Its value at the best evaluation; of swings, its smallest value.
        last: Its value at the end; of swings, its largest value.
    """

    name: str
    first: float
    last: float


def moving_setting_of(run: Run, *, swings: bool = False) -> MovingSetting | None:
    """Return the logged setting that explains why a run's judged metric became worse; None where none does.

    Args:
        run: The run.
        swings: Whether the metric goes up and down, and has no single rise.
    """
    if run.evaluated is None:
        return None
    metric, series = run.evaluated
    values = np.asarray(series.values, dtype=np.float64)
    if len(series) < FEWEST or not np.isfinite(values).all():
        return None
    worse = values if run.lower_is_better else -values
    for name, setting in run.history.series.items():
        sign = _sign_of(name, metric)
        if sign is None or not _is_schedule(name, setting):
            continue
        at = np.interp(series.steps, setting.steps, setting.values)
        if swings and (_swings_with(at, worse) or _rises_by_stages(worse, at, sign)):
            return MovingSetting(name, float(at.min()), float(at.max()))
        if not swings and _explains(np.asarray(series.steps), worse, at, sign):
            return MovingSetting(name, float(at[int(np.argmin(worse))]), float(at[-1]))
    return None


def _sign_of(name: str, metric: str) -> int | None:
    """Return in which direction a setting makes a metric worse, 0 for both; None where it is no such setting.

    >>> [_sign_of(name, "val_loss") for name in ("kl_weight", "teacher_forcing", "temperature", "lr")]
    [1, -1, 0, None]
    >>> _sign_of("kl_weight", "val_mse"), _sign_of("mask_rate", "val_mse")
    (None, 1)
    """
    words = frozenset(words_of(name))
    if OTHER_THINGS & words or measures_in(tuple(words - {"loss"})):
        return None
    if TEMPERATURES & words:
        return 0
    if EASIER & words:
        return -1
    if HARDER & words or (LENGTHS & words and {"len", "length"} & words):
        return 1
    if WEIGHTS & words and SUMS & frozenset(words_of(metric)):
        return 1
    return None


def _is_schedule(name: str, setting: Series) -> bool:
    """Say whether a setting moves in stages, or with slopes that hardly change from row to row."""
    values = np.asarray(setting.values, dtype=np.float64)
    if len(values) < FEWEST or not np.isfinite(values).all() or not np.ptp(values) > 0:
        return False
    if {"eps", "epsilon"} & frozenset(words_of(name)) and values.max() > MOST_RADIUS:
        return False
    slopes = np.diff(values) / np.diff(setting.steps)
    moves = np.abs(slopes) > 0
    if moves.sum() <= min(MOST_STAGES, len(moves) // 2):
        return True
    steepest = np.maximum(np.abs(slopes[1:]), np.abs(slopes[:-1]))
    is_smooth = np.abs(np.diff(slopes)) <= SMOOTH * steepest
    return bool(np.mean(is_smooth) >= MOSTLY)


def _explains(steps: NDArray[np.int64], worse: Array, at: Array, sign: int) -> bool:
    """Say whether a curve rises, from its best on, because and while a setting moves."""
    best = int(np.argmin(worse))
    end = _comes_to_rest(at)
    move = float(at[end] - at[best])
    if _rises_by_stages(worse, at, sign):
        return True
    if abs(move) < LEAST_MOVE * float(np.ptp(at)) or sign * move < 0 or move == 0:
        return False
    rise = float(np.median(worse[-3:]) - worse[best])
    if float(np.median(worse[end - 1 : end + 2]) - worse[best]) < LEAST_SHARE * rise:
        return False
    if end - best + 1 < FEWEST:
        if abs(float(at[end] - at[end - 1])) < abs(move):
            return False  # no switch from one evaluation to the next
    elif not _rank_correlation(np.sign(move) * at[best : end + 1], worse[best : end + 1]) >= FOLLOWS:
        return False
    if _is_out_of_proportion(worse[best : end + 1], at[best : end + 1]):
        return False
    after = slice(end, None)
    if len(worse[after]) < LONG_ENOUGH:
        return True
    return shape_of(steps[after], worse[after]).word not in ("diverged", "regressed", "unstable")


def _rises_by_stages(worse: Array, at: Array, sign: int) -> bool:
    """Say whether a curve comes down in each stage of a setting, to ends that rise with the setting."""
    changes = np.flatnonzero(np.diff(at)) + 1
    starts = [0, *changes.tolist()]
    stops = [*changes.tolist(), len(at)]
    if not FEWEST_STAGES <= len(starts) <= MOST_STAGES:
        return False
    ends = []
    for start, stop in zip(starts, stops, strict=True):
        stage = worse[start:stop]
        if len(stage) < FEWEST or np.median(stage[-3:]) > np.median(stage[:2]):
            return False
        ends.append(float(np.median(stage[-3:])))
    settings = np.sign(sign or 1) * at[starts]
    return _rank_correlation(settings, np.array(ends)) >= FOLLOWS


def _is_out_of_proportion(worse: Array, at: Array) -> bool:
    """Say whether a positive metric rises, from its best on, by far more than its setting moves.

    Args:
        worse: The metric from its best until the setting rests; lower is better.
        at: The setting there.
    """
    if worse[0] <= 0 or worse.max() < LARGE * worse[0]:
        return False
    moved = (at - at[0]) / (at[-1] - at[0])
    near_half = worse[(moved >= 0.25) & (moved <= 0.5)]  # none where a setting is switched on at once
    least = worse[0] + LEAST_AT_HALF * (worse.max() - worse[0])
    rises_late = len(near_half) > 0 and near_half.max() < least
    return bool(rises_late or _jumps_alone(worse, at))


def _jumps_alone(worse: Array, at: Array) -> bool:
    """Say whether a metric jumps lastingly, far beyond what its setting does in the same interval."""
    moves = np.abs(np.diff(at))
    is_usual = moves <= 2 * np.median(moves)
    for place in np.flatnonzero(is_usual):
        before = float(np.median(worse[max(0, place - 2) : place + 1]))
        after = float(np.median(worse[place + 1 : place + 4]))
        times = _times(float(at[place]), float(at[place + 1]))
        if before > 0 and after > JUMP * times * before:
            return True
    return False


def _times(setting: float, then: float) -> float:
    """Return by how many times a metric may grow with a weight that grows: as many times as the weight."""
    if setting <= 0:
        return math.inf if then > 0 else 1.0
    return max(1.0, then / setting)


def _comes_to_rest(at: Array) -> int:
    """Return the first evaluation from which a setting keeps its last value."""
    moved = np.flatnonzero(np.abs(at - at[-1]) > 0.01 * float(np.ptp(at)))
    if not len(moved):
        return len(at) - 1
    return min(int(moved[-1]) + 1, len(at) - 1)


def _swings_with(at: Array, worse: Array) -> bool:
    """Say whether a curve goes up and down with a setting, after its first descent."""
    later = slice(len(at) // 4, None)
    if len(at[later]) < LONG_ENOUGH or not np.ptp(at[later]) > 0:
        return False
    return _rank_correlation(at[later], worse[later]) >= SWINGS_WITH


def _rank_correlation(x: Array, y: Array) -> float:
    return float(spearman([x], [y])[0])
