"""Conditioning: are mined negatives worse conditioned than the right answers, and is mining to blame?

Of each candidate answer Y, a matrix with singular values σ_1 ≥ … ≥ σ_n:

    log|det Y| and the sign of det Y,    cond Y = σ_1 / σ_n,    σ_min = σ_n,
    residual = ‖A Y - I‖_F,              asymmetry = ‖Y - Yᵀ‖_F / ‖Y‖_F,
    positive definite where yᵀ Y y > 0 for all y ≠ 0: where (Y + Yᵀ)/2 has a Cholesky factor.

Right answers have residual and asymmetry 0 and are positive definite.

A matrix with σ_n ≤ n ε σ_1, ε the rounding of float64, in which all is computed, is singular: its cond is
infinite, its log|det| minus infinity. At the noisiest levels the clamp leaves little but signs, and
matrices of signs are singular often.

They are compared problem by problem: negative minus positive; adversarial minus control, a random
perturbation of its size; adversarial minus start, the same noise and clamp without the descent. A difference
from the positives alone says nothing of mining: any perturbation of that size may do the same. One from the
control may be the clamp's doing, which the control lacks. Only one from the start is the descent's.

cond and σ_min are compared as logarithms, in which a factor up weighs as much as a factor down. Two effects
stand side by side, because they can disagree: d, the mean difference over its sd
(``ired_diag.stats.effect_size``), which leaves singular matrices out, and the share of pairs in which the
first is larger (ties count half), which does not.

References: Golub & Van Loan (2013), Matrix Computations, section 2.6 (conditioning); the study's phase 2.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Panel
from ired_diag.drawing.interval_lines import quartile_lines
from ired_diag.finding import Finding
from ired_diag.inverse.matrices import MATRICES, MatrixData
from ired_diag.inverse.matrix_form import describe
from ired_diag.model.mined_batch import KINDS, Kind
from ired_diag.probing.evidence import levels_in_words
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.runs.name_list import counted
from ired_diag.stats.effect_size import Effect, paired_effect
from ired_diag.stats.finite import mean_of_finite
from ired_diag.stats.summary import Summary, summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, row_of, select, table_of_rows
from ired_diag.table_grid import grid

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("kind", "1", "positive, random, start, adversarial or control"),
    Column("sample", "1", "number of the problem, the same at every level and of every kind"),
    Column("log_abs_det", "nat", "natural logarithm of |det Y|; -inf where Y is singular"),
    Column("sign", "1", "sign of det Y: 1, -1, or 0 where Y is singular"),
    Column("cond", "1", "condition number in the 2-norm; inf where Y is singular"),
    Column("sigma_min", "1", "smallest singular value; 0 where Y is singular"),
    Column("residual", "1", "‖A Y - I‖_F"),
    Column("asymmetry", "1", "‖Y - Yᵀ‖_F / ‖Y‖_F"),
    Column("positive_definite", "1", "1 where the symmetric part of Y is positive definite, else 0"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels of each problem"),
    Column("kind", "1", "kind of candidate that is compared"),
    Column("versus", "1", "kind that is subtracted: positive, control or start"),
    Column("quantity", "1", "as measured; log10_… for its logarithm"),
    Column("mean", "as quantity", "mean difference"),
    Column("mean_low", "as quantity", "lower end of its 95% t interval"),
    Column("mean_high", "as quantity", "upper end of its 95% t interval"),
    Column("d", "1", "mean difference over its sd"),
    Column("d_low", "1", "lower end of its 95% interval"),
    Column("d_high", "1", "upper end of its 95% interval"),
    Column("larger", "1", "share of pairs in which the first is larger, ties half; mean over problems"),
    Column("larger_low", "1", "lower end of its 95% t interval"),
    Column("larger_high", "1", "upper end of its 95% t interval"),
    Column("n", "1", "problems compared"),
    Column("reason", "1", "why something is NaN or left out"),
)
CONTRASTS = (
    ("random", "positive"),
    ("adversarial", "positive"),
    ("control", "positive"),
    ("adversarial", "control"),
    ("adversarial", "start"),
)
QUANTITIES = (
    "log10_cond",
    "log_abs_det",
    "log10_sigma_min",
    "log10_residual",
    "asymmetry",
    "positive_definite",
)
FEWEST = 30  # the t interval of a share leans on the central limit theorem

Array = NDArray[np.float64]
Row = dict[str, Any]


def measure(subject: Subject) -> Table:
    """Return what is measured of each candidate.

    Args:
        subject: With mined negatives, candidates of shape (levels, samples, rank²).
    """
    batch = subject.batch
    rank = subject.problems_of(MatrixData).rank
    samples = batch.samples
    levels = batch.levels
    numbers = np.arange(batch.first, batch.first + samples)
    tables = []
    for kind in KINDS:
        times = levels
        if kind == "positive":  # it is the same at every level
            times = 1
        candidates = batch.candidates[kind][:times].flatten(0, 1)
        once = describe(candidates, rank, problem=batch.problem.repeat(times, 1))
        table = {
            "level": np.repeat(np.arange(levels), samples),
            "kind": np.full(levels * samples, kind),
            "sample": np.tile(numbers, levels),
        }
        for name, values in once.items():
            table[name] = np.tile(values, levels // times)
        tables.append(table)
    return concatenate(tables)


def compare(table: Table) -> Table:
    """Return the effect of each contrast in each quantity: over all levels, then level by level."""
    levels = np.unique(table["level"])
    rows: list[Row] = []
    for kind, versus in CONTRASTS:
        for quantity in QUANTITIES:
            key = {"kind": kind, "versus": versus, "quantity": quantity}
            a = _by_level(table, kind, quantity)
            b = _by_level(table, versus, quantity)
            rows.append({"level": ALL_LEVELS, **key, **_contrast(a, b)})
            for i, level in enumerate(levels.tolist()):
                rows.append({"level": level, **key, **_contrast(a[[i]], b[[i]])})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _contrast(a: Array, b: Array) -> Row:
    effect, larger = paired_over_levels(a, b)
    return {
        "mean": effect.mean,
        "mean_low": effect.mean_low,
        "mean_high": effect.mean_high,
        "d": effect.d,
        "d_low": effect.d_low,
        "d_high": effect.d_high,
        "larger": larger.mean,
        "larger_low": larger.low,
        "larger_high": larger.high,
        "n": effect.n,
        "reason": effect.reason,
    }


def paired_over_levels(a: Array, b: Array) -> tuple[Effect, Summary]:
    """Return the effect of a - b, and the share of pairs in which a is larger.

    Each problem counts once, with its mean over levels: its levels are not independent of each other.
    Differences that are not finite are left out of the effect; infinities have their place in the share.

    Args:
        a: Of shape (levels, samples).
        b: Of the same shape.
    """
    with np.errstate(invalid="ignore"):  # infinity minus infinity: NaN, and left out with a reason
        difference = a - b
    finite = np.isfinite(difference)
    effect = paired_effect(mean_of_finite(difference))
    left_out = int((~finite).sum())
    if left_out:
        effect = replace(effect, reason=f"{left_out} of {finite.size} pairs are not finite")
    comparable = ~(np.isnan(a) | np.isnan(b))
    # Two infinite condition numbers are a tie.
    ties = 0.5 * (a == b)
    is_larger = (a > b) + ties
    larger = mean_of_finite(np.where(comparable, is_larger, math.nan))
    return effect, summarise(larger[np.isfinite(larger)])


def _by_level(table: Table, kind: str, quantity: str) -> Array:
    """Return a quantity of one kind, of shape (levels, samples)."""
    values = grid(select(table, kind=kind), quantity.removeprefix("log10_"), "level", "sample")
    if not quantity.startswith("log10"):
        return values
    # The residual of a right answer may be 0, too.
    with np.errstate(divide="ignore"):  # a singular candidate: infinite, and left out with a reason
        return np.log10(values)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in one sentence: how adversarial negatives differ, and what the descent did."""
    rows = select(comparison, kind="adversarial", quantity="log10_cond")
    over_levels = select(rows, level=ALL_LEVELS)
    differences = {}
    for versus in ("positive", "control", "start"):
        differences[versus] = row_of(over_levels, versus=versus)
    median = {kind: _median(table, kind, "cond") for kind in KINDS}
    n = len(np.unique(table["sample"]))
    levels = len(np.unique(table["level"]))
    share = {versus: _share(row) for versus, row in differences.items()}
    verdict = _verdict(select(rows, versus="start"), n)
    statement = (
        f"The condition number of adversarial negatives (median {median['adversarial']:.3g}) is larger than "
        f"that of the right answer ({median['positive']:.3g}) in {share['positive']} of pairs, "
        "than that of a random perturbation of the same size "
        f"({median['control']:.3g}) in {share['control']}, "
        "and than that of the noised start before the descent "
        f"({median['start']:.3g}) in {share['start']}: "
        f"{verdict}."
        f"{_singular_sentence(table)}"
        f"{_form_sentence(table)}"
        f" {n} problems, each at {counted(levels, 'noise level')}."
    )
    evidence = _evidence(table, median, differences)
    return Finding(
        rule="conditioning",
        severity="note",
        statement=statement,
        evidence={**evidence, "n": n},
    )


