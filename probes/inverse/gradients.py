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
from collections.abc import Iterator, Sequence

import numpy as np

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.dodge import dodge
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Finding, Severity
from ired_diag.inverse.batch_gradients import LAYERS, layer_of
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.gradient_survey import WHOLE, Terms, survey_levels, survey_terms
from ired_diag.inverse.network import NETWORK, EnergyNetwork
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
from ired_diag.table import Column, Table, concatenate, row_of, rows_of, select
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
# Numbers of the answer: term, quantity, and the term that it is compared with.
EVIDENCE: dict[str, tuple[str, str, str]] = {
    "norm": (TOTAL, "norm", ""),
    "step_norm": (TOTAL, "step_norm", ""),
    "noise_scale": (TOTAL, "noise_scale", ""),
    "shared_noise": (TOTAL, "shared_noise", ""),
    "over_clip": (TOTAL, "over_clip", ""),
    "update_to_weight": (TOTAL, "update_to_weight", ""),
    "noise_update_to_weight": (TOTAL, "noise_update_to_weight", ""),
    "nce_share": ("nce", "share", ""),
    "nce_cosine_denoise": ("nce", "cosine", "denoise"),
    "nce_if_mined_cosine_denoise": ("nce_if_mined", "cosine", "denoise"),
}
UNMINED = "its configuration tells of no mining"


