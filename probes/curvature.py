"""Curvature: how sharp is the training loss, is it at a minimum, and are the sampler's steps stable?

Two Hessians. That of the training loss L in the network's parameters θ, on one batch, its draws and mined
negatives held (``inverse.held_loss``), warm start past:

- λ_max and λ_min as Ritz pairs of Lanczos, with residuals ‖Hv - λv‖. λ_min is a Rayleigh quotient: negative,
  it proves negative curvature on this batch; positive, it proves nothing. In the mean the λ_max of a batch
  is too large for the expected loss, and λ_min too small. v·H v of the same v on fresh batches is not chosen
  so: its mean is at most the expected loss's λ_max, and at least its λ_min.
- tr H (``model.hutchinson``), the density of eigenvalues (``stats.spectral_density``).
- d·H d along filter-normalised random directions d (``model.filter_direction``); √(2L / d·H d) is the
  relative change of the weights at which a parabola of that curvature doubles the loss. Slices of L along one
  of them and along the top eigenvector show how far the parabola holds; a plane through two is in the table
  alone.

And that of the energy E in y, at the noiseless point √ᾱ_t y* of each level t (``model.answer_spectrum``). A
gradient step of length η on a quadratic lowers it, wherever it starts, if and only if

    η < 2/λ_max(H).

Against this limit stands the step of the inner optimisation: η_t at first and 2η_t later, a quirk of the
public code, over what the network divides ∇_yE by. A step beyond the limit overshoots along the steepest
direction, ever farther; the sampler is spared that only because it rejects a step that raises the energy. An
exact denoiser, ∇_yE = (y - √ᾱ_t y*)/√(1 - ᾱ_t), has H = I/√(1 - ᾱ_t), and η_t λ_max = β_t/(1 - ᾱ_t): at level
0 the first step jumps to the minimum, and a later one lies exactly at the limit.

At most 256 problems make the batch, and 32 each of eight fresh ones; 32 problems stand for y, fewer where
dim > 200 (16 at rank 20), and none where dim > 1024. Without a configuration the loss is the denoising loss.

References: Ghorbani, Krishnan, Xiao (2019), An Investigation into Neural Net Optimization via Hessian
Eigenvalue Density; Li et al. (2018), Visualizing the Loss Landscape of Neural Nets, section 4; Nesterov
(2018), Lectures on Convex Optimization, section 1.2.3 (the limit of the step).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Scale
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.held_loss import drawn_loss
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.answer_spectrum import answer_spectrum
from ired_diag.model.curvature_verdict import FLAT, energy_verdict, loss_verdict
from ired_diag.model.hessian import LossOf
from ired_diag.model.loss_curvature import (
    REACH,
    doubling_step,
    loss_curvature,
    plane_through,
    slice_along,
)
from ired_diag.model.mining import CLAMP
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.levels import by_level
from ired_diag.stats.spectral_density import spectral_density
from ired_diag.stats.summary import summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select

COLUMNS = (
    Column("part", "1", "loss (in the parameters) or energy (in y)"),
    Column("quantity", "1", "what was measured"),
    Column("level", "1", "noise level; -1 where there is none"),
    Column("sample", "1", "number of the problem, fresh batch, direction or sign vector; -1: no other"),
    Column("x", "as quantity", "eigenvalue of a density; step of a slice, in lengths of its direction"),
    Column("y", "as quantity", "step of a plane along its second direction"),
    Column("value", "as quantity", "the number"),
    Column("error", "as value", "residual of an eigenvalue in θ; asymmetry ‖H - Hᵀ‖_F / 2 of one in y"),
    Column("reason", "1", "why it is NaN, or how it was found"),
)
COMPARISON_COLUMNS = (
    Column("part", "1", "loss or energy"),
    Column("quantity", "1", "what was measured"),
    Column("level", "1", "noise level; -1 of the energy: the worst level of each problem"),
    Column("x", "as quantity", "the number, or its mean"),
    Column("x_low", "as quantity", "lower end of its interval"),
    Column("x_high", "as quantity", "upper end"),
    Column("n", "1", "problems, batches, directions or sign vectors"),
    Column("interval", "1", "what the interval is"),
    Column("reason", "1", "why something is NaN or left out"),
)
BATCH, FRESH = 256, 8
PROBLEMS, ENTRIES, MAX_DIM = 32, 6400, 1024  # of y: problems · dim ≤ ENTRIES
FAINT = 0.1  # of an eigenvalue: where there is less, no density is drawn
T_INTERVAL, SHARE_INTERVAL = "95% t interval of a mean", "95% interval of a share"
ADVICE = (
    "Look how many inner steps are rejected: ired-diag probe mining_dynamics. Without the doubling "
    "(faithful=False) every later step is half as long."
)
HEADLINES: tuple[tuple[str, str, Scale], ...] = (
    ("highest_fresh", "λ_max of the training loss, on fresh problems", "log"),
    ("lowest_fresh", "λ_min of the training loss, on fresh problems", "linear"),
    ("step_over_limit_later", "later inner step over 2/λ_max, at its worst level", "linear"),
)

Row = tuple[str, str, int, float, float, float, int, str, str]


def measure(subject: Subject) -> Table:
    """Return the curvature of the training loss in the parameters, and of the energy in y."""
    return concatenate([_of_loss(subject), _of_energy(subject)])


def _rows(part: str, quantity: str, value: ArrayLike, **others: Any) -> Table:
    """Return rows of one quantity; each other column is an array of their length, or the same for all."""
    n = len(np.atleast_1d(value))
    blank = {column.name: math.nan for column in COLUMNS} | {"level": ALL_LEVELS, "sample": -1, "reason": ""}
    columns = blank | {"part": part, "quantity": quantity, "value": value, **others}
    return {name: np.broadcast_to(np.asarray(column), (n,)).copy() for name, column in columns.items()}


def _of_loss(subject: Subject) -> Table:
    if not isinstance(subject.energy, EnergyNetwork):
        return _rows("loss", "loss", math.nan, reason="the training loss of this energy is not known")
    subject, _ = _with_fixed_divisor(subject)
    count, parameters = min(subject.samples, BATCH), subject.energy_of(EnergyNetwork).parameters
    loss = _loss(subject, 0, count)
    fresh = (_loss(subject, 1 + number, math.ceil(count / FRESH)) for number in range(FRESH))
    found = loss_curvature(loss, parameters, fresh, generators=subject.generator)
    if found is None:
        reason = subject.defect or "the loss or its gradient is not finite"
        return _rows("loss", "loss", math.nan, reason=reason)
    moved = isinstance(subject.config, InverseConfig) and subject.config.stop_gradient_head
    note = "the head's gradient is not stopped here" if moved else ""
    x, density, width = spectral_density(found.quadratures)
    numbers = [
        _rows("loss", "loss", found.value, reason=note),
        _rows("loss", "problems", float(count)),
        _rows("loss", "parameters", float(len(found.gradient))),
        _rows("loss", "gradient_norm", float(found.gradient.norm())),
        _rows("loss", "lowest", found.lowest.value, error=found.lowest.residual),
        _rows("loss", "highest", found.highest.value, error=found.highest.residual),
        _rows("loss", "lowest_fresh", found.fresh[:, 0], sample=np.arange(FRESH)),
        _rows("loss", "highest_fresh", found.fresh[:, 1], sample=np.arange(FRESH)),
        _rows("loss", "trace", found.traces, sample=np.arange(len(found.traces))),
        _rows("loss", "random_bend", found.bends, sample=np.arange(len(found.bends))),
        _rows("loss", "density", density, x=x),
        _rows("loss", "density_width", width),
    ]
    steps, others, values = plane_through(loss, parameters, found)
    numbers.append(_rows("loss", "plane_random", values, x=steps, y=others))
    for name, direction, bend in (
        ("slice_highest", found.highest.vector, found.highest.value),
        ("slice_random", found.directions[0], float(found.bends[0])),
    ):
        steps, values = slice_along(loss, parameters, direction, REACH * doubling_step(found.value, bend))
        why = "" if np.isfinite(steps).all() else "the loss is flat along this direction"
        numbers.append(_rows("loss", name, values, x=steps, reason=why))
    return concatenate(numbers)


def _loss(subject: Subject, number: int, count: int) -> LossOf:
    """Return the training loss on a batch of its own number."""
    return drawn_loss(
        subject.energy_of(EnergyNetwork),
        subject.schedule,
        subject.config if isinstance(subject.config, InverseConfig) else None,
        subject.problems,
        count,
        generators=lambda purpose: subject.generator(f"curvature {purpose}", number),
    )


def _with_fixed_divisor(subject: Subject) -> tuple[Subject, float]:
    """Return the subject with a divisor of ∇_yE that is a number, as in training, and that number."""
    divisor = getattr(subject.energy, "gradient_normalization", None)
    if not isinstance(subject.energy, EnergyNetwork) or divisor is None:
        return subject, 1.0
    if divisor == "batch":
        divisor = subject.config.batch_size if subject.config else subject.samples
    fixed = replace(subject.energy, gradient_normalization=float(divisor))
    return replace(subject, energy=fixed), float(divisor)


def _of_energy(subject: Subject) -> Table:
    subject, divisor = _with_fixed_divisor(subject)
    schedule, levels = subject.schedule, np.arange(subject.schedule.levels)
    eta, sigma = (
        b.double().cpu().numpy() for b in (schedule.opt_step_size, schedule.sqrt_one_minus_alphas_cumprod)
    )
    later = CLAMP if subject.mining.faithful else 1.0
    if schedule.is_clean:
        eta, sigma = np.full_like(eta, math.nan), np.full_like(sigma, math.nan)
    why = "the energy knows no noise levels, and no inner steps" if schedule.is_clean else ""
    known = [
        _rows("energy", "step_first", eta / divisor, level=levels, reason=why),
        _rows("energy", "step_later", later * eta / divisor, level=levels, reason=why),
        _rows("energy", "exact_lambda", divisor / sigma, level=levels, reason=why),
    ]
    count = min(subject.samples, PROBLEMS)
    x, answer = subject.problems.draw(count, generator=subject.generator("curvature answers"))
    dim = answer.shape[1]
    if dim > MAX_DIM:
        reason = f"dim is {dim}: above {MAX_DIM} no whole Hessian is made"
        return concatenate([*known, _rows("energy", "lambda_max", math.nan, reason=reason)])
    count = min(count, max(1, ENTRIES // dim))
    x, answer = x.to(subject.device), answer.to(subject.device)
    found = answer_spectrum(
        subject.energy, schedule, x[:count], answer[:count], generator=subject.generator("curvature check")
    )
    low, high, error = (divisor * v.ravel() for v in (found.lowest, found.highest, found.error))
    where = {"level": np.repeat(levels, count), "sample": np.tile(np.arange(count), len(levels))}
    how = np.where(found.differenced.ravel() > 0, "by central differences", "")
    how = np.where(np.isnan(low), subject.defect or "the Hessian is not finite", how)
    definite = low > error
    condition = np.divide(high, low, out=np.full_like(high, math.nan), where=definite)
    no_bowl = np.where(definite | np.isnan(low), how, "λ_min is not above 0")
    return concatenate(
        [
            *known,
            _rows("energy", "lambda_min", low, error=error, reason=how, **where),
            _rows("energy", "lambda_max", high, error=error, reason=how, **where),
            _rows("energy", "condition", condition, reason=no_bowl, **where),
            _rows("energy", "asymmetry", found.asymmetry.ravel(), reason=how, **where),
            _rows("energy", "gradient_norm", divisor * found.slope.ravel(), reason=how, **where),
        ]
    )


def compare(table: Table) -> Table:
    """Return each number with its interval: of the loss, then of the energy level by level."""
    rows = [*_compared_loss(select(table, part="loss")), *_compared_energy(select(table, part="energy"))]
    names = [column.name for column in COMPARISON_COLUMNS]
    return {name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _compared_loss(table: Table) -> list[Row]:
    def rows_of(quantity: str) -> Table:
        return select(table, quantity=quantity)

    loss, why = float(rows_of("loss")["value"][0]), str(rows_of("loss")["reason"][0])
    rows: list[Row] = []
    for name in ("loss", "gradient_norm", "lowest", "highest"):
        for value, error in zip(rows_of(name)["value"], rows_of(name)["error"], strict=True):
            kind = "" if math.isnan(error) else "residual: an eigenvalue of this batch lies within"
            rows.append(("loss", name, ALL_LEVELS, value, value - error, value + error, 1, kind, why))
    for name in ("lowest_fresh", "highest_fresh", "trace", "random_bend"):
        s = summarise(rows_of(name)["value"])
        rows.append(
            ("loss", name, ALL_LEVELS, s.mean, s.low, s.high, s.n, T_INTERVAL, why if not s.n else s.reason)
        )
    bend = summarise(rows_of("random_bend")["value"])
    ends = [doubling_step(loss, b) if b > 0 else math.inf for b in (bend.mean, bend.high, bend.low)]
    reason = why if not bend.n else "" if bend.low > 0 else "the interval of the curvature holds 0"
    rows.append(("loss", "doubling", ALL_LEVELS, *ends, bend.n, T_INTERVAL, reason))  # type: ignore[arg-type]
    return rows


def _compared_energy(table: Table) -> list[Row]:
    """Return means and shares over problems, at their worst level and level by level."""
    why = [str(reason) for reason in np.unique(table["reason"][np.isnan(table["value"])])]
    rows: list[Row] = []
    for name, values in _energy_numbers(table).items():
        share = name.startswith("share")
        kind = SHARE_INTERVAL if share else T_INTERVAL
        for s in by_level(values, share=share, smallest=name == "lambda_min"):
            lost = f"{s.lost} of {s.n + s.lost} are left out: {'; '.join(why)}" if s.lost else s.reason
            rows.append(("energy", name, s.level, s.mean, s.low, s.high, s.n, kind, lost))
    return rows


def _energy_numbers(table: Table) -> dict[str, NDArray[np.float64]]:
    """Return each quantity of the energy, of shape (levels, problems)."""
    levels = int((table["quantity"] == "step_first").sum())

    def values_of(quantity: str, column: str = "value") -> NDArray[np.float64]:
        values = select(table, quantity=quantity)[column].astype(np.float64)
        return values.reshape(levels, -1) if len(values) >= levels else np.full((levels, 1), math.nan)

    low, high = values_of("lambda_min"), values_of("lambda_max")
    numbers = {"lambda_min": low, "lambda_max": high, "condition": values_of("condition")}
    numbers["share_indefinite"] = _share(low < -FLAT * np.abs(high), low)
    for name in ("first", "later"):
        over = values_of(f"step_{name}") * high / 2
        numbers |= {f"step_over_limit_{name}": over, f"share_over_limit_{name}": _share(over > 1, over)}
    return numbers


def _share(true: NDArray[np.bool_], of: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(of), math.nan, true)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how sharp the loss is, whether it is at a minimum, and whether the inner steps are stable."""
    pooled = select(comparison, level=ALL_LEVELS)
    evidence = {
        f"{'energy_' * name.startswith('lambda')}{name}{end}": float(x)
        for end, column in (("", "x"), ("_low", "x_low"), ("_high", "x_high"))
        for name, x in zip(pooled["quantity"].tolist(), pooled[column], strict=True)
    }
    evidence["doubling_measured"] = _measured_doubling(select(table, quantity="slice_random"))
    batch = select(table, quantity="problems")["value"]
    said = loss_verdict(evidence, int(batch.sum()), str(select(table, quantity="loss")["reason"][0]))
    over = {name: _overshooting(comparison, name) for name in ("first", "later")}
    ((n, reason),) = zip(*(select(pooled, quantity="lambda_max")[c] for c in ("n", "reason")), strict=True)
    rows = select(comparison, quantity="share_indefinite")
    indefinite = dict(zip(rows["level"].tolist(), rows["x"].tolist(), strict=True))
    del indefinite[ALL_LEVELS]
    said += (
        f" {energy_verdict(evidence, int(n), indefinite, over)}" if n else f" Of E in y nothing: {reason}."
    )
    warned = any(over.values())
    severity: Severity = "warning" if warned else "note"
    return Finding("curvature", severity, said, {**evidence, "n": int(n)}, ADVICE if warned else "")


