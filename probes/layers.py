"""Layers: how large is the gradient in each part of the network, over many batches?

At the weights of a checkpoint, with g the gradient of the trained loss on a batch and w the weights, both of
one group of weights (the task's groups, or its tensors), each batch has

    ‖g‖,        ‖g‖/‖w‖,        cos(g, g'),

with g' the gradient of an independent batch. Its mean over batches says how much of a single gradient is
shared by all batches: 1 where they agree, 0 where it is noise alone. The norm of a batch's gradient holds
that noise too, and falls with the batch size.

Layers are compared batch by batch. The last matrix over the first is

    exp( mean over batches of ln ‖g_last‖ - ln ‖g_first‖ ),

with a t interval on the logarithms. Which two are compared is fixed before anything is measured: of the
largest and the smallest of many, chance alone would make a difference.

Reference: You and others (2017), Large batch training of convolutional networks, section 4 (the ratio of
gradient and weights of each layer).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding
from ired_diag.probing.probe import Headline, Probe
from ired_diag.runs.name_list import counted
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.summary import Summary
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, rows_of, select, table_of_rows
from ired_diag.tensors import Tensors
from ired_diag.training.point import TrainingPoint
from ired_diag.training.promise import Twin, as_float64, cosine, inner
from ired_diag.training.state import TrainingState

COLUMNS = (
    Column("batch", "1", "number of the batch"),
    Column("group", "1", "weights: a group of the task, or a tensor"),
    Column("axes", "1", "axes of the largest tensor of the group: 2 or more for a matrix, 1 for a bias"),
    Column("gradient_norm", "loss/weight", "norm of the trained gradient of the batch"),
    Column("weight_norm", "weight", "norm of the weights"),
    Column("ratio", "loss/weight²", "gradient_norm over weight_norm; NaN where the weights are 0"),
    Column("cosine", "1", "cosine with the gradient of an independent batch; NaN where one is 0"),
)
COMPARISON_COLUMNS = (
    Column("group", "1", "weights; in the rows last_over_first, the last matrix"),
    Column(
        "quantity", "1", "gradient_norm, weight_norm, ratio, cosine; last_over_first (of the gradient norms)"
    ),
    Column("value", "as the table", "mean over batches; of last_over_first, the geometric one"),
    Column("low", "as the table", "lower end of its 95% interval over batches"),
    Column("high", "as the table", "upper end"),
    Column("n", "1", "batches that have it"),
)
QUANTITIES = ("gradient_norm", "weight_norm", "ratio", "cosine")
LAST_OVER_FIRST = "last_over_first"
NOISE = 0.5  # mean cosine below which most of a batch's gradient is noise


def measure(subject: Subject) -> Table:
    """Return norms and agreement of the gradients of as many pairs of batches as the subject has samples.

    Raises:
        NotApplicable: The training cannot go on, or its loss cannot be computed in float64.
    """
    state = subject.training_of(TrainingPoint).state()
    twin = Twin(state)
    rows: list[dict[str, Any]] = []
    try:
        for number in range(subject.samples):
            gradient = _gradient(twin, state)
            other = _gradient(twin, state)
            for row in _rows_of_batch(twin, state, gradient, other):
                rows.append({"batch": number, **row})
    except RuntimeError as error:  # PyTorch's, of a user's own loss
        raise NotApplicable(f"cannot compute this loss in float64 ({error})") from error
    return table_of_rows(COLUMNS, rows)


def _gradient(twin: Twin, state: TrainingState) -> Tensors:
    """Return the trained gradient on the next batch; the weights stay where they are."""
    batch = state.task.draw_batch(state.config, state.streams, state.step)
    return twin.gradients(state.weights, batch, ["trained"])["trained"]


def _rows_of_batch(
    twin: Twin, state: TrainingState, gradient: Tensors, other: Tensors
) -> Iterator[dict[str, Any]]:
    for group, names in twin.groups.items():
        own = _part(gradient, names)
        weights = _part(as_float64(state.weights), names)
        gradient_norm = _norm(own)
        weight_norm = _norm(weights)
        ratio = math.nan
        if weight_norm > 0:
            ratio = gradient_norm / weight_norm
        yield {
            "group": group,
            "axes": max(weight.dim() for weight in weights.values()),
            "gradient_norm": gradient_norm,
            "weight_norm": weight_norm,
            "ratio": ratio,
            "cosine": cosine(own, _part(other, names)),
        }


def _part(tensors: Tensors, names: frozenset[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name in names}


def _norm(tensors: Tensors) -> float:
    return math.sqrt(inner(tensors, tensors).item())


def compare(table: Table) -> Table:
    """Return the mean of each quantity of each group, and the gradient of the last matrix over the first."""
    rows: list[dict[str, Any]] = []
    for group in _groups(table):
        part = select(table, group=group)
        for quantity in QUANTITIES:
            rows.append(_row(group, quantity, summarise_finite(part[quantity])))
    ends = _first_and_last(table)
    if ends is not None:
        first, last = ends
        summary = _geometric(table, first=first, last=last)
        rows.append(_row(last, LAST_OVER_FIRST, summary))
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _groups(table: Table) -> list[str]:
    return list(dict.fromkeys(table["group"].tolist()))


def _first_and_last(table: Table) -> tuple[str, str] | None:
    """Return the first and the last group with a matrix; None where there are no two."""
    is_matrix = table["axes"] > 1
    matrices = list(dict.fromkeys(table["group"][is_matrix].tolist()))
    if len(matrices) < 2:
        return None
    return matrices[0], matrices[-1]


def _geometric(table: Table, *, first: str, last: str) -> Summary:
    """Return the mean of the logarithms of the ratio of two gradient norms, batch by batch."""
    above = select(table, group=last)["gradient_norm"]
    below = select(table, group=first)["gradient_norm"]
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(above) - np.log(below)
    return summarise_finite(logarithms)


def _row(group: str, quantity: str, summary: Summary) -> dict[str, Any]:
    value, low, high = summary.mean, summary.low, summary.high
    if quantity == LAST_OVER_FIRST:
        value, low, high = map(math.exp, (value, low, high))
    return {
        "group": group,
        "quantity": quantity,
        "value": value,
        "low": low,
        "high": high,
        "n": summary.n,
    }


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the gradients of the first and the last matrix, and how much of them is noise."""
    batches = len(np.unique(table["batch"]))
    groups = _groups(table)
    ends = _first_and_last(table)
    first, last = ends or (groups[0], groups[-1])
    evidence = _evidence(comparison, first=first, last=last)
    evidence["batches"] = batches
    chosen = {"first": first}
    if last != first:
        chosen["last"] = last
    norms = []
    for place, group in chosen.items():
        norm = _with_interval(evidence, f"{place}_gradient_norm")
        norms.append(f"{norm} in {group}")
    listed = " and ".join(norms)
    sentences = [f"Over {batches} batches at these weights the mean gradient norm is {listed}."]
    if ends is not None:
        ratio = _with_interval(evidence, LAST_OVER_FIRST)
        sentences.append(f"Batch by batch {last} has {ratio} times the gradient of {first}.")
    sentences.append(_on_noise(evidence, chosen))
    return Finding("layers", "note", " ".join(sentences), evidence)


