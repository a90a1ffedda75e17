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
from ired_diag.drawing.dodge import dodge
from ired_diag.drawing.interval_lines import line_of_summaries
from ired_diag.finding import Finding
from ired_diag.model.mined_batch import KINDS, Kind
from ired_diag.probing.evidence import levels_in_words
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.runs.name_list import counted
from ired_diag.stats.ratio import ratio_of_means
from ired_diag.stats.set_diversity import Diversity, median_distance, set_diversity
from ired_diag.stats.summary import CONFIDENCE, summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, row_of, select
from ired_diag.table_grid import grid
from ired_diag.told_training import UNTOLD, negatives_of

Array = NDArray[np.float64]
Row = dict[str, Any]

BLOCK = 128  # problems; it divides a chunk of negatives
# For a verdict: the t interval of fewer, for ten levels at once, is wider than most effects.
FEWEST_BLOCKS = 4
COLLAPSED = 0.5  # of the control's Vendi score, or less: half of the negatives might as well not be there
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
    Column("strategy", "1", "negatives of the run's own training; none; or empty where unknown"),
    Column("reason", "1", "why something is NaN, or that the block is smaller than 128"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels of each block"),
    Column("kind", "1", "kind of candidate that is compared"),
    Column("versus", "1", "kind that it is compared with, block by block"),
    Column("quantity", "1", "a measured column, from consecutive to reverse_coverage"),
    Column("mean", "as quantity", "mean over blocks"),
    Column("mean_low", "as quantity", "lower end of its t interval"),
    Column("mean_high", "as quantity", "upper end of its t interval"),
    Column("difference", "as quantity", "mean difference from the other kind"),
    Column("difference_low", "as quantity", "lower end of its t interval"),
    Column("difference_high", "as quantity", "upper end of its t interval"),
    Column("ratio", "1", "mean over the other kind's mean"),
    Column("ratio_low", "1", "lower end of its interval"),
    Column("ratio_high", "1", "upper end of its interval"),
    Column("confidence", "1", "of the intervals: those of single levels hold together with 95% (Bonferroni)"),
    Column("n", "1", "blocks compared"),
    Column("reason", "1", "why something is NaN or left out"),
)
QUANTITIES = tuple(field.name for field in fields(Diversity) if field.name != "reason")
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
    batch = subject.batch
    strategy = _strategy(subject)
    rows: list[Row] = []
    for begin in range(0, batch.samples, BLOCK):
        first = batch.first + begin
        # A smaller block has a smaller largest rank and Vendi score: it compares with no other.
        if first > 0 and batch.samples - begin < BLOCK:
            break
        block = {}
        for kind, points in batch.candidates.items():
            block[kind] = points[:, begin : begin + BLOCK].double().cpu().numpy()
        for level in range(batch.levels):
            key = {"level": level, "block": first // BLOCK, "strategy": strategy}
            at_level = {kind: points[level] for kind, points in block.items()}
            for row in describe_block(at_level, subject.defect):
                rows.append(key | row)
    return _as_table(rows, COLUMNS)


def _strategy(subject: Subject) -> str:
    """Return which negatives the run trained with; empty where its configuration does not state them."""
    negatives = negatives_of(subject.config)
    return "" if negatives == UNTOLD else negatives


def describe_block(candidates: Mapping[Kind, Array], defect: str = "") -> list[Row]:
    """Return the diversity of each kind of candidate of one block at one level.

    Args:
        candidates: Of each kind, of shape (n, dim).
        defect: Why numbers are NaN; empty where the reason is unknown.
    """
    positive = candidates["positive"]
    control = candidates["control"]
    n, dim = positive.shape
    bandwidth = median_distance(control)
    rows = []
    for kind in KINDS:
        diversity = set_diversity(candidates[kind], positive, control, bandwidth=bandwidth)
        row = {"kind": kind, "n": n, "dim": dim, "bandwidth": bandwidth, **asdict(diversity)}
        reasons = []
        if n < BLOCK:
            reasons.append(f"a small block: n = {n}, not {BLOCK}")
        if defect and "not finite" in diversity.reason:
            reasons.append(defect)
        elif diversity.reason:
            reasons.append(diversity.reason)
        row["reason"] = "; ".join(reasons)
        rows.append(row)
    return rows


def _as_table(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    """Return rows as a table; where there are none, numpy would not know the types."""
    types = dict.fromkeys(WHOLE, np.int64) | dict.fromkeys(WORDS, np.str_)
    table = {}
    for column in columns:
        values = [row[column.name] for row in rows]
        table[column.name] = np.array(values, dtype=types.get(column.name, np.float64))
    return table


def compare(table: Table) -> Table:
    """Return each quantity of each kind against another kind: over all levels, then level by level."""
    levels = np.unique(table["level"]).tolist()
    # Bonferroni: all levels together hold with the confidence of one.
    together = 1 - (1 - CONFIDENCE) / len(levels)
    rows: list[Row] = []
    for kind, versus in CONTRASTS:
        first = select(table, kind=kind)
        second = select(table, kind=versus)
        pairs = [(select(first, level=level), select(second, level=level)) for level in levels]
        for quantity in QUANTITIES:
            a = _by_level(first, quantity)
            b = _by_level(second, quantity)
            key = {"kind": kind, "versus": versus, "quantity": quantity}
            contrast = _contrast(a.mean(axis=0), b.mean(axis=0), CONFIDENCE)
            reason = _reason(first, second, quantity)
            rows.append({"level": ALL_LEVELS, **key, **contrast, "reason": reason})
            for i, level in enumerate(levels):
                contrast = _contrast(a[i], b[i], together)
                reason = _reason(*pairs[i], quantity)
                rows.append({"level": level, **key, **contrast, "reason": reason})
    return _as_table(rows, COMPARISON_COLUMNS)


def _by_level(rows: Table, quantity: str) -> Array:
    """Return a quantity of one kind, of shape (levels, blocks)."""
    return grid(rows, quantity, "level", "block")


def _contrast(a: Array, b: Array, confidence: float) -> Row:
    """Return the mean of a, its difference from b and its ratio to b, over blocks that have both."""
    paired = np.isfinite(a) & np.isfinite(b)
    mean = summarise(a[np.isfinite(a)], confidence=confidence)
    difference = summarise((a - b)[paired], confidence=confidence)
    ratio = ratio_of_means(a[paired], b[paired], confidence=confidence)
    return {
        "mean": mean.mean,
        "mean_low": mean.low,
        "mean_high": mean.high,
        "difference": difference.mean,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "ratio": ratio.value,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "confidence": confidence,
        "n": int(paired.sum()),
    }


def _reason(first: Table, second: Table, quantity: str) -> str:
    """Return why a quantity is NaN or has no interval, each reason once."""
    reasons = []
    for rows in (first, second):
        broken = rows["reason"][np.isnan(rows[quantity])]
        for reason in broken.tolist():
            reasons += str(reason).split("; ")
    reasons = [reason for reason in reasons if reason]
    if not reasons and len(np.unique(first["block"])) < 2:
        reasons.append(f"one block, n = {first['n'].max()}, has no interval")
    if not second[quantity].any():
        reasons.append("no ratio to 0")
    return "; ".join(dict.fromkeys(reasons))


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in plain words: how many different ones the negatives amount to, and where."""
    mined = {}
    control = {}
    for quantity in QUANTITIES:
        mined[quantity] = _over_levels(
            comparison=comparison,
            kind="adversarial",
            versus="control",
            quantity=quantity,
        )
        of_control = _over_levels(
            comparison=comparison,
            kind="control",
            versus="positive",
            quantity=quantity,
        )
        control[quantity] = of_control["mean"]
    blocks = len(np.unique(table["block"]))
    verdict, counts = _verdict(comparison, blocks)
    evidence: dict[str, float] = {
        "n": int(table["n"].max()),
        "blocks": blocks,
        "largest_rank": _largest_rank(table),
        **counts,
    }
    for quantity, row in mined.items():
        evidence[f"{quantity}_adversarial"] = row["mean"]
        evidence[f"{quantity}_control"] = control[quantity]
        for end in ("ratio", "ratio_low", "ratio_high"):
            evidence[f"{quantity}_{end}"] = row[end]
    if math.isnan(mined["vendi"]["ratio"]):
        why = mined["vendi"]["reason"] or "a mean is not finite"
        unknown = f"Over all levels nothing can be said of the negatives' diversity: {why}."
        return Finding(
            rule="diversity",
            severity="note",
            statement=f"{unknown} {verdict}{_extent(table)}",
            evidence=evidence,
        )
    statement = (
        f"{_vendi_sentence(evidence)} "
        f"{verdict}"
        f"{_distance_sentence(evidence, comparison)}"
        f"{_mining_sentences(table)} "
        f"Means over {_extent(table)}"
    )
    if counts["levels_collapsed"] and str(table["strategy"][0]) not in OTHERWISE:
        return Finding(
            rule="diversity",
            severity="warning",
            statement=statement,
            evidence=evidence,
            advice=ADVICE,
        )
    return Finding(
        rule="diversity",
        severity="note",
        statement=statement,
        evidence=evidence,
    )


def _over_levels(comparison: Table, kind: str, versus: str, quantity: str) -> Row:
    return row_of(comparison, level=ALL_LEVELS, kind=kind, versus=versus, quantity=quantity)


def _largest_rank(table: Table) -> int:
    """Return what no effective rank exceeds."""
    return int(min(table["n"].max() - 1, table["dim"].max()))


def _blocks_of_problems(table: Table) -> str:
    blocks = len(np.unique(table["block"]))
    return f"{blocks} block{_plural(blocks)} of {table['n'].max()}"


def _extent(table: Table) -> str:
    """Return what means are taken over, as the end of a sentence."""
    problems = f"problem{_plural(int(table['n'].max()))}"
    levels = len(np.unique(table["level"]))
    return f"{_blocks_of_problems(table)} {problems}, each at {counted(levels, 'noise level')}."


def _plural(count: int) -> str:
    return "s" * (count != 1)


def _vendi_sentence(evidence: Mapping[str, float]) -> str:
    interval = ""
    if evidence["blocks"] > 1:
        low = evidence["vendi_ratio_low"]
        high = evidence["vendi_ratio_high"]
        interval = f" (95% interval {low:.2f} to {high:.2f})"
    return (
        f"{evidence['n']} adversarial negatives amount to "
        f"{evidence['vendi_adversarial']:.3g} different ones (Vendi score), as many "
        f"random perturbations of their size to {evidence['vendi_control']:.3g}: "
        f"a ratio of {evidence['vendi_ratio']:.2f}{interval}."
    )


def _verdict(comparison: Table, blocks: int) -> tuple[str, dict[str, int]]:
    """Return what the Vendi score says of each level, for they may differ in sign, and of how many."""
    rows = select(comparison, kind="adversarial", versus="control", quantity="vendi")
    single = rows["level"] != ALL_LEVELS
    level = rows["level"][single]
    low = rows["ratio_low"][single]
    high = rows["ratio_high"][single]
    enough = blocks >= FEWEST_BLOCKS
    is_collapsed = high < COLLAPSED
    collapsed = level[enough & is_collapsed]
    less = level[enough & (high < 1) & ~is_collapsed]
    more = level[enough & (low > 1)]
    counts = {
        "levels_collapsed": len(collapsed),
        "levels_less_diverse": len(less),
        "levels_more_diverse": len(more),
    }
    judged = int(np.isfinite(rows["ratio"][single]).sum())
    if not judged:
        return "", counts
    if not enough:
        return f"Too few problems for a verdict ({FEWEST_BLOCKS * BLOCK} are needed). ", counts
    parts = []
    if len(collapsed):
        parts.append(f"collapse, to less than half of that, {_at(collapsed, len(level))}")
    if len(less):
        parts.append(f"are less diverse {_at(less, len(level))}")
    if len(more):
        parts.append(f"are more diverse {_at(more, len(level))}")
    rest = judged - sum(counts.values())
    if rest > 0:
        which = "the other " * bool(parts)
        parts.append(f"are not seen to differ at {which}{rest}")
    return f"They {'; '.join(parts)} (intervals that hold for all levels together). ", counts


def _at(levels: NDArray[Any], of: int) -> str:
    if len(levels) == of:
        return "at every level"
    return f"at {levels_in_words(levels.tolist())}"


def _distance_sentence(evidence: Mapping[str, float], comparison: Table) -> str:
    """Return how far apart negatives lie, and in how many directions."""
    mined = evidence["consecutive_adversarial"]
    control = evidence["consecutive_control"]
    rank = _rank_clause(comparison, evidence["largest_rank"])
    return (
        f"Consecutive ones lie {mined:.3g} apart (RMS per entry), those of the control {control:.3g}; {rank}."
    )


def _rank_clause(comparison: Table, largest: float) -> str:
    mined = _over_levels(
        comparison=comparison,
        kind="adversarial",
        versus="control",
        quantity="displacement_rank",
    )
    control = _over_levels(
        comparison=comparison,
        kind="control",
        versus="positive",
        quantity="displacement_rank",
    )
    start = _over_levels(
        comparison=comparison,
        kind="start",
        versus="control",
        quantity="displacement_rank",
    )
    if math.isnan(mined["mean"]):
        return f"their displacements have no effective rank at some level ({mined['reason']})"
    return (
        f"their displacements spread over {mined['mean']:.3g} of at most {largest} directions (effective "
        f"rank), the control's over {control['mean']:.3g}, the start's over {start['mean']:.3g}"
    )


def _mining_sentences(table: Table) -> str:
    """Return whether the descent moved anything, and what the run trained on if not on such negatives."""
    mined = select(table, kind="adversarial")
    start = select(table, kind="start")
    sentences = ""
    # Equal to the last bit: a descent of rejected steps returns its start.
    if all(np.array_equal(mined[quantity], start[quantity]) for quantity in QUANTITIES):
        sentences += " The descent moved none of them: they are its start."
    trained = OTHERWISE.get(str(table["strategy"][0]))
    if trained:
        sentences += f" The run trained {trained}; these are mined as the public code would have."
    return sentences


def figure(table: Table) -> FigureData:
    """Return distance, Vendi score and effective rank of each kind against the noise level."""
    n = int(table["n"].max())
    largest = _largest_rank(table)
    distance = Panel("distance to the next one (RMS per entry)", _lines(table, "consecutive"))
    vendi = Panel(
        "Vendi score",
        _lines(table, "vendi"),
        "log",
        guides=(Guide(n, f"n = {n}"),),
    )
    rank = Panel(
        "effective rank of displacements",
        _lines(table, "displacement_rank"),
        guides=(Guide(largest, f"bound {largest}"),),
    )
    spread = "no interval"
    if len(np.unique(table["block"])) > 1:
        spread = "mean and 95% t interval"
    counted = f"{_blocks_of_problems(table)} problems"
    return FigureData(
        name="diversity",
        title="Diversity of right answers and of negatives",
        x_label="noise level",
        panels=(distance, vendi, rank),
        method=f"{spread[0].upper()}{spread[1:]}; {counted}, the same at each level and of each kind. Vendi "
        "score: Gaussian kernel, its bandwidth the median distance between two controls at the level. "
        "Displacement: from the right answer. Start: the adversarial negative before its descent. Control: "
        "random perturbation of its size.",
        note=f"{spread}, {counted}",
    )


def _lines(table: Table, quantity: str) -> tuple[Line, ...]:
    """Return a line for each kind that has numbers: mean and t interval over blocks at each level."""
    levels = np.unique(table["level"])
    lines = []
    for position, kind in enumerate(KINDS):
        values = _by_level(select(table, kind=kind), quantity)
        if not np.isfinite(values).any():
            continue
        summaries = [summarise(blocks[np.isfinite(blocks)]) for blocks in values]
        places = dodge(levels, position, len(KINDS))
        line = line_of_summaries(kind, places, summaries)
        if not any(math.isfinite(summary.low) for summary in summaries):  # one block has no interval
            line = Line(kind, places, line.y)
        lines.append(line)
    return tuple(lines)


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
            key="vendi_ratio",
            label="Vendi score of negatives over the control's",
            low="vendi_ratio_low",
            high="vendi_ratio_high",
        ),
        Headline(
            key="displacement_rank_ratio",
            label="effective rank of displacements over the control's",
            low="displacement_rank_ratio_low",
            high="displacement_rank_ratio_high",
        ),
        Headline("consecutive_adversarial", "distance of consecutive negatives (RMS per entry)"),
        Headline("reverse_coverage_adversarial", "coverage of negatives by the control"),
    ),
    needs=("negatives",),
)
