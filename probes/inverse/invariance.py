"""Invariance: does the result for a problem depend on what must not matter?

Four outcomes of each problem (``ired_diag.inverse.outcome``: the denoiser's output, the mined negative
corrected and as published, the sampled answer) are compared with a reference's (``…variations``):

    change = RMS(outcome - reference) / RMS(reference),    each RMS over the entries of one outcome.

*Batch size, order, device* must not matter. Whether they do is asked in float64: there, what is only rounding
shrinks from 2⁻²⁴ to 2⁻⁵³, and what is a dependence stays. The tolerance is 2⁻²⁴ = 6.0e-8, float32's unit
roundoff: float64's would have to grow 5·10⁸ times to pass it, and no run in float32 can see less. What the
same does in float32 is given too, without a verdict: whether a step of the inner optimisation is kept can
hang on the last bit of two energies, so that single problems part for good.

*Number type, divisor of the gradient, quirks of the public code* are choices, which may change results: by
how much, and what that does to the validation MSE, a paired difference over problems.

Two dependences are known. Where ∇_yE is divided by the batch size, batches of b give g/b: validation then
takes other steps than training did. And published mining clamps a batch to the level of its first problem:
where levels are mixed, as in training, a negative depends on who stands first.

Reference: Higham (2002), Accuracy and Stability of Numerical Algorithms, section 2.2 (unit roundoff); the
public code's ``opt_step`` (``ired_diag.model.mining``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.outcome import Arrangement, Inputs, Quantity
from ired_diag.inverse.variations import Rule, Variation, draw_inputs, variations
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.effect_size import Effect, paired_effect
from ired_diag.stats.relative_change import change_of
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select
from ired_diag.told_training import sentence_on, strategy_of

COLUMNS = (
    Column("axis", "1", "what is varied: batch size, order, device, precision, normalization or quirks"),
    Column("setting", "1", "to what"),
    Column("precision", "1", "number type that it is computed in"),
    Column("quantity", "1", "denoiser, negative_corrected, negative_published or answer"),
    Column("level", "1", "noise level of the problem; -1 for answers, which pass all levels"),
    Column("sample", "1", "number of the problem"),
    Column("change_rms", "as quantity", "RMS change of its entries against the reference"),
    Column("change_max", "as quantity", "largest change of an entry"),
    Column("size", "as quantity", "RMS of the reference's entries"),
    Column("size_changed", "as quantity", "RMS of the entries as arranged"),
    Column("mse", "1", "MSE of the answer as arranged; NaN of other quantities"),
    Column("mse_reference", "1", "MSE of the reference's answer"),
    Column("knob", "1", "the run's gradient_normalization: none, batch or a number"),
    Column("training_batch", "1", "its training batch size; 0 where no configuration is known"),
    Column("validation_batch", "1", "its validation batch size; 0 likewise"),
    Column("strategy", "1", "its mining_strategy, or unknown"),
)
COMPARISON_COLUMNS = (
    Column("axis", "1", "what is varied"),
    Column("setting", "1", "to what"),
    Column("precision", "1", "number type that it is computed in"),
    Column("quantity", "1", "denoiser, negative_corrected, negative_published or answer"),
    Column("relative", "1", "mean relative change over problems"),
    Column("relative_low", "1", "lower end of its 95% t interval"),
    Column("relative_high", "1", "upper end"),
    Column("median", "1", "median relative change"),
    Column("worst", "1", "largest relative change of a problem"),
    Column("rms", "as quantity", "RMS change of an entry, over all problems"),
    Column("largest", "as quantity", "largest change of an entry"),
    Column("tolerance", "1", "relative change that rounding cannot pass; NaN where there is no verdict"),
    Column("depends", "1", "share of problems beyond the tolerance"),
    Column("size_ratio", "1", "RMS as arranged over RMS of the reference, over all problems"),
    Column("mse_reference", "1", "mean MSE of the reference's answers"),
    Column("difference", "1", "mean difference of the MSE"),
    Column("difference_low", "1", "lower end of its 95% t interval"),
    Column("difference_high", "1", "upper end"),
    Column("n", "1", "problems"),
    Column("reason", "1", "why something is NaN or left out"),
)
TOLERANCE = 2.0**-24  # float32's unit roundoff
MUST_NOT_MATTER = ("batch size", "order", "device")
MOST = 2048  # problems: all outcomes are held, and one batch holds all problems
NO_EFFECT = Effect(
    mean=math.nan,
    mean_low=math.nan,
    mean_high=math.nan,
    d=math.nan,
    d_low=math.nan,
    d_high=math.nan,
    n=0,
)
FLOOR = 1e-17  # below float64's rounding: where no change at all is drawn on a logarithmic axis

WORDS = {
    "answer": "answer",
    "denoiser": "denoiser's output",
    "negative_corrected": "negative, corrected",
    "negative_published": "negative, published",
}
SHORT = {"batch size": "b={}", "order": "order", "quirks": "mended"}
DODGE = 0.15  # of a place on the x axis, between the quantities


def measure(subject: Subject) -> Table:
    """Return how far each outcome of each problem is from the reference's, variation by variation."""
    config, rule = subject.config, Rule(subject.energy_of(EnergyNetwork).gradient_normalization)
    if isinstance(config, InverseConfig):
        rule = Rule(config.gradient_normalization, config.batch_size, config.validation_batch_size)
    knob = rule.normalization
    run = {
        "knob": "none" if knob is None else knob if isinstance(knob, str) else f"{knob:g}",
        "training_batch": rule.training_batch,
        "validation_batch": rule.validation_batch,
        "strategy": strategy_of(config),
    }
    count = min(subject.samples, MOST)
    drawing = subject.generator("invariance")
    inputs = draw_inputs(subject.problems, subject.schedule.levels, count, generator=drawing)
    exact = Arrangement(subject.energy_of(EnergyNetwork), subject.schedule, subject.mining, subject.device)
    tables = []
    for variation in variations(exact, inputs, rule, generator=subject.generator("order")):
        for quantity in variation.outcome:
            rows = _rows(variation, quantity, inputs)
            told = {name: np.full(len(rows["sample"]), value) for name, value in run.items()}
            tables.append({**rows, **told})
    return concatenate(tables)