def _evidence(comparison: Table, *, first: str, last: str) -> dict[str, Any]:
    chosen = {"first": first, "last": last}
    evidence: dict[str, Any] = dict(chosen)
    for place, group in chosen.items():
        for row in rows_of(select(comparison, group=group)):
            key = str(row["quantity"])
            if key != LAST_OVER_FIRST:
                key = f"{place}_{key}"
            evidence[key] = float(row["value"])
            evidence[f"{key}_low"] = float(row["low"])
            evidence[f"{key}_high"] = float(row["high"])
    return evidence


def _with_interval(evidence: Mapping[str, Any], name: str) -> str:
    value = evidence[name]
    low = evidence[f"{name}_low"]
    high = evidence[f"{name}_high"]
    if not low < high:  # NaN, or the same in every batch
        return f"{value:.3g}"
    return f"{value:.3g} (95% interval {low:.3g} to {high:.3g})"


def _on_noise(evidence: Mapping[str, Any], chosen: Mapping[str, str]) -> str:
    """Return how much two batches agree."""
    cosines = [evidence[f"{place}_cosine"] for place in chosen]
    if all(value > 1 - 1e-9 for value in cosines):
        return "Every batch gives the same gradient."
    if not all(map(math.isfinite, cosines)):
        return "A gradient of 0 has no direction that could agree with another."
    words = []
    for place, group in chosen.items():
        cosine_of_two = _with_interval(evidence, f"{place}_cosine")
        words.append(f"{cosine_of_two} in {group}")
    sentence = f"The gradients of two batches have a mean cosine of {' and '.join(words)}"
    if max(cosines) < NOISE:
        sentence += ": most of the gradient of one batch is noise"
    return f"{sentence}."


