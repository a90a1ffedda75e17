"""Diversity: do mined negatives collapse, or do they cover as much as random perturbations of their size?

Measured at each noise level on blocks of n = 128 problems, since most of it depends on how many are looked
at. No two blocks share a problem: blocks are the unit of independence. With Y_i the candidates of a block, in
x₀-space, and y*_i the right answers:

- the distance between consecutive candidates, ‖Y_i - Y_{i+1}‖ / √dim, the study's measure, and its mean over
  all pairs, which has the same expectation with less noise: consecutive problems are independent draws;
- the effective rank (``ired_diag.stats.effective_rank``) of the Y_i and of their displacements Y_i - y*_i:
  the Y_i differ because the problems do, and only the displacement is the doing of mining. It is at most
  min(n - 1, dim), whatever the negatives, so that it compares only with another kind at the same n;
- the Vendi score (``ired_diag.stats.vendi``) of the Y_i, out of n, under a Gaussian kernel whose bandwidth is
  the median distance between two controls of the block at that level: one kernel for all kinds;
- density and coverage (``ired_diag.stats.density_coverage``, k = 5) against the control, and the coverage of
  the negatives by the control, which alone of the three sees negatives that crowd in the control's middle. A
  negative and a control of one problem lie near each other because they share y*, so one half of the block
  is held against the other. The control's own values are the baseline: 1, 0.97 and 0.97 but for chance.

The control lies as far from each right answer as the adversarial negative does, in a random direction, and is
not clamped. Distance and Vendi score grow with that size, so by these the adversarial negatives are judged
against the control alone. The effective rank of the displacements knows no scale: it compares with the start,
too, the same noise and clamp without the descent.

References: Roy & Vetterli (2007), definition 1; Friedman & Dieng (2023), definition 3.1; Naeem et al. (2020),
section 3; the study's phase 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.energy_config import EnergyConfig
from ired_diag.finding import Finding
from ired_diag.model.mined_batch import KINDS, Kind
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.ratio import ratio_of_means
from ired_diag.stats.set_diversity import Diversity, median_distance, set_diversity
from ired_diag.stats.summary import CONFIDENCE, summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, select
from ired_diag.told_training import UNTOLD, strategy_of

Array = NDArray[np.float64]
Row = dict[str, Any]

BLOCK = 128  # problems; it divides a chunk of negatives
FEWEST_BLOCKS = (
    4  # for a verdict: the t interval of fewer, for ten levels at once, is wider than most effects
)
COLLAPSED = 0.5  # of the control's Vendi score, or less: half of the negatives might as well not be there
DODGE = 0.13  # of a level, between the kinds in the figure
OTHERWISE = {"none": "without negatives", "random": "on random negatives"}  # it had none of those looked at
ADVICE = (
    "Probe a run with fewer steps of mining (mining_opt_steps) or a larger mining_noise_scale, and compare; "
    "`ired-diag probe mining_dynamics` shows where the descent takes them."
)

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("kind", "1", "positive, random, start, adversarial or control"),
    Column("block", "1", "number of the block of problems, the same at every level and of every kind"),
    Column("n", "1", "problems in the block"),
    Column("dim", "1", "entries of a candidate"),
    Column("bandwidth", "RMS per entry", "median distance between two controls: the kernel's bandwidth"),
    Column("consecutive", "RMS per entry", "mean distance between a candidate and the next one"),
    Column("pairs", "RMS per entry", "mean distance over all pairs of the block"),
    Column("effective_rank", "1", "effective rank of the candidates; at most min(n - 1, dim)"),
    Column(
        "displacement_rank", "1", "effective rank of candidate minus right answer; at most min(n - 1, dim)"
    ),
    Column("vendi", "1", "Vendi score under the Gaussian kernel of that bandwidth, between 1 and n"),
    Column("density", "1", "density against the control of the other half of the block, k = 5"),
    Column("coverage", "1", "coverage of the control of the other half of the block, k = 5"),
    Column("reverse_coverage", "1", "coverage by the control of the other half of the block, k = 5"),
    Column("strategy", "1", "negatives of the run's own training; none; or empty where it is not told"),
    Column("reason", "1", "why something is NaN, or that the block is smaller than 128"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels of each block"),
    Column("kind", "1", "which candidates"),
    Column("versus", "1", "compared with which, block by block"),
    Column("quantity", "1", "a measured column, from consecutive to reverse_coverage"),
    Column("mean", "as quantity", "mean over blocks"),
    Column("mean_low", "as quantity", "lower end of its t interval"),
    Column("mean_high", "as quantity", "upper end"),
    Column("difference", "as quantity", "mean difference from the other kind"),
    Column("difference_low", "as quantity", "lower end of its t interval"),
    Column("difference_high", "as quantity", "upper end"),
    Column("ratio", "1", "mean over the other kind's mean"),
    Column("ratio_low", "1", "lower end of its interval"),
    Column("ratio_high", "1", "upper end"),
    Column("confidence", "1", "of the intervals: those of single levels hold together with 95% (Bonferroni)"),
    Column("n", "1", "blocks compared"),
    Column("reason", "1", "why something is NaN or left out"),
)
QUANTITIES = tuple(f.name for f in fields(Diversity) if f.name != "reason")
CONTRASTS = (
    ("adversarial", "control"),
    ("adversarial", "start"),
    ("adversarial", "random"),
    ("start", "control"),
    ("random", "control"),
    ("control", "positive"),
)
WHOLE = ("level", "block", "n", "dim")
WORDS = ("kind", "versus", "quantity", "strategy", "reason")


def measure(subject: Subject) -> Table:
    """Return the diversity of each kind in each block at each level.

    Problems left over at the end, fewer than a block, are left out, unless they are all there are.

    Args:
        subject: With mined negatives, candidates of shape (levels, samples, dim).
    """
    batch, config = subject.batch, subject.config
    strategy = ""
    if isinstance(config, EnergyConfig) and strategy_of(config) != UNTOLD:
        strategy = config.mining_strategy if config.energy_loss_weight > 0 else "none"
    rows: list[Row] = []
    for begin in range(0, batch.samples, BLOCK):
        if batch.first + begin > 0 and batch.samples - begin < BLOCK:
            break
        block = {k: c[:, begin : begin + BLOCK].double().cpu().numpy() for k, c in batch.candidates.items()}
        for level in range(batch.levels):
            key = {"level": level, "block": (batch.first + begin) // BLOCK, "strategy": strategy}
            at_level = {kind: points[level] for kind, points in block.items()}
            rows += [key | row for row in describe_block(at_level, subject.defect)]
    return _as_table(rows, COLUMNS)


def describe_block(candidates: Mapping[Kind, Array], defect: str = "") -> list[Row]:
    """Return the diversity of each kind of candidate of one block at one level.

    Args:
        candidates: Of each kind, of shape (n, dim).
        defect: Why numbers are NaN, where that is known.
    """
    positive, control = candidates["positive"], candidates["control"]
    n, dim = positive.shape
    bandwidth = median_distance(control)
    rows = []
    for kind in KINDS:
        row = asdict(set_diversity(candidates[kind], positive, control, bandwidth=bandwidth))
        reasons = [f"a small block: n = {n}, not {BLOCK}"] if n < BLOCK else []
        reasons += [defect if defect and "not finite" in row["reason"] else row["reason"]]
        row["reason"] = "; ".join(reason for reason in reasons if reason)
        rows.append({"kind": kind, "n": n, "dim": dim, "bandwidth": bandwidth, **row})
    return rows


def compare(table: Table) -> Table:
    """Return each quantity of each kind against another kind: over all levels, then level by level."""
    levels = np.unique(table["level"]).tolist()
    rows: list[Row] = []
    for kind, versus in CONTRASTS:
        one, other = select(table, kind=kind), select(table, kind=versus)
        at_level = {level: (select(one, level=level), select(other, level=level)) for level in levels}
        for quantity in QUANTITIES:
            a, b = _by_level(one, quantity), _by_level(other, quantity)
            key = {"kind": kind, "versus": versus, "quantity": quantity}
            told = _contrast(a.mean(axis=0), b.mean(axis=0), CONFIDENCE)
            rows.append({"level": ALL_LEVELS, **key, **told, "reason": _reason(one, other, quantity)})
            together = 1 - (1 - CONFIDENCE) / len(levels)
            for i, level in enumerate(levels):
                told = _contrast(a[i], b[i], together)
                reason = _reason(*at_level[level], quantity)
                rows.append({"level": level, **key, **told, "reason": reason})
    return _as_table(rows, COMPARISON_COLUMNS)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in plain words: how many different ones the negatives amount to, and where."""
    told = {q: _over_levels(comparison, "adversarial", "control", q) for q in QUANTITIES}
    own = {q: _over_levels(comparison, "control", "positive", q)["mean"] for q in QUANTITIES}
    n, blocks, levels = int(table["n"].max()), *(len(np.unique(table[k])) for k in ("block", "level"))
    verdict, changed = _verdict(comparison, blocks)
    evidence: dict[str, float] = {"n": n, "blocks": blocks, "largest_rank": _bound(table), **changed}
    for quantity, row in told.items():
        evidence |= {f"{quantity}_adversarial": row["mean"], f"{quantity}_control": own[quantity]}
        evidence |= {f"{quantity}_{end}": row[end] for end in ("ratio", "ratio_low", "ratio_high")}
    extent = (
        f"{blocks} block{'s' * (blocks != 1)} of {n} problem{'s' * (n != 1)}, each at {levels} noise levels."
    )
    vendi = told["vendi"]
    if math.isnan(vendi["ratio"]):
        why = vendi["reason"] or "a mean is not finite"
        statement = (
            f"Over all levels nothing can be said of the negatives' diversity: {why}. {verdict}{extent}"
        )
        return Finding("diversity", "note", statement, evidence)
    interval = f" (95% interval {vendi['ratio_low']:.2f} to {vendi['ratio_high']:.2f})" if blocks > 1 else ""
    statement = (
        f"{n} adversarial negatives amount to {vendi['mean']:.3g} different ones (Vendi score), as many "
        f"random perturbations of their size to {own['vendi']:.3g}: a ratio of {vendi['ratio']:.2f}"
        f"{interval}. {verdict}"
        f"Consecutive ones lie {told['consecutive']['mean']:.3g} apart (RMS per entry), those of the control "
        f"{own['consecutive']:.3g}; {_told_rank(comparison, _bound(table))}.{_told_mining(table)} "
        f"Means over {extent}"
    )
    if changed["levels_collapsed"] and str(table["strategy"][0]) not in OTHERWISE:
        return Finding("diversity", "warning", statement, evidence, ADVICE)
    return Finding("diversity", "note", statement, evidence)


