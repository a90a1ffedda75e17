"""Sharpness: how sharp is the minimum, and which numbers of it are those of the scale of the weights?

With H the Hessian of the trained loss L at the weights θ and z a vector of random signs ±1,

    trace             E[z·Hz] = tr H                             (Hutchinson)
    largest           the largest eigenvalue of H
    scaled trace      E[(θz)·H(θz)] = Σ θᵢ² Hᵢᵢ, entry by entry
    scaled largest    the largest eigenvalue of diag(|θ|) H diag(|θ|)
    rise              (L(θ + a d) + L(θ - a d))/2 - L(θ), a = 0.1, along filter-normalised random directions d

A network of rectifiers computes the same function after one layer is multiplied by α and the next divided by
it. Trace and largest eigenvalue do not stay: with the parts of H that belong to the two layers they become
α⁻² and α² times as large, and can be made as large as one likes. So the same numbers are measured at such a
twin; what differs there is no property of the function. The scaled numbers and the slices stay, because their
steps grow and shrink with the weights. That does not make them a measure of generalisation.

References: Hutchinson (1990), A Stochastic Estimator of the Trace of the Influence Matrix; Li and others
(2018), Visualizing the Loss Landscape of Neural Nets, section 4; Dinh and others (2017), Sharp Minima Can
Generalize for Deep Nets, section 4; Kwon and others (2021), ASAM, section 3 (steps in proportion to the
weights).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding
from ired_diag.model.filter_direction import filter_direction
from ired_diag.model.hutchinson import random_signs
from ired_diag.probing.probe import Headline, Probe
from ired_diag.stats.summary import summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, rows_of, select, table_of_rows
from ired_diag.tensors import Tensors
from ired_diag.training.per_item import parts_of
from ired_diag.training.point import TrainingPoint
from ired_diag.training.state import TrainingState
from ired_diag.training.weight_curvature import LossAt, ends_at, flat

TRAINED, RESCALED = "trained", "rescaled"

COLUMNS = (
    Column("place", "1", "trained: the checkpoint's; rescaled: others of the same function"),
    Column(
        "quantity",
        "1",
        "loss, trace, scaled_trace (one product with the Hessian), largest, scaled_largest, slice (the loss)",
    ),
    Column("number", "1", "number of the random vector or direction"),
    Column("distance", "1", "of a slice: how far along the direction, in lengths of the filters"),
    Column("value", "as the quantity", "its value"),
    Column("factor", "1", "what a layer of the rescaled weights is multiplied by; 1 of the trained ones"),
    Column("batches", "1", "batches whose mean the loss is; 0: all training data"),
)
COMPARISON_COLUMNS = (
    Column("quantity", "1", "loss, trace, largest, scaled_trace, scaled_largest, rise"),
    Column("value", "as the quantity", "at the trained weights, mean over random vectors or directions"),
    Column("low", "as the quantity", "lower end of its 95% interval over these"),
    Column("high", "as the quantity", "upper end"),
    Column("n", "1", "random vectors or directions"),
    Column("rescaled", "as the quantity", "the same at other weights of the same function"),
    Column("ratio", "1", "rescaled over value"),
)
BATCHES = 8  # of a task that names no data: the loss is their mean
DIRECTIONS = 8
DISTANCES = np.linspace(-1, 1, 21)
REACH = 0.1  # step of the rise: a tenth of the length of each filter
FACTOR = 4.0  # of the twin; a power of two, so that rescaling rounds nothing
SAME = 1e-6  # relative difference of losses up to which two sets of weights compute one function
STAYS = 0.01  # relative change at the twin up to which a number is called independent of scale
MEAN = "mean over directions"
QUANTITIES = ("loss", "trace", "largest", "scaled_trace", "scaled_largest", "rise")


@dataclass(frozen=True)
class Place:
    """Weights that are looked at.

    Attributes:
        name: ``trained`` or ``rescaled``.
        point: The weights, flat.
        factor: What a layer was multiplied by.
    """

    name: str
    point: Tensor
    factor: float


def measure(subject: Subject) -> Table:
    """Return the curvature and slices of the loss, with as many random vectors as the subject has samples.

    Raises:
        NotApplicable: The training cannot go on, its loss has no second derivative, or what the task calls
            other weights of the same function are not.
    """
    state = subject.training_of(TrainingPoint).state()
    chosen = _batches(state)
    loss = LossAt(state, *chosen)
    batches = len(chosen)
    if state.task.splits is not None:
        batches = 0
    rows: list[dict[str, Any]] = []
    try:
        for place in _places(state, loss):
            for row in _rows_at(place, loss, subject):
                rows.append({**row, "place": place.name, "factor": place.factor, "batches": batches})
    except RuntimeError as error:  # PyTorch's, of a user's own loss
        raise NotApplicable(f"cannot compute the curvature of this loss ({error})") from error
    return table_of_rows(COLUMNS, rows)


def _batches(state: TrainingState) -> list[Tensors]:
    """Return all training data, where the task names them; else some batches of its training."""
    if state.task.splits is not None:
        return [parts_of(state)["train"]]
    batches: list[Tensors] = []
    for _ in range(BATCHES):
        batch = state.task.draw_batch(state.config, state.streams, state.step)
        batches.append(batch)
    if all(_are_equal(batches[0], batch) for batch in batches[1:]):
        return batches[:1]  # every step sees the same
    return batches


def _are_equal(first: Tensors, other: Tensors) -> bool:
    return all(tensor.equal(other[name]) for name, tensor in first.items())


def _places(state: TrainingState, loss: LossAt) -> list[Place]:
    """Return the weights, and others of the same function where the task knows any."""
    places = [Place(TRAINED, loss.start, 1.0)]
    changed = None
    if state.task.rescaled is not None:
        changed = state.task.rescaled(state.config, loss.named(loss.start), FACTOR)
    if changed is None:
        return places
    ordered = {name: changed[name].detach() for name in state.weights}
    twin = Place(RESCALED, flat(ordered), FACTOR)
    before = loss.loss(loss.start).item()
    after = loss.loss(twin.point).item()
    if not math.isclose(before, after, rel_tol=SAME, abs_tol=SAME):
        raise NotApplicable(
            f"needs weights of the same function, and those of {state.task.name}'s rescaled() have a loss of "
            f"{after:.9g} instead of {before:.9g}"
        )
    return [*places, twin]


def _rows_at(place: Place, loss: LossAt, subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield the rows of one set of weights; random vectors and directions are the same at each."""
    point = place.point
    value = loss.loss(point)
    yield _row("loss", value.item())
    generator = subject.generator("signs")
    for number in range(subject.samples):
        signs = random_signs(point, generator)
        yield _row("trace", _bend(loss, point, signs), number=number)
        yield _row("scaled_trace", _bend(loss, point, signs * point), number=number)
    ends = ends_at(loss, point)
    yield _row("largest", ends.largest)
    # P^(-1/2) H P^(-1/2) with P = θ⁻²; a weight of 0 divides by infinity and has no part in it.
    divisor = point.square().reciprocal()
    scaled_ends = ends_at(loss, point, divisor=divisor)
    yield _row("scaled_largest", scaled_ends.largest)
    named = _filters(loss.named(point))
    generator = subject.generator("directions")
    for number in range(DIRECTIONS):
        direction = filter_direction(named, generator=generator)
        for distance in DISTANCES.tolist():
            value = loss.loss(point + distance * direction)
            yield _row(
                "slice",
                value.item(),
                number=number,
                distance=distance,
            )


