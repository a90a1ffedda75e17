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
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.network import NETWORK, EnergyNetwork
from ired_diag.inverse.outcome import Arrangement, Inputs, Quantity
from ired_diag.inverse.variations import Rule, Variation, draw_inputs, variations
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.effect_size import Effect, paired_effect
from ired_diag.stats.relative_change import change_of
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select, table_of_rows
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
KEYS = ("axis", "setting", "precision", "quantity")
SETTINGS = ("knob", "training_batch", "validation_batch", "strategy")

Setting = tuple[str, str]  # an axis, and to what it is set
Ticks = tuple[tuple[float, str], ...]


def measure(subject: Subject) -> Table:
    """Return how far each outcome of each problem is from the reference's, variation by variation."""
    network = subject.energy_of(EnergyNetwork)
    config = subject.config
    rule = Rule(network.gradient_normalization)
    if isinstance(config, InverseConfig):
        rule = Rule(config.gradient_normalization, config.batch_size, config.validation_batch_size)
    settings = {
        "knob": _knob_in_words(rule),
        "training_batch": rule.training_batch,
        "validation_batch": rule.validation_batch,
        "strategy": strategy_of(config),
    }
    count = min(subject.samples, MOST)
    drawing = subject.generator("invariance")
    inputs = draw_inputs(subject.problems, subject.schedule.levels, count, generator=drawing)
    exact = Arrangement(
        network=network,
        schedule=subject.schedule,
        settings=subject.mining,
        device=subject.device,
    )
    tables = []
    for variation in variations(exact, inputs, rule, generator=subject.generator("order")):
        for quantity in variation.outcome:
            table = _changes(variation, quantity, inputs)
            rows = len(table["sample"])
            for name, value in settings.items():
                table[name] = np.full(rows, value)
            tables.append(table)
    return concatenate(tables)


def _knob_in_words(rule: Rule) -> str:
    knob = rule.normalization
    if knob is None:
        return "none"
    if isinstance(knob, str):
        return knob
    return f"{knob:g}"


def _changes(variation: Variation, quantity: Quantity, inputs: Inputs) -> Table:
    """Return the change of one outcome of each problem, against the reference's."""
    outcome = variation.outcome[quantity]
    reference = variation.reference[quantity]
    change = outcome - reference
    count = len(outcome)
    level = np.full(count, ALL_LEVELS)
    right = torch.full_like(outcome, math.nan)
    if quantity == "answer":
        right = inputs.answer[:count].to(outcome.dtype)
    else:
        level = inputs.t[:count].numpy()
    return {
        "axis": np.full(count, variation.axis),
        "setting": np.full(count, variation.setting),
        "precision": np.full(count, variation.precision),
        "quantity": np.full(count, quantity),
        "level": level,
        "sample": np.arange(count),
        "change_rms": _rms(change).numpy(),
        "change_max": change.abs().amax(1).numpy(),
        "size": _rms(reference).numpy(),
        "size_changed": _rms(outcome).numpy(),
        "mse": (outcome - right).square().mean(1).numpy(),
        "mse_reference": (reference - right).square().mean(1).numpy(),
    }


def _rms(values: Tensor) -> Tensor:
    return values.square().mean(1).sqrt()


def compare(table: Table) -> Table:
    """Return size of the changes and their effect on the MSE, for each arrangement and quantity."""
    columns = [table[key].tolist() for key in KEYS]
    arrangements = dict.fromkeys(zip(*columns, strict=True))  # in their order, each once
    rows = []
    for arrangement in arrangements:
        key = dict(zip(KEYS, arrangement, strict=True))
        rows.append(key | _summary(key, select(table, **key)))
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _summary(key: Mapping[str, str], rows: Table) -> dict[str, Any]:
    """Return the changes of one quantity in one arrangement, and what they do to the MSE."""
    change = change_of(rows["change_rms"], rows["size"], rows["size_changed"], tolerance=TOLERANCE)
    effect = NO_EFFECT
    if key["quantity"] == "answer":
        effect = paired_effect(rows["mse"] - rows["mse_reference"])
    tolerance = depends = math.nan
    if key["axis"] in MUST_NOT_MATTER and key["precision"] == "float64":
        tolerance = TOLERANCE
        depends = change.beyond
    return {
        **vars(change),
        "largest": float(rows["change_max"].max()),
        "tolerance": tolerance,
        "depends": depends,
        "mse_reference": float(rows["mse_reference"].mean()),
        "difference": effect.mean,
        "difference_low": effect.mean_low,
        "difference_high": effect.mean_high,
        "reason": change.reason or effect.reason,
    }


