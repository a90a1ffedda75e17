"""Accuracy: how far are the model's answers from the inverse, for which matrices, and from which step on?

The model answers the frozen evaluation set (``inverse.frozen_set``), the same matrices and starting noise for
every run, by the public sampler, with 5 steps of inner optimisation at each noise level and with none. Three
errors of each answer: its MSE, which validation logs, the relative error and the residual
(``inverse.answer_errors``). They are compared

- over all matrices, in distribution (ε = 0.5) and out of it (ε = 0.1);
- by tenths of the condition number of A, λ_max / λ_min, each data set cut by its own;
- after each noise level, for the estimate of the clean answer y / √ᾱ_t that the sampler then holds;
- with inner optimisation minus without, matrix by matrix: both start from the same noise.

Matrices are independent: intervals are Student's over matrices. After each level only the mean errors of
groups of matrices are kept, at most 200 groups, and the interval is that of ``stats.grouped_mean``. The final
answer is √ᾱ_0 times the estimate after level 0 (``model.sampler``).

Reference: Du et al. (2024), section 4.1 (matrix inverse) and algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.inverse.answer_errors import AnswerErrors, answer_errors
from ired_diag.inverse.frozen_set import BLOCK, Solver, frozen_set, solver_of
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.sampler import INNER_STEPS
from ired_diag.probing.probe import Headline, Probe
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.grouped_mean import GroupMeans, grouped_mean
from ired_diag.stats.ratio import Ratio, ratio_of_independent_means
from ired_diag.stats.summary import Summary
from ired_diag.stats.tenths import TENTHS, tenths
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select

COLUMNS = (
    Column("data", "1", "id: ε = 0.5, in distribution; ood: ε = 0.1, out of it"),
    Column("inner_steps", "1", "steps of inner optimisation at each noise level"),
    Column("level", "1", "after which noise level; -1 for the final answer"),
    Column("sample", "1", "number of the problem in the frozen set; of a group, of its first"),
    Column("count", "1", "1, or how many of a group of problems the errors are means of: those with numbers"),
    Column("cond", "1", "condition number of A in the 2-norm; NaN of a group"),
    Column("mse", "1", "mean over entries of the squared error"),
    Column("relative", "1", "‖Ŷ - Y‖_F / ‖Y‖_F"),
    Column("residual", "1", "‖A Ŷ - I‖_F"),
)
COMPARISON_COLUMNS = (
    Column("data", "1", "id or ood"),
    Column("inner_steps", "1", "steps of inner optimisation at each noise level"),
    Column("versus", "1", "inner steps of what is subtracted, matrix by matrix; -1 for nothing"),
    Column("level", "1", "after which noise level; -1 for the final answer"),
    Column("tenth", "1", "by condition number: 0 the best tenth, 9 the worst; -1 for all"),
    Column("cond_low", "1", "smallest condition number among them"),
    Column("cond_high", "1", "largest"),
    Column("error", "1", "mse, relative or residual"),
    Column("mean", "as error", "mean over matrices"),
    Column("standard_error", "as error", "of the mean"),
    Column("mean_low", "as error", "lower end of its 95% t interval"),
    Column("mean_high", "as error", "upper end"),
    Column("n", "1", "matrices"),
    Column("reason", "1", "why something is NaN or left out"),
)
ERRORS = ("mse", "relative", "residual")
DATA = {"id": "In distribution (ε = 0.5)", "ood": "Out of distribution (ε = 0.1)"}
FINAL = NOTHING = ALL = -1  # in the columns level, versus, tenth
GROUPS = 200  # of matrices, at most, whose mean errors are kept for each level
FEWEST = 30  # t intervals of skewed errors lean on the central limit theorem

Row = tuple[str, int, int, int, int, float, float, str, float, float, float, float, int, str]
Errors = NDArray[np.float64]  # the three, of shape (3, count) or (3, levels, count)


def measure(subject: Subject) -> Table:
    """Return the errors of each answer, and their means over groups of matrices after each level."""
    solvers = {
        steps: solver_of(subject.energy, subject.schedule, subject.device, inner_steps=steps)
        for steps in (INNER_STEPS, 0)
    }
    return score(solvers, subject.problems_of(MatrixData), subject.samples)


def score(solvers: Mapping[int, Solver], data: MatrixData, samples: int, *, chunk: int = BLOCK) -> Table:
    """Return the errors of what answers.

    Args:
        solvers: What answers, by its steps of inner optimisation.
        data: Which data set and rank.
        samples: Matrices of the frozen set, in distribution and out of it.
        chunk: Matrices answered at a time.
    """
    tables = []
    for name, ood in (("id", False), ("ood", True)):
        after: dict[int, GroupMeans] = {}
        for part in frozen_set(replace(data, ood=ood), samples, chunk=chunk):
            number, cond = part.first + np.arange(len(part.problem)), condition_numbers(part.problem)
            for steps, solve in solvers.items():
                found = solve(part.problem, part.start)
                final, held = (
                    _stacked(answer_errors(part.problem, part.inverse, answer))
                    for answer in (found.answer, found.trajectory)
                )
                tables.append(_rows(name, steps, FINAL, number, 1, cond, final))
                quantities = len(ERRORS) * held.shape[1]
                means = after.setdefault(steps, GroupMeans(samples, quantities, groups=GROUPS))
                means.add(part.first, held.reshape(quantities, -1))
        for steps, means in after.items():
            tables.extend(_level_rows(name, steps, means))
    return concatenate(tables)


def condition_numbers(problem: Tensor) -> NDArray[np.float64]:
    """Return λ_max / λ_min of flattened symmetric positive definite matrices, of shape (count,)."""
    rank = round(problem.shape[-1] ** 0.5)
    values = torch.linalg.eigvalsh(problem.double().reshape(-1, rank, rank))
    cond: NDArray[np.float64] = (values[:, -1] / values[:, 0]).numpy()
    return cond


def compare(table: Table) -> Table:
    """Return the mean of each error: over all, by tenths, after each level, and what inner steps change."""
    rows: list[Row] = []
    for data in DATA:
        here = select(table, data=data)
        for steps in np.unique(here["inner_steps"])[::-1].tolist():
            rows += _of_answers(data, steps, select(here, inner_steps=steps, level=FINAL))
            rows += _of_levels(data, steps, select(here, inner_steps=steps))
        rows += _of_inner_steps(data, select(here, level=FINAL))
    names = [column.name for column in COMPARISON_COLUMNS]
    return {name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _of_answers(data: str, steps: int, rows: Table) -> Iterator[Row]:
    chosen, why_none = tenths(rows["cond"])
    everyone = np.arange(len(rows["cond"]))
    for tenth, some in zip((ALL, *range(TENTHS)), (everyone, *chosen), strict=True):
        cond = rows["cond"][some]
        ends = (float(cond.min()), float(cond.max())) if len(cond) else (math.nan, math.nan)
        for error in ERRORS:
            told = summarise_finite(rows[error][some])
            if tenth != ALL and why_none:
                told = replace(told, reason=why_none)
            yield _row((data, steps, NOTHING, FINAL, tenth, *ends, error), told)


def _of_levels(data: str, steps: int, rows: Table) -> Iterator[Row]:
    for level in np.unique(rows["level"][rows["level"] != FINAL]).tolist():
        at = select(rows, level=level)
        for error in ERRORS:
            told = grouped_mean(at[error], at["count"])
            yield _row((data, steps, NOTHING, level, ALL, math.nan, math.nan, error), told)


def _of_inner_steps(data: str, rows: Table) -> Iterator[Row]:
    """Yield what inner optimisation changes: with minus without, on the same matrix from the same start."""
    some, none = (_in_order(select(rows, inner_steps=steps)) for steps in (INNER_STEPS, 0))
    for error in ERRORS:
        told = summarise_finite(some[error] - none[error])
        yield _row((data, INNER_STEPS, 0, FINAL, ALL, math.nan, math.nan, error), told)


def _in_order(rows: Table) -> Table:
    order = np.argsort(rows["sample"], kind="stable")
    return {name: values[order] for name, values in rows.items()}


def _row(keys: tuple[str, int, int, int, int, float, float, str], told: Summary) -> Row:
    error = told.sd / math.sqrt(told.n) if told.n else math.nan
    return (*keys, told.mean, error, told.low, told.high, told.n, told.reason)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how large the error is, what inner optimisation does, and how it grows with cond A."""
    n = len(np.unique(select(table, level=FINAL)["sample"]))
    evidence: dict[str, float | int | str | bool | None] = {"n": n}
    for data in DATA:
        evidence |= _evidence(comparison, data)
    told = " ".join(_sentence(comparison, data) for data in DATA)
    worry = any(_one(comparison, data=data)["n"] < n for data in DATA)
    return Finding("accuracy", "warning" if worry else "note", f"{told} {n} matrices each.", evidence)


