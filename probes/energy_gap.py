"""Energy gap: does lower energy tell right answers from negatives, and what does that leave to learn from?

The contrastive loss of a problem with right answer and negative, both noised with the same ε, is
log(1 + exp(E_pos - E_neg)). With the gap Δ = E_neg - E_pos its derivative in E_pos is

    w = σ(E_pos - E_neg) = 1 / (1 + exp Δ),    and in E_neg it is -w:

w is what is left of the loss's gradient. A negative with w < 0.01, Δ > 4.6, is told from the right answer
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
from ired_diag.energy_config import EnergyConfig
from ired_diag.finding import Finding
from ired_diag.model.mined_batch import Kind
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.auroc import paired_auroc
from ired_diag.stats.effect_size import paired_effect
from ired_diag.stats.effective_size import effective_size
from ired_diag.stats.finite import mean_of_finite
from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise
from ired_diag.subject import Subject
from ired_diag.table import VALUE, Column, Table, concatenate, select, value_columns
from ired_diag.told_training import UNTOLD, strategy_of

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("kind", "1", "kind of negative: random, start, adversarial or control"),
    Column("sample", "1", "number of the problem, the same at every level and of every kind"),
    Column("energy_positive", "nat", "E of the noised right answer"),
    Column("energy_negative", "nat", "E of the negative, noised alike"),
    Column("gap", "nat", "E_neg - E_pos"),
    Column("weight", "1", "w = 1 / (1 + exp gap), what is left of the contrastive loss's gradient"),
    Column("rounding", "nat", "rounding of the larger of the two energies"),
    Column("strategy", "1", "the negatives that the run trained with; none; unknown where it is not told"),
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
DODGE = 0.13  # of a level, between the kinds

Estimate = tuple[float, float, float, int, str]  # value, low, high, n, reason


def measure(subject: Subject) -> Table:
    """Return the energies of right answers and of each kind of negative.

    Args:
        subject: With mined negatives.
    """
    batch, config = subject.batch, subject.config
    positive = batch.energies["positive"]
    rows = positive.numel()
    strategy = strategy_of(config)
    if strategy != UNTOLD and isinstance(config, EnergyConfig) and config.energy_loss_weight == 0:
        strategy = "none"
    tables = []
    for kind in NEGATIVES:
        negative = batch.energies[kind]
        rounding = torch.finfo(negative.dtype).eps * torch.maximum(positive.abs(), negative.abs())
        gap = negative.double() - positive.double()
        tables.append(
            {
                "level": np.repeat(np.arange(batch.levels), batch.samples),
                "kind": np.full(rows, kind),
                "sample": np.tile(np.arange(batch.first, batch.first + batch.samples), batch.levels),
                "energy_positive": positive.double().flatten().cpu().numpy(),
                "energy_negative": negative.double().flatten().cpu().numpy(),
                "gap": gap.flatten().cpu().numpy(),
                "weight": torch.sigmoid(-gap).flatten().cpu().numpy(),
                "rounding": rounding.double().flatten().cpu().numpy(),
                "strategy": np.full(rows, strategy),
            }
        )
    return concatenate(tables)


def compare(table: Table) -> Table:
    """Return each quantity of each kind: over all levels, then level by level."""
    rows: list[tuple[Any, ...]] = []
    levels = np.unique(table["level"]).tolist()
    for kind in NEGATIVES:
        part = select(table, kind=kind)
        for name, estimate in _quantities(part):
            rows.append((ALL_LEVELS, kind, name, *estimate))
        for level in levels:
            for name, estimate in _quantities(select(part, level=level)):
                rows.append((level, kind, name, *estimate))
    comparison = {}
    for name, values in zip(("level", "kind", "quantity", *VALUE), zip(*rows, strict=True), strict=True):
        comparison[name] = np.array(values)
    return comparison


def log_weight(gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log w = -log(1 + exp gap), for gaps of any size.

    >>> log_weight(np.array([0.0, 1e6, -1e6])).tolist()
    [-0.6931471805599453, -1000000.0, -0.0]
    """
    logs: NDArray[np.float64] = special.log_expit(-gap)
    return logs


