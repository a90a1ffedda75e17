"""Inference time: how many sampler steps and inner steps are worth their time?

The model answers the frozen evaluation set with 0, 1, 2, 5 and 10 steps of inner optimisation at each noise
level, and the clock is read after each of the T sampler steps (``inverse.timed_answers``): after n of them
the sampler holds an estimate of the answer, so that each pair (n, inner steps) is a cheaper sampler with a
time and an error. A sampler step evaluates energy and gradient once for the noise, and once more, or their
like, for each inner step.

    time     the sum of what each sampler step took in the fastest of 8 chunks of problems, in ms a problem:
             other work on the machine only adds to it; the median over chunks stands next to it
    error    mean over problems, with the 95% interval of ``stats.grouped_mean`` over chunks
    excess   error minus the lowest error of all pairs, on the same problems, with an interval of that kind

The pair that is *worth it* is the fastest whose excess has its whole interval below 5% of the lowest error,
the study's own margin. The lowest of many noisy errors is lucky, which makes excesses a little too large,
never too small.

Times hold for this machine, this size of batch and what else ran; they change from call to call, unlike any
other number of a probe.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.inverse.matrices import MATRICES, MatrixData
from ired_diag.inverse.timed_answers import timed_answers
from ired_diag.probing.probe import Headline, Probe
from ired_diag.runs.name_list import counted
from ired_diag.stats.grouped_mean import grouped_mean
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, row_of, select, table_of_rows
from ired_diag.table_grid import grid

INNER = (0, 1, 2, 5, 10)
CHUNKS = 8
BUSY = 1.3  # median over fastest chunk: a machine of one's own stays below
MARGIN = 0.05  # of the lowest error: the study's success is more than 5% better

COLUMNS = (
    Column("inner_steps", "1", "steps of inner optimisation at each noise level"),
    Column("sampler_steps", "1", "noise levels done, of the sampler's T"),
    Column("chunk", "1", "number of the chunk of problems"),
    Column("count", "1", "problems in the chunk, answered at once"),
    Column("ms", "ms", "time from the start to the end of this sampler step, a problem"),
    Column("mse", "1", "mean over problems and entries of the squared error of the estimate"),
    Column("device", "1", "where it ran, and on how many threads"),
)
COMPARISON_COLUMNS = (
    Column("inner_steps", "1", "steps of inner optimisation at each noise level"),
    Column("sampler_steps", "1", "noise levels done, of the sampler's T"),
    Column("ms", "ms", "time a problem, each sampler step in its fastest chunk"),
    Column("ms_median", "ms", "median over chunks of the time a problem"),
    Column("mse", "1", "mean over problems"),
    Column("mse_low", "1", "lower end of its 95% interval"),
    Column("mse_high", "1", "upper end"),
    Column("excess", "1", "mean difference from the pair with the lowest error, on the same problems"),
    Column("excess_low", "1", "lower end of its 95% interval"),
    Column("excess_high", "1", "upper end"),
    Column("n", "1", "problems"),
    Column("reason", "1", "why something is NaN"),
)
Row = dict[str, Any]


def measure(subject: Subject) -> Table:
    """Return time and error after each sampler step, chunk by chunk."""
    rows: list[Row] = []
    size = max(1, math.ceil(subject.samples / CHUNKS))
    device = str(subject.device)
    if subject.device.type == "cpu":
        device = f"cpu, {counted(torch.get_num_threads(), 'thread')}"
    for answered in timed_answers(
        subject.energy,
        subject.schedule,
        subject.problems_of(MatrixData),
        subject.samples,
        inner_steps=INNER,
        size=size,
        device=subject.device,
    ):
        for step, (seconds, mse) in enumerate(zip(answered.seconds, answered.mse, strict=True), start=1):
            rows.append(
                {
                    "inner_steps": answered.inner_steps,
                    "sampler_steps": step,
                    "chunk": answered.chunk,
                    "count": answered.count,
                    "ms": 1000 * float(seconds) / answered.count,
                    "mse": float(mse),
                    "device": device,
                }
            )
    return table_of_rows(COLUMNS, rows)


def compare(table: Table) -> Table:
    """Return time, error and excess of each pair of numbers of steps."""
    inner, steps = np.unique(table["inner_steps"]), np.unique(table["sampler_steps"])
    counts = grid(table, "count", "inner_steps", "sampler_steps", "chunk")[0, 0]
    times = grid(table, "ms", "inner_steps", "sampler_steps", "chunk")
    errors = grid(table, "mse", "inner_steps", "sampler_steps", "chunk")
    each_step = np.diff(times, axis=1, prepend=0.0)
    fastest = np.cumsum(each_step.min(axis=2), axis=1)
    best = _lowest(errors, counts)
    rows: list[Row] = []
    for i, j in np.ndindex(errors.shape[:2]):
        error = grouped_mean(errors[i, j], counts)
        excess = grouped_mean(errors[i, j] - best, counts)
        rows.append(
            {
                "inner_steps": inner[i],
                "sampler_steps": steps[j],
                "ms": fastest[i, j],
                "ms_median": float(np.median(times[i, j])),
                "mse": error.mean,
                "mse_low": error.low,
                "mse_high": error.high,
                "excess": excess.mean,
                "excess_low": excess.low,
                "excess_high": excess.high,
                "n": error.n,
                "reason": error.reason or excess.reason,
            }
        )
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _place_of_lowest(errors: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the place of the pair with the lowest mean error; the first where none is a number."""
    means = errors @ counts / counts.sum()
    if not np.isfinite(means).any():
        return (0, 0)
    return tuple(int(k) for k in np.unravel_index(np.nanargmin(means), means.shape))