def _evidence(
    table: Table,
    median: dict[Kind, float],
    differences: dict[str, dict[str, float]],
) -> dict[str, float]:
    evidence: dict[str, float] = {}
    for kind in KINDS:
        evidence[f"median_cond_{kind}"] = median[kind]
    for kind in KINDS:
        singular = select(table, kind=kind)["sign"] == 0
        evidence[f"share_singular_{kind}"] = float(np.mean(singular))
    for versus, row in differences.items():
        for name in ("mean", "d", "d_low", "d_high", "larger", "larger_low", "larger_high"):
            evidence[f"{name}_vs_{versus}"] = float(row[name])
    for kind in KINDS:
        evidence[f"share_positive_definite_{kind}"] = _share_definite(table, kind)
    for kind in KINDS:
        evidence[f"median_residual_{kind}"] = _median(table, kind, "residual")
    return evidence


def _share(row: dict[str, float]) -> str:
    # A t interval of a share may leave the range from 0 to 1.
    low = 100 * max(0.0, row["larger_low"])
    high = 100 * min(1.0, row["larger_high"])
    return f"{100 * row['larger']:.1f}% (95% interval {low:.1f} to {high:.1f}%)"


def _verdict(rows: Table, n: int) -> str:
    """Return what the descent does, from the share of pairs at each level: it may differ in sign."""
    if n < FEWEST:
        return f"too few problems for a verdict ({FEWEST} are needed)"
    single = rows["level"] != ALL_LEVELS
    level = rows["level"][single]
    if np.isnan(rows["larger"][single]).all():
        return "nothing can be said of the descent"
    worse = level[rows["larger_low"][single] > 0.5].tolist()
    better = level[rows["larger_high"][single] < 0.5].tolist()
    if not worse and not better:
        return "the descent is not seen to change their conditioning at any level"
    parts = []
    if better:
        parts.append(f"better at {levels_in_words(better)}")
    if worse:
        parts.append(f"worse at {levels_in_words(worse)}")
    unseen = ""
    rest = len(level) - len(worse) - len(better)
    if rest:
        unseen = f"; at the other {rest} no change is seen"
    return f"the descent conditions them {' and '.join(parts)}{unseen} (each level by its own 95% interval)"