def _rows(variation: Variation, quantity: Quantity, inputs: Inputs) -> Table:
    found, reference = variation.outcome[quantity], variation.reference[quantity]
    count, is_answer = len(found), quantity == "answer"
    right = inputs.answer[:count].to(found.dtype) if is_answer else math.nan
    numbers = {
        "change_rms": _rms(found - reference),
        "change_max": (found - reference).abs().amax(1),
        "size": _rms(reference),
        "size_changed": _rms(found),
        "mse": (found - right).square().mean(1),
        "mse_reference": (reference - right).square().mean(1),
    }
    keys = ("axis", "setting", "precision")
    return {
        **{key: np.full(count, getattr(variation, key)) for key in keys},
        "quantity": np.full(count, quantity),
        "level": np.full(count, ALL_LEVELS) if is_answer else inputs.t[:count].numpy(),
        "sample": np.arange(count),
        **{name: values.numpy() for name, values in numbers.items()},
    }


def _rms(values: Tensor) -> Tensor:
    return values.square().mean(1).sqrt()


def compare(table: Table) -> Table:
    """Return size of the changes and their effect on the MSE, for each arrangement and quantity."""
    keys = ("axis", "setting", "precision", "quantity")
    found = dict.fromkeys(zip(*(table[key].tolist() for key in keys), strict=True))
    rows = [dict(zip(keys, group, strict=True)) for group in found]
    told = [row | _summary(row, select(table, **row)) for row in rows]
    return {c.name: np.array([row[c.name] for row in told]) for c in COMPARISON_COLUMNS}


