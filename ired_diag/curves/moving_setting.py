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
LENGTHS = frozenset("sequence seq context".split())  # next to a word for length
LENGTH_WORDS = frozenset("len length".split())
EPSILONS = frozenset("eps epsilon".split())
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
        if sign is None:
            continue
        if not _is_schedule(name, setting):
            continue
        at = np.interp(series.steps, setting.steps, setting.values)
        if swings:
            ends = _ends_of_swings(worse, at, sign)
        else:
            steps = np.asarray(series.steps)
            ends = _ends_of_rise(steps, worse, at, sign)
        if ends is not None:
            first, last = ends
            return MovingSetting(name, first, last)
    return None


def _ends_of_swings(worse: Array, at: Array, sign: int) -> tuple[float, float] | None:
    """Return the ends of a setting that a curve goes up and down with; None where it does not."""
    if not (_swings_with(at, worse) or _rises_by_stages(worse, at, sign)):
        return None
    lowest = float(at.min())
    highest = float(at.max())
    return lowest, highest


def _ends_of_rise(
    steps: NDArray[np.int64],
    worse: Array,
    at: Array,
    sign: int,
) -> tuple[float, float] | None:
    """Return a setting at the best evaluation and at the last, if it explains the rise between; else None."""
    if not _explains(steps, worse, at, sign):
        return None
    best = int(np.argmin(worse))
    first = float(at[best])
    last = float(at[-1])
    return first, last


def _sign_of(name: str, metric: str) -> int | None:
    """Return in which direction a setting makes a metric worse, 0 for both; None where it is no such setting.

    >>> [_sign_of(name, "val_loss") for name in ("kl_weight", "teacher_forcing", "temperature", "lr")]
    [1, -1, 0, None]
    >>> _sign_of("kl_weight", "val_mse"), _sign_of("mask_rate", "val_mse")
    (None, 1)
    """
    words = frozenset(words_of(name))
    words_without_loss = tuple(words - {"loss"})
    if OTHER_THINGS & words or measures_in(words_without_loss):
        return None
    if TEMPERATURES & words:
        return 0
    if EASIER & words:
        return -1
    if HARDER & words:
        return 1
    if LENGTHS & words and LENGTH_WORDS & words:
        return 1
    metric_words = frozenset(words_of(metric))
    if WEIGHTS & words and SUMS & metric_words:
        return 1
    return None


