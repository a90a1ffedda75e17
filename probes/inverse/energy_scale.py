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
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.network import NetworkLandscape
from ired_diag.inverse.troubles import DEAD_FROM, DEAD_LOSS, RUNAWAY
from ired_diag.model.mining import gaussian_negative
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.ratio import ratio_of_means
from ired_diag.stats.slope import slope_of
from ired_diag.stats.summary import summarise
from ired_diag.subject import CHUNK, Subject
from ired_diag.table import VALUE, Column, Table, concatenate, select, value_columns

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

Told = tuple[float, float, float, int, str]  # value, low, high, n, reason


def measure(subject: Subject) -> Table:
    """Return energy and denoiser's output at each problem's right answer, noised to each level."""
    starts = range(0, subject.samples, CHUNK)
    chunks = [
        _measure_chunk(subject, number, first, min(CHUNK, subject.samples - first))
        for number, first in enumerate(starts)
    ]
    return concatenate(chunks)


@torch.no_grad()
def _measure_chunk(subject: Subject, number: int, first: int, count: int) -> Table:
    generator, schedule = subject.generator("energy_scale", number), subject.schedule
    problem, answer = subject.problems.draw(count, generator=generator)
    random = gaussian_negative(answer, generator=generator)
    there = [tensor.to(subject.device) for tensor in (problem, answer, random)]
    rows = []
    for level in range(schedule.levels):
        noise = torch.randn(answer.shape, generator=generator, dtype=answer.dtype).to(subject.device)
        t = torch.full((count,), level, device=subject.device)
        landscape = subject.energy.landscape(there[0], t)
        energy, output = landscape.energy_and_gradient(schedule.q_sample(there[1], t, noise))
        numbers = {
            "energy": energy,
            "energy_random": landscape.energy(schedule.q_sample(there[2], t, noise)),
            "output_norm": torch.linalg.vector_norm(output.double(), dim=1),
            "noise_norm": torch.linalg.vector_norm(noise.double(), dim=1),
            "error": (output.double() - noise.double()).square().mean(1),
        }
        divisor = landscape.divisor if isinstance(landscape, NetworkLandscape) else None
        rows.append(
            {
                "level": np.full(count, level),
                "sample": np.arange(first, first + count),
                **{name: values.double().cpu().numpy() for name, values in numbers.items()},
                "sigma": np.full(count, float(schedule.sqrt_one_minus_alphas_cumprod[level])),
                "dim": np.full(count, answer.shape[1]),
                "divisor": np.full(count, divisor or 1.0),
            }
        )
    return concatenate(rows)


def compare(table: Table) -> Table:
    """Return each quantity: over all levels, then level by level."""
    levels = np.unique(table["level"]).tolist()
    order = np.lexsort((table["sample"], table["level"]))
    shape = {name: column[order].reshape(len(levels), -1) for name, column in table.items()}
    values = _values(shape)
    squares = {"above": shape["error"] * shape["dim"], "below": shape["noise_norm"] ** 2}
    rows: list[tuple[int, str, Told]] = []
    for level, some in [(ALL_LEVELS, slice(None)), *((v, slice(i, i + 1)) for i, v in enumerate(levels))]:
        rows += [(level, name, _mean(values[name][some])) for name in QUANTITIES]
        unexplained = ratio_of_means(squares["above"][some].sum(0), squares["below"][some].sum(0))
        r2 = (1 - unexplained.value, 1 - unexplained.high, 1 - unexplained.low)
        rows.append((level, "r2", (*r2, unexplained.n, unexplained.reason)))
    return {
        "level": np.array([row[0] for row in rows]),
        "quantity": np.array([row[1] for row in rows]),
        **{name: np.array([row[2][i] for row in rows]) for i, name in enumerate(VALUE)},
    }


def _values(shape: Table) -> Table:
    """Return each quantity of each problem at each level, of shape (levels, samples)."""
    size, random = np.abs(shape["energy"]), shape["energy_random"]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = random.std(axis=1, ddof=1, keepdims=True) if random.shape[1] > 1 else math.nan
        return {
            "energy": shape["energy"],
            "size": size,
            "over_needed": size / needed_energy(shape["sigma"], shape["dim"], shape["divisor"]),
            "over_spread": size / spread,
            "gradient_norm": shape["output_norm"] * shape["divisor"],
            "output_ratio": shape["output_norm"] / shape["noise_norm"],
            "mse": shape["error"],
        }