def _quantities(rows: Table) -> Iterator[tuple[str, Estimate]]:
    """Yield each quantity of one kind, at one level or over several, each problem counting once."""
    order = np.lexsort((rows["sample"], rows["level"]))
    levels = len(np.unique(rows["level"]))
    shape = {name: column[order].reshape(levels, -1) for name, column in rows.items()}
    positive, negative = shape["energy_positive"], shape["energy_negative"]
    gap = shape["gap"]
    yield "energy_positive", _mean_over_problems(positive)
    yield "energy_negative", _mean_over_problems(negative)
    yield "gap", _mean_over_problems(gap, shape["rounding"])
    effect = paired_effect(mean_of_finite(gap))
    yield "gap_over_sd", (effect.d, effect.d_low, effect.d_high, effect.n, effect.reason)
    numbers = ~(np.isnan(positive) | np.isnan(negative))
    ties = 0.5 * (positive == negative)
    lower = np.where(numbers, (positive < negative) + ties, math.nan)
    saturated = np.where(numbers, shape["weight"] < SATURATED, math.nan)
    yield "lower", _share(lower)
    area = paired_auroc(-positive, -negative)
    yield "auroc", (area.area, area.low, area.high, area.n, area.reason)
    yield "weight", _mean_over_problems(shape["weight"])
    yield "saturated", _share(saturated)
    size = effective_size(log_weight(gap))
    yield "effective", (size.share, size.low, size.high, size.n, size.reason)


def _mean_over_problems(values: NDArray[np.float64], rounding: NDArray[np.float64] | None = None) -> Estimate:
    """Return the mean of problems' means over levels, with its t interval; what is not finite is left out."""
    reasons = []
    lost = int((~np.isfinite(values)).sum())
    if lost:
        reasons.append(f"{lost} of {values.size} are not finite")
    if rounding is not None and (unsure := int((np.abs(values) <= rounding).sum())):
        reasons.append(f"{unsure} of {values.size} are not above the rounding of their energies")
    means = mean_of_finite(values)
    summary = summarise(means[np.isfinite(means)])
    if summary.reason:
        reasons.append(summary.reason)
    return summary.mean, summary.low, summary.high, summary.n, "; ".join(reasons)


