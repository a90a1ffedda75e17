"""Energy scale: does the energy have the size that its gradient needs, or has it run away or collapsed?

At noisy right answers y = q_sample(y*, t, ε), with σ_t = √(1 - ᾱ_t) and N the divisor of the gradient, the
denoiser's output g = ∇_yE / N should be the noise ε, of length √dim. Measured at each level:

    output / noise     ‖g‖ / ‖ε‖;  1 for a right denoiser, √R² for the best that does not know all
    MSE                ‖g - ε‖² / dim;  E[ε²] = 1 for a denoiser that predicts nothing
    R²                 1 - Σ‖g - ε‖² / Σ‖ε‖²
    |E| / needed       of E_pos, over N σ_t dim/2

The last is the energy of a right denoiser whose minimum is 0: E = N ‖y - √ᾱ_t y*‖² / (2σ_t) has ∇E / N = ε,
and the mean N σ_t dim/2. A scalar head's energy has no zero of its own: |E| is also told in units of its
spread, the sd of E between random answers, noised alike. Where |E| is many spreads, a constant has grown.

The verdicts are those that training announces (``ired_diag.inverse.troubles``), with its thresholds.
*Runaway*: |E_pos| beyond 50 dim·max(N, 1); where it is beyond 50 dim alone, a divided gradient asks for it.
*Collapse*, a dead predictor: an MSE between 0.98 and 1.5. Beyond 1.5 it is *wrong*, worse than none. Below
0.98 it is *healthy*, which says nothing of how good it is. The whole interval must lie there. Training takes
the size of the mean E of a batch, the probe the mean of |E|, which signs cannot cancel.

References: Du et al. (2024), equation 4; Vincent (2011), A Connection Between Score Matching and Denoising
Autoencoders, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.network import NetworkLandscape
from ired_diag.inverse.troubles import DEAD_FROM, DEAD_LOSS, RUNAWAY
from ired_diag.model.mining import gaussian_negative
from ired_diag.probing.evidence import levels_in_words
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.probing.tensor_column import tensor_column
from ired_diag.runs.name_list import counted
from ired_diag.stats.estimate import Estimate, estimate_of
from ired_diag.stats.ratio import ratio_of_means
from ired_diag.stats.slope import Slope, slope_of
from ired_diag.stats.summary import summarise
from ired_diag.subject import CHUNK, Subject
from ired_diag.table import VALUE, Column, Table, concatenate, row_of, select, table_of_rows, value_columns
from ired_diag.table_grid import Grid, grid

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("sample", "1", "number of the problem, the same at every level"),
    Column("energy", "nat", "E of the noised right answer"),
    Column("energy_random", "nat", "E of a random answer, clamp(N(0, I), ±2), noised alike"),
    Column("output_norm", "1", "length of the denoiser's output"),
    Column("noise_norm", "1", "length of the noise, which it should be"),
    Column("error", "1", "mean squared error of the predicted noise"),
    Column("sigma", "1", "sd of the noise in the noised answer"),
    Column("dim", "1", "numbers in an answer"),
    Column("divisor", "1", "N, what the gradient is divided by"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels of each problem"),
    Column(
        "quantity",
        "1",
        "energy, size (|E|), over_needed (|E| / needed), over_spread (|E| / sd of E between random answers, "
        "taken as known), gradient_norm (undivided), output_ratio, mse or r2",
    ),
    *value_columns("nat of energy, size and gradient_norm, else 1", "mean over problems"),
)
QUANTITIES = ("energy", "size", "over_needed", "over_spread", "gradient_norm", "output_ratio", "mse")
STEPS = 1000  # of training, which a growth rate is told for


def measure(subject: Subject) -> Table:
    """Return energy and denoiser's output at each problem's right answer, noised to each level."""
    chunks: list[Table] = []
    for first in range(0, subject.samples, CHUNK):
        count = min(CHUNK, subject.samples - first)
        chunks += _measure_chunk(subject, first, count)
    return concatenate(chunks)


@torch.no_grad()
def _measure_chunk(subject: Subject, first: int, count: int) -> Iterator[Table]:
    """Yield the rows of each level for some problems."""
    generator = subject.generator("energy_scale", first // CHUNK)
    schedule = subject.schedule
    problem, answer = subject.problems.draw(count, generator=generator)
    random = gaussian_negative(answer, generator=generator).to(subject.device)
    problem = problem.to(subject.device)
    right = answer.to(subject.device)
    for level in range(schedule.levels):
        noise = torch.randn(answer.shape, generator=generator, dtype=answer.dtype).to(subject.device)
        t = torch.full((count,), level, device=subject.device)
        landscape = subject.energy.landscape(problem, t)
        energy, output = landscape.energy_and_gradient(schedule.q_sample(right, t, noise))
        energy_random = landscape.energy(schedule.q_sample(random, t, noise))
        error = output.double() - noise.double()
        divisor = 1.0
        if isinstance(landscape, NetworkLandscape):
            divisor = landscape.divisor or 1.0
        yield {
            "level": np.full(count, level),
            "sample": np.arange(first, first + count),
            "energy": tensor_column(energy.double()),
            "energy_random": tensor_column(energy_random.double()),
            "output_norm": tensor_column(torch.linalg.vector_norm(output.double(), dim=1)),
            "noise_norm": tensor_column(torch.linalg.vector_norm(noise.double(), dim=1)),
            "error": tensor_column(error.square().mean(1)),
            "sigma": np.full(count, float(schedule.sqrt_one_minus_alphas_cumprod[level])),
            "dim": np.full(count, answer.shape[1]),
            "divisor": np.full(count, divisor),
        }


def compare(table: Table) -> Table:
    """Return each quantity: over all levels, then level by level."""
    levels = np.unique(table["level"]).tolist()
    measured = {name: grid(table, name, "level", "sample") for name in table}
    values = _values(measured)
    error = measured["error"] * measured["dim"]
    noise = measured["noise_norm"] ** 2
    places = {ALL_LEVELS: slice(None)}
    for i, level in enumerate(levels):
        places[level] = slice(i, i + 1)
    rows = []
    for level, place in places.items():
        estimates = {name: _mean_over_problems(values[name][place]) for name in QUANTITIES}
        estimates["r2"] = _explained(error[place], noise[place])
        for quantity, estimate in estimates.items():
            numbers = dict(zip(VALUE, estimate, strict=True))
            rows.append({"level": level, "quantity": quantity, **numbers})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _values(measured: dict[str, Grid]) -> dict[str, Grid]:
    """Return each quantity of each problem at each level, of shape (levels, samples)."""
    size = np.abs(measured["energy"])
    needed = needed_energy(measured["sigma"], measured["dim"], measured["divisor"])
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "energy": measured["energy"],
            "size": size,
            "over_needed": size / needed,
            "over_spread": size / _spread_of(measured["energy_random"]),
            "gradient_norm": measured["output_norm"] * measured["divisor"],
            "output_ratio": measured["output_norm"] / measured["noise_norm"],
            "mse": measured["error"],
        }


def _spread_of(energies: Grid) -> Grid:
    """Return the standard deviation between problems at each level; NaN of a single problem."""
    levels, problems = energies.shape
    if problems < 2:
        return np.full((levels, 1), math.nan)
    spread: Grid = energies.std(axis=1, ddof=1, keepdims=True)
    return spread


def _explained(error: Grid, noise: Grid) -> Estimate:
    """Return R², the share of the noise's square that the denoiser explains."""
    unexplained = ratio_of_means(error.sum(axis=0), noise.sum(axis=0))
    return Estimate(
        value=1 - unexplained.value,
        low=1 - unexplained.high,
        high=1 - unexplained.low,
        n=unexplained.n,
        reason=unexplained.reason,
    )


