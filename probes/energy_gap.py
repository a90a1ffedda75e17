"""Energy gap: does lower energy tell right answers from negatives, and what does that leave to learn from?

The contrastive loss of a problem with right answer and negative, both noised with the same ε, is
log(1 + exp(E_pos - E_neg)). With the gap Δ = E_neg - E_pos its derivative in E_pos is

    w = σ(E_pos - E_neg) = 1 / (1 + exp Δ),    and in E_neg it is -w:

w is what is left of the loss's gradient. A negative with w < 0.01, Δ > 4.6, differs from the right answer
already and teaches hardly anything: it is *saturated*. One with w near 1 lies far below the right answer.
If few negatives carry all the weight, the gradient of a batch rests on few: of N negatives it is worth
ESS = (Σ w)² / Σ w² (``ired_diag.stats.effective_size``), computed from log w, which does not underflow.

How well energy tells the two apart is said twice, because the two differ. *Within* a problem: the share with
E_pos < E_neg, ties half, which is what the loss compares. *Over* problems: the AUROC of -E, in which each
right answer is compared with the negatives of all problems at its level (``ired_diag.stats.auroc``). An
energy whose height differs from problem to problem scores well within and badly over. Over all levels it is
the mean of the levels' AUROCs: energies of different levels are never compared.

Energies are those of training's contrast: the plain ones, before any clamp that the run put on them in its
loss. A gap below the rounding of its energies is a guess, and is counted in ``reason``.

References: Du et al. (2024), equation 6 (loss); Gutmann & Hyvärinen (2010), Noise-contrastive Estimation,
section 2 (its gradient); Kish (1965), Survey Sampling, section 11.7 (ESS).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.dodge import dodge
from ired_diag.drawing.interval_lines import line_of_rows, quartile_lines
from ired_diag.finding import Finding, Severity
from ired_diag.model.mined_batch import Kind
from ired_diag.probing.evidence import levels_in_words, percent_of, with_ends
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.probing.tensor_column import tensor_column
from ired_diag.runs.name_list import counted
from ired_diag.stats.auroc import paired_auroc
from ired_diag.stats.effect_size import paired_effect
from ired_diag.stats.effective_size import effective_size
from ired_diag.stats.estimate import Estimate, estimate_of, share_estimate
from ired_diag.stats.finite import mean_of_finite
from ired_diag.stats.summary import summarise
from ired_diag.subject import Subject
from ired_diag.table import VALUE, Column, Table, concatenate, rows_of, select, table_of_rows, value_columns
from ired_diag.table_grid import grid
from ired_diag.told_training import UNTOLD, negatives_of

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("kind", "1", "kind of negative: random, start, adversarial or control"),
    Column("sample", "1", "number of the problem, the same at every level and of every kind"),
    Column("energy_positive", "nat", "E of the noised right answer"),
    Column("energy_negative", "nat", "E of the negative, noised alike"),
    Column("gap", "nat", "E_neg - E_pos"),
    Column("weight", "1", "w = 1 / (1 + exp gap), what is left of the contrastive loss's gradient"),
    Column("rounding", "nat", "rounding of the larger of the two energies"),
    Column("strategy", "1", "the negatives that the run trained with; none; or unknown"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels of each problem"),
    Column("kind", "1", "kind of negative"),
    Column(
        "quantity",
        "1",
        "energy_positive, energy_negative, gap, gap_over_sd, lower (share with E_pos < E_neg), auroc (of -E, "
        "over problems), weight, saturated (share with w < 0.01), effective (ESS over number of negatives)",
    ),
    *value_columns("nat of energies and gap, else 1", "mean or share"),
)
NEGATIVES: tuple[Kind, ...] = ("random", "start", "adversarial", "control")
TRAINED: dict[str, tuple[Kind, ...]] = {  # which of them a strategy trains with
    "random": ("random",),
    "adversarial": ("adversarial",),
    "ascent": ("adversarial",),
    "mixed": ("adversarial", "random"),
}
SATURATED = 0.01  # of w: a hundredth of the gradient that an undecided pair of negatives shares
IDLE = 0.9  # of a run's own negatives: with so many saturated, mining is hardly heard
FEWEST = 30  # problems for a verdict


def measure(subject: Subject) -> Table:
    """Return the energies of right answers and of each kind of negative.

    Args:
        subject: With mined negatives.
    """
    batch = subject.batch
    positive = batch.energies["positive"]
    rows = positive.numel()
    levels = np.repeat(np.arange(batch.levels), batch.samples)
    numbers = np.arange(batch.first, batch.first + batch.samples)
    strategy = negatives_of(subject.config)
    tables = []
    for kind in NEGATIVES:
        negative = batch.energies[kind]
        larger = torch.maximum(positive.abs(), negative.abs())
        rounding = torch.finfo(negative.dtype).eps * larger
        # In float32 the difference would be rounded once more.
        gap = negative.double() - positive.double()
        tables.append(
            {
                "level": levels,
                "kind": np.full(rows, kind),
                "sample": np.tile(numbers, batch.levels),
                "energy_positive": tensor_column(positive.double()),
                "energy_negative": tensor_column(negative.double()),
                "gap": tensor_column(gap),
                "weight": tensor_column(torch.sigmoid(-gap)),
                "rounding": tensor_column(rounding.double()),
                "strategy": np.full(rows, strategy),
            }
        )
    return concatenate(tables)


def compare(table: Table) -> Table:
    """Return each quantity of each kind: over all levels, then level by level."""
    rows: list[dict[str, Any]] = []
    for kind in NEGATIVES:
        part = select(table, kind=kind)
        parts = {ALL_LEVELS: part}
        for level in np.unique(table["level"]).tolist():
            parts[level] = select(part, level=level)
        for level, at_level in parts.items():
            for quantity, estimate in _quantities(at_level):
                values = dict(zip(VALUE, estimate, strict=True))
                rows.append({"level": level, "kind": kind, "quantity": quantity, **values})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def log_weight(gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log w = -log(1 + exp gap), for gaps of any size.

    >>> log_weight(np.array([0.0, 1e6, -1e6])).tolist()
    [-0.6931471805599453, -1000000.0, -0.0]
    """
    logs: NDArray[np.float64] = special.log_expit(-gap)
    return logs