def _summary(row: Mapping[str, str], rows: Table) -> dict[str, Any]:
    sizes = (rows[name] for name in ("change_rms", "size", "size_changed"))
    change = change_of(*sizes, tolerance=TOLERANCE)
    judged = row["axis"] in MUST_NOT_MATTER and row["precision"] == "float64"
    effect = paired_effect(rows["mse"] - rows["mse_reference"]) if row["quantity"] == "answer" else NO_EFFECT
    return {
        **vars(change),
        "largest": float(rows["change_max"].max()),
        "tolerance": TOLERANCE if judged else math.nan,
        "depends": change.beyond if judged else math.nan,
        "mse_reference": float(rows["mse_reference"].mean()),
        "difference": effect.mean,
        "difference_low": effect.mean_low,
        "difference_high": effect.mean_high,
        "reason": change.reason or effect.reason,
    }


def conclude(table: Table, comparison: Table) -> Finding:
    """Return which of the things change results, by how much, and which do not."""
    n = len(np.unique(table["sample"]))
    run = {key: table[key][0].item() for key in ("knob", "training_batch", "validation_batch", "strategy")}
    if not np.isfinite(select(table, quantity="denoiser")["size"]).any():
        statement = f"Nothing can be said: the denoiser's output is no number ({n} problems)."
        return Finding("invariance", "warning", statement, {"n": n, **run})
    evidence = {**_evidence(comparison), **run, "n": n}
    parts = [_batch_clause(comparison, run), _steady(comparison, n, run), _effects(comparison)]
    parts.append(sentence_on(run["strategy"]).strip())
    matters = any(evidence[f"depends_on_{axis.replace(' ', '_')}"] for axis in MUST_NOT_MATTER)
    severity: Severity = "warning" if matters else "note"
    fixed = f"Validate with the divisor of training: gradient_normalization={run['training_batch']}."
    advice = fixed if matters and run["knob"] == "batch" else ""
    return Finding("invariance", severity, " ".join(filter(None, parts)), evidence, advice)


def _judged(comparison: Table, axis: str, quantity: str | None = None) -> Table:
    """Return the rows with a verdict on one axis; without a quantity, of all but published mining."""
    rows = select(comparison, axis=axis, precision="float64")
    keep = rows["quantity"] != "negative_published" if quantity is None else rows["quantity"] == quantity
    return {name: column[keep] for name, column in rows.items()}


def _steady(comparison: Table, n: int, run: Mapping[str, Any]) -> str:
    """Return which of the things that must not matter do, and which do not; published mining last."""
    if n < 2:
        return "With one problem neither batch size nor order can be varied."
    told: list[str] = []
    without: dict[str, Table] = {}
    for axis in MUST_NOT_MATTER:
        rows = _judged(comparison, axis)
        if not (rows["depends"] > 0).any():
            without |= {axis: rows} if len(rows["n"]) else {}
        elif axis != "batch size" or run["knob"] != "batch":  # which the divisor explains
            row = {name: column[rows["depends"].argmax()] for name, column in rows.items()}
            told.append(
                f"Results depend on the {_named(axis, rows)}: the {WORDS[row['quantity']]} changes in "
                f"{100 * row['depends']:.3g}% of problems, by {row['relative']:.3g} of its size in the mean."
            )
    clamp = _clamp_clause(comparison)
    if without:
        worst = max(float(rows["worst"].max()) for rows in without.values())
        size = f"at most {worst:.1g} of a result's size" if worst else "not the last digit"
        names = " and ".join(_named(axis, rows) for axis, rows in without.items())
        nothing = f"Nothing but rounding changes with {names} (in float64 {size}; tolerance {TOLERANCE:.1g})"
        return " ".join([*told, f"{nothing}{f'; {clamp}' if clamp else ''}."])
    return " ".join([*told, f"{clamp[:1].upper()}{clamp[1:]}." if clamp else ""])