def conclude(table: Table, comparison: Table) -> Finding:
    """Return which of the things change results, by how much, and which do not."""
    n = len(np.unique(table["sample"]))
    settings = {key: table[key][0].item() for key in SETTINGS}
    denoiser = select(table, quantity="denoiser")
    if not np.isfinite(denoiser["size"]).any():
        statement = f"Nothing can be said: the denoiser's output is no number ({n} problems)."
        return Finding(
            rule="invariance",
            severity="warning",
            statement=statement,
            evidence={"n": n, **settings},
        )
    evidence = {**_evidence(comparison), **settings, "n": n}
    divides = settings["knob"] == "batch"
    sentences = [
        _batch_sentence(comparison, settings),
        _steady_sentences(comparison, n, divides=divides),
        _effects_sentence(comparison),
        sentence_on(settings["strategy"]).strip(),
    ]
    severity: Severity = "note"
    advice = ""
    if any(evidence[f"depends_on_{_identifier(axis)}"] for axis in MUST_NOT_MATTER):
        severity = "warning"
        if divides:
            divisor = settings["training_batch"]
            advice = f"Validate with the divisor of training: gradient_normalization={divisor}."
    statement = " ".join(filter(None, sentences))
    return Finding(
        rule="invariance",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _identifier(axis: str) -> str:
    return axis.replace(" ", "_")


def _judged(comparison: Table, axis: str) -> Table:
    """Return the rows with a verdict on one axis, except those of published mining."""
    rows = select(comparison, axis=axis, precision="float64")
    keep = rows["quantity"] != "negative_published"
    return {name: column[keep] for name, column in rows.items()}


def _in_another_order(comparison: Table, quantity: Quantity) -> dict[str, Any]:
    """Return the change of a quantity in another order; empty where the order could not be varied."""
    return _first_row(select(comparison, axis="order", precision="float64", quantity=quantity))


def _first_row(rows: Table) -> dict[str, Any]:
    """Return the first row; empty where there is none."""
    if not len(rows["n"]):
        return {}
    return {name: column[0].item() for name, column in rows.items()}


def _batch_sentence(comparison: Table, settings: Mapping[str, Any]) -> str:
    """Return what division by the batch size does to validation; empty where there is none."""
    if settings["knob"] != "batch":
        return ""
    validation_batch = settings["validation_batch"]
    rows = select(comparison, axis="normalization", setting=f"/{validation_batch}")
    if not len(rows["n"]):
        return "The gradient is divided by the batch size, which is the same in training and validation."
    denoiser = _first_row(select(rows, quantity="denoiser"))
    answer = _first_row(select(rows, quantity="answer"))
    mse = answer["mse_reference"] + answer["difference"]
    return (
        f"The gradient is divided by the batch size: in validation batches of {validation_batch} the "
        f"denoiser's output is {denoiser['size_ratio']:.4g} times that in training batches of "
        f"{settings['training_batch']}, and the validation MSE is "
        f"{mse:.4g} where the divisor of training gives "
        f"{answer['mse_reference']:.4g} (difference {_difference_in_words(answer)})."
    )


def _steady_sentences(comparison: Table, n: int, *, divides: bool) -> str:
    """Return which of the things that must not matter do, and which do not; published mining last."""
    if n < 2:
        return "With one problem neither batch size nor order can be varied."
    sentences = []
    steady: dict[str, Table] = {}
    for axis in MUST_NOT_MATTER:
        rows = _judged(comparison, axis)
        explained = axis == "batch size" and divides  # the divisor has a sentence of its own
        if (rows["depends"] > 0).any():
            if not explained:
                sentences.append(_dependence_sentence(axis, rows))
        elif len(rows["n"]):
            steady[axis] = rows
    clamp = _clamp_clause(comparison)
    if steady:
        sentences.append(_steady_sentence(steady, clamp))
    elif clamp:
        sentences.append(f"{clamp[0].upper()}{clamp[1:]}.")
    return " ".join(sentences)


def _dependence_sentence(axis: str, rows: Table) -> str:
    worst = rows["depends"].argmax()
    row = {name: column[worst] for name, column in rows.items()}
    return (
        f"Results depend on the {_axis_in_words(axis, rows)}: the {WORDS[row['quantity']]} changes in "
        f"{100 * row['depends']:.3g}% of problems, by {row['relative']:.3g} of its size in the mean."
    )


def _steady_sentence(steady: Mapping[str, Table], clamp: str) -> str:
    names = " and ".join(_axis_in_words(axis, rows) for axis, rows in steady.items())
    worst = max(float(rows["worst"].max()) for rows in steady.values())
    size = "not the last digit"
    if worst:
        size = f"at most {worst:.1g} of a result's size"
    remark = ""
    if clamp:
        remark = f"; {clamp}"
    return (
        f"Nothing but rounding changes with {names} (in float64 {size}; tolerance {TOLERANCE:.1g}){remark}."
    )


def _axis_in_words(axis: str, rows: Table) -> str:
    if axis != "batch size":
        return axis
    sizes = sorted(set(rows["setting"].tolist()), key=int)
    if not sizes:
        return axis
    return f"{axis} ({', '.join(sizes)})"


def _clamp_clause(comparison: Table) -> str:
    """Return whether published mining depends on which problem stands first in the batch."""
    published = _in_another_order(comparison, "negative_published")
    if not published or published["n"] < 2 or math.isnan(published["relative"]):
        return ""
    if not published["depends"]:
        return "published mining, too, gives the same negatives in another order"
    others = "; corrected mining changes none"
    if _in_another_order(comparison, "negative_corrected")["depends"]:
        others = ""
    share = 100 * published["depends"]
    mean = 100 * published["relative"]
    low = 100 * published["relative_low"]
    high = 100 * published["relative_high"]
    return (
        "but published mining clamps a batch to its first problem's level: with another level in front "
        f"{share:.3g}% of {published['n']} negatives change, by {mean:.3g}% of their size (95% interval "
        f"{low:.3g} to {high:.3g}%){others}"
    )


def _effects_sentence(comparison: Table) -> str:
    """Return what number type and quirks do to the validation MSE."""
    names = {"float32": "float32", "bfloat16": "bfloat16", "mended": "mending the public code's quirks"}
    effects = []
    for setting, name in names.items():
        row = _first_row(select(comparison, setting=setting, quantity="answer"))
        if not math.isnan(row["difference"]):
            effects.append(f"{name} {_difference_in_words(row)}")
    if not effects:
        return "Of effects on the validation MSE nothing can be said: that needs two problems with numbers."
    single = _first_row(select(comparison, setting="float32", quantity="answer"))
    return (
        f"Effect on the validation MSE ({single['mse_reference']:.4g} in float64, n = {single['n']}): "
        f"{'; '.join(effects)}."
    )


def _difference_in_words(row: Mapping[str, Any]) -> str:
    low = row["difference_low"]
    high = row["difference_high"]
    remark = ""
    if low <= 0 <= high:
        remark = ", not significantly different from 0"
    return f"{row['difference']:+.3g} (95% interval {low:+.3g} to {high:+.3g}{remark})"


def _evidence(comparison: Table) -> dict[str, float]:
    """Return the numbers behind the sentence."""
    evidence: dict[str, float] = {}
    for axis in MUST_NOT_MATTER:
        rows = _judged(comparison, axis)
        name = _identifier(axis)
        evidence[f"depends_on_{name}"] = float(np.max(rows["depends"], initial=0.0))
        if len(rows["n"]):
            evidence[f"worst_{name}"] = float(rows["worst"].max())
    published = _in_another_order(comparison, "negative_published")
    for key in ("depends", "relative", "relative_low", "relative_high"):
        evidence[f"published_order_{key}"] = published.get(key, math.nan)
    answers = select(comparison, quantity="answer")
    is_choice = ~np.isin(answers["axis"], MUST_NOT_MATTER)
    for setting in dict.fromkeys(answers["setting"][is_choice].tolist()):
        row = _first_row(select(answers, setting=setting))
        for key in ("relative", "difference", "difference_low", "difference_high"):
            evidence[f"{setting}_{key}"] = row[key]
    single = _first_row(select(answers, setting="float32"))
    evidence["mse"] = single["mse_reference"]
    return evidence


def figure(table: Table) -> FigureData:
    """Return the relative changes of each quantity, and the MSE, arrangement by arrangement.

    Divisors of the gradient are drawn only where the run divides by the batch size.
    """
    shown = _shown(compare(table), divides=table["knob"][0] == "batch")
    arrangements = dict.fromkeys(_arrangements(shown))
    places = {arrangement: float(place) for place, arrangement in enumerate(arrangements)}
    ticks = tuple((place, _tick(arrangement)) for arrangement, place in places.items())
    n = len(np.unique(table["sample"]))
    return FigureData(
        name="invariance",
        title="What results depend on",
        x_label="what is varied",
        panels=(_change_panel(shown, places, ticks), _error_panel(shown, places, ticks)),
        method=f"Change of each outcome over its size: mean over at most {n} problems, bars from median to "
        f"largest; none is drawn at {FLOOR:g}, 2⁻²⁴ is float32's rounding. Batch size (b=…) and order "
        "(another level in front) in float64; float32 and bfloat16 against float64; divisors of the gradient "
        "(none, /N) and mended quirks in float32. Below: MSE of the answers, 95% interval of the paired "
        "difference.",
        note=f"top: mean, median to largest; bottom: 95%; n ≤ {n}",
    )


def _shown(comparison: Table, *, divides: bool) -> Table:
    """Return the rows that are drawn: those with a verdict first, in float64 alone."""
    judged = np.isin(comparison["axis"], MUST_NOT_MATTER)
    keep = ~judged | (comparison["precision"] == "float64")
    if not divides:
        keep &= comparison["axis"] != "normalization"
    first = np.flatnonzero(keep & judged)
    then = np.flatnonzero(keep & ~judged)
    order = np.concatenate([first, then])
    return {name: column[order] for name, column in comparison.items()}


def _arrangements(rows: Table) -> list[Setting]:
    return list(zip(rows["axis"].tolist(), rows["setting"].tolist(), strict=True))


def _tick(arrangement: Setting) -> str:
    axis, setting = arrangement
    return SHORT.get(axis, "{}").format(setting)


def _change_panel(shown: Table, places: Mapping[Setting, float], ticks: Ticks) -> Panel:
    middle = (len(WORDS) - 1) / 2
    lines = []
    for position, (quantity, name) in enumerate(WORDS.items()):
        rows = select(shown, quantity=quantity)
        x = np.array([places[arrangement] for arrangement in _arrangements(rows)])
        apart = x + DODGE * (position - middle)
        lines.append(
            Line(
                name,
                apart,
                _log10(rows["relative"]),
                low=_log10(rows["median"]),
                high=_log10(rows["worst"]),
                drawn="points",
            )
        )
    guide = Guide(math.log10(TOLERANCE), "2⁻²⁴")
    return Panel("log10 (change / size)", tuple(lines), x_ticks=ticks, guides=(guide,))


def _log10(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithm: NDArray[np.float64] = np.log10(np.maximum(changes, FLOOR))
    return logarithm


def _error_panel(shown: Table, places: Mapping[Setting, float], ticks: Ticks) -> Panel:
    answers = select(shown, quantity="answer")
    x = np.array([places[arrangement] for arrangement in _arrangements(answers)])
    ratios = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in ("difference", "difference_low", "difference_high"):
            ratios[name] = 1 + answers[name] / answers["mse_reference"]
    largest = np.nanmax(ratios["difference"], initial=1.0)
    return Panel(
        "MSE / reference's",
        (line_of_rows(WORDS["answer"], x, ratios, "difference", drawn="points"),),
        "log" if largest > 3 else "linear",
        x_ticks=ticks,
        guides=(Guide(1.0, ""),),
    )


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
            key="published_order_relative",
            label="change of published negatives in another order, over their size",
            low="published_order_relative_low",
            high="published_order_relative_high",
        ),
        Headline(
            key="bfloat16_difference",
            label="change of the validation MSE by bfloat16",
            low="bfloat16_difference_low",
            high="bfloat16_difference_high",
        ),
    ),
    weights="ema",
    samples=256,
    version=2,
    needs=(NETWORK,),
)