def needed_energy(sigma: Any, dim: Any, divisor: Any) -> Any:
    """Return N σ dim/2, the mean energy of a right denoiser whose minimum is 0.

    >>> needed_energy(1.0, 400, 2048)
    409600.0
    """
    return divisor * sigma * dim / 2


def _mean(values: NDArray[np.float64]) -> Told:
    """Return the mean of problems' means over levels, with its t interval; what is not finite is left out."""
    means = values.mean(axis=0)
    known = means[np.isfinite(means)]
    told, lost = summarise(known), len(means) - len(known)
    reason = f"{lost} of {len(means)} problems are not finite" if lost else told.reason
    return told.mean, told.low, told.high, told.n, reason


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the verdict on energy and denoiser, with the numbers that it rests on."""
    n, levels = len(np.unique(table["sample"])), len(np.unique(table["level"]))
    pooled = select(comparison, level=ALL_LEVELS)
    told = {name: _row(select(pooled, quantity=name)) for name in (*QUANTITIES, "r2")}
    dim, divisor = int(table["dim"][0]), float(table["divisor"][0])
    needed = float(np.mean(needed_energy(table["sigma"], table["dim"], table["divisor"])))
    limit = RUNAWAY * dim * max(divisor, 1.0)
    verdict, severity = verdict_of(told["size"], told["mse"], limit)
    evidence: dict[str, float | int | str] = {"verdict": verdict, "n": n, "needed": needed, "limit": limit}
    for name, row in told.items():
        evidence |= {name: row[0], f"{name}_low": row[1], f"{name}_high": row[2]}
    if verdict == "not a number":
        statement = f"Nothing can be said: energy or gradient is no number ({n} problems)."
        return Finding("energy_scale", severity, statement, evidence)
    asked = ", large because the gradient is divided" if RUNAWAY * dim < told["size"][0] <= limit else ""
    lost = n - min(told["size"][3], told["mse"][3])
    statement = (
        f"{SENTENCES[verdict]}: the denoiser's output has {told['output_ratio'][0]:.3g} times the length of "
        f"the noise, and the MSE {_interval(told['mse'])} where predicting nothing has 1, an R² of "
        f"{told['r2'][0]:.3g}; |E| of right answers is {_interval(told['size'])}{asked}, where a right "
        f"denoiser with its minimum at 0 has {needed:.4g}, and {limit:.4g} is a runaway"
        f"{_spread(told['over_spread'])}."
        f"{_blind(comparison)} {n} problem{'s' if n > 1 else ''}, each at {levels} noise levels"
        f"{f'; {lost} left out, whose numbers are not finite' if lost else ''}."
    )
    advice = " ".join(ADVICE[trouble] for trouble in verdict.split(" and ") if trouble in ADVICE)
    return Finding("energy_scale", "warning" if lost else severity, statement, evidence, advice)


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


def verdict_of(size: Told, mse: Told, limit: float) -> tuple[str, Severity]:
    """Return the verdict that the intervals of |E| and MSE allow, and its severity.

    Args:
        size: Mean |E| of right answers.
        mse: Of the predicted noise.
        limit: Of |E|, beyond which it runs away.
    """
    if math.isnan(size[0]) or math.isnan(mse[0]):
        return "not a number", "warning"
    away = size[1] > limit
    low, high = DEAD_LOSS
    if low <= mse[1] and mse[2] <= high:
        return "runaway and collapse" if away else "collapse", "warning"
    if mse[1] > high:
        return "runaway and wrong" if away else "wrong", "warning"
    if away:
        return "runaway", "warning"
    return ("healthy" if mse[2] < low and size[2] <= limit else "undecided"), "note"


def _row(rows: Table) -> Told:
    value, low, high = (float(rows[name][0]) for name in ("value", "value_low", "value_high"))
    return value, low, high, int(rows["n"][0]), str(rows["reason"][0])


def _interval(row: Told) -> str:
    if math.isnan(row[1]):
        return f"{row[0]:.4g} (no interval: {row[4]})"
    return f"{row[0]:.4g} (95% interval {row[1]:.4g} to {row[2]:.4g})"


def _spread(row: Told) -> str:
    return f"; it is {row[0]:.3g} times its spread between random answers" if math.isfinite(row[0]) else ""


def _blind(comparison: Table) -> str:
    """Return the levels at which the denoiser is not seen to predict anything."""
    rows = select(comparison, quantity="r2")
    blind = rows["level"][(rows["level"] != ALL_LEVELS) & (rows["value_low"] <= 0)].tolist()
    if not blind:
        return ""
    return f" At level{'s' if len(blind) > 1 else ''} {', '.join(map(str, blind))} R² is not above 0."


def over_training(steps: Sequence[int], findings: Sequence[Finding]) -> Finding:
    """Return how fast |E| grows over training, and which verdicts stood on the way."""
    rule = "energy_scale_over_training"
    told = [(s, float(f.evidence.get("size") or math.nan)) for s, f in zip(steps, findings, strict=True)]
    known = [(step, size) for step, size in told if size > 0 and math.isfinite(size)]
    if not known:
        return Finding(rule, "note", "Over training, |E| of right answers: no checkpoint has a number.")
    growth = slope_of([step / STEPS for step, _ in known], [math.log(size) for _, size in known])
    verdicts = [str(finding.evidence["verdict"]) for finding in findings]
    dead = "collapse" in verdicts[-1] and steps[-1] < DEAD_FROM  # young, as training takes it
    severity: Severity = "note" if dead else findings[-1].severity
    (first, start), (last, end) = known[0], known[-1]
    statement = (
        f"Over {len(known)} checkpoints |E| of right answers goes from {start:.4g} (step {first}) to "
        f"{end:.4g} (step {last}): {_growth(growth.value, growth.low, growth.high, growth.reason)}. "
        f"Verdicts: {', '.join(f'{v} at {s}' for s, v in zip(steps, verdicts, strict=True))}."
    )
    return Finding(
        rule,
        severity,
        statement,
        {
            "first": start,
            "last": end,
            "growth": growth.value,
            "growth_low": growth.low,
            "growth_high": growth.high,
            "n": growth.n,
        },
    )


def _growth(value: float, low: float, high: float, reason: str) -> str:
    """Return a slope of log |E| per 1000 steps in words."""
    if math.isnan(value):
        return f"its growth is not known ({reason})"
    factor = f"a factor of {math.exp(value):.4g} each {STEPS} steps"
    if math.isnan(low):
        return f"{factor} (no interval: {reason})"
    sign = "it grows" if low > 0 else "it falls" if high < 0 else "no significant growth"
    return f"{factor} (95% interval {math.exp(low):.4g} to {math.exp(high):.4g}; {sign})"


def figure(table: Table) -> FigureData:
    """Return |E| over what is needed, and length and MSE of the denoiser's output, against the level."""
    comparison = compare(table)
    n, dim = len(np.unique(table["sample"])), int(table["dim"][0])
    sampling = math.sqrt(2 / (n * dim))
    energy = _line(comparison, "over_needed", "positive |E|")
    denoiser = (_line(comparison, "output_ratio", "length"), _line(comparison, "mse", "MSE"))
    largest = max(float(np.nanmax(line.y, initial=0.0)) for line in denoiser)
    needed, nothing = Guide(1.0, "right denoiser"), Guide(1.0, "predicting nothing: MSE 1")
    return FigureData(
        "energy_scale",
        "Size of the energy, and the noise that its gradient predicts",
        "noise level",
        (
            Panel("|E| / needed", (energy,), "log", guides=(needed,)),
            Panel("output / noise", denoiser, "log" if largest > 3 else "linear", guides=(nothing,)),
        ),
        f"Means with 95% t intervals; n = {n} problems, the same at each level. |E| of noised right answers "
        "over N sigma dim/2, what a right denoiser with its minimum at 0 has; length of the denoiser's "
        f"output over the noise's; its MSE, where predicting nothing has 1 (sampling error {sampling:.2g}).",
        f"mean and 95% interval, n = {n} problems",
    )


def _line(comparison: Table, quantity: str, name: str) -> Line:
    rows = select(comparison, quantity=quantity)
    at = {key: column[rows["level"] != ALL_LEVELS] for key, column in rows.items()}
    return Line(name, at["level"], at["value"], at["value_low"], at["value_high"])


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
        Headline("size", "|E| of right answers (nat)", "size_low", "size_high", "log"),
        Headline("mse", "MSE of the predicted noise", "mse_low", "mse_high", "log"),
        Headline("output_ratio", "output over noise, lengths", "output_ratio_low", "output_ratio_high"),
    ),
    over_training=over_training,
    needs=("levels",),
)