def _measured_doubling(rows: Table) -> float:
    """Return the loss over its own after ± the step that doubles the parabola, mean of both."""
    if len(rows["x"]) < 2:
        return math.nan
    unit = rows["x"].max() / REACH
    ends = [rows["value"][np.argmin(np.abs(rows["x"] - step))] for step in (-unit, unit, 0.0)]
    return float((ends[0] + ends[1]) / (2 * ends[2]))


def _overshooting(comparison: Table, name: str) -> list[int]:
    """Return the levels at which most problems overshoot, by the interval of their share."""
    rows = select(comparison, quantity=f"share_over_limit_{name}")
    found = (rows["level"] != ALL_LEVELS) & (rows["x_low"] > 0.5)
    return [int(level) for level in rows["level"][found]]


def figure(table: Table) -> FigureData:
    """Return slices of the loss, the density of its curvatures, and the inner steps beside their limits."""
    panels, said = [_steps_panel(table)], []
    if len(select(table, quantity="density")["x"]):
        panels = [_slices_panel(table), _density_panel(table), *panels]
        batch, blur = (_number(table, name) for name in ("problems", "density_width"))
        said = [f"loss: {batch:.0f} problems, blur {blur:.2g}"]
    problems = len(np.unique(select(table, quantity="lambda_max")["sample"]))
    said.append(f"steps: median, quartiles of {problems}")
    return FigureData(
        "curvature",
        "Curvature of the training loss, and inner steps beside their limits",
        "noise level",
        tuple(panels),
        f"{'; '.join(said)} problems. Slices of the loss along its steepest direction and a random one; how "
        "many eigenvalues lie within a blur; the first inner step and the later ones over the limit of "
        "stability, and the later ones of an exact denoiser.",
        "; ".join(said),
    )