def measure(subject: Subject) -> Table:
    """Return inner products of the terms' gradients in each batch, and the settings they are judged by.

    Args:
        subject: IRED's network.
    """
    terms, assumed = _terms(subject)
    count = min(BATCHES, subject.samples // 2)
    size = min(LARGEST, subject.samples // max(1, count)) // 2 * 2
    settings = list(_settings(subject, terms, size, assumed))
    if count < FEWEST:
        reason = f"{subject.samples} problems make fewer than {FEWEST} batches of two"
        return concatenate([*settings, table_rows([math.nan], quantity="absent", reason=reason)])
    network = subject.energy_of(EnergyNetwork)
    streams = [_streams(subject, number) for number in range(count)]
    survey = survey_terms(
        network=network,
        schedule=subject.schedule,
        terms=terms,
        problems=subject.problems,
        streams=streams,
        size=size,
    )
    levels = _measure_levels(
        subject=subject,
        terms=terms,
        count=count,
        size=size,
    )
    return concatenate([*settings, *survey_rows(survey, (*terms.names, TOTAL)), *levels])


def _terms(subject: Subject) -> tuple[Terms, str]:
    """Return the terms of the loss, and what of it is assumed."""
    changes: dict[str, int | float | str] = {"diffusion_steps": subject.schedule.levels}
    if subject.config is None:
        mining = subject.mining
        changes |= {
            "mining_strategy": "ascent" if mining.walk == "ascent" else "adversarial",
            "mining_opt_steps": mining.opt_steps,
            "mining_noise_scale": mining.noise_scale,
            "ascent_learning_rate": mining.ascent_learning_rate,
        }
        config = InverseConfig(experiment_name="unknown").model_copy(update=changes)
        return Terms(config, config), "assumed: no configuration is known"
    config = subject.config_of(InverseConfig).model_copy(update=changes)
    mined = config
    if config.mining_strategy == "none":
        mined = config.model_copy(update={"mining_strategy": "adversarial"})
    return Terms(config, mined), ""


def _streams(subject: Subject, number: int) -> Streams:
    return Streams(**{purpose: subject.generator(f"gradients: {purpose}", number) for purpose in PURPOSES})


def _measure_levels(subject: Subject, terms: Terms, count: int, size: int) -> Iterator[Table]:
    """Yield the inner products of the denoising gradients of each two noise levels.

    Args:
        subject: The network, its schedule and problems.
        terms: The terms of the loss.
        count: Number of batches of mixed levels.
        size: Problems in each of them: as many problems are shared out here.
    """
    schedule = subject.schedule
    batches = min(LEVEL_BATCHES, count)
    generators = [subject.generator("gradients by level", number) for number in range(batches)]
    own, whole = survey_levels(
        network=subject.energy_of(EnergyNetwork),
        schedule=schedule,
        config=terms.config,
        problems=subject.problems,
        generators=generators,
        size=max(1, count * size // (batches * schedule.levels)),
    )
    for quantity, products in (("own", own.numpy()), ("whole", whole.numpy())):
        for level in range(schedule.levels):
            for versus in range(level, schedule.levels):
                yield table_rows(
                    products[level, versus],
                    term="denoise",
                    versus="denoise",
                    level=level,
                    versus_level=versus,
                    quantity=quantity,
                )


def _settings(subject: Subject, terms: Terms, size: int, assumed: str) -> Iterator[Table]:
    """Yield the settings that gradients are judged by, the lengths of the weights, and what is not there."""
    config = terms.config
    settings = {"size": size, "batch_size": config.batch_size, "learning_rate": config.learning_rate}
    for name, value in settings.items():
        yield table_rows([value], quantity=name, first=-1, reason=assumed)
    clip = config.gradient_clip
    note = assumed
    if clip is None:
        clip = math.nan
    elif config.clip_scaled_gradients:
        clip /= INITIAL_SCALE
        note = "it meets scaled gradients: this is the most it lets through"
    yield table_rows([clip], quantity="clip", first=-1, reason=note)
    yield from _weight_lengths(subject.energy_of(EnergyNetwork))
    missing = {"nce": UNMINED, "regulariser": "its weight is 0"}
    for term, reason in missing.items():
        if term not in terms.names:
            yield table_rows([math.nan], term=term, quantity="absent", first=-1, reason=reason)
    shares = config.mining_strategy in ("adversarial", "mixed") and config.mining_opt_steps > 0
    yield table_rows([float(shares)], quantity="shares_bound", first=-1)
    if subject.defect:
        yield table_rows([math.nan], quantity="absent", first=-1, reason=subject.defect)


def _weight_lengths(network: EnergyNetwork) -> Iterator[Table]:
    """Yield the length of the weights of each layer, and the number of their entries."""
    squares = dict.fromkeys((*LAYERS, WHOLE), 0.0)
    entries = dict.fromkeys((*LAYERS, WHOLE), 0)
    for name, weight in network.parameters.items():
        for layer in (layer_of(name), WHOLE):
            squares[layer] += float(weight.double().square().sum())
            entries[layer] += weight.numel()
    for layer, square in squares.items():
        yield table_rows([math.sqrt(square)], layer=layer, quantity="weight_norm", first=-1)
        yield table_rows([entries[layer]], layer=layer, quantity="entries", first=-1)


def compare(table: Table) -> Table:
    """Return each layer's norms, shares, cosines and noise scale, with intervals, and those of levels."""
    measured = Measured(table)
    rows: list[Row] = []
    for layer in measured.layers:
        rows += layer_rows(measured, layer)
    rows += level_rows(measured)
    for absent in rows_of(select(table, quantity="absent")):
        row = Row(
            layer=WHOLE,
            term=str(absent["term"]),
            versus="",
            level=ALL_LEVELS,
            versus_level=ALL_LEVELS,
            quantity="norm",
            interval=Interval(
                value=math.nan,
                low=math.nan,
                high=math.nan,
                reason=str(absent["reason"]),
            ),
            n=0,
        )
        rows.append(row)
    return as_table(rows)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return what a step is made of, whether its terms pull together, how noisy it is, what the clip does."""
    step = _over_layers(comparison, TOTAL, "step_norm")
    if math.isnan(step.value):
        statement = f"Nothing can be said of the gradients: {_why_absent(table, step)}."
        return Finding(
            rule="gradients",
            severity="note",
            statement=statement,
            evidence={"step_norm": math.nan, "n": 0},
        )
    size = _setting(table, "size")
    batch_size = _setting(table, "batch_size")
    n = int(select(comparison, quantity="step_norm")["n"][0])
    if n < FEW:
        statement = f"{n} batches of {size:.0f} problems: too few for a verdict ({FEW} are needed)."
        return Finding(
            rule="gradients",
            severity="note",
            statement=statement,
            evidence={"step_norm": step.value, "n": n},
        )
    assumed = row_of(table, quantity="batch_size")["reason"]
    remark = ""
    if assumed:
        remark = f" ({assumed})"
    sentences = [
        f"The gradient of a batch of {batch_size:.0f} problems{remark} has the "
        f"norm {_in_words(step)}{_clip_clause(comparison, _setting(table, 'clip'))}",
        _contrast_sentence(comparison),
        *_noise_sentences(comparison, batch_size, shares=_shares_bound(table)),
        *_level_sentences(comparison),
        f"{n * size:.0f} problems in {n} batches; 95% intervals",
    ]
    evidence = {"n": n, "problems": n * size, "batch_size": batch_size, **_evidence(comparison)}
    severity: Severity = "note"
    if _is_worrying(comparison, shares=_shares_bound(table)):
        severity = "warning"
    return Finding(
        rule="gradients",
        severity=severity,
        statement=". ".join(sentences) + ".",
        evidence=evidence,
    )


def _setting(table: Table, name: str) -> float:
    return float(row_of(table, quantity=name)["value"])


def _shares_bound(table: Table) -> bool:
    """Return whether the samples of a batch share a bound in mining: nothing else is shared."""
    return bool(_setting(table, "shares_bound"))


def _why_absent(table: Table, step: Interval) -> str:
    reasons = select(table, quantity="absent", term=TOTAL)["reason"].tolist()
    if not reasons:
        return f"they are {step.reason}"
    return str(reasons[0]).rstrip(".")


def _over_layers(comparison: Table, term: str, quantity: str, versus: str = "") -> Interval:
    """Return an estimate over all layers and mixed levels; NaN where it was not looked for."""
    rows = select(
        comparison,
        layer=WHOLE,
        level=ALL_LEVELS,
        term=term,
        quantity=quantity,
        versus=versus,
    )
    if not len(rows["x"]):
        return Interval(
            value=math.nan,
            low=math.nan,
            high=math.nan,
            reason="not looked for",
        )
    row = row_of(rows)
    return Interval(
        value=float(row["x"]),
        low=float(row["x_low"]),
        high=float(row["x_high"]),
        reason=str(row["reason"]),
    )


def _is_worrying(comparison: Table, *, shares: bool) -> bool:
    """Return whether terms fight, a usual step is clipped, or most of the noise stays at any batch size."""
    fights = _over_layers(comparison, "nce", "cosine", "denoise").high < 0
    clipped = _over_layers(comparison, TOTAL, "over_clip").low > 1
    stays = shares and _over_layers(comparison, TOTAL, "shared_noise").low > 0.5
    return fights or clipped or stays


def _in_words(estimate: Interval, form: str = ".3g") -> str:
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


def _clip_clause(comparison: Table, clip: float) -> str:
    over = _over_layers(comparison, TOTAL, "over_clip")
    if math.isnan(over.value):
        return ""
    place = "not different from"
    if over.high < 1:
        place = "below"
    elif over.low > 1:
        place = "above"
    return f", {place} the clip at {clip:.3g}"


def _contrast_sentence(comparison: Table) -> str:
    """Return what the contrastive term is to a step, and to the denoising term."""
    stepping = select(comparison, quantity="step_norm")["term"]
    if "nce" not in stepping:
        pull = _pull_clause(_over_layers(comparison, "nce_if_mined", "cosine", "denoise"))
        return f"There is no contrastive term ({UNMINED}); were there one as in the public code, {pull}"
    pull = _pull_clause(_over_layers(comparison, "nce", "cosine", "denoise"))
    share = _over_layers(comparison, "nce", "share")
    if math.isnan(share.value):
        return f"The contrastive term: {pull}"
    return f"The contrastive term has {_in_words(share, '.0%')} of the terms' summed norms; {pull}"


def _pull_clause(cosine: Interval) -> str:
    """Return whether the contrastive term pulls with the denoising term or against it."""
    if math.isnan(cosine.value):
        return f"its direction cannot be compared with the denoising term's ({cosine.reason})"
    size = _in_words(cosine, ".2f")
    if cosine.low <= 0 <= cosine.high:
        return f"it is not seen to pull with or against the denoising term: cosine {size}"
    way = "against" if cosine.high < 0 else "with"
    return f"it pulls {way} the denoising term: cosine of the mean gradients {size}"


def _noise_sentences(comparison: Table, batch_size: float, *, shares: bool) -> Iterator[str]:
    """Yield how the noise scale compares with the batch, and what of its noise the whole batch shares."""
    scale = _over_layers(comparison, TOTAL, "noise_scale")
    if math.isnan(scale.value):
        yield f"The noise scale cannot be told ({scale.reason})"
    else:
        yield f"The noise scale is {_in_words(scale)} problems, {_scale_verdict(scale, batch_size)}"
    shared = _over_layers(comparison, TOTAL, "shared_noise")
    if shares and shared.low > 0:
        yield (
            f"Of the gradient's variance at this batch size {_in_words(shared, '.0%')} is shared by the "
            "whole batch, through the one bound of its clamp: no larger batch averages it away"
        )


def _scale_verdict(scale: Interval, batch_size: float) -> str:
    if scale.high < batch_size:
        return "below the batch size"
    if scale.low > batch_size:
        return "above the batch size, where a larger batch would still make better steps"
    return "not distinguished from the batch size"


def _level_sentences(comparison: Table) -> Iterator[str]:
    """Yield whether noise levels fight in the denoising term."""
    rows = select(comparison, quantity="cosine")
    is_pair = (rows["level"] != ALL_LEVELS) & ~np.isnan(rows["x"])
    pairs = {name: column[is_pair] for name, column in rows.items()}
    count = len(pairs["x"])
    if not count:
        return
    fights = int((pairs["x_high"] < 0).sum())
    seen = "No two noise levels are seen"
    if fights:
        seen = f"{fights} of {count} pairs of noise levels are seen"
    least = int(np.argmin(pairs["x"]))
    lowest = f"{pairs['level'][least]} and {pairs['versus_level'][least]}, cosine {pairs['x'][least]:.2f}"
    yield f"{seen} to pull against each other in the denoising term (lowest: {lowest})"


def _evidence(comparison: Table) -> dict[str, float]:
    """Return the numbers that the sentence rests on, NaN where there are none."""
    evidence: dict[str, float] = {}
    for name, key in EVIDENCE.items():
        estimate = _over_layers(comparison, *key)
        evidence[name] = estimate.value
        evidence[f"{name}_low"] = estimate.low
        evidence[f"{name}_high"] = estimate.high
    return evidence


def figure(table: Table) -> FigureData:
    """Return each layer's gradient norms, cosines with the denoising term, and noise scales."""
    comparison = compare(table)
    terms = _drawn_terms(comparison)
    ticks = tuple((float(place), layer) for place, layer in enumerate((*LAYERS, WHOLE)))
    batch_size = _setting(table, "batch_size")
    norms = Panel("gradient norm of a step", _lines(comparison, terms, "step_norm"), "log", x_ticks=ticks)
    others = [term for term in terms if term != "denoise"]
    cosines = _lines(comparison, others, "cosine")
    remark = "a mean gradient does not differ from 0"
    if any(np.isfinite(line.y).any() for line in cosines):
        remark = "neither with nor against"
    directions = Panel("cosine with denoising", cosines, x_ticks=ticks, guides=(Guide(0.0, remark),))
    scales = Panel(
        "noise scale  (problems)",
        _lines(comparison, terms, "noise_scale"),
        "log",
        x_ticks=ticks,
        guides=(Guide(batch_size, f"batch of {batch_size:.0f}"),),
    )
    n = int(comparison["n"].max(initial=0))
    size = int(_setting(table, "size"))
    return FigureData(
        name="gradients",
        title="What drives a training step",
        x_label="layer",
        panels=(norms, directions, scales),
        method=f"Estimates with 95% jackknife intervals over n = {n} batches of {size} problems. Norm: root "
        f"mean square at the batch size of {batch_size:.0f}, noise included, each term with its weight. "
        "Cosine: between mean gradients. Noise scale: tr Σ/|G|², without what a batch shares. What does not "
        "differ from 0 is left out.",
        note=f"95% jackknife intervals, n = {n} batches of {size} problems",
    )


def _drawn_terms(comparison: Table) -> list[str]:
    """Return the terms that were measured; a single trained term is the total, which is then left out."""
    stepping = select(comparison, quantity="step_norm")["term"]
    terms = [term for term in TERMS if term in stepping]
    trained = [term for term in terms if term != "nce_if_mined"]
    if len(trained) == 2:
        terms.remove(TOTAL)
    return terms


def _lines(comparison: Table, terms: Sequence[str], quantity: str) -> tuple[Line, ...]:
    versus = ""
    if quantity == "cosine":
        versus = "denoise"
    lines = []
    for position, term in enumerate(terms):
        rows = select(comparison, term=term, quantity=quantity, versus=versus, level=ALL_LEVELS)
        places = {layer: place for place, layer in enumerate(rows["layer"].tolist())}
        order = [places[layer] for layer in (*LAYERS, WHOLE) if layer in places]
        in_order = {name: column[order] for name, column in rows.items()}
        x = dodge(np.arange(len(order)), position, len(terms))
        lines.append(line_of_rows(SAID[term], x, in_order, "x", drawn="points"))
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
        Headline(
            key="step_norm",
            label="gradient norm of a step",
            low="step_norm_low",
            high="step_norm_high",
            scale="log",
        ),
        Headline(
            key="nce_cosine_denoise",
            label="cosine of contrastive and denoising gradient",
            low="nce_cosine_denoise_low",
            high="nce_cosine_denoise_high",
        ),
        Headline(
            key="noise_scale",
            label="noise scale (problems)",
            low="noise_scale_low",
            high="noise_scale_high",
            scale="log",
        ),
        Headline(
            key="nce_share",
            label="share of the contrastive term",
            low="nce_share_low",
            high="nce_share_high",
        ),
    ),
    needs=(NETWORK,),
)
