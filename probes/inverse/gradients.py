"""Gradients: what drives a training step, and how noisy is it?

The training loss is a sum of terms (denoising; the contrastive term, NCE; a regulariser), so is its gradient.
K batches of m problems are drawn and mined as in training, and of each term's gradient, layer by layer,

    norm       |G|, G the mean gradient
    step_norm  √E|g_B|², what a training batch of B problems has, noise and all
    share      step_norm of a term over the sum of the terms'
    cosine     between the mean gradients of two terms: below 0 they pull against each other
    noise_scale    B_simple = tr Σ/|G|², the batch at which noise and gradient are equally long

|G| and the cosines come from pairs of different batches, so that noise neither lengthens the one nor dampens
the other (``ired_diag.stats.noise_scale``). At a stationary point of the loss the terms' gradients cancel:
the cosine of two terms is then -1, and says that the one holds the weights away from the other's optimum.

The clamp of the public code's mining takes its bound from the first sample of the batch for all of them. That
is noise which the samples of a batch share and no batch size averages away: ``shared_noise`` is its part in
E|g_B - G|². The halves of a batch, by which tr Σ is estimated, were mined together.

``over_clip`` is step_norm over ``gradient_clip``; a clip of the head alone is not looked at.
``update_to_weight`` is the update of an optimiser with settled memory, from batches of m
(``inverse.settled_update``), over the length of the weights, at the rate before any schedule;
``noise_update_to_weight`` is what Adam's would be were the gradients pure noise.

Whether noise levels fight is asked of the denoising term at each level by itself, in batches of their own;
the intervals of these cosines hold for all pairs at once (Bonferroni).

A run trained without mining has no contrastive term; ``nce_if_mined`` is what the public code's would be, and
no part of the total. All mined negatives are the training's own, quirks included, after any warm start. Of
``samples`` problems, 32 batches are made, of at most 2048 each; the levels take as many again.

Reference: McCandlish, Kaplan, Amodei (2018), An Empirical Model of Large-Batch Training, section 2.2 and
appendix A.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.batch_gradients import LAYERS, layer_of
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.gradient_survey import WHOLE, Terms, survey_levels, survey_terms
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.survey_estimates import Row, as_table, layer_rows, level_rows
from ired_diag.inverse.survey_table import (
    SURVEY_COLUMNS,
    TERMS,
    TOTAL,
    Measured,
    survey_rows,
    table_rows,
)
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.jackknife import FEWEST, Interval
from ired_diag.streams import PURPOSES, Streams
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select
from ired_diag.training.optimizer import INITIAL_SCALE

COMPARISON_COLUMNS = (
    Column("layer", "1", "as measured"),
    Column("term", "1", "whose"),
    Column("versus", "1", "with what, for a cosine"),
    Column("level", "1", "noise level; -1 for levels mixed as in training"),
    Column("versus_level", "1", "noise level of the other"),
    Column("quantity", "1", "norm, step_norm, share, cosine, noise_scale (problems), shared_noise, …"),
    Column("x", "as quantity", "estimate"),
    Column("x_low", "as quantity", "lower end of its 95% jackknife interval"),
    Column("x_high", "as quantity", "upper end"),
    Column("n", "1", "batches"),
    Column("reason", "1", "why something is NaN or cut"),
)
BATCHES, LEVEL_BATCHES = 32, 8
LARGEST = 2048  # problems in a batch
FEW = 8  # batches, below which there is no verdict
SAID = {
    "nce": "contrastive",
    "nce_if_mined": "contrastive, were it mined",
    "regulariser": "regulariser",
    TOTAL: "total",
    "denoise": "denoising",
}
DODGE = 0.13
UNMINED = "its configuration tells of no mining"


def measure(subject: Subject) -> Table:
    """Return inner products of the terms' gradients in each batch, and the settings they are judged by.

    Args:
        subject: IRED's network.
    """
    terms, assumed = _terms(subject)
    network, schedule, problems = subject.energy_of(EnergyNetwork), subject.schedule, subject.problems
    count = min(BATCHES, subject.samples // 2)
    size = min(LARGEST, subject.samples // max(1, count)) // 2 * 2
    told = _settings(subject, terms, size, assumed)
    if count < FEWEST:
        reason = f"{subject.samples} problems make fewer than {FEWEST} batches of two"
        return concatenate([*told, table_rows([math.nan], quantity="absent", reason=reason)])
    streams = [_streams(subject, number) for number in range(count)]
    found = survey_terms(network, schedule, terms, problems, streams, size=size)
    some = [subject.generator("gradients by level", number) for number in range(min(LEVEL_BATCHES, count))]
    share = max(1, count * size // (len(some) * schedule.levels))
    own, whole = survey_levels(network, schedule, terms.config, problems, some, size=share)
    levels = [
        table_rows(kept[a, b], term="denoise", versus="denoise", level=a, versus_level=b, quantity=quantity)
        for quantity, kept in (("own", own.numpy()), ("whole", whole.numpy()))
        for a in range(schedule.levels)
        for b in range(a, schedule.levels)
    ]
    return concatenate([*told, *survey_rows(found, (*terms.names, TOTAL)), *levels])


def _terms(subject: Subject) -> tuple[Terms, str]:
    """Return the terms of the loss, and what of it is assumed."""
    told: dict[str, int | float | str] = {"diffusion_steps": subject.schedule.levels}
    if subject.config is None:
        mining = subject.mining
        told |= {
            "mining_strategy": "ascent" if mining.walk == "ascent" else "adversarial",
            "mining_opt_steps": mining.opt_steps,
            "mining_noise_scale": mining.noise_scale,
            "ascent_learning_rate": mining.ascent_learning_rate,
        }
        config = InverseConfig(experiment_name="unknown").model_copy(update=told)
        return Terms(config, config), "assumed: no configuration is known"
    config = subject.config_of(InverseConfig).model_copy(update=told)
    if config.mining_strategy != "none":
        return Terms(config, config), ""
    return Terms(config, config.model_copy(update={"mining_strategy": "adversarial"})), ""


def _streams(subject: Subject, number: int) -> Streams:
    return Streams(**{purpose: subject.generator(f"gradients: {purpose}", number) for purpose in PURPOSES})


def _settings(subject: Subject, terms: Terms, size: int, assumed: str) -> list[Table]:
    """Return the settings that gradients are judged by, the lengths of the weights, and what is not there."""
    config = terms.config
    clip, note = config.gradient_clip, assumed
    if clip is not None and config.clip_scaled_gradients:
        clip, note = clip / INITIAL_SCALE, "it meets scaled gradients: this is the most it lets through"
    settings = {"size": size, "batch_size": config.batch_size, "learning_rate": config.learning_rate}
    rows = [table_rows([v], quantity=name, first=-1, reason=assumed) for name, v in settings.items()]
    rows.append(table_rows([math.nan if clip is None else clip], quantity="clip", first=-1, reason=note))
    squares, entries = dict.fromkeys((*LAYERS, WHOLE), 0.0), dict.fromkeys((*LAYERS, WHOLE), 0)
    for name, p in subject.energy_of(EnergyNetwork).parameters.items():
        for layer in (layer_of(name), WHOLE):
            squares[layer] += float(p.double().square().sum())
            entries[layer] += p.numel()
    for layer in squares:
        rows.append(table_rows([math.sqrt(squares[layer])], layer=layer, quantity="weight_norm", first=-1))
        rows.append(table_rows([entries[layer]], layer=layer, quantity="entries", first=-1))
    missing = {"nce": UNMINED, "regulariser": "its weight is 0"}
    for term in missing.keys() - set(terms.names):
        rows.append(table_rows([math.nan], term=term, quantity="absent", first=-1, reason=missing[term]))
    shares = config.mining_strategy in ("adversarial", "mixed") and config.mining_opt_steps > 0
    rows.append(table_rows([float(shares)], quantity="shares_bound", first=-1))
    if subject.defect:
        rows.append(table_rows([math.nan], quantity="absent", first=-1, reason=subject.defect))
    return rows


def compare(table: Table) -> Table:
    """Return each layer's norms, shares, cosines and noise scale, with intervals, and those of levels."""
    measured = Measured(table)
    rows = [row for layer in measured.layers for row in layer_rows(measured, layer)]
    rows += level_rows(measured)
    absent = select(table, quantity="absent")
    for term, reason in zip(absent["term"].tolist(), absent["reason"].tolist(), strict=True):
        none = Interval(math.nan, math.nan, math.nan, reason)
        rows.append(Row(WHOLE, term, "", ALL_LEVELS, ALL_LEVELS, "norm", none, 0))
    return as_table(rows)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return what a step is made of, whether its terms pull together, how noisy it is, what the clip does."""
    step = _found(comparison, TOTAL, "step_norm")
    size, batch_size, clip = (
        float(select(table, quantity=name)["value"][0]) for name in ("size", "batch_size", "clip")
    )
    if math.isnan(step.value):
        reasons = select(table, quantity="absent", term=TOTAL)["reason"].tolist()
        reason = reasons[0].rstrip(".") if reasons else f"they are {step.reason}"
        statement = f"Nothing can be said of the gradients: {reason}."
        return Finding("gradients", "note", statement, {"step_norm": math.nan, "n": 0})
    n = int(select(comparison, quantity="step_norm")["n"][0])
    if n < FEW:
        statement = f"{n} batches of {size:.0f} problems: too few for a verdict ({FEW} are needed)."
        return Finding("gradients", "note", statement, {"step_norm": step.value, "n": n})
    assumed = select(table, quantity="batch_size")["reason"][0]
    sentences = [
        f"The gradient of a batch of {batch_size:.0f} problems{f' ({assumed})' if assumed else ''} has the "
        f"norm {_told(step)}{_of_clip(comparison, clip)}",
        *_of_contrast(comparison),
        *_of_noise(comparison, batch_size, _shares(table)),
        *_of_levels(comparison),
        f"{n * size:.0f} problems in {n} batches; 95% intervals",
    ]
    evidence = {"n": n, "problems": n * size, "batch_size": batch_size, **_evidence(comparison)}
    severity: Severity = "warning" if _worrying(table, comparison) else "note"
    return Finding("gradients", severity, ". ".join(sentences) + ".", evidence)


def _found(comparison: Table, term: str, quantity: str, versus: str = "") -> Interval:
    """Return what was found over all layers and mixed levels; NaN where it was not looked for."""
    told = {"term": term, "quantity": quantity, "versus": versus}
    rows = select(comparison, layer=WHOLE, level=ALL_LEVELS, **told)
    if not len(rows["x"]):
        return Interval(math.nan, math.nan, math.nan, "not looked for")
    x, low, high = (float(rows[name][0]) for name in ("x", "x_low", "x_high"))
    return Interval(x, low, high, str(rows["reason"][0]))


def _worrying(table: Table, comparison: Table) -> bool:
    """Say whether terms fight, a usual step is clipped, or most of the noise stays at any batch size."""
    return (
        _found(comparison, "nce", "cosine", "denoise").high < 0
        or _found(comparison, TOTAL, "over_clip").low > 1
        or (_shares(table) and _found(comparison, TOTAL, "shared_noise").low > 0.5)
    )


def _shares(table: Table) -> bool:
    """Say whether the samples of a batch share a bound in mining: nothing else is shared."""
    return bool(select(table, quantity="shares_bound")["value"][0])


def _told(found: Interval, form: str = ".3g") -> str:
    return f"{found.value:{form}} ({found.low:{form}} to {found.high:{form}})"


def _of_clip(comparison: Table, clip: float) -> str:
    over = _found(comparison, TOTAL, "over_clip")
    if math.isnan(over.value):
        return ""
    told = "below" if over.high < 1 else "above" if over.low > 1 else "not different from"
    return f", {told} the clip at {clip:.3g}"


def _of_contrast(comparison: Table) -> list[str]:
    """Return what the contrastive term is to a step, and to the denoising term."""
    term = "nce" if "nce" in comparison["term"][comparison["quantity"] == "step_norm"] else "nce_if_mined"
    cosine = _found(comparison, term, "cosine", "denoise")
    if math.isnan(cosine.value):
        pull = f"its direction cannot be compared with the denoising term's ({cosine.reason})"
    elif cosine.low <= 0 <= cosine.high:
        pull = f"it is not seen to pull with or against the denoising term: cosine {_told(cosine, '.2f')}"
    else:
        way = "against" if cosine.high < 0 else "with"
        pull = f"it pulls {way} the denoising term: cosine of the mean gradients {_told(cosine, '.2f')}"
    if term == "nce_if_mined":
        return [f"There is no contrastive term ({UNMINED}); were there one as in the public code, {pull}"]
    share = _found(comparison, "nce", "share")
    made = ":" if math.isnan(share.value) else f" has {_told(share, '.0%')} of the terms' summed norms;"
    return [f"The contrastive term{made} {pull}"]


def _of_noise(comparison: Table, batch_size: float, shares: bool) -> list[str]:
    """Return how the noise scale compares with the batch, and what of its noise the whole batch shares."""
    scale, shared = (_found(comparison, TOTAL, name) for name in ("noise_scale", "shared_noise"))
    if math.isnan(scale.value):
        told = [f"The noise scale cannot be told ({scale.reason})"]
    else:
        verdict = "not distinguished from the batch size"
        if scale.high < batch_size:
            verdict = "below the batch size"
        elif scale.low > batch_size:
            verdict = "above the batch size, where a larger batch would still make better steps"
        told = [f"The noise scale is {_told(scale)} problems, {verdict}"]
    if shares and shared.low > 0:
        told.append(
            f"Of the gradient's variance at this batch size {_told(shared, '.0%')} is shared by the whole "
            "batch, through the one bound of its clamp: no larger batch averages it away"
        )
    return told


def _of_levels(comparison: Table) -> list[str]:
    """Return whether noise levels fight in the denoising term."""
    rows = select(comparison, quantity="cosine")
    pairs = {name: v[(rows["level"] != ALL_LEVELS) & ~np.isnan(rows["x"])] for name, v in rows.items()}
    count, fights = len(pairs["x"]), int((pairs["x_high"] < 0).sum())
    if not count:
        return []
    least = int(np.argmin(pairs["x"]))
    lowest = f"{pairs['level'][least]} and {pairs['versus_level'][least]}, cosine {pairs['x'][least]:.2f}"
    seen = f"{fights} of {count} pairs of noise levels are seen" if fights else "No two noise levels are seen"
    return [f"{seen} to pull against each other in the denoising term (lowest: {lowest})"]


def _evidence(comparison: Table) -> dict[str, float]:
    """Return the numbers that the sentence rests on, NaN where there are none."""
    asked = [(TOTAL, name, "") for name in ("norm", "step_norm", "noise_scale", "shared_noise", "over_clip")]
    asked += [(TOTAL, "update_to_weight", ""), (TOTAL, "noise_update_to_weight", ""), ("nce", "share", "")]
    asked += [(term, "cosine", "denoise") for term in ("nce", "nce_if_mined")]
    evidence: dict[str, float] = {}
    for term, quantity, versus in asked:
        found = _found(comparison, term, quantity, versus)
        name = "_".join(part for part in ("" if term == TOTAL else term, quantity, versus) if part)
        evidence |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return evidence


def figure(table: Table) -> FigureData:
    """Return each layer's gradient norms, cosines with the denoising term, and noise scales."""
    comparison = compare(table)
    terms = [term for term in TERMS if len(select(comparison, term=term, quantity="step_norm")["x"])]
    if len([term for term in terms if term != "nce_if_mined"]) == 2:  # one trained term: it is the total
        terms.remove(TOTAL)
    others = [term for term in terms if term != "denoise"]
    ticks = tuple((float(i), layer) for i, layer in enumerate((*LAYERS, WHOLE)))
    batch_size = float(select(table, quantity="batch_size")["value"][0])
    guide = Guide(batch_size, f"batch of {batch_size:.0f}")
    cosines = _lines(comparison, others, "cosine")
    seen = any(np.isfinite(line.y).any() for line in cosines)
    level = Guide(0.0, "neither with nor against" if seen else "a mean gradient does not differ from 0")
    panels = (
        Panel("gradient norm of a step", _lines(comparison, terms, "step_norm"), "log", x_ticks=ticks),
        Panel("cosine with denoising", cosines, x_ticks=ticks, guides=(level,)),
        Panel(
            "noise scale  (problems)",
            _lines(comparison, terms, "noise_scale"),
            "log",
            x_ticks=ticks,
            guides=(guide,),
        ),
    )
    n, size = int(comparison["n"].max(initial=0)), int(select(table, quantity="size")["value"][0])
    return FigureData(
        "gradients",
        "What drives a training step",
        "layer",
        panels,
        f"Estimates with 95% jackknife intervals over n = {n} batches of {size} problems. Norm: root mean "
        f"square at the batch size of {batch_size:.0f}, noise included, each term with its weight. Cosine: "
        "between mean gradients. Noise scale: tr Σ/|G|², without what a batch shares. What does not "
        "differ from 0 is left out.",
        f"95% jackknife intervals, n = {n} batches of {size} problems",
    )