def _share_definite(table: Table, kind: Kind) -> float:
    """Return the share that is positive definite, of those that are numbers."""
    definite = select(table, kind=kind)["positive_definite"]
    numbers = definite[~np.isnan(definite)]
    if not len(numbers):
        return math.nan
    return float(numbers.mean())


def _form_sentence(table: Table) -> str:
    """Return how far from an inverse they are, next to the control of their size."""
    mined = 100 * _share_definite(table, "adversarial")
    control = 100 * _share_definite(table, "control")
    mined_residual = _median(table, "adversarial", "residual")
    control_residual = _median(table, "control", "residual")
    return (
        f" Positive definite are {mined:.1f}% of the adversarial and {control:.1f}% of the control; the "
        f"median residual ‖AY - I‖ is {mined_residual:.3g} and {control_residual:.3g}."
    )


def _singular_sentence(table: Table) -> str:
    parts = []
    for kind in KINDS:
        sign = select(table, kind=kind)["sign"]
        count = int((sign == 0).sum())
        if count:
            parts.append(f"{count} of {len(sign)} {kind}")
    if not parts:
        return ""
    return f" Singular are {', '.join(parts)}."


def figure(table: Table) -> FigureData:
    """Return median and quartiles of each quantity of each kind against the noise level."""
    panels = (
        Panel("condition number", quartile_lines(table, "cond", KINDS, _quartiles), "log"),
        Panel("log |det|  (nat)", quartile_lines(table, "log_abs_det", KINDS, _quartiles)),
        Panel("smallest singular value", quartile_lines(table, "sigma_min", KINDS, _quartiles), "log"),
    )
    n = len(np.unique(table["sample"]))
    return FigureData(
        name="conditioning",
        title="Conditioning of right answers and of negatives",
        x_label="noise level",
        panels=panels,
        method=f"Median and quartiles; n = {n} problems, the same at each level and of each kind. "
        "Start: the adversarial negative before its descent. Control: random perturbation of its size.",
        note=f"median and quartiles, n = {n} problems",
    )


def _median(table: Table, kind: Kind, column: str) -> float:
    return _quartiles(select(table, kind=kind)[column])[1]


def _quartiles(values: Array) -> tuple[float, float, float]:
    """Return the quartiles as order statistics: what interpolates between infinities is NaN."""
    ordered = np.sort(values[~np.isnan(values)])
    if not len(ordered):
        return math.nan, math.nan, math.nan
    last = len(ordered) - 1
    lower = float(ordered[round(0.25 * last)])
    median = float(ordered[round(0.5 * last)])
    upper = float(ordered[round(0.75 * last)])
    return lower, median, upper


PROBE = Probe(
    name="conditioning",
    question=(
        "Are mined negatives worse conditioned than right answers, "
        "and than random perturbations of their size?"
    ),
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("median_cond_adversarial", "median condition number of adversarial negatives", scale="log"),
        Headline(
            key="larger_vs_start",
            label="share worse conditioned than before the descent",
            low="larger_low_vs_start",
            high="larger_high_vs_start",
        ),
    ),
    needs=("negatives", MATRICES),
)