def figure(table: Table) -> FigureData:
    """Return distance, Vendi score and effective rank of each kind against the noise level."""
    n, bound, blocks = int(table["n"].max()), _bound(table), len(np.unique(table["block"]))
    panels = (
        Panel("distance to the next one (RMS per entry)", _lines(table, "consecutive")),
        Panel("Vendi score", _lines(table, "vendi"), "log", guides=(Guide(n, f"n = {n}"),)),
        Panel(
            "effective rank of displacements",
            _lines(table, "displacement_rank"),
            guides=(Guide(bound, f"bound {bound}"),),
        ),
    )
    counted = f"{blocks} block{'s' * (blocks != 1)} of {n} problems"
    spread = "mean and 95% t interval" if blocks > 1 else "no interval"
    return FigureData(
        "diversity",
        "Diversity of right answers and of negatives",
        "noise level",
        panels,
        f"{spread[0].upper()}{spread[1:]}; {counted}, the same at each level and of each kind. Vendi score: "
        "Gaussian kernel, its bandwidth the median distance between two controls at the level. Displacement: "
        "from the right answer. Start: the adversarial negative before its descent. Control: random "
        "perturbation of its size.",
        f"{spread}, {counted}",
    )


def _by_level(rows: Table, quantity: str) -> Array:
    """Return a quantity of one kind, of shape (levels, blocks)."""
    order = np.lexsort((rows["block"], rows["level"]))
    values: Array = rows[quantity][order].reshape(len(np.unique(rows["level"])), -1)
    return values