def _named(axis: str, rows: Table) -> str:
    settings = sorted(set(rows["setting"].tolist()), key=int) if axis == "batch size" else ()
    return f"{axis} ({', '.join(settings)})" if settings else axis


def _clamp_clause(comparison: Table) -> str:
    """Return whether published mining depends on who stands first in the batch."""
    row = _only(_judged(comparison, "order", "negative_published"))
    if not row or row["n"] < 2 or math.isnan(row["relative"]):
        return ""
    if not row["depends"]:
        return "published mining, too, gives the same negatives in another order"
    corrected = _only(_judged(comparison, "order", "negative_corrected"))
    none = "" if corrected["depends"] else "; corrected mining changes none"
    share, mean, low, high = (
        100 * row[name] for name in ("depends", "relative", "relative_low", "relative_high")
    )
    return (
        "but published mining clamps a batch to its first problem's level: with another level in front "
        f"{share:.3g}% of {row['n']} negatives change, by {mean:.3g}% of their size (95% interval "
        f"{low:.3g} to {high:.3g}%){none}"
    )


def _batch_clause(comparison: Table, run: Mapping[str, Any]) -> str:
    """Return what division by the batch size does to validation; empty where there is none."""
    if run["knob"] != "batch":
        return ""
    rows = select(comparison, axis="normalization", setting=f"/{run['validation_batch']}")
    if not len(rows["n"]):
        return "The gradient is divided by the batch size, which is the same in training and validation."
    denoiser, answer = (_only(select(rows, quantity=q)) for q in ("denoiser", "answer"))
    return (
        f"The gradient is divided by the batch size: in validation batches of {run['validation_batch']} the "
        f"denoiser's output is {denoiser['size_ratio']:.4g} times that in training batches of "
        f"{run['training_batch']}, and the validation MSE is "
        f"{answer['mse_reference'] + answer['difference']:.4g} where the divisor of training gives "
        f"{answer['mse_reference']:.4g} (difference {_interval(answer)})."
    )


def _effects(comparison: Table) -> str:
    """Return what number type and quirks do to the validation MSE."""
    names = {"float32": "float32", "bfloat16": "bfloat16", "mended": "mending the public code's quirks"}
    answers = {key: _only(select(comparison, setting=key, quantity="answer")) for key in names}
    known = {key: row for key, row in answers.items() if not math.isnan(row["difference"])}
    if not known:
        return "Of effects on the validation MSE nothing can be said: that needs two problems with numbers."
    told = "; ".join(f"{names[key]} {_interval(row)}" for key, row in known.items())
    first = answers["float32"]
    return (
        f"Effect on the validation MSE ({first['mse_reference']:.4g} in float64, n = {first['n']}): {told}."
    )


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row["difference_low"], row["difference_high"]
    unseen = ", not significantly different from 0" if low <= 0 <= high else ""
    return f"{row['difference']:+.3g} (95% interval {low:+.3g} to {high:+.3g}{unseen})"


def _only(rows: Table) -> dict[str, Any]:
    """Return the first row; empty where there is none."""
    return {name: column[0].item() for name, column in rows.items()} if len(rows["n"]) else {}


def _evidence(comparison: Table) -> dict[str, float]:
    """Return the numbers behind the sentence."""
    told: dict[str, float] = {}
    for axis in MUST_NOT_MATTER:
        rows, name = _judged(comparison, axis), axis.replace(" ", "_")
        told[f"depends_on_{name}"] = float(np.max(rows["depends"], initial=0.0))
        if len(rows["n"]):
            told[f"worst_{name}"] = float(rows["worst"].max())
    published = _only(_judged(comparison, "order", "negative_published"))
    for key in ("depends", "relative", "relative_low", "relative_high"):
        told[f"published_order_{key}"] = published.get(key, math.nan)
    answers = select(comparison, quantity="answer")
    for setting in dict.fromkeys(answers["setting"][~np.isin(answers["axis"], MUST_NOT_MATTER)].tolist()):
        row = _only(select(answers, setting=setting))
        for key in ("relative", "difference", "difference_low", "difference_high"):
            told[f"{setting}_{key}"] = row[key]
    told["mse"] = _only(select(answers, setting="float32"))["mse_reference"]
    return told