def _bend(loss: LossAt, point: Tensor, direction: Tensor) -> float:
    """Return d·H d."""
    product = loss.times_hessian(point, direction)
    return float((direction @ product).item())


def _filters(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights as filters, the rows of a matrix; vectors count as one each where there is no matrix."""
    if any(weight.dim() > 1 for weight in weights.values()):
        return dict(weights)
    return {name: weight.reshape(1, -1) for name, weight in weights.items()}


def _row(quantity: str, value: float, *, number: int = 0, distance: float = math.nan) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "value": value,
        "number": number,
        "distance": distance,
    }


def compare(table: Table) -> Table:
    """Return each quantity at the trained weights with its interval, and at the rescaled ones."""
    rows: list[dict[str, Any]] = []
    for quantity in QUANTITIES:
        values = _values(table, TRAINED, quantity)
        twins = _values(table, RESCALED, quantity)
        summary = summarise(values)
        rescaled, ratio = math.nan, math.nan
        if len(twins):
            rescaled = float(twins.mean())
        if len(twins) and summary.mean:
            ratio = rescaled / summary.mean
        rows.append(
            {
                "quantity": quantity,
                "value": summary.mean,
                "low": summary.low,
                "high": summary.high,
                "n": summary.n,
                "rescaled": rescaled,
                "ratio": ratio,
            }
        )
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _values(table: Table, place: str, quantity: str) -> Any:
    """Return the values of a quantity; of the rise, one a direction."""
    if quantity != "rise":
        return select(table, place=place, quantity=quantity)["value"]
    slices = select(table, place=place, quantity="slice")
    base = select(table, place=place, quantity="loss")["value"]
    rises = []
    for number in np.unique(slices["number"]):
        line = select(slices, number=number)
        is_end = np.isclose(np.abs(line["distance"]), REACH)
        rises.append(line["value"][is_end].mean() - base[0])
    return np.array(rises)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how sharp the minimum is, and which numbers are those of scale."""
    evidence = _evidence(table, comparison)
    trace = _with_interval(evidence, "trace")
    rise = _with_interval(evidence, "rise")
    statement = (
        f"At a loss of {evidence['loss']:.4g} ({_data_in_words(table)}) the Hessian has a trace of {trace} "
        f"and a largest eigenvalue of {evidence['largest']:.3g}. A random step of a tenth of each filter's "
        f"length raises the loss by {rise}."
    )
    return Finding("sharpness", "note", f"{statement} {_on_scale(evidence)}", evidence)


def _evidence(table: Table, comparison: Table) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "batches": int(table["batches"][0]),
        "factor": float(table["factor"].max()),
    }
    for row in rows_of(comparison):
        quantity = str(row["quantity"])
        evidence[quantity] = float(row["value"])
        evidence[f"{quantity}_low"] = float(row["low"])
        evidence[f"{quantity}_high"] = float(row["high"])
        evidence[f"{quantity}_n"] = int(row["n"])
        evidence[f"{quantity}_ratio"] = float(row["ratio"])
    return evidence