def _contrast(a: Array, b: Array, confidence: float) -> Row:
    """Return the mean of a, its difference from b and its ratio to b, over blocks that have both."""
    both = np.isfinite(a) & np.isfinite(b)
    own = summarise(a[np.isfinite(a)], confidence=confidence)
    difference = summarise((a - b)[both], confidence=confidence)
    ratio = ratio_of_means(a[both], b[both], confidence=confidence)
    return {
        **{"mean": own.mean, "mean_low": own.low, "mean_high": own.high},
        "difference": difference.mean,
        "difference_low": difference.low,
        "difference_high": difference.high,
        **{"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high},
        "confidence": confidence,
        "n": int(both.sum()),
    }


def _reason(one: Table, other: Table, quantity: str) -> str:
    """Return why a quantity is NaN or has no interval, each reason once."""
    reasons: dict[str, None] = {}
    for rows in (one, other):
        broken = rows["reason"][np.isnan(rows[quantity])].tolist()
        reasons |= dict.fromkeys(part for reason in broken for part in str(reason).split("; ") if part)
    if not reasons and len(np.unique(one["block"])) < 2:
        reasons[f"one block, n = {one['n'].max()}, has no interval"] = None
    if not other[quantity].any():
        reasons["no ratio to 0"] = None
    return "; ".join(reasons)


def _over_levels(comparison: Table, kind: str, versus: str, quantity: str) -> Row:
    row = select(comparison, level=ALL_LEVELS, kind=kind, versus=versus, quantity=quantity)
    return {name: column[0] for name, column in row.items()}


def _bound(table: Table) -> int:
    """Return what no effective rank exceeds."""
    return int(min(table["n"].max() - 1, table["dim"].max()))


def _verdict(comparison: Table, blocks: int) -> tuple[str, dict[str, int]]:
    """Return what the Vendi score says of each level, for they may differ in sign, and of how many."""
    rows = select(comparison, kind="adversarial", versus="control", quantity="vendi")
    single = rows["level"] != ALL_LEVELS
    level, low, high = (rows[name][single] for name in ("level", "ratio_low", "ratio_high"))
    enough, collapsed = blocks >= FEWEST_BLOCKS, high < COLLAPSED
    found = {
        "collapse, to less than half of that,": level[enough & collapsed],
        "are less diverse": level[enough & (high < 1) & ~collapsed],
        "are more diverse": level[enough & (low > 1)],
    }
    names = ("levels_collapsed", "levels_less_diverse", "levels_more_diverse")
    counts = {name: len(which) for name, which in zip(names, found.values(), strict=True)}
    told = int(np.isfinite(rows["ratio"][single]).sum())
    if not told or not enough:
        few = f"Too few problems for a verdict ({FEWEST_BLOCKS * BLOCK} are needed). "
        return few if told else "", counts
    parts = [f"{verb} {_at(which, len(level))}" for verb, which in found.items() if len(which)]
    rest = told - sum(counts.values())
    parts += [f"are not seen to differ at {'the other ' if parts else ''}{rest}"] * (rest > 0)
    return f"They {'; '.join(parts)} (intervals that hold for all levels together). ", counts


def _at(levels: NDArray[Any], of: int) -> str:
    if len(levels) == of:
        return "at every level"
    return f"at level{'s' * (len(levels) > 1)} {', '.join(map(str, levels))}"


def _told_rank(comparison: Table, bound: int) -> str:
    ranks = {
        kind: _over_levels(comparison, kind, versus, "displacement_rank")
        for kind, versus in (("adversarial", "control"), ("control", "positive"), ("start", "control"))
    }
    if math.isnan(ranks["adversarial"]["mean"]):
        return f"their displacements have no effective rank at some level ({ranks['adversarial']['reason']})"
    mean = {kind: f"{row['mean']:.3g}" for kind, row in ranks.items()}
    return (
        f"their displacements spread over {mean['adversarial']} of at most {bound} directions (effective "
        f"rank), the control's over {mean['control']}, the start's over {mean['start']}"
    )


def _told_mining(table: Table) -> str:
    """Return whether the descent moved anything, and what the run trained on if not on such negatives."""
    mined, start = (select(table, kind=kind) for kind in ("adversarial", "start"))
    still = all(np.array_equal(mined[q], start[q]) for q in QUANTITIES)
    parts = [" The descent moved none of them: they are its start."] if still else []
    if trained := OTHERWISE.get(str(table["strategy"][0])):
        parts.append(f" The run trained {trained}; these are mined as the public code would have.")
    return "".join(parts)


def _lines(table: Table, quantity: str) -> tuple[Line, ...]:
    """Return a line for each kind that has numbers: mean and t interval over blocks at each level."""
    levels, lines = np.unique(table["level"]), []
    for position, kind in enumerate(KINDS):
        values = _by_level(select(table, kind=kind), quantity)
        if np.isfinite(values).any():
            found = [summarise(v[np.isfinite(v)]) for v in values]
            mean, low, high = (np.array([getattr(s, k) for s in found]) for k in ("mean", "low", "high"))
            beside = levels + DODGE * (position - (len(KINDS) - 1) / 2)
            interval = (low, high) if np.isfinite(low).any() else (None, None)
            lines.append(Line(kind, beside, mean, *interval))
    return tuple(lines)


def _as_table(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    """Return rows as a table; where there are none, numpy would not know the types."""
    kinds = dict.fromkeys(WHOLE, np.int64) | dict.fromkeys(WORDS, np.str_)
    names = [column.name for column in columns]
    return {name: np.array([row[name] for row in rows], dtype=kinds.get(name, np.float64)) for name in names}


PROBE = Probe(
    name="diversity",
    question=(
        "Do mined negatives collapse, or do they cover as much as random perturbations of the same size?"
    ),
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            "vendi_ratio",
            "Vendi score of negatives over the control's",
            "vendi_ratio_low",
            "vendi_ratio_high",
        ),
        Headline(
            "displacement_rank_ratio",
            "effective rank of displacements over the control's",
            "displacement_rank_ratio_low",
            "displacement_rank_ratio_high",
        ),
        Headline("consecutive_adversarial", "distance of consecutive negatives (RMS per entry)"),
        Headline("reverse_coverage_adversarial", "coverage of negatives by the control"),
    ),
    needs=("negatives",),
)
