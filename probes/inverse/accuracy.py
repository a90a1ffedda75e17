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
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.answer_scores import ERRORS, FINAL, score
from ired_diag.inverse.frozen_answers import KeptAnswers
from ired_diag.inverse.frozen_set import piece_on, sampling_of
from ired_diag.inverse.matrices import MATRICES, MatrixData
from ired_diag.inverse.sample_size import samples_of
from ired_diag.model.sampler import INNER_STEPS
from ired_diag.probing.evidence import with_ends
from ired_diag.probing.probe import Headline, Probe
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.grouped_mean import grouped_mean
from ired_diag.stats.ratio import Ratio, ratio_of_independent_means
from ired_diag.stats.summary import Summary
from ired_diag.stats.tenths import TENTHS, tenths
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, row_of, select, table_of_rows

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
    Column("cond_high", "1", "largest condition number among them"),
    Column("error", "1", "mse, relative or residual"),
    Column("mean", "as error", "mean over matrices"),
    Column("standard_error", "as error", "standard error of the mean"),
    Column("mean_low", "as error", "lower end of its 95% t interval"),
    Column("mean_high", "as error", "upper end of its 95% t interval"),
    Column("n", "1", "matrices"),
    Column("reason", "1", "why something is NaN or left out"),
)
DATA = {"id": "In distribution (ε = 0.5)", "ood": "Out of distribution (ε = 0.1)"}
NOTHING = ALL = -1  # in the columns versus and tenth
FEWEST = 30  # t intervals of skewed errors lean on the central limit theorem

Row = dict[str, Any]


def measure(subject: Subject) -> Table:
    """Return the errors of each answer, and their means over groups of matrices after each level."""
    solvers = {}
    for steps in (INNER_STEPS, 0):
        solvers[steps] = KeptAnswers(subject, inner_steps=steps).sampled
    return score(
        solvers,
        subject.problems_of(MatrixData),
        samples_of(subject),
        chunk=piece_on(subject.device),
        at_once=subject.side_by_side,
    )


def compare(table: Table) -> Table:
    """Return the mean of each error: over all, by tenths, after each level, and what inner steps change."""
    rows: list[Row] = []
    for data in DATA:
        here = select(table, data=data)
        most_first = np.unique(here["inner_steps"])[::-1]
        for steps in most_first.tolist():
            rows += _of_answers(data, steps, select(here, inner_steps=steps, level=FINAL))
            rows += _of_levels(data, steps, select(here, inner_steps=steps))
        rows += _of_inner_steps(data, select(here, level=FINAL))
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _of_answers(data: str, steps: int, rows: Table) -> Iterator[Row]:
    """Yield the mean errors of final answers: over all matrices, then by tenths of the condition number."""
    everyone = np.arange(len(rows["cond"]))
    yield from _of_matrices(_key(data, steps), rows, everyone)
    chosen, why_none = tenths(rows["cond"])
    for tenth, places in enumerate(chosen):
        for row in _of_matrices(_key(data, steps, tenth=tenth), rows, places):
            if why_none:  # it says more than that a mean has no numbers
                row["reason"] = why_none
            yield row


def _of_matrices(key: Row, rows: Table, places: NDArray[np.intp]) -> Iterator[Row]:
    """Yield the mean errors of the matrices at these places, with the range of their condition numbers."""
    cond = rows["cond"][places]
    if len(cond):
        key = key | {"cond_low": float(cond.min()), "cond_high": float(cond.max())}
    for error in ERRORS:
        yield _row(key, error, summarise_finite(rows[error][places]))


def _of_levels(data: str, steps: int, rows: Table) -> Iterator[Row]:
    levels = np.unique(rows["level"][rows["level"] != FINAL])
    for level in levels.tolist():
        at_level = select(rows, level=level)
        key = _key(data, steps, level=level)
        for error in ERRORS:
            yield _row(key, error, grouped_mean(at_level[error], at_level["count"]))


def _of_inner_steps(data: str, rows: Table) -> Iterator[Row]:
    """Yield what inner optimisation changes: with minus without, on the same matrix from the same start."""
    optimised = _in_order(select(rows, inner_steps=INNER_STEPS))
    plain = _in_order(select(rows, inner_steps=0))
    key = _key(data, INNER_STEPS, versus=0)
    for error in ERRORS:
        yield _row(key, error, summarise_finite(optimised[error] - plain[error]))


def _in_order(rows: Table) -> Table:
    # A difference is taken row by row, and a stored table may be in any order.
    order = np.argsort(rows["sample"], kind="stable")
    return {name: values[order] for name, values in rows.items()}