def needed_energy(sigma: Any, dim: Any, divisor: Any) -> Any:
    """Return N σ dim/2, the mean energy of a right denoiser whose minimum is 0.

    >>> needed_energy(1.0, 400, 2048)
    409600.0
    """
    return divisor * sigma * dim / 2


def _mean_over_problems(values: Grid) -> Estimate:
    """Return the mean of problems' means over levels, with its t interval; what is not finite is left out."""
    means = values.mean(axis=0)
    finite = means[np.isfinite(means)]
    estimate = estimate_of(summarise(finite))
    lost = len(means) - len(finite)
    if lost:
        return estimate._replace(reason=f"{lost} of {len(means)} problems are not finite")
    return estimate


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the verdict on energy and denoiser, with the numbers that it rests on."""
    n = len(np.unique(table["sample"]))
    pooled = {name: _over_levels(comparison, name) for name in (*QUANTITIES, "r2")}
    dim = int(table["dim"][0])
    divisor = float(table["divisor"][0])
    needed = float(np.mean(needed_energy(table["sigma"], table["dim"], table["divisor"])))
    limit = RUNAWAY * dim * max(divisor, 1.0)
    verdict, severity = verdict_of(pooled["size"], pooled["mse"], limit)
    evidence: dict[str, float | int | str] = {"verdict": verdict, "n": n, "needed": needed, "limit": limit}
    for name, estimate in pooled.items():
        evidence[name] = estimate.value
        evidence[f"{name}_low"] = estimate.low
        evidence[f"{name}_high"] = estimate.high
    if verdict == "not a number":
        statement = f"Nothing can be said: energy or gradient is no number ({n} problems)."
        return Finding(
            rule="energy_scale",
            severity=severity,
            statement=statement,
            evidence=evidence,
        )
    divided = ""
    if RUNAWAY * dim < pooled["size"].value <= limit:
        divided = ", large because the gradient is divided"
    lost = n - min(pooled["size"].n, pooled["mse"].n)
    statement = (
        f"{SENTENCES[verdict]}: the denoiser's output has {pooled['output_ratio'].value:.3g} times the "
        f"length of the noise, and the MSE {_in_words(pooled['mse'])} where predicting nothing has 1, an R² "
        f"of {pooled['r2'].value:.3g}; |E| of right answers is {_in_words(pooled['size'])}{divided}, where a "
        f"right denoiser with its minimum at 0 has {needed:.4g}, and {limit:.4g} is a runaway"
        f"{_spread_clause(pooled['over_spread'])}."
        f"{_blind_sentence(comparison)} {_extent(table, lost)}"
    )
    troubles = verdict.split(" and ")
    advice = " ".join(ADVICE[trouble] for trouble in troubles if trouble in ADVICE)
    if lost:
        severity = "warning"
    return Finding(
        rule="energy_scale",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _extent(table: Table, lost: int) -> str:
    """Return how many problems and levels there are, and how many problems are left out."""
    n = len(np.unique(table["sample"]))
    levels = len(np.unique(table["level"]))
    problems = "problem" if n == 1 else "problems"
    left_out = ""
    if lost:
        left_out = f"; {lost} left out, whose numbers are not finite"
    return f"{n} {problems}, each at {counted(levels, 'noise level')}{left_out}."


SENTENCES = {
    "healthy": "Neither runaway nor collapse",
    "runaway": "The energy runs away",
    "collapse": "The predictor is dead",
    "wrong": "The denoiser is worse than none",
    "runaway and collapse": "The energy runs away over a dead predictor",
    "runaway and wrong": "The energy runs away, and the denoiser is worse than none",
    "undecided": "No verdict",
}
ADVICE = {
    "runaway": "See the remedies in docs/training.md: energy_reg_weight, energy_bound, head_normalization.",
    "collapse": f"Before step {DEAD_FROM} a run may just be young; later, loosen bound, clamp or penalty.",
    "wrong": "Compare the divisor of the gradient with that of training: gradient_normalization.",
}


def verdict_of(size: Estimate, mse: Estimate, limit: float) -> tuple[str, Severity]:
    """Return the verdict that the intervals of |E| and MSE allow, and its severity.

    Args:
        size: Mean |E| of right answers.
        mse: Mean squared error of the predicted noise.
        limit: Size of |E| beyond which it runs away.
    """
    if math.isnan(size.value) or math.isnan(mse.value):
        return "not a number", "warning"
    runs_away = size.low > limit
    low, high = DEAD_LOSS
    if low <= mse.low and mse.high <= high:
        return "runaway and collapse" if runs_away else "collapse", "warning"
    if mse.low > high:
        return "runaway and wrong" if runs_away else "wrong", "warning"
    if runs_away:
        return "runaway", "warning"
    if mse.high < low and size.high <= limit:
        return "healthy", "note"
    return "undecided", "note"


def _over_levels(comparison: Table, quantity: str) -> Estimate:
    row = row_of(comparison, level=ALL_LEVELS, quantity=quantity)
    return Estimate(
        value=float(row["value"]),
        low=float(row["value_low"]),
        high=float(row["value_high"]),
        n=int(row["n"]),
        reason=str(row["reason"]),
    )


def _in_words(estimate: Estimate) -> str:
    if math.isnan(estimate.low):
        return f"{estimate.value:.4g} (no interval: {estimate.reason})"
    return f"{estimate.value:.4g} (95% interval {estimate.low:.4g} to {estimate.high:.4g})"


def _spread_clause(over_spread: Estimate) -> str:
    if not math.isfinite(over_spread.value):
        return ""
    return f"; it is {over_spread.value:.3g} times its spread between random answers"


def _blind_sentence(comparison: Table) -> str:
    """Return the levels at which the denoiser is not seen to predict anything."""
    rows = select(comparison, quantity="r2")
    is_blind = (rows["level"] != ALL_LEVELS) & (rows["value_low"] <= 0)
    blind = rows["level"][is_blind].tolist()
    if not blind:
        return ""
    return f" At {levels_in_words(blind)} R² is not above 0."


def over_training(steps: Sequence[int], findings: Sequence[Finding]) -> Finding:
    """Return how fast |E| grows over training, and which verdicts stood on the way."""
    rule = "energy_scale_over_training"
    size_at: dict[int, float] = {}
    for step, finding in zip(steps, findings, strict=True):
        size = float(finding.evidence.get("size") or math.nan)
        if size > 0 and math.isfinite(size):
            size_at[step] = size
    if not size_at:
        return Finding(rule, "note", "Over training, |E| of right answers: no checkpoint has a number.")
    thousands = [step / STEPS for step in size_at]
    growth = slope_of(thousands, [math.log(size) for size in size_at.values()])
    verdicts = [str(finding.evidence["verdict"]) for finding in findings]
    listed = ", ".join(f"{verdict} at {step}" for step, verdict in zip(steps, verdicts, strict=True))
    first, last = min(size_at), max(size_at)
    statement = (
        f"Over {len(size_at)} checkpoints |E| of right answers goes from {size_at[first]:.4g} (step {first}) "
        f"to {size_at[last]:.4g} (step {last}): {_growth_in_words(growth)}. "
        f"Verdicts: {listed}."
    )
    severity = findings[-1].severity
    if "collapse" in verdicts[-1] and steps[-1] < DEAD_FROM:  # young, as training takes it
        severity = "note"
    evidence: dict[str, float | int] = {
        "first": size_at[first],
        "last": size_at[last],
        "growth": growth.value,
        "growth_low": growth.low,
        "growth_high": growth.high,
        "n": growth.n,
    }
    return Finding(
        rule=rule,
        severity=severity,
        statement=statement,
        evidence=evidence,
    )


def _growth_in_words(growth: Slope) -> str:
    """Return a slope of log |E| per 1000 steps in words."""
    if math.isnan(growth.value):
        return f"its growth is not known ({growth.reason})"
    factor = f"a factor of {math.exp(growth.value):.4g} each {STEPS} steps"
    if math.isnan(growth.low):
        return f"{factor} (no interval: {growth.reason})"
    change = "no significant growth"
    if growth.low > 0:
        change = "it grows"
    elif growth.high < 0:
        change = "it falls"
    low, high = math.exp(growth.low), math.exp(growth.high)
    return f"{factor} (95% interval {low:.4g} to {high:.4g}; {change})"


def figure(table: Table) -> FigureData:
    """Return |E| over what is needed, and length and MSE of the denoiser's output, against the level."""
    comparison = compare(table)
    n = len(np.unique(table["sample"]))
    dim = int(table["dim"][0])
    sampling_error = math.sqrt(2 / (n * dim))
    energy = Panel(
        "|E| / needed",
        (_line(comparison, "over_needed", "positive |E|"),),
        "log",
        guides=(Guide(1.0, "right denoiser"),),
    )
    lines = (_line(comparison, "output_ratio", "length"), _line(comparison, "mse", "MSE"))
    largest = max(float(np.nanmax(line.y, initial=0.0)) for line in lines)
    denoiser = Panel(
        "output / noise",
        lines,
        "log" if largest > 3 else "linear",
        guides=(Guide(1.0, "predicting nothing: MSE 1"),),
    )
    return FigureData(
        name="energy_scale",
        title="Size of the energy, and the noise that its gradient predicts",
        x_label="noise level",
        panels=(energy, denoiser),
        method=f"Means with 95% t intervals; n = {n} problems, the same at each level. |E| of noised right "
        "answers over N sigma dim/2, what a right denoiser with its minimum at 0 has; length of the "
        "denoiser's output over the noise's; its MSE, where predicting nothing has 1 "
        f"(sampling error {sampling_error:.2g}).",
        note=f"mean and 95% interval, n = {n} problems",
    )


def _line(comparison: Table, quantity: str, name: str) -> Line:
    rows = select(comparison, quantity=quantity)
    single = rows["level"] != ALL_LEVELS
    at_levels = {key: column[single] for key, column in rows.items()}
    return line_of_rows(
        name=name,
        x=at_levels["level"],
        rows=at_levels,
        column="value",
    )


PROBE = Probe(
    name="energy_scale",
    question="Does the energy have the size that its gradient needs, or has it run away or collapsed?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            key="size",
            label="|E| of right answers (nat)",
            low="size_low",
            high="size_high",
            scale="log",
        ),
        Headline(
            key="mse",
            label="MSE of the predicted noise",
            low="mse_low",
            high="mse_high",
            scale="log",
        ),
        Headline(
            key="output_ratio",
            label="output over noise, lengths",
            low="output_ratio_low",
            high="output_ratio_high",
        ),
    ),
    over_training=over_training,
    needs=("levels",),
)