def figure(table: Table) -> FigureData:
    """Return the relative changes of each quantity, and the MSE, arrangement by arrangement.

    Divisors of the gradient are drawn only where the run divides by the batch size.
    """
    comparison = compare(table)
    judged = np.isin(comparison["axis"], MUST_NOT_MATTER)
    keep = ~judged | (comparison["precision"] == "float64")
    if table["knob"][0] != "batch":
        keep &= comparison["axis"] != "normalization"
    order = np.concatenate([np.flatnonzero(keep & judged), np.flatnonzero(keep & ~judged)])
    shown = {name: column[order] for name, column in comparison.items()}
    places = {key: float(i) for i, key in enumerate(dict.fromkeys(_arrangements(shown)))}
    ticks = tuple((i, SHORT.get(axis, "{}").format(setting)) for (axis, setting), i in places.items())
    answers = select(shown, quantity="answer")
    x = np.array([places[key] for key in _arrangements(answers)])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, low, high = (
            1 + answers[name] / answers["mse_reference"]
            for name in ("difference", "difference_low", "difference_high")
        )
    n = len(np.unique(table["sample"]))
    lines = tuple(_line(shown, quantity, places, i) for i, quantity in enumerate(WORDS))
    guide = Guide(math.log10(TOLERANCE), "2⁻²⁴")
    change = Panel("log10 (change / size)", lines, x_ticks=ticks, guides=(guide,))
    error = Panel(
        "MSE / reference's",
        (Line(WORDS["answer"], x, ratio, low, high, drawn="points"),),
        "log" if np.nanmax(ratio, initial=1.0) > 3 else "linear",
        x_ticks=ticks,
        guides=(Guide(1.0, ""),),
    )
    return FigureData(
        "invariance",
        "What results depend on",
        "what is varied",
        (change, error),
        f"Change of each outcome over its size: mean over at most {n} problems, bars from median to largest; "
        f"none is drawn at {FLOOR:g}, 2⁻²⁴ is float32's rounding. Batch size (b=…) and order (another level "
        "in front) in float64; float32 and bfloat16 against float64; divisors of the gradient (none, /N) and "
        "mended quirks in float32. Below: MSE of the answers, 95% interval of the paired difference.",
        f"top: mean, median to largest; bottom: 95%; n ≤ {n}",
    )


def _arrangements(rows: Table) -> list[tuple[str, str]]:
    return list(zip(rows["axis"].tolist(), rows["setting"].tolist(), strict=True))


def _line(shown: Table, quantity: str, places: Mapping[tuple[str, str], float], position: int) -> Line:
    rows = select(shown, quantity=quantity)
    x = np.array([places[key] for key in _arrangements(rows)])
    mean, low, high = (np.log10(np.maximum(rows[name], FLOOR)) for name in ("relative", "median", "worst"))
    beside = x + DODGE * (position - (len(WORDS) - 1) / 2)
    return Line(WORDS[quantity], beside, mean, low, high, drawn="points")


PROBE = Probe(
    name="invariance",
    question=(
        "Does a problem's result depend on what must not matter: batch size, order, number type, device?"
    ),
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            "published_order_relative",
            "change of published negatives in another order, over their size",
            "published_order_relative_low",
            "published_order_relative_high",
        ),
        Headline(
            "bfloat16_difference",
            "change of the validation MSE by bfloat16",
            "bfloat16_difference_low",
            "bfloat16_difference_high",
        ),
    ),
    weights="ema",
    samples=512,
    needs=("network",),
)