def figure(table: Table) -> FigureData:
    """Return the MSE against the condition number, and along the levels of the sampler."""
    comparison = select(compare(table), error="mse", versus=NOTHING)
    by = _lines(comparison, comparison["tenth"] != ALL, "cond")
    after = _lines(comparison, comparison["level"] != FINAL, "level")
    n = len(np.unique(select(table, level=FINAL)["sample"]))
    return FigureData(
        "accuracy",
        "Error of the answers by condition number and along the sampler",
        "noise level",
        (
            Panel("MSE", by, "log", "condition number of A", x_ticks=_ticks(by)),
            Panel("MSE of the estimate", after, "log", "after noise level (sampling: right to left)"),
        ),
        f"Mean squared error with 95% intervals over n = {n} matrices of the frozen set, in distribution "
        "(ID) and out of it (OOD), with the sampler's inner steps at each level. By condition number: of the "
        "final answer, in tenths, each at its geometric middle. After a level: of the estimate of the clean "
        "answer.",
        f"mean and 95% interval, n = {n} matrices each",
    )


def _ticks(lines: Sequence[Line]) -> tuple[tuple[float, str], ...]:
    """Return 1, 2, 5, 10, … at their logarithms, as far as the lines go."""
    told = np.concatenate([line.x for line in lines])
    told = told[np.isfinite(told)]
    ends = (float(told.min()), float(told.max())) if len(told) else (0.0, 0.0)
    numbers = [m * 10**e for e in range(12) for m in (1, 2, 5)]
    within = [number for number in numbers if ends[0] <= math.log10(number) <= ends[1]]
    return tuple((math.log10(number), f"{number:g}") for number in within or [1])