def _with_interval(evidence: Mapping[str, Any], name: str) -> str:
    value = evidence[name]
    low = evidence[f"{name}_low"]
    high = evidence[f"{name}_high"]
    n = evidence[f"{name}_n"]
    kind = "directions"
    if name == "trace":
        kind = "random vectors"
    if not math.isfinite(low):
        return f"{value:.3g}"
    return f"{value:.3g} (95% interval {low:.3g} to {high:.3g}, {n} {kind})"


def _on_scale(evidence: Mapping[str, Any]) -> str:
    """Return which numbers change at other weights of the same function."""
    if evidence["factor"] == 1:
        return (
            "No other weights of the same function are known to its task, so that it is unknown which of "
            "these numbers are those of the scale of the weights."
        )
    moved, kept = [], []
    for quantity in QUANTITIES[1:]:
        ratio = evidence[f"{quantity}_ratio"]
        words = f"{quantity.replace('_', ' ')} times {ratio:.3g}"
        if abs(ratio - 1) <= STAYS:
            kept.append(words)
        else:
            moved.append(words)
    start = (
        f"With one layer times {evidence['factor']:g} and the next divided by it, which is the same function"
    )
    sentence = f"{start}, these differ: {', '.join(moved) or 'none'}"
    if moved:
        sentence += "; they are no property of the function, and compare no two networks"
    return f"{sentence}. These stay: {', '.join(kept) or 'none'}."


def _data_in_words(table: Table) -> str:
    batches = int(table["batches"][0])
    if not batches:
        return "all training data"
    if batches == 1:
        return "the batch that every step sees"
    return f"the mean of {batches} batches"


def figure(table: Table) -> FigureData:
    """Return the loss along filter-normalised directions, and its mean over them."""
    slices = select(table, place=TRAINED, quantity="slice")
    numbers = np.unique(slices["number"]).tolist()
    lines = []
    for number in numbers:
        line = select(slices, number=number)
        lines.append(
            Line(
                f"direction {number + 1}",
                line["distance"],
                line["value"],
                drawn="line",
                of=MEAN,
                faint=True,
            )
        )
    distances = np.unique(slices["distance"])
    means = [select(slices, distance=distance)["value"].mean() for distance in distances.tolist()]
    lines.append(Line(MEAN, distances, np.array(means), of=MEAN))
    loss = Panel("loss", tuple(lines), y_scale="log" if (slices["value"] > 0).all() else "linear")
    data = _data_in_words(table)
    missing = "" if np.isfinite(slices["value"]).all() else " No mean where a loss is not finite."
    return FigureData(
        name="sharpness",
        title="Loss along random directions",
        x_label="distance from the weights",
        panels=(loss,),
        method=f"Training loss at weights θ + x d, for {len(lines) - 1} random directions d; x has no unit. "
        "Each filter of d (the weights into one unit of the net) has the norm of that filter of θ; biases "
        "are moved only in a model that has vectors alone. Thin lines: directions; markers: their mean at "
        f"{len(distances)} distances, joined by straight lines, so that a bend at a marker is no kink of the "
        f"loss.{missing} Loss over {data}, in float64.",
        note=f"{len(lines) - 1} random directions, one checkpoint",
        order=(MEAN,),
    )


PROBE = Probe(
    name="sharpness",
    question="How sharp is the minimum, and which numbers of it are those of the scale of the weights?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("trace", "trace of the Hessian"),
        Headline("largest", "largest eigenvalue of the Hessian", scale="log"),
        Headline("rise", "rise of the loss a tenth of each filter away", scale="log"),
    ),
    needs=("training",),
    weights="raw",
    samples=32,
)