def _key(data: str, steps: int, **others: int) -> Row:
    """Return what a row is about; by default the final answers to all matrices."""
    return {
        "data": data,
        "inner_steps": steps,
        "versus": NOTHING,
        "level": FINAL,
        "tenth": ALL,
        "cond_low": math.nan,
        "cond_high": math.nan,
        **others,
    }


def _row(key: Row, error: str, summary: Summary) -> Row:
    standard_error = math.nan
    if summary.n:
        standard_error = summary.sd / math.sqrt(summary.n)
    return {
        **key,
        "error": error,
        "mean": summary.mean,
        "standard_error": standard_error,
        "mean_low": summary.low,
        "mean_high": summary.high,
        "n": summary.n,
        "reason": summary.reason,
    }


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how large the error is, what inner optimisation does, and how it grows with cond A."""
    n = _count(table)
    evidence: dict[str, Any] = {"n": n}
    sentences = []
    severity: Severity = "note"
    for data in DATA:
        evidence |= _evidence(comparison, data)
        sentences.append(_sentence(comparison, data))
        if _compared(comparison, data=data)["n"] < n:  # an answer is not finite
            severity = "warning"
    sentences.append(f"{n} matrices each.")
    return Finding(
        rule="accuracy",
        severity=severity,
        statement=" ".join(sentences),
        evidence=evidence,
    )


def _count(table: Table) -> int:
    """Return how many matrices of each data set were answered."""
    return len(np.unique(select(table, level=FINAL)["sample"]))


def _compared(comparison: Table, **keys: object) -> dict[str, float]:
    """Return the row of the comparison that the keys name; by default the MSE of all final answers."""
    row_keys: dict[str, object] = {
        "inner_steps": INNER_STEPS,
        "versus": NOTHING,
        "level": FINAL,
        "tenth": ALL,
        "error": "mse",
    }
    return row_of(comparison, **(row_keys | keys))


def _evidence(comparison: Table, data: str) -> dict[str, Any]:
    ratio = worst_over_best(comparison, data)
    evidence: dict[str, Any] = {
        f"worst_over_best_{data}": ratio.value,
        f"worst_over_best_{data}_low": ratio.low,
        f"worst_over_best_{data}_high": ratio.high,
    }
    contrasts = {"": {}, "_without_inner": {"inner_steps": 0}, "_inner_change": {"versus": 0}}
    for error in ERRORS:
        for contrast, keys in contrasts.items():
            row = _compared(comparison, data=data, error=error, **keys)
            evidence |= with_ends(f"{error}{contrast}_{data}", row, "mean")
    row = _compared(comparison, data=data)
    evidence[f"standard_error_{data}"] = float(row["standard_error"])
    return evidence


def _sentence(comparison: Table, data: str) -> str:
    """Return the error on one data set, what inner steps do to it, and how it grows with cond A."""
    row = _compared(comparison, data=data)
    if row["n"] == 0:
        return f"{DATA[data]} none of the answers is a number: nothing can be said of their error."
    remarks = ""
    if not math.isnan(row["standard_error"]):
        share = row["standard_error"] / row["mean"]
        remarks += f" (standard error {row['standard_error']:.2g}, {100 * share:.2g}%)"
    if "not finite" in str(row["reason"]):
        remarks += f" (left out: {row['reason']})"
    difference = _compared(comparison, data=data, versus=0)
    without = _compared(comparison, data=data, inner_steps=0)
    inner = _inner_clause(difference, without["mean"])
    cond = _condition_clause(comparison, data)
    return f"{DATA[data]} the MSE is {row['mean']:.4g}{remarks}; {inner}; {cond}."


def _inner_clause(difference: dict[str, float], without: float) -> str:
    """Return what inner steps change, where ``without`` is the mean MSE without any."""
    low = difference["mean_low"]
    high = difference["mean_high"]
    steps = f"{INNER_STEPS} inner steps a level"
    if difference["n"] < FEWEST:
        return f"too few matrices to say what inner optimisation does ({FEWEST} are needed)"
    if low <= 0 <= high:
        interval = f"95% interval of the change {low:.2g} to {high:.2g}"
        return f"{steps} are not seen to change it ({interval})"
    verb = "raise"
    if high < 0:
        verb = "lower"
        low, high = -high, -low
    interval = f"95% interval {low:.3g} to {high:.3g}"
    change = abs(difference["mean"])
    return f"{steps} {verb} it by {change:.3g} ({interval}) from {without:.4g} without"


def _condition_clause(comparison: Table, data: str) -> str:
    """Return how the worst-conditioned tenth of the matrices compares with the best."""
    best = _compared(comparison, data=data, tenth=0)
    worst = _compared(comparison, data=data, tenth=TENTHS - 1)
    ratio = worst_over_best(comparison, data)
    if math.isnan(ratio.low):
        reason = best["reason"] or ratio.reason
        return f"nothing can be said of the condition number ({reason})"
    interval = f"95% interval {ratio.low:.3g} to {ratio.high:.3g}"
    return (
        f"the worst-conditioned tenth (cond A above {worst['cond_low']:.3g}) has {ratio.value:.3g} times the "
        f"MSE of the best (below {best['cond_high']:.3g}; {interval})"
    )


def worst_over_best(comparison: Table, data: str) -> Ratio:
    """Return the ratio of the MSE of the worst-conditioned tenth to that of the best."""
    best = _summary(_compared(comparison, data=data, tenth=0))
    worst = _summary(_compared(comparison, data=data, tenth=TENTHS - 1))
    fewest = min(best.n, worst.n)
    if fewest < FEWEST:
        reason = best.reason or f"a tenth has fewer than {FEWEST} matrices"
        return Ratio(
            value=math.nan,
            low=math.nan,
            high=math.nan,
            n=fewest,
            reason=reason,
        )
    return ratio_of_independent_means(worst, best)


def _summary(row: dict[str, float]) -> Summary:
    n = int(row["n"])
    # The comparison keeps no extremes, and the ratio needs none.
    return Summary(
        n=n,
        mean=float(row["mean"]),
        sd=float(row["standard_error"]) * math.sqrt(n),
        low=float(row["mean_low"]),
        high=float(row["mean_high"]),
        minimum=math.nan,
        maximum=math.nan,
        reason=str(row["reason"]),
    )


def figure(table: Table) -> FigureData:
    """Return the MSE against the condition number, and along the levels of the sampler."""
    comparison = select(compare(table), error="mse", versus=NOTHING)
    by_cond = _lines(comparison, comparison["tenth"] != ALL, "cond")
    by_level = _lines(comparison, comparison["level"] != FINAL, "level")
    tenths_panel = Panel(
        "MSE",
        by_cond,
        "log",
        x_label="condition number of A",
        x_ticks=_ticks(by_cond),
    )
    levels_panel = Panel(
        "MSE of the estimate",
        by_level,
        "log",
        x_label="after noise level (sampling: right to left)",
    )
    n = _count(table)
    return FigureData(
        name="accuracy",
        title="Error of the answers by condition number and along the sampler",
        x_label="noise level",
        panels=(tenths_panel, levels_panel),
        method=f"Mean squared error with 95% intervals over n = {n} matrices of the frozen set, in "
        "distribution (ID) and out of it (OOD), with the sampler's inner steps at each level. By condition "
        "number: of the final answer, in tenths, each at its geometric middle. After a level: of the "
        "estimate of the clean answer.",
        note=f"mean and 95% interval, n = {n} matrices each",
    )


def _lines(comparison: Table, chosen: NDArray[np.bool_], against: str) -> tuple[Line, ...]:
    rows = {name: values[chosen] for name, values in comparison.items()}
    lines = []
    for data in DATA:
        for steps in (INNER_STEPS, 0):
            curve = select(rows, data=data, inner_steps=steps)
            x = curve["level"]
            if against == "cond":
                # Names of ticks are put at logarithms, so that the axis itself is linear.
                x = 0.5 * np.log10(curve["cond_low"] * curve["cond_high"])
            name = f"{data.upper()}, {steps or 'no'} inner steps"
            lines.append(line_of_rows(name, x, curve, "mean"))
    return tuple(lines)


def _ticks(lines: Sequence[Line]) -> tuple[tuple[float, str], ...]:
    """Return 1, 2, 5, 10, … at their logarithms, as far as the lines go."""
    places = np.concatenate([line.x for line in lines])
    finite = places[np.isfinite(places)]
    ticks = []
    for exponent in range(12):
        for digit in (1, 2, 5):
            number = digit * 10**exponent
            place = math.log10(number)
            if len(finite) and finite.min() <= place <= finite.max():
                ticks.append((place, f"{number:g}"))
    return tuple(ticks) or ((0.0, "1"),)


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
        Headline(
            key="mse_id",
            label="MSE of the answers (ID)",
            low="mse_id_low",
            high="mse_id_high",
            scale="log",
        ),
        Headline(
            key="mse_ood",
            label="MSE of the answers (OOD)",
            low="mse_ood_low",
            high="mse_ood_high",
            scale="log",
        ),
        Headline(
            key="mse_inner_change_id",
            label="MSE with inner optimisation minus without (ID)",
            low="mse_inner_change_id_low",
            high="mse_inner_change_id_high",
        ),
    ),
    weights="ema",
    samples=5000,
    sampling=sampling_of(INNER_STEPS, 0),
    needs=(MATRICES,),
)
