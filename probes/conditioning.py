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

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.matrix_form import describe
from ired_diag.model.mined_batch import KINDS, Kind
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.effect_size import Effect, paired_effect
from ired_diag.stats.summary import Summary, summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select

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
    Column("kind", "1", "whose difference"),
    Column("versus", "1", "from what: positive, control or start"),
    Column("quantity", "1", "as measured; log10_… for its logarithm"),
    Column("mean", "as quantity", "mean difference"),
    Column("mean_low", "as quantity", "lower end of its 95% t interval"),
    Column("mean_high", "as quantity", "upper end"),
    Column("d", "1", "mean difference over its sd"),
    Column("d_low", "1", "lower end of its 95% interval"),
    Column("d_high", "1", "upper end"),
    Column("larger", "1", "share of pairs in which the first is larger, ties half; mean over problems"),
    Column("larger_low", "1", "lower end of its 95% t interval"),
    Column("larger_high", "1", "upper end"),
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
DODGE = 0.13  # of a level, between the kinds: quartiles of four kinds at one place would hide each other

Row = tuple[int, str, str, str, Effect, Summary]
FEWEST = 30  # the t interval of a share leans on the central limit theorem


def measure(subject: Subject) -> Table:
    """Return what is measured of each candidate.

    Args:
        subject: With mined negatives, candidates of shape (levels, samples, rank²).
    """
    batch, rank = subject.batch, subject.problems_of(MatrixData).rank
    samples, levels = batch.samples, batch.levels
    tables = []
    for kind in KINDS:
        times = 1 if kind == "positive" else levels  # it is the same at every level
        candidates = batch.candidates[kind][:times].flatten(0, 1)
        once = describe(candidates, rank, problem=batch.problem.repeat(times, 1))
        tables.append(
            {
                "level": np.repeat(np.arange(levels), samples),
                "kind": np.full(levels * samples, kind),
                "sample": np.tile(np.arange(batch.first, batch.first + samples), levels),
                **{name: np.tile(values, levels // times) for name, values in once.items()},
            }
        )
    return concatenate(tables)


def compare(table: Table) -> Table:
    """Return the effect of each contrast in each quantity: over all levels, then level by level."""
    levels = np.unique(table["level"]).tolist()
    rows: list[Row] = []
    for kind, versus in CONTRASTS:
        for quantity in QUANTITIES:
            a, b = _by_level(table, kind, quantity), _by_level(table, versus, quantity)
            chosen = [slice(None), *(slice(i, i + 1) for i in range(len(levels)))]
            for level, some in zip([ALL_LEVELS, *levels], chosen, strict=True):
                rows.append((level, kind, versus, quantity, *paired_over_levels(a[some], b[some])))
    return _as_table(rows)


def paired_over_levels(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[Effect, Summary]:
    """Return the effect of a - b, and the share of pairs in which a is larger.

    Each problem counts once, with its mean over levels: its levels are not independent of each other.
    Differences that are not finite are left out of the effect; infinities have their place in the share.

    Args:
        a: Of shape (levels, samples).
        b: Of the same shape.
    """
    with np.errstate(invalid="ignore"):
        difference = a - b
    finite, told = np.isfinite(difference), ~(np.isnan(a) | np.isnan(b))
    effect = paired_effect(_mean_where(difference, finite))
    left_out = int((~finite).sum())
    if left_out:
        effect = replace(effect, reason=f"{left_out} of {finite.size} pairs are not finite")
    larger = _mean_where((a > b) + 0.5 * (a == b), told)
    return effect, summarise(larger[np.isfinite(larger)])


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in one sentence: how adversarial negatives differ, and what the descent did."""
    median = {kind: _quartiles(select(table, kind=kind)["cond"])[1] for kind in KINDS}
    rows = select(comparison, kind="adversarial", quantity="log10_cond")
    pooled = select(rows, level=ALL_LEVELS)
    positive, control, start = (
        {name: column[0] for name, column in select(pooled, versus=versus).items()}
        for versus in ("positive", "control", "start")
    )
    n, levels = len(np.unique(table["sample"])), len(np.unique(table["level"]))
    statement = (
        f"The condition number of adversarial negatives (median {median['adversarial']:.3g}) is larger than "
        f"that of the right answer ({median['positive']:.3g}) in {_share(positive)} of pairs, than that of a "
        f"random perturbation of the same size ({median['control']:.3g}) in {_share(control)}, and than that "
        f"of the noised start before the descent ({median['start']:.3g}) in {_share(start)}: "
        f"{_verdict(select(rows, versus='start'), n)}.{_told_singular(table)}{_told_form(table)} "
        f"{n} problems, each at {levels} noise levels."
    )
    evidence = {f"median_cond_{kind}": value for kind, value in median.items()}
    evidence |= {f"share_singular_{kind}": _singular(table, kind) for kind in KINDS}
    evidence |= {
        f"{name}_vs_{versus}": float(row[name])
        for versus, row in (("positive", positive), ("control", control), ("start", start))
        for name in ("mean", "d", "d_low", "d_high", "larger", "larger_low", "larger_high")
    }
    evidence |= {f"share_positive_definite_{kind}": _definite(table, kind) for kind in KINDS}
    evidence |= {f"median_residual_{kind}": _median(table, kind, "residual") for kind in KINDS}
    return Finding("conditioning", "note", statement, {**evidence, "n": n})


def figure(table: Table) -> FigureData:
    """Return median and quartiles of each quantity of each kind against the noise level."""
    panels = (
        Panel("condition number", _lines(table, "cond"), "log"),
        Panel("log |det|  (nat)", _lines(table, "log_abs_det")),
        Panel("smallest singular value", _lines(table, "sigma_min"), "log"),
    )
    n = len(np.unique(table["sample"]))
    return FigureData(
        "conditioning",
        "Conditioning of right answers and of negatives",
        "noise level",
        panels,
        f"Median and quartiles; n = {n} problems, the same at each level and of each kind. "
        "Start: the adversarial negative before its descent. Control: random perturbation of its size.",
        f"median and quartiles, n = {n} problems",
    )


def _by_level(table: Table, kind: str, quantity: str) -> NDArray[np.float64]:
    """Return a quantity of one kind, of shape (levels, samples)."""
    rows = select(table, kind=kind)
    order = np.lexsort((rows["sample"], rows["level"]))
    levels = len(np.unique(rows["level"]))
    values = rows[quantity.removeprefix("log10_")][order].astype(np.float64).reshape(levels, -1)
    with np.errstate(divide="ignore"):  # a singular candidate: infinite, and left out with a reason
        return np.log10(values) if quantity.startswith("log10") else values


def _mean_where(values: NDArray[Any], keep: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean over levels of what is kept, for each sample; NaN where nothing is."""
    count = keep.sum(axis=0)
    total = np.where(keep, values, 0.0).sum(axis=0)
    mean: NDArray[np.float64] = np.full(len(count), math.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _as_table(rows: list[Row]) -> Table:
    def column(index: int, attribute: str | None = None) -> NDArray[Any]:
        return np.array([getattr(row[index], attribute) if attribute else row[index] for row in rows])

    keys = ("level", "kind", "versus", "quantity")
    effect = ("mean", "mean_low", "mean_high", "d", "d_low", "d_high")
    return {
        **{key: column(i) for i, key in enumerate(keys)},
        **{name: column(4, name) for name in effect},
        "larger": column(5, "mean"),
        "larger_low": column(5, "low"),
        "larger_high": column(5, "high"),
        "n": column(4, "n"),
        "reason": column(4, "reason"),
    }


def _share(row: dict[str, float]) -> str:
    low, high = (100 * min(1.0, max(0.0, row[end])) for end in ("larger_low", "larger_high"))
    return f"{100 * row['larger']:.1f}% (95% interval {low:.1f} to {high:.1f}%)"


def _verdict(rows: Table, n: int) -> str:
    """Return what the descent does, from the share of pairs at each level: it may differ in sign."""
    if n < FEWEST:
        return f"too few problems for a verdict ({FEWEST} are needed)"
    at = {name: column[rows["level"] != ALL_LEVELS] for name, column in rows.items()}
    worse = at["level"][at["larger_low"] > 0.5].tolist()
    better = at["level"][at["larger_high"] < 0.5].tolist()
    if np.isnan(at["larger"]).all():
        return "nothing can be said of the descent"
    if not worse and not better:
        return "the descent is not seen to change their conditioning at any level"
    parts = [
        f"{word} at level{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"
        for word, found in (("better", better), ("worse", worse))
        if found
    ]
    rest = len(at["level"]) - len(worse) - len(better)
    unseen = f"; at the other {rest} no change is seen" if rest else ""
    return f"the descent conditions them {' and '.join(parts)}{unseen} (each level by its own 95% interval)"


def _singular(table: Table, kind: Kind) -> float:
    return float(np.mean(select(table, kind=kind)["sign"] == 0))


def _definite(table: Table, kind: Kind) -> float:
    """Return the share that is positive definite, of those that are numbers."""
    definite = select(table, kind=kind)["positive_definite"]
    told = definite[~np.isnan(definite)]
    return float(told.mean()) if len(told) else math.nan


def _median(table: Table, kind: Kind, column: str) -> float:
    return _quartiles(select(table, kind=kind)[column])[1]


def _told_form(table: Table) -> str:
    """Return how far from an inverse they are, beside the control of their size."""
    kinds: tuple[Kind, ...] = ("adversarial", "control")
    share = [100 * _definite(table, kind) for kind in kinds]
    residual = [_median(table, kind, "residual") for kind in kinds]
    return (
        f" Positive definite are {share[0]:.1f}% of the adversarial and {share[1]:.1f}% of the control; the "
        f"median residual ‖AY - I‖ is {residual[0]:.3g} and {residual[1]:.3g}."
    )


def _told_singular(table: Table) -> str:
    told = []
    for kind in KINDS:
        sign = select(table, kind=kind)["sign"]
        if count := int((sign == 0).sum()):
            told.append(f"{count} of {len(sign)} {kind}")
    return f" Singular are {', '.join(told)}." if told else ""


def _lines(table: Table, column: str) -> tuple[Line, ...]:
    levels = np.unique(table["level"])
    lines = []
    for position, kind in enumerate(KINDS):
        rows = select(table, kind=kind)
        quartiles = np.array([_quartiles(rows[column][rows["level"] == level]) for level in levels])
        beside = levels + DODGE * (position - (len(KINDS) - 1) / 2)
        lines.append(Line(kind, beside, quartiles[:, 1], quartiles[:, 0], quartiles[:, 2]))
    return tuple(lines)


def _quartiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the quartiles as order statistics: what interpolates between infinities is NaN."""
    ordered = np.sort(values[~np.isnan(values)])
    if not len(ordered):
        return math.nan, math.nan, math.nan
    lower, middle, upper = (float(ordered[round(q * (len(ordered) - 1))]) for q in (0.25, 0.5, 0.75))
    return lower, middle, upper


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
            "larger_vs_start",
            "share worse conditioned than before the descent",
            "larger_low_vs_start",
            "larger_high_vs_start",
        ),
    ),
    needs=("negatives", "matrices"),
)