def _is_schedule(name: str, setting: Series) -> bool:
    """Say whether a setting moves in stages, or with slopes that hardly change from row to row."""
    values = np.asarray(setting.values, dtype=np.float64)
    if len(values) < FEWEST or not np.isfinite(values).all():
        return False
    if not np.ptp(values) > 0:
        return False
    words = frozenset(words_of(name))
    if EPSILONS & words and values.max() > MOST_RADIUS:
        return False
    slopes = np.diff(values) / np.diff(setting.steps)
    steepness = np.abs(slopes)
    moves = steepness > 0
    most_moves = min(MOST_STAGES, len(moves) // 2)
    if moves.sum() <= most_moves:
        return True
    steeper_of_neighbours = np.maximum(steepness[1:], steepness[:-1])
    turns = np.abs(np.diff(slopes))
    is_smooth = turns <= SMOOTH * steeper_of_neighbours
    share = np.mean(is_smooth)
    return bool(share >= MOSTLY)


def _explains(steps: NDArray[np.int64], worse: Array, at: Array, sign: int) -> bool:
    """Say whether a curve rises, from its best on, because and while a setting moves."""
    if _rises_by_stages(worse, at, sign):
        return True
    best = int(np.argmin(worse))
    end = _comes_to_rest(at)
    move = float(at[end] - at[best])
    setting_range = float(np.ptp(at))
    if abs(move) < LEAST_MOVE * setting_range or move == 0:
        return False
    makes_harder = sign * move >= 0
    if not makes_harder:
        return False
    if not _most_of_rise_has_come(worse, best, end):
        return False
    while_moving = slice(best, end + 1)
    if not _moves_together(worse[while_moving], at[while_moving]):
        return False
    if _is_out_of_proportion(worse[while_moving], at[while_moving]):
        return False
    after = slice(end, None)
    if len(worse[after]) < LONG_ENOUGH:
        return True
    later = shape_of(steps[after], worse[after])
    return later.word not in ("diverged", "regressed", "unstable")


def _most_of_rise_has_come(worse: Array, best: int, end: int) -> bool:
    """Say whether a curve has half of its rise or more behind it when its setting comes to rest."""
    level_at_end = np.median(worse[end - 1 : end + 2])
    last_level = np.median(worse[-3:])
    rise_until_end = float(level_at_end - worse[best])
    rise = float(last_level - worse[best])
    return not rise_until_end < LEAST_SHARE * rise


def _moves_together(worse: Array, at: Array) -> bool:
    """Say whether a curve rises as its setting moves; of few evaluations, whether the setting is switched.

    Args:
        worse: The metric from its best until the setting rests; lower is better.
        at: The setting there.
    """
    move = float(at[-1] - at[0])
    if len(at) < FEWEST:
        last_move = float(at[-1] - at[-2])
        return not abs(last_move) < abs(move)
    rising_setting = np.sign(move) * at
    return _rank_correlation(rising_setting, worse) >= FOLLOWS


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
        if len(stage) < FEWEST:
            return False
        beginning = np.median(stage[:2])
        end = np.median(stage[-3:])
        if end > beginning:
            return False
        ends.append(float(end))
    direction = np.sign(sign or 1)
    settings = direction * at[starts]
    return _rank_correlation(settings, np.array(ends)) >= FOLLOWS


def _is_out_of_proportion(worse: Array, at: Array) -> bool:
    """Say whether a positive metric rises, from its best on, by far more than its setting moves.

    Args:
        worse: The metric from its best until the setting rests; lower is better.
        at: The setting there.
    """
    best = worse[0]
    highest = worse.max()
    if best <= 0 or highest < LARGE * best:
        return False
    whole_move = at[-1] - at[0]
    moved = (at - at[0]) / whole_move
    is_near_half = (moved >= 0.25) & (moved <= 0.5)
    near_half = worse[is_near_half]  # none where a setting is switched on at once
    rise = highest - best
    least = best + LEAST_AT_HALF * rise
    rises_late = len(near_half) > 0 and near_half.max() < least
    return bool(rises_late or _jumps_alone(worse, at))


def _jumps_alone(worse: Array, at: Array) -> bool:
    """Say whether a metric jumps lastingly, far beyond what its setting does in the same interval."""
    moves = np.abs(np.diff(at))
    is_usual = moves <= 2 * np.median(moves)
    for place in np.flatnonzero(is_usual):
        first = max(0, place - 2)
        following = place + 1
        before = float(np.median(worse[first:following]))
        after = float(np.median(worse[following : following + 3]))
        setting = float(at[place])
        next_setting = float(at[following])
        most = JUMP * _times(setting, next_setting)
        if before > 0 and after > most * before:
            return True
    return False


def _times(setting: float, then: float) -> float:
    """Return by how many times a metric may grow with a weight that grows: as many times as the weight."""
    if setting <= 0:
        return math.inf if then > 0 else 1.0
    return max(1.0, then / setting)


def _comes_to_rest(at: Array) -> int:
    """Return the first evaluation from which a setting keeps its last value."""
    last = len(at) - 1
    distance = np.abs(at - at[last])
    rounding = 0.01 * float(np.ptp(at))
    elsewhere = np.flatnonzero(distance > rounding)
    if not len(elsewhere):
        return last
    first_at_rest = int(elsewhere[-1]) + 1
    return min(first_at_rest, last)


def _swings_with(at: Array, worse: Array) -> bool:
    """Say whether a curve goes up and down with a setting, after its first descent."""
    quarter = len(at) // 4
    setting = at[quarter:]
    metric = worse[quarter:]
    if len(setting) < LONG_ENOUGH or not np.ptp(setting) > 0:
        return False
    return _rank_correlation(setting, metric) >= SWINGS_WITH


def _rank_correlation(x: Array, y: Array) -> float:
    correlations = spearman([x], [y])
    return float(correlations[0])