def _quantities(rows: Table) -> Iterator[tuple[str, Estimate]]:
    """Yield each quantity of one kind, at one level or over several, each problem counting once."""
    positive = grid(rows, "energy_positive", "level", "sample")
    negative = grid(rows, "energy_negative", "level", "sample")
    gap = grid(rows, "gap", "level", "sample")
    weight = grid(rows, "weight", "level", "sample")
    rounding = grid(rows, "rounding", "level", "sample")
    yield "energy_positive", _mean_over_problems(positive)
    yield "energy_negative", _mean_over_problems(negative)
    yield "gap", _mean_over_problems(gap, rounding)
    effect = paired_effect(mean_of_finite(gap))
    yield "gap_over_sd", Estimate(effect.d, effect.d_low, effect.d_high, effect.n, effect.reason)
    comparable = ~(np.isnan(positive) | np.isnan(negative))
    ties = 0.5 * (positive == negative)
    lower = (positive < negative) + ties
    yield "lower", _share(np.where(comparable, lower, math.nan))
    area = paired_auroc(-positive, -negative)
    yield "auroc", Estimate(area.area, area.low, area.high, area.n, area.reason)
    yield "weight", _mean_over_problems(weight)
    saturated = weight < SATURATED
    yield "saturated", _share(np.where(comparable, saturated, math.nan))
    size = effective_size(log_weight(gap))
    yield "effective", Estimate(size.share, size.low, size.high, size.n, size.reason)


def _mean_over_problems(values: NDArray[np.float64], rounding: NDArray[np.float64] | None = None) -> Estimate:
    """Return the mean of problems' means over levels, with its t interval; what is not finite is left out."""
    reasons = []
    lost = int((~np.isfinite(values)).sum())
    if lost:
        reasons.append(f"{lost} of {values.size} are not finite")
    if rounding is not None:
        unsure = int((np.abs(values) <= rounding).sum())
        if unsure:  # a gap that rounding may have made
            reasons.append(f"{unsure} of {values.size} are not above the rounding of their energies")
    means = mean_of_finite(values)
    summary = summarise(means[np.isfinite(means)])
    if summary.reason:
        reasons.append(summary.reason)
    return estimate_of(summary)._replace(reason="; ".join(reasons))