def _number(table: Table, quantity: str) -> float:
    return float(select(table, quantity=quantity)["value"][0])


def _slices_panel(table: Table) -> Panel:
    lines = []
    for name, quantity in (("steepest", "slice_highest"), ("at random", "slice_random")):
        rows = select(table, quantity=quantity)
        steps = REACH * rows["x"] / np.max(rows["x"])
        lines.append(Line(name, steps, rows["value"] / _number(table, "loss"), drawn="points"))
    label = "step; a parabola doubles at 1"
    return Panel("loss over loss here", tuple(lines), "log", label, guides=(Guide(2.0, "doubled"),))


def _density_panel(table: Table) -> Panel:
    rows = select(table, quantity="density")
    single = 1 / (_number(table, "parameters") * _number(table, "density_width") * math.sqrt(2 * math.pi))
    count = rows["value"] / single  # the peak of one eigenvalue is 1 high
    seen = np.log10(np.where(count >= FAINT, count, math.nan))
    line = Line("density", rows["x"], seen, drawn="line")
    return Panel("log10 eigenvalue count", (line,), x_label="curvature λ of the loss")


def _steps_panel(table: Table) -> Panel:
    numbers, levels = _energy_numbers(select(table, part="energy")), select(table, quantity="step_later")
    lines = []
    for name in ("first", "later"):
        low, middle, high = np.quantile(numbers[f"step_over_limit_{name}"], (0.25, 0.5, 0.75), axis=1)
        lines.append(Line(name, levels["level"], middle, low, high))
    exact = levels["value"] * select(table, quantity="exact_lambda")["value"] / 2
    lines.append(Line("later, exact", levels["level"], exact, drawn="line"))
    guide = Guide(1.0, "limit")
    return Panel("step over its limit 2/λ_max", tuple(lines), x_label="noise level", guides=(guide,))


PROBE = Probe(
    name="curvature",
    question="How sharp is the training loss, is it at a minimum, and are the sampler's steps in y stable?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=tuple(
        Headline(key, label, f"{key}_low", f"{key}_high", scale) for key, label, scale in HEADLINES
    ),
    samples=BATCH,
)