PANELS = {
    "gradient_norm": (
        "gradient norm",
        "Euclidean norm of the gradient of the training loss on one batch, for each part of the network",
    ),
    "ratio": ("norm of gradient over weights", "norm of the gradient over that of the weights of the part"),
    "cosine": (
        "cosine of two gradients",
        "cosine of the gradients of two independent batches; 1 where batches agree, 0 (dotted) where a "
        "gradient is noise",
    ),
}
ORDINALS = ("First", "Second", "Third")


def figure(table: Table) -> FigureData:
    """Return the gradient norm, its ratio to the weights and the agreement of batches, group by group."""
    comparison = compare(table)
    groups = _groups(table)
    places = np.arange(len(groups))
    ticks = tuple(zip(places.astype(float).tolist(), groups, strict=True))
    panels: list[Panel] = []
    sentences: list[str] = []
    for quantity, (label, words) in PANELS.items():
        rows = select(comparison, quantity=quantity)
        if panels and not np.isfinite(rows["value"]).any():  # a gradient of 0 has no direction
            continue
        panels.append(_panel(quantity, label, rows, ticks))
        sentences.append(f"{ORDINALS[len(sentences)]} panel: {words}.")
    batches = len(np.unique(table["batch"]))
    return FigureData(
        name="layers",
        title="Gradients of the parts of the network",
        x_label="part of the network",
        panels=tuple(panels),
        method=f"{' '.join(sentences)} {_marks_in_words(panels, batches)}",
        note=f"{counted(batches, 'pair')} of batches, one checkpoint",
        stacked=True,
    )


def _panel(quantity: str, label: str, rows: Table, ticks: tuple[tuple[float, str], ...]) -> Panel:
    """Return the panel of one quantity, with a place for each group."""
    has_interval = bool(np.isfinite(rows["low"]).any())
    line = Line(
        label,
        np.array([place for place, _ in ticks]),
        rows["value"],
        rows["low"] if has_interval else None,
        rows["high"] if has_interval else None,
        drawn="points",
    )
    is_cosine = quantity == "cosine"
    return Panel(
        label,
        (line,),
        y_scale="log" if not is_cosine and bool((rows["value"] > 0).all()) else "linear",
        guides=(Guide(0.0, ""),) if is_cosine else (),
        x_ticks=ticks,
        x_range=(-0.5, len(ticks) - 0.5),
    )


def _marks_in_words(panels: Sequence[Panel], batches: int) -> str:
    """Return what points, bars and crosses are, and how many batches there are."""
    lines = [(panel, line) for panel in panels for line in panel.lines]
    words = f"Points: mean over {counted(batches, 'pair')} of batches at one checkpoint"
    if any(line.low is not None for _, line in lines):
        words += "; bars: 95% t interval over them"
    is_cut = [
        panel.y_scale == "log" and line.low is not None and bool((line.low <= 0).any())
        for panel, line in lines
    ]
    if any(is_cut):
        words += "; crosses: the bar goes on to 0 or below"
    return f"{words}."


PROBE = Probe(
    name="layers",
    question="How large is the gradient in each part of the network, over many batches?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(LAST_OVER_FIRST, "gradient norm of the last matrix over the first", scale="log"),
        Headline("first_gradient_norm", "gradient norm of the first group", scale="log"),
        Headline("first_ratio", "gradient over weights of the first group", scale="log"),
    ),
    needs=("training",),
    weights="raw",
    samples=64,
)