def _share(values: NDArray[np.float64]) -> Estimate:
    return share_estimate(mean_of_finite(values), answers=len(values))


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in plain words: what energy tells apart, and how much gradient that leaves."""
    n = len(np.unique(table["sample"]))
    levels = len(np.unique(table["level"]))
    strategy = str(table["strategy"][0])
    evidence: dict[str, Any] = {"n": n, "strategy": strategy, **_evidence(comparison)}
    if not np.isfinite(table["gap"]).any():
        statement = f"No energy gap of {n} problems is a number: nothing can be said."
        return Finding(
            rule="energy_gap",
            severity="warning",
            statement=statement,
            evidence=evidence,
        )
    verdict = _verdict(select(comparison, kind="adversarial", quantity="lower"), n)
    lower = percent_of(evidence, "lower", after="_adversarial")
    lower_than_random = percent_of(evidence, "lower", after="_random")
    area = evidence["auroc_adversarial"]
    statement = (
        f"Right answers lie lower in energy than their adversarial negatives in {lower} of pairs "
        f"({verdict}; AUROC over problems {area:.3f}), "
        f"than random ones in {lower_than_random}. "
        f"Of the contrastive gradient adversarial negatives leave {_left('adversarial', evidence)}, "
        f"random ones {_left('random', evidence)}; "
        f"{n} problems at {counted(levels, 'noise level')}."
        f"{_training_sentence(strategy)}"
    )
    severity: Severity = "note"
    is_alarming, advice = _alarm(TRAINED.get(strategy, ()), evidence, n)
    if is_alarming:
        severity = "warning"
    return Finding(
        rule="energy_gap",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _evidence(comparison: Table) -> dict[str, float]:
    evidence: dict[str, float] = {}
    for kind in NEGATIVES:
        for row in rows_of(select(comparison, level=ALL_LEVELS, kind=kind)):
            evidence |= with_ends(row["quantity"], row, "value", after=f"_{kind}")
    return evidence


def _training_sentence(strategy: str) -> str:
    if strategy == UNTOLD:
        return ""
    if strategy == "none":
        return " The run trained without negatives."
    return f" The run trained with {strategy} negatives."


def _left(kind: Kind, evidence: dict[str, Any]) -> str:
    """Return how much of the gradient one kind of negative leaves, in words."""
    weight = 100 * evidence[f"weight_{kind}"]
    saturated = percent_of(evidence, "saturated", after=f"_{kind}")
    return f"{weight:.2g}% on average and less than {100 * SATURATED:g}% in {saturated} of pairs"


def _verdict(rows: Table, n: int) -> str:
    """Return where right answers lie lower and where higher, each level by its own interval."""
    if n < FEWEST:
        return f"too few problems for a verdict ({FEWEST} are needed)"
    single = rows["level"] != ALL_LEVELS
    levels = rows["level"][single]
    lower = rows["value_low"][single] > 0.5
    higher = rows["value_high"][single] < 0.5
    groups = {"mostly lower": lower, "mostly higher": higher, "undecided": ~(lower | higher)}
    parts = []
    for word, chosen in groups.items():
        if chosen.any():
            parts.append(f"{word} at {_levels(levels, chosen)}")
    return ", ".join(parts)


def _levels(levels: NDArray[Any], chosen: NDArray[np.bool_]) -> str:
    if chosen.all():
        return "every level"
    return levels_in_words(levels[chosen].tolist())


def _alarm(trained: tuple[Kind, ...], evidence: dict[str, Any], n: int) -> tuple[bool, str]:
    """Return whether the run's own negatives are a cause to worry, and what to do then."""
    if n < FEWEST:
        return False, ""
    for kind in trained:
        if evidence[f"saturated_low_{kind}"] > IDLE:
            return True, (
                f"More than {100 * IDLE:g}% of the {kind} negatives teach nothing: compare with a run "
                "without mining before calling it a method."
            )
        if evidence[f"lower_high_{kind}"] < 0.5:
            return True, (
                f"Trained against {kind} negatives, the energy still puts most of them below the right "
                "answer: ask `ired-diag probe energy_judge` whether its minima are wrong answers."
            )
    return False, ""


def figure(table: Table) -> FigureData:
    """Return gap, share told apart within a problem, and gradient weight against the noise level."""
    comparison = compare(table)
    gap = Panel(
        "energy gap  (nat)",
        quartile_lines(table, "gap", NEGATIVES, _quartiles),
        guides=(Guide(0.0, ""),),
    )
    lower = Panel(
        "share E_pos < E_neg",
        _lines(comparison, "lower"),
        guides=(Guide(0.5, "chance"),),
    )
    weight = Panel(
        "gradient weight w",
        _lines(comparison, "weight"),
        guides=(Guide(0.5, ""),),
    )
    n = len(np.unique(table["sample"]))
    return FigureData(
        name="energy_gap",
        title="Energy of negatives over that of right answers",
        x_label="noise level",
        panels=(gap, lower, weight),
        method="Gap E_neg - E_pos: median and quartiles over problems. Share of problems in which the right "
        "answer has the lower energy, and mean of w = 1/(1 + exp gap), what is left of the contrastive "
        f"gradient (0.5 without a gap): with 95% intervals. n = {n} problems, the same at each level. Start: "
        "the adversarial negative before its descent. Control: random perturbation of its size.",
        note=f"gap: quartiles; else 95% intervals; n = {n} problems",
    )


def _quartiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = values[np.isfinite(values)]
    if not len(finite):  # numpy refuses quantiles of nothing
        return np.full(3, math.nan)
    return np.quantile(finite, (0.25, 0.5, 0.75))


def _lines(comparison: Table, quantity: str) -> tuple[Line, ...]:
    single = comparison["level"] != ALL_LEVELS
    rows = {name: column[single] for name, column in comparison.items()}
    lines = []
    for position, kind in enumerate(NEGATIVES):
        curve = select(rows, kind=kind, quantity=quantity)
        places = dodge(curve["level"], position, len(NEGATIVES))
        lines.append(line_of_rows(kind, places, curve, "value"))
    return tuple(lines)


PROBE = Probe(
    name="energy_gap",
    question="Does lower energy tell right answers from negatives, and how much gradient does that leave?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            key="lower_adversarial",
            label="share of right answers below their adversarial negative",
            low="lower_low_adversarial",
            high="lower_high_adversarial",
        ),
        Headline(
            key="saturated_adversarial",
            label="share of adversarial negatives with w < 0.01",
            low="saturated_low_adversarial",
            high="saturated_high_adversarial",
        ),
        Headline(
            key="gap_adversarial",
            label="mean gap of adversarial negatives (nat)",
            low="gap_low_adversarial",
            high="gap_high_adversarial",
        ),
    ),
    needs=("negatives",),
)
