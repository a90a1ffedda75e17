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
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Scale
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.held_loss import drawn_loss
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.kept_memory import freed_memory_kept
from ired_diag.model.answer_spectrum import answer_spectrum
from ired_diag.model.curvature_verdict import FLAT, energy_verdict, loss_verdict
from ired_diag.model.hessian import LossOf
from ired_diag.model.loss_curvature import (
    REACH,
    LossCurvature,
    doubling_step,
    loss_curvature,
    plane_through,
    slice_along,
)
from ired_diag.model.mining import CLAMP
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.levels import by_level
from ired_diag.stats.spectral_density import spectral_density
from ired_diag.stats.summary import Summary, summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select, table_of_rows

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
    Column("x_high", "as quantity", "upper end of its interval"),
    Column("n", "1", "problems, batches, directions or sign vectors"),
    Column("interval", "1", "what the interval is"),
    Column("reason", "1", "why something is NaN or left out"),
)
BATCH = 256
FRESH = 8
PROBLEMS, ENTRIES, MAX_DIM = 32, 6400, 1024  # of y: problems · dim ≤ ENTRIES
HEIGHT = 0.8  # of a panel
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

Array = NDArray[np.float64]
Row = dict[str, Any]


def measure(subject: Subject) -> Table:
    """Return the curvature of the training loss in the parameters, and of the energy in y."""
    with freed_memory_kept():  # each product with a Hessian needs the same tensors again
        return concatenate([_of_loss(subject), _of_energy(subject)])


def _rows(part: str, quantity: str, value: ArrayLike, **others: Any) -> Table:
    """Return rows of one quantity; each other column is an array of their length, or the same for all."""
    columns: dict[str, Any] = {column.name: math.nan for column in COLUMNS}
    columns |= {"level": ALL_LEVELS, "sample": -1, "reason": ""}
    columns |= {"part": part, "quantity": quantity, "value": value, **others}
    count = len(np.atleast_1d(value))
    rows = {}
    for name, values in columns.items():
        rows[name] = np.broadcast_to(np.asarray(values), (count,)).copy()
    return rows


def _numbered(part: str, quantity: str, values: Array) -> Table:
    return _rows(part, quantity, values, sample=np.arange(len(values)))


def _of_loss(subject: Subject) -> Table:
    if not isinstance(subject.energy, EnergyNetwork):
        return _rows("loss", "loss", math.nan, reason="the training loss of this energy is not known")
    subject, _ = _with_fixed_divisor(subject)
    count = min(subject.samples, BATCH)
    parameters = subject.energy_of(EnergyNetwork).parameters
    loss = _loss(subject, 0, count)
    # A generator: each fresh batch is made, and dropped, when its turn comes.
    fresh = (_loss(subject, 1 + number, math.ceil(count / FRESH)) for number in range(FRESH))
    curvature = loss_curvature(
        loss,
        parameters,
        fresh,
        generators=subject.generator,
        at_once=subject.side_by_side,
    )
    if curvature is None:
        reason = subject.defect or "the loss or its gradient is not finite"
        return _rows("loss", "loss", math.nan, reason=reason)
    note = ""
    if isinstance(subject.config, InverseConfig) and subject.config.stop_gradient_head:
        note = "the head's gradient is not stopped here"
    plane_x, plane_y, plane = plane_through(
        loss,
        parameters,
        curvature,
        at_once=subject.side_by_side,
    )
    highest = curvature.highest
    return concatenate(
        [
            _rows("loss", "loss", curvature.value, reason=note),
            _rows("loss", "problems", float(count)),
            *_numbers_of_loss(curvature),
            _rows("loss", "plane_random", plane, x=plane_x, y=plane_y),
            _slice(
                "slice_highest",
                loss,
                parameters,
                direction=highest.vector,
                reach=REACH * doubling_step(curvature.value, highest.value),
                at_once=subject.side_by_side,
            ),
            _slice(
                "slice_random",
                loss,
                parameters,
                direction=curvature.directions[0],
                reach=REACH * doubling_step(curvature.value, float(curvature.bends[0])),
                at_once=subject.side_by_side,
            ),
        ]
    )