def _lowest(errors: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the error of the pair with the lowest mean, of shape (chunks,)."""
    lowest: NDArray[np.float64] = errors[_place_of_lowest(errors, counts)]
    return lowest


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how much time the lowest error takes, and the fastest pair that is nearly as good."""
    if not np.isfinite(comparison["mse"]).any():
        statement = "No estimate is a number: nothing can be said of how many steps are worth their time."
        return Finding("inference_time", "warning", statement, {})
    best = _row(comparison, int(np.nanargmin(comparison["mse"])))
    public = row_of(comparison, inner_steps=5, sampler_steps=int(comparison["sampler_steps"].max()))
    limit = MARGIN * best["mse"]
    near = np.flatnonzero(comparison["excess_high"] <= limit)
    evidence: dict[str, Any] = {"n": int(best["n"]), "device": str(table["device"][0])}
    for name, row in (("best", best), ("public", public)):
        evidence |= _evidence(name, row)
    sentences = [
        f"The lowest MSE, {best['mse']:.4g}, takes {_steps(best)}: {_time(best)} a problem.",
        f"The public sampler ({_steps(public)}) takes {_time(public)} for {public['mse']:.4g}.",
    ]
    if len(near):
        worth = _row(comparison, int(near[np.argmin(comparison["ms"][near])]))
        evidence |= _evidence("worth", worth)
        sentences.append(_worth_sentence(worth, best))
    else:
        sentences.append(
            "Which steps are worth their time is unknown: no interval lies within 5% of the lowest error."
        )
    size = int(table["count"].max())
    sentences.append(f"{int(best['n'])} problems, {size} at a time, on {table['device'][0]}.")
    busy = float(np.median(comparison["ms_median"] / comparison["ms"]))
    evidence["median_over_fastest"] = busy
    if busy > BUSY:
        sentences.append(
            f"The median chunk took {busy:.2g} times as long as the fastest: other work ran on this machine, "
            "and times are rough."
        )
    return Finding("inference_time", "note", " ".join(sentences), evidence)


def _worth_sentence(worth: Row, best: Row) -> str:
    """Return which steps are worth it, next to those of the lowest error."""
    if (worth["inner_steps"], worth["sampler_steps"]) == (best["inner_steps"], best["sampler_steps"]):
        return "Nothing faster is shown to stay within 5% of it: all of these steps are worth their time."
    share, low, high = (100 * worth[key] / best["mse"] for key in ("excess", "excess_low", "excess_high"))
    return (
        f"{_steps(worth)} are worth it: {_time(worth)} a problem for an MSE {share:.2g}% above the lowest "
        f"(95% interval {low:.2g}% to {high:.2g}%); slower ones gain less than 5% on it."
    )


def _row(comparison: Table, place: int) -> Row:
    return {name: values[place] for name, values in comparison.items()}


def _steps(row: Row) -> str:
    sampler = counted(int(row["sampler_steps"]), "sampler step")
    inner = int(row["inner_steps"])
    if not inner:
        return f"{sampler} without inner steps"
    return f"{sampler} with {counted(inner, 'inner step')} each"


def _time(row: Row) -> str:
    return f"{row['ms']:.3g} ms"


def _evidence(name: str, row: Row) -> dict[str, Any]:
    keys = ("inner_steps", "sampler_steps", "ms", "ms_median", "mse", "mse_low", "mse_high")
    return {f"{name}_{key}": float(row[key]) for key in keys}


def figure(table: Table) -> FigureData:
    """Return the error of the estimate against its time, a line for each number of inner steps."""
    comparison = compare(table)
    lines = []
    for steps in np.unique(comparison["inner_steps"]).tolist():
        rows = select(comparison, inner_steps=steps)
        lines.append(
            Line(
                name=f"{steps or 'no'} inner steps" if steps != 1 else "1 inner step",
                x=rows["ms"],
                y=rows["mse"],
                low=rows["mse_low"],
                high=rows["mse_high"],
                drawn="both",
            )
        )
    n, size = int(comparison["n"].max()), int(table["count"].max())
    return FigureData(
        name="inference_time",
        title="Error of the answer against the time to compute it",
        x_label="time per problem (ms)",
        panels=(Panel("mean squared error", tuple(lines), "log", x_scale="log"),),
        method="Each line: one sampler, which refines its answer by a number of inner steps at each noise "
        "level; each point: one noise level more. Mean squared error with its 95% interval over "
        f"n = {n} matrices in distribution (bars, which may be shorter than the marker). Time: summed over "
        f"steps, each in the fastest of {CHUNKS} batches of {size} problems, on {_device_in_words(table)}.",
        note=f"mean and 95% interval, n = {n} matrices; each point one sampler step more",
    )


def _device_in_words(table: Table) -> str:
    """Return where it ran, as a sentence ends."""
    name, _, threads = str(table["device"][0]).partition(", ")
    if not threads:
        return name.replace("cuda", "CUDA device")
    return f"a CPU with {threads}"


PROBE = Probe(
    name="inference_time",
    question="How many sampler steps and inner steps are worth their time?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(key="public_ms", label="time of the public sampler (ms a problem)"),
        Headline(key="worth_ms", label="time that is worth it (ms a problem)"),
    ),
    weights="ema",
    samples=1024,
    needs=(MATRICES,),
)