def _one(comparison: Table, **keys: object) -> dict[str, float]:
    """Return the one row of the MSE of final answers that the keys name; by default of all, as published."""
    chosen = {"inner_steps": INNER_STEPS, "versus": NOTHING, "level": FINAL, "tenth": ALL, "error": "mse"}
    rows = select(comparison, **(chosen | keys))
    return {name: values[0] for name, values in rows.items()}


def _sentence(comparison: Table, data: str) -> str:
    row = _one(comparison, data=data)
    if row["n"] == 0:
        return f"{DATA[data]} none of the answers is a number: nothing can be said of their error."
    spread = "" if math.isnan(row["standard_error"]) else f" (standard error {row['standard_error']:.2g})"
    left_out = f" (left out: {row['reason']})" if "not finite" in str(row["reason"]) else ""
    return (
        f"{DATA[data]} the MSE is {row['mean']:.4g}{spread}{left_out}; "
        f"{_told_inner(_one(comparison, data=data, versus=0), _one(comparison, data=data, inner_steps=0))}; "
        f"{_told_cond(comparison, data)}."
    )


def _told_inner(difference: dict[str, float], without: dict[str, float]) -> str:
    change, low, high = (difference[name] for name in ("mean", "mean_low", "mean_high"))
    steps = f"{INNER_STEPS} inner steps a level"
    if difference["n"] < FEWEST:
        return f"too few matrices to say what inner optimisation does ({FEWEST} are needed)"
    if low <= 0 <= high:
        return f"{steps} are not seen to change it (95% interval of the change {low:.2g} to {high:.2g})"
    word, ends = ("lower", (-high, -low)) if high < 0 else ("raise", (low, high))
    interval = f"95% interval {ends[0]:.3g} to {ends[1]:.3g}"
    return f"{steps} {word} it by {abs(change):.3g} ({interval}) from {without['mean']:.4g} without"


def _told_cond(comparison: Table, data: str) -> str:
    best, worst = (_one(comparison, data=data, tenth=tenth) for tenth in (0, TENTHS - 1))
    ratio = worst_over_best(comparison, data)
    if math.isnan(ratio.low):
        return f"nothing can be said of the condition number ({best['reason'] or ratio.reason})"
    return (
        f"the worst-conditioned tenth (cond A above {worst['cond_low']:.3g}) has {ratio.value:.3g} times the "
        f"MSE of the best (below {best['cond_high']:.3g}; 95% interval {ratio.low:.3g} to {ratio.high:.3g})"
    )