def _numbers_of_loss(curvature: LossCurvature) -> list[Table]:
    lowest = curvature.lowest
    highest = curvature.highest
    x, density, width = spectral_density(curvature.quadratures)
    return [
        _rows("loss", "parameters", float(len(curvature.gradient))),
        _rows("loss", "gradient_norm", float(curvature.gradient.norm())),
        _rows("loss", "lowest", lowest.value, error=lowest.residual),
        _rows("loss", "highest", highest.value, error=highest.residual),
        _numbered("loss", "lowest_fresh", curvature.fresh[:, 0]),
        _numbered("loss", "highest_fresh", curvature.fresh[:, 1]),
        _numbered("loss", "trace", curvature.traces),
        _numbered("loss", "random_bend", curvature.bends),
        _rows("loss", "density", density, x=x),
        _rows("loss", "density_width", width),
    ]


def _slice(
    quantity: str,
    loss: LossOf,
    parameters: Mapping[str, Tensor],
    *,
    direction: Tensor,
    reach: float,
    at_once: bool,
) -> Table:
    steps, values = slice_along(
        loss=loss,
        parameters=parameters,
        direction=direction,
        reach=reach,
        at_once=at_once,
    )
    reason = ""
    if not np.isfinite(steps).all():
        reason = "the loss is flat along this direction"
    return _rows("loss", quantity, values, x=steps, reason=reason)


def _loss(subject: Subject, number: int, count: int) -> LossOf:
    """Return the training loss on a batch of its own number."""
    config = None
    if isinstance(subject.config, InverseConfig):
        config = subject.config

    def generators(purpose: str) -> torch.Generator:
        return subject.generator(f"curvature {purpose}", number)

    return drawn_loss(
        network=subject.energy_of(EnergyNetwork),
        schedule=subject.schedule,
        config=config,
        problems=subject.problems,
        count=count,
        generators=generators,
    )


def _with_fixed_divisor(subject: Subject) -> tuple[Subject, float]:
    """Return the subject with a divisor of ∇_yE that is a number, as in training, and that number."""
    divisor = getattr(subject.energy, "gradient_normalization", None)
    if not isinstance(subject.energy, EnergyNetwork) or divisor is None:
        return subject, 1.0
    if divisor == "batch":
        divisor = subject.samples  # without a configuration the batch of training is unknown
        if subject.config:
            divisor = subject.config.batch_size
    fixed = replace(subject.energy, gradient_normalization=float(divisor))
    return replace(subject, energy=fixed), float(divisor)


def _of_energy(subject: Subject) -> Table:
    subject, divisor = _with_fixed_divisor(subject)
    steps = _inner_steps(subject, divisor)
    return concatenate([*steps, *_spectra(subject, divisor)])


def _inner_steps(subject: Subject, divisor: float) -> list[Table]:
    schedule = subject.schedule
    levels = np.arange(schedule.levels)
    eta = schedule.opt_step_size.double().cpu().numpy()
    sigma = schedule.sqrt_one_minus_alphas_cumprod.double().cpu().numpy()
    reason = ""
    if schedule.is_clean:
        eta = np.full_like(eta, math.nan)
        sigma = np.full_like(sigma, math.nan)
        reason = "the energy knows no noise levels, and no inner steps"
    longer = 1.0
    if subject.mining.faithful:
        longer = CLAMP  # the public code multiplies later steps by the bound of its clamp
    return [
        _rows("energy", "step_first", eta / divisor, level=levels, reason=reason),
        _rows("energy", "step_later", longer * eta / divisor, level=levels, reason=reason),
        _rows("energy", "exact_lambda", divisor / sigma, level=levels, reason=reason),
    ]