def _share(values: NDArray[np.float64]) -> Estimate:
    share = share_of(mean_of_finite(values), answers=len(values))
    return share.mean, share.low, share.high, share.n, share.reason


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in plain words: what energy tells apart, and how much gradient that leaves."""
    n, levels = len(np.unique(table["sample"])), len(np.unique(table["level"]))
    strategy = str(table["strategy"][0])
    over_all = select(comparison, level=ALL_LEVELS)
    evidence: dict[str, Any] = {"n": n, "strategy": strategy}
    for kind in NEGATIVES:
        rows = select(over_all, kind=kind)
        for i, quantity in enumerate(rows["quantity"].tolist()):
            evidence[f"{quantity}_{kind}"] = float(rows["value"][i])
            evidence[f"{quantity}_low_{kind}"] = float(rows["value_low"][i])
            evidence[f"{quantity}_high_{kind}"] = float(rows["value_high"][i])
    if not np.isfinite(table["gap"]).any():
        statement = f"No energy gap of {n} problems is a number: nothing can be said."
        return Finding("energy_gap", "warning", statement, evidence)
    rows = select(comparison, kind="adversarial", quantity="lower")
    trained = {UNTOLD: "", "none": " The run trained without negatives."}
    statement = (
        f"Right answers lie lower in energy than their adversarial negatives in "
        f"{_percent(evidence, 'lower', 'adversarial')} of pairs ({_verdict(rows, n)}; AUROC over problems "
        f"{evidence['auroc_adversarial']:.3f}), than random ones in {_percent(evidence, 'lower', 'random')}. "
        f"Of the contrastive gradient adversarial negatives leave {_left('adversarial', evidence)}, random "
        f"ones {_left('random', evidence)}; {n} problems at {levels} noise levels."
        f"{trained.get(strategy, f' The run trained with {strategy} negatives.')}"
    )
    alarmed, advice = _alarm(TRAINED.get(strategy, ()), evidence, n)
    return Finding("energy_gap", "warning" if alarmed else "note", statement, evidence, advice)


def _percent(evidence: dict[str, Any], quantity: str, kind: Kind) -> str:
    value = 100 * evidence[f"{quantity}_{kind}"]
    low = 100 * evidence[f"{quantity}_low_{kind}"]
    high = 100 * evidence[f"{quantity}_high_{kind}"]
    return f"{value:.1f}% ({low:.1f} to {high:.1f}%)"


def _left(kind: Kind, evidence: dict[str, Any]) -> str:
    """Return how much of the gradient one kind of negative leaves, in words."""
    weight = 100 * evidence[f"weight_{kind}"]
    saturated = _percent(evidence, "saturated", kind)
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
    parts = [f"{word} at {_levels(levels, chosen)}" for word, chosen in groups.items() if chosen.any()]
    return ", ".join(parts)


def _levels(levels: NDArray[Any], chosen: NDArray[np.bool_]) -> str:
    if chosen.all():
        return "every level"
    plural = "s" if chosen.sum() > 1 else ""
    listed = ", ".join(map(str, levels[chosen].tolist()))
    return f"level{plural} {listed}"


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
    panels = (
        Panel("energy gap  (nat)", _quartile_lines(table), guides=(Guide(0.0, ""),)),
        Panel("share E_pos < E_neg", _lines(comparison, "lower"), guides=(Guide(0.5, "chance"),)),
        Panel("gradient weight w", _lines(comparison, "weight"), guides=(Guide(0.5, ""),)),
    )
    n = len(np.unique(table["sample"]))
    return FigureData(
        "energy_gap",
        "Energy of negatives over that of right answers",
        "noise level",
        panels,
        "Gap E_neg - E_pos: median and quartiles over problems. Share of problems in which the right answer "
        "has the lower energy, and mean of w = 1/(1 + exp gap), what is left of the contrastive gradient "
        f"(0.5 without a gap): with 95% intervals. n = {n} problems, the same at each level. Start: the "
        "adversarial negative before its descent. Control: random perturbation of its size.",
        f"gap: quartiles; else 95% intervals; n = {n} problems",
    )


def _quartile_lines(table: Table) -> tuple[Line, ...]:
    levels = np.unique(table["level"])
    lines = []
    for position, kind in enumerate(NEGATIVES):
        rows = select(table, kind=kind)
        gaps = [rows["gap"][rows["level"] == level] for level in levels]
        finite = [gap[np.isfinite(gap)] for gap in gaps]
        low, middle, high = np.array(
            [np.quantile(gap, (0.25, 0.5, 0.75)) if len(gap) else [math.nan] * 3 for gap in finite]
        ).T
        lines.append(Line(kind, _beside(levels, position), middle, low, high))
    return tuple(lines)


def _lines(comparison: Table, quantity: str) -> tuple[Line, ...]:
    rows = select(comparison, quantity=quantity)
    rows = {name: column[rows["level"] != ALL_LEVELS] for name, column in rows.items()}
    lines = []
    for position, kind in enumerate(NEGATIVES):
        own = select(rows, kind=kind)
        beside = _beside(own["level"], position)
        lines.append(Line(kind, beside, own["value"], own["value_low"], own["value_high"]))
    return tuple(lines)


def _beside(levels: NDArray[Any], position: int) -> NDArray[np.float64]:
    beside: NDArray[np.float64] = levels + DODGE * (position - (len(NEGATIVES) - 1) / 2)
    return beside


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
            "lower_adversarial",
            "share of right answers below their adversarial negative",
            "lower_low_adversarial",
            "lower_high_adversarial",
        ),
        Headline(
            "saturated_adversarial",
            "share of adversarial negatives with w < 0.01",
            "saturated_low_adversarial",
            "saturated_high_adversarial",
        ),
        Headline(
            "gap_adversarial",
            "mean gap of adversarial negatives (nat)",
            "gap_low_adversarial",
            "gap_high_adversarial",
        ),
    ),
    needs=("negatives",),
)