def worst_over_best(comparison: Table, data: str) -> Ratio:
    """Return the ratio of the MSE of the worst-conditioned tenth to that of the best."""
    best, worst = (_summary(_one(comparison, data=data, tenth=tenth)) for tenth in (0, TENTHS - 1))
    if min(best.n, worst.n) < FEWEST:
        reason = best.reason or f"a tenth has fewer than {FEWEST} matrices"
        return Ratio(math.nan, math.nan, math.nan, min(best.n, worst.n), reason)
    return ratio_of_independent_means(worst, best)


def _summary(row: dict[str, float]) -> Summary:
    n, mean, nan = int(row["n"]), float(row["mean"]), math.nan
    sd = float(row["standard_error"]) * math.sqrt(n)
    return Summary(
        n=n,
        mean=mean,
        sd=sd,
        low=float(row["mean_low"]),
        high=float(row["mean_high"]),
        minimum=nan,
        maximum=nan,
        reason=str(row["reason"]),
    )


def _evidence(comparison: Table, data: str) -> dict[str, float | int | str | bool | None]:
    ratio = worst_over_best(comparison, data)
    evidence: dict[str, float | int | str | bool | None] = {
        f"worst_over_best_{data}": ratio.value,
        f"worst_over_best_{data}_low": ratio.low,
        f"worst_over_best_{data}_high": ratio.high,
    }
    told = {"": {}, "_without_inner": {"inner_steps": 0}, "_inner_change": {"versus": 0}}
    for error in ERRORS:
        for name, keys in told.items():
            row = _one(comparison, data=data, error=error, **keys)
            for column, end in (("mean", ""), ("mean_low", "_low"), ("mean_high", "_high")):
                evidence[f"{error}{name}_{data}{end}"] = float(row[column])
    return evidence | {f"standard_error_{data}": float(_one(comparison, data=data)["standard_error"])}


def _lines(comparison: Table, chosen: NDArray[np.bool_], against: str) -> tuple[Line, ...]:
    rows = {name: values[chosen] for name, values in comparison.items()}
    lines = []
    for data in DATA:
        for steps in (INNER_STEPS, 0):
            some = select(rows, data=data, inner_steps=steps)
            middle = 0.5 * np.log10(some["cond_low"] * some["cond_high"])
            x = middle if against == "cond" else some["level"]
            name = f"{data.upper()}, {steps or 'no'} inner steps"
            lines.append(Line(name, x, some["mean"], some["mean_low"], some["mean_high"]))
    return tuple(lines)


def _stacked(errors: AnswerErrors) -> Errors:
    found: Errors = torch.stack([getattr(errors, name) for name in ERRORS]).numpy()
    return found


def _level_rows(data: str, steps: int, means: GroupMeans) -> Iterator[Table]:
    """Yield a row for each group after each level; in a trajectory the noisiest level comes first."""
    groups = len(means.first)
    mean = means.means().reshape(len(ERRORS), -1, groups)
    count = means.counts().reshape(len(ERRORS), -1, groups)
    levels = mean.shape[1]
    for place in range(levels):
        nan = np.full(groups, math.nan)
        level = levels - 1 - place
        yield _rows(data, steps, level, means.first, count[0, place], nan, mean[:, place])


def _rows(
    data: str,
    steps: int,
    level: int,
    sample: NDArray[np.int64],
    count: int | NDArray[np.int64],
    cond: NDArray[np.float64],
    errors: Errors,
) -> Table:
    rows = len(sample)
    return {
        "data": np.full(rows, data),
        "inner_steps": np.full(rows, steps),
        "level": np.full(rows, level),
        "sample": sample,
        "count": np.broadcast_to(count, rows),
        "cond": cond,
        **dict(zip(ERRORS, errors, strict=True)),
    }


PROBE = Probe(
    name="accuracy",
    question=(
        "How far are the model's answers from the inverse, for which matrices, "
        "and does inner optimisation help?"
    ),
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("mse_id", "MSE of the answers (ID)", "mse_id_low", "mse_id_high", "log"),
        Headline("mse_ood", "MSE of the answers (OOD)", "mse_ood_low", "mse_ood_high", "log"),
        Headline(
            "mse_inner_change_id",
            "MSE with inner optimisation minus without (ID)",
            "mse_inner_change_id_low",
            "mse_inner_change_id_high",
        ),
    ),
    weights="ema",
    samples=20_000,
    needs=("matrices",),
)