def _spectra(subject: Subject, divisor: float) -> list[Table]:
    """Return the eigenvalues of the Hessian in y at right answers, at each level."""
    count = min(subject.samples, PROBLEMS)
    x, answer = subject.problems.draw(count, generator=subject.generator("curvature answers"))
    dim = answer.shape[1]
    if dim > MAX_DIM:
        reason = f"dim is {dim}: above {MAX_DIM} no whole Hessian is made"
        return [_rows("energy", "lambda_max", math.nan, reason=reason)]
    count = min(count, max(1, ENTRIES // dim))
    spectrum = answer_spectrum(
        energy=subject.energy,
        schedule=subject.schedule,
        x=x.to(subject.device)[:count],
        answer=answer.to(subject.device)[:count],
        generator=subject.generator("curvature check"),
        at_once=subject.side_by_side,
    )
    # The network divides ∇_yE, and with it the Hessian, by the divisor.
    low = divisor * spectrum.lowest.ravel()
    high = divisor * spectrum.highest.ravel()
    error = divisor * spectrum.error.ravel()
    slope = divisor * spectrum.slope.ravel()
    how = np.where(spectrum.differenced.ravel() > 0, "by central differences", "")
    how = np.where(np.isnan(low), subject.defect or "the Hessian is not finite", how)
    definite = low > error
    condition = np.divide(high, low, out=np.full_like(high, math.nan), where=definite)
    no_bowl = np.where(definite | np.isnan(low), how, "λ_min is not above 0")
    levels = np.arange(subject.schedule.levels)
    where = {"level": np.repeat(levels, count), "sample": np.tile(np.arange(count), len(levels))}
    return [
        _rows("energy", "lambda_min", low, error=error, reason=how, **where),
        _rows("energy", "lambda_max", high, error=error, reason=how, **where),
        _rows("energy", "condition", condition, reason=no_bowl, **where),
        _rows("energy", "asymmetry", spectrum.asymmetry.ravel(), reason=how, **where),
        _rows("energy", "gradient_norm", slope, reason=how, **where),
    ]


def compare(table: Table) -> Table:
    """Return each number with its interval: of the loss, then of the energy level by level."""
    rows = [*_compared_loss(select(table, part="loss")), *_compared_energy(select(table, part="energy"))]
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _compared_loss(table: Table) -> Iterator[Row]:
    loss_row = select(table, quantity="loss")
    loss = float(loss_row["value"][0])
    note = str(loss_row["reason"][0])
    for name in ("loss", "gradient_norm", "lowest", "highest"):
        yield from _single_numbers(name, select(table, quantity=name), note)
    for name in ("lowest_fresh", "highest_fresh", "trace", "random_bend"):
        summary = summarise(select(table, quantity=name)["value"])
        reason = summary.reason
        if not summary.n:
            reason = note
        yield {
            "part": "loss",
            "quantity": name,
            "level": ALL_LEVELS,
            "x": summary.mean,
            "x_low": summary.low,
            "x_high": summary.high,
            "n": summary.n,
            "interval": T_INTERVAL,
            "reason": reason,
        }
    bend = summarise(select(table, quantity="random_bend")["value"])
    yield _doubling(loss, bend, note)


def _single_numbers(name: str, rows: Table, note: str) -> Iterator[Row]:
    """Yield a number of the batch itself, where there is one; an eigenvalue within its residual."""
    for value, error in zip(rows["value"], rows["error"], strict=True):
        interval = ""
        if not math.isnan(error):
            interval = "residual: an eigenvalue of this batch lies within"
        yield {
            "part": "loss",
            "quantity": name,
            "level": ALL_LEVELS,
            "x": value,
            "x_low": value - error,
            "x_high": value + error,
            "n": 1,
            "interval": interval,
            "reason": note,
        }


def _doubling(loss: float, bend: Summary, note: str) -> Row:
    """Return the step along a random direction at which a parabola of the mean curvature doubles the loss."""
    reason = ""
    if not bend.n:
        reason = note
    elif not bend.low > 0:
        reason = "the interval of the curvature holds 0"
    return {
        "part": "loss",
        "quantity": "doubling",
        "level": ALL_LEVELS,
        "x": _doubling_step(loss, bend.mean),
        "x_low": _doubling_step(loss, bend.high),  # the sharper, the shorter the step
        "x_high": _doubling_step(loss, bend.low),
        "n": bend.n,
        "interval": T_INTERVAL,
        "reason": reason,
    }


def _doubling_step(loss: float, bend: float) -> float:
    if bend > 0:
        return doubling_step(loss, bend)
    return math.inf


def _compared_energy(table: Table) -> Iterator[Row]:
    """Yield means and shares over problems, at their worst level and level by level."""
    why = np.unique(table["reason"][np.isnan(table["value"])])
    reasons = "; ".join(map(str, why))
    for name, values in _energy_numbers(table).items():
        share = name.startswith("share")
        interval = T_INTERVAL
        if share:
            interval = SHARE_INTERVAL
        for summary in by_level(values, share=share, smallest=name == "lambda_min"):
            reason = summary.reason
            if summary.lost:
                reason = f"{summary.lost} of {summary.n + summary.lost} are left out: {reasons}"
            yield {
                "part": "energy",
                "quantity": name,
                "level": summary.level,
                "x": summary.mean,
                "x_low": summary.low,
                "x_high": summary.high,
                "n": summary.n,
                "interval": interval,
                "reason": reason,
            }


def _energy_numbers(table: Table) -> dict[str, Array]:
    """Return each quantity of the energy, of shape (levels, problems)."""
    levels = int((table["quantity"] == "step_first").sum())

    def by_levels(quantity: str) -> Array:
        values = select(table, quantity=quantity)["value"].astype(np.float64)
        if len(values) < levels:
            return np.full((levels, 1), math.nan)
        return values.reshape(levels, -1)

    low = by_levels("lambda_min")
    high = by_levels("lambda_max")
    first = by_levels("step_first") * high / 2
    later = by_levels("step_later") * high / 2
    return {
        "lambda_min": low,
        "lambda_max": high,
        "condition": by_levels("condition"),
        # Rounding alone makes the smallest eigenvalue of a flat energy negative.
        "share_indefinite": _share(low < -FLAT * np.abs(high), low),
        "step_over_limit_first": first,
        "share_over_limit_first": _share(first > 1, first),
        "step_over_limit_later": later,
        "share_over_limit_later": _share(later > 1, later),
    }


def _share(true: NDArray[np.bool_], of: Array) -> Array:
    return np.where(np.isnan(of), math.nan, true)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how sharp the loss is, whether it is at a minimum, and whether the inner steps are stable."""
    pooled = select(comparison, level=ALL_LEVELS)
    evidence = _evidence(pooled)
    evidence["doubling_measured"] = _measured_doubling(select(table, quantity="slice_random"))
    batch = select(table, quantity="problems")["value"]
    note = str(select(table, quantity="loss")["reason"][0])
    on_loss = loss_verdict(evidence, int(batch.sum()), note)
    eigenvalue = select(pooled, quantity="lambda_max")
    n = int(eigenvalue["n"][0])
    over = {name: _overshooting(comparison, name) for name in ("first", "later")}
    on_energy = f"Of E in y nothing: {eigenvalue['reason'][0]}."
    if n:
        on_energy = energy_verdict(
            numbers=evidence,
            problems=n,
            indefinite=_shares_indefinite(comparison),
            over=over,
        )
    severity: Severity = "note"
    advice = ""
    if any(over.values()):
        severity = "warning"
        advice = ADVICE
    return Finding(
        rule="curvature",
        severity=severity,
        statement=f"{on_loss} {on_energy}",
        evidence={**evidence, "n": n},
        advice=advice,
    )


def _evidence(pooled: Table) -> dict[str, float]:
    evidence = {}
    for end in ("", "_low", "_high"):
        values = pooled[f"x{end}"].tolist()
        for name, value in zip(pooled["quantity"].tolist(), values, strict=True):
            if name.startswith("lambda"):
                name = f"energy_{name}"  # θ has eigenvalues, too
            evidence[f"{name}{end}"] = value
    return evidence


def _shares_indefinite(comparison: Table) -> dict[int, float]:
    """Return the share of problems whose energy bends down somewhere, by level."""
    rows = select(comparison, quantity="share_indefinite")
    shares = dict(zip(rows["level"].tolist(), rows["x"].tolist(), strict=True))
    del shares[ALL_LEVELS]
    return shares


def _measured_doubling(rows: Table) -> float:
    """Return the loss over its own after ± the step that doubles the parabola, mean of both."""
    steps = rows["x"]
    if len(steps) < 2:
        return math.nan
    # The steps are a grid, in which rounding may miss -1, 0 and 1.
    unit = steps.max() / REACH

    def loss_near(step: float) -> float:
        nearest = np.argmin(np.abs(steps - step))
        value: float = rows["value"][nearest]
        return value

    return float((loss_near(-unit) + loss_near(unit)) / (2 * loss_near(0.0)))


def _overshooting(comparison: Table, name: str) -> list[int]:
    """Return the levels at which most problems overshoot, by the interval of their share."""
    rows = select(comparison, quantity=f"share_over_limit_{name}")
    most = (rows["level"] != ALL_LEVELS) & (rows["x_low"] > 0.5)
    levels: list[int] = rows["level"][most].tolist()
    return levels


def figure(table: Table) -> FigureData:
    """Return slices of the loss, the density of its curvatures, and the inner steps next to their limits."""
    panels = [_steps_panel(table)]
    notes = []
    problems = len(np.unique(select(table, quantity="lambda_max")["sample"]))
    words = [
        "Length of the sampler's inner steps over that of the longest stable one, 2/λ with λ the largest "
        f"curvature of the energy: medians over {problems} problems (bars: quartiles, which may be shorter "
        "than the marker). Above 1 a step overshoots. Dotted curve: later steps on the energy of an exact "
        "denoiser."
    ]
    if len(select(table, quantity="density")["x"]):
        panels = [_slices_panel(table), _density_panel(table), *panels]
        batch = _number(table, "problems")
        blur = _number(table, "density_width")
        notes.append(f"loss: {batch:.0f} problems, blur {blur:.2g}")
        (steps,) = words
        words = [
            f"Top: the training loss on {batch:.0f} problems, from the weights along the direction of "
            "largest curvature (steepest) and one at random.",
            f"Middle: number of eigenvalues of its Hessian per width {_width(table):.2g} of curvature, each "
            f"spread to a Gaussian of sd {blur:.2g}: one alone is 1 high; less than {FAINT:g} is not drawn.",
            f"Bottom: {steps[0].lower()}{steps[1:]}",
        ]
    notes.append(f"steps: median, quartiles of {problems}")
    return FigureData(
        name="curvature",
        title="Curvature of the training loss, and length of the inner steps",
        x_label="noise level (0: least noise)",
        panels=tuple(replace(panel, height=HEIGHT) for panel in panels),
        method=" ".join(words),
        note="; ".join(notes),
        stacked=True,
    )


def _number(table: Table, quantity: str) -> float:
    return float(select(table, quantity=quantity)["value"][0])


def _width(table: Table) -> float:
    """Return over which width of curvature eigenvalues are counted: that of a Gaussian 1 high of area 1."""
    return _number(table, "density_width") * math.sqrt(2 * math.pi)


def _slices_panel(table: Table) -> Panel:
    lines = []
    for name, quantity in (("steepest", "slice_highest"), ("at random", "slice_random")):
        rows = select(table, quantity=quantity)
        steps = REACH * rows["x"] / np.max(rows["x"])
        values = rows["value"] / _number(table, "loss")
        lines.append(Line(name, steps, values, drawn="points"))
    return Panel(
        "loss / loss at the weights",
        tuple(lines),
        "log",
        x_label="step (a parabola doubles the loss at 1)",
        guides=(Guide(2.0, "doubled"),),
    )


def _density_panel(table: Table) -> Panel:
    rows = select(table, quantity="density")
    single = 1 / (_number(table, "parameters") * _width(table))
    count = rows["value"] / single  # the peak of one eigenvalue is 1 high
    seen = np.where(count >= FAINT, count, math.nan)
    line = Line("density", rows["x"], seen, drawn="line")
    return Panel(
        f"eigenvalues (per width {_width(table):.2g})", (line,), "log", x_label="curvature of the loss"
    )


def _steps_panel(table: Table) -> Panel:
    numbers = _energy_numbers(select(table, part="energy"))
    later = select(table, quantity="step_later")
    lines = []
    for name in ("first", "later"):
        over_limit = numbers[f"step_over_limit_{name}"]
        low, middle, high = np.quantile(over_limit, (0.25, 0.5, 0.75), axis=1)
        lines.append(Line(f"{name} step", later["level"], middle, low=low, high=high))
    exact = later["value"] * select(table, quantity="exact_lambda")["value"] / 2
    lines.append(Line("later, exact denoiser", later["level"], exact, drawn="line"))
    return Panel(
        "step / longest stable step",
        tuple(lines),
        x_label="noise level (0: least noise)",
        guides=(Guide(1.0, "limit"),),
    )


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