def _lines(comparison: Table, terms: Sequence[str], quantity: str) -> tuple[Line, ...]:
    lines = []
    for position, term in enumerate(terms):
        versus = "denoise" if quantity == "cosine" else ""
        rows = select(comparison, term=term, quantity=quantity, versus=versus, level=ALL_LEVELS)
        where = {layer: i for i, layer in enumerate(rows["layer"].tolist())}
        order = [where[layer] for layer in (*LAYERS, WHOLE) if layer in where]
        beside = np.arange(len(order)) + DODGE * (position - (len(terms) - 1) / 2)
        x, low, high = (rows[name][order] for name in ("x", "x_low", "x_high"))
        lines.append(Line(SAID[term], beside, x, low, high, drawn="points"))
    return tuple(lines)


PROBE = Probe(
    name="gradients",
    question="What drives a training step, and how noisy is it?",
    columns=SURVEY_COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("step_norm", "gradient norm of a step", "step_norm_low", "step_norm_high", "log"),
        Headline(
            "nce_cosine_denoise",
            "cosine of contrastive and denoising gradient",
            "nce_cosine_denoise_low",
            "nce_cosine_denoise_high",
        ),
        Headline("noise_scale", "noise scale (problems)", "noise_scale_low", "noise_scale_high", "log"),
        Headline("nce_share", "share of the contrastive term", "nce_share_low", "nce_share_high"),
    ),
    needs=("network",),
)
