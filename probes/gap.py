"""Gap: what is the test loss above the training loss, of the same weights?

With w the weights of the checkpoint and ℓ(w, i) the loss of an item i,

    gap = mean over test items of ℓ(w, i)  -  mean over training items of ℓ(w, i).

Its interval treats the items of both parts as draws of one kind of item: an untrained network has a gap of 0,
and so has a training that learned nothing by heart. Seeds are another matter: one checkpoint says nothing of
how much the gap of other seeds differs from its own.

Programs often print another training loss: its mean over the batches of an epoch, each with the weights of
its own step. While a training learns, most of these weights are worse than the last ones: the mean is too
high, and the test loss minus it too low. The training goes on for one epoch, by its own optimiser, to measure
that. With L(w) the training loss of all items, and w₀ … w_K the weights of the epoch,

    bias = (L(w₀) + … + L(w_{K-1}))/K - L(w_K),

because the expected loss of a batch is the L of its step's weights. What the batches that were drawn add by
chance is the scatter: the standard error of their mean around these L.

Of losses the interval is Welch's. The loss of a trained classifier is made by few items; where 449 and 1348
items were drawn again from the losses of such a network, 93% of the intervals held what they should.

References: Welch (1947), The generalization of Student's problem; Newcombe (1998), Interval estimation for
the difference between independent proportions (of shares).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding
from ired_diag.probing.probe import Headline, Probe
from ired_diag.stats.share import Share, share_of
from ired_diag.stats.share_difference import ShareDifference, share_difference
from ired_diag.stats.summary import Summary, summarise
from ired_diag.stats.t_tests import TTest, welch
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, rows_of, select, table_of_rows
from ired_diag.tensors import Tensors
from ired_diag.training.per_item import TRAINED, Values, count_of, epoch_of, parts_of, values_of_items
from ired_diag.training.point import TrainingPoint
from ired_diag.training.promise import Twin
from ired_diag.training.state import TrainingState

COLUMNS = (
    Column(
        "part",
        "1",
        "train, test: items of the data, at the checkpoint; batch: batches of one more epoch; epoch: all "
        "training items together, before each step of it and after the last",
    ),
    Column("quantity", "1", "trained or reported (the loss), or what else the task logs of a batch"),
    Column("item", "1", "number of the item within its part; of batch and epoch, of the step"),
    Column("value", "as the quantity", "its value"),
)
COMPARISON_COLUMNS = (
    Column("quantity", "1", "trained, reported, or what else the task logs"),
    Column(
        "measure",
        "1",
        "train, test: means over items; gap: test - train; epoch_bias: mean training loss of the weights of "
        "one more epoch - that of the last ones; epoch_scatter: standard error that its batches add",
    ),
    Column("value", "as the quantity", "the value"),
    Column("low", "as the quantity", "lower end of its 95% interval"),
    Column("high", "as the quantity", "upper end"),
    Column("n", "1", "items; of an epoch, steps"),
    Column("reason", "1", "why something is NaN"),
)
MOST_STEPS = 5000  # of an epoch that is followed


def measure(subject: Subject) -> Table:
    """Return the loss of each item of both parts, and of an epoch of further training.

    Args:
        subject: With a training to go on from; at most as many items of each part as it has samples.

    Raises:
        NotApplicable: The training cannot go on, or its loss is not a mean over items.
    """
    point = subject.training_of(TrainingPoint)
    state = point.state()
    twin = Twin(state)
    try:
        whole = parts_of(state)
        train = _chosen(whole["train"], "train", subject)
        test = _chosen(whole["test"], "test", subject)
        measured = {
            "train": values_of_items(twin, state.weights, train),
            "test": values_of_items(twin, state.weights, test),
        }
        steps = _steps_of_epoch(point.state(), whole["train"])
        # The state is moved from here on.
        if steps <= MOST_STEPS:
            epoch = epoch_of(state, steps, train)
            measured["batch"] = {TRAINED: epoch.batches}
            measured["epoch"] = {TRAINED: epoch.whole}
    except RuntimeError as error:  # PyTorch's, of a user's own loss
        raise NotApplicable(f"cannot compute the loss of single items ({error})") from error
    if TRAINED not in measured["train"] or TRAINED not in measured["test"]:
        raise NotApplicable("needs a loss that is a mean over items, and this one is not")
    return table_of_rows(COLUMNS, list(_rows(measured)))


def _chosen(batch: Tensors, name: str, subject: Subject) -> dict[str, torch.Tensor]:
    """Return the items that are looked at: all, or as many as the subject has samples, at random."""
    count = count_of(batch)
    if count <= subject.samples:
        return dict(batch)
    generator = subject.generator(f"gap {name}")
    order = torch.randperm(count, generator=generator)
    places = order[: subject.samples]
    chosen = {}
    for key, values in batch.items():
        chosen[key] = values[places.to(values.device)]
    return chosen


def _steps_of_epoch(state: TrainingState, train: Tensors) -> int:
    """Return how many batches hold as many items as the training data; the state's streams are moved."""
    batch = state.task.draw_batch(state.config, state.streams, state.step)
    return math.ceil(count_of(train) / count_of(batch))


def _rows(measured: Mapping[str, Mapping[str, Values]]) -> Iterator[dict[str, Any]]:
    for part, by_quantity in measured.items():
        for quantity, values in by_quantity.items():
            for item, value in enumerate(values.tolist()):
                yield {
                    "part": part,
                    "quantity": quantity,
                    "item": item,
                    "value": value,
                }


def compare(table: Table) -> Table:
    """Return the means of both parts, the gap, and the bias of the mean over an epoch."""
    rows: list[dict[str, Any]] = []
    for quantity in dict.fromkeys(table["quantity"].tolist()):
        train = _values(table, "train", quantity)
        test = _values(table, "test", quantity)
        if not len(train) or not len(test):
            continue
        rows.append(_mean(quantity, "train", train))
        rows.append(_mean(quantity, "test", test))
        rows.append(_gap(quantity, train, test))
    rows += _of_epoch(table)
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _of_epoch(table: Table) -> Iterator[dict[str, Any]]:
    """Yield the bias of a mean over an epoch, and what its batches add to it by chance."""
    batches = _values(table, "batch", TRAINED)
    whole = _values(table, "epoch", TRAINED)
    steps = len(batches)
    if not steps:
        return
    before = whole[:-1]
    bias = before - whole[-1]
    yield _row(
        TRAINED,
        "epoch_bias",
        float(bias.mean()),
        n=steps,
        reason="of this epoch exactly",
    )
    scatter = math.nan
    if steps > 1:
        # Around the loss of all items, which itself moves: its fall is no scatter.
        deviations = batches - before
        scatter = float(deviations.std(ddof=1)) / math.sqrt(steps)
    yield _row(TRAINED, "epoch_scatter", scatter, n=steps)


def _values(table: Table, part: str, quantity: str) -> Values:
    values: Values = select(table, part=part, quantity=quantity)["value"]
    return values


def _row(
    quantity: str,
    name: str,
    value: float,
    *,
    n: int,
    ends: tuple[float, float] = (math.nan, math.nan),
    reason: str = "",
) -> dict[str, Any]:
    low, high = ends
    return {
        "quantity": quantity,
        "measure": name,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "reason": reason,
    }


def _mean(quantity: str, name: str, values: Values) -> dict[str, Any]:
    """Return the mean over the items of a part: of shares with Wilson's interval, else with a t interval."""
    mean: Share | Summary = summarise(values)
    if _are_shares(values):
        mean = share_of(values)
    return _row(
        quantity,
        name,
        mean.mean,
        n=mean.n,
        ends=(mean.low, mean.high),
        reason=mean.reason,
    )


def _gap(quantity: str, train: Values, test: Values) -> dict[str, Any]:
    """Return the difference of the means: of shares with Newcombe's interval, else with Welch's."""
    difference: ShareDifference | TTest = welch(test, train)
    if _are_shares(np.concatenate([train, test])):
        difference = share_difference(test, train)
    return _row(
        quantity,
        "gap",
        float(test.mean() - train.mean()),
        n=difference.n,
        ends=(difference.low, difference.high),
        reason=difference.reason,
    )


def _are_shares(values: Values) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the gap of each quantity, and by how much a mean over an epoch misstates it."""
    evidence = _evidence(comparison)
    train = len(_values(table, "train", TRAINED))
    test = len(_values(table, "test", TRAINED))
    gap = _with_interval(evidence, "gap")
    statement = (
        f"With the same weights the training loss is {evidence['train']:.4g} ({train} items) "
        f"and the test loss {evidence['test']:.4g} ({test} items): "
        f"a gap of {gap}, {_side(evidence)}."
    )
    sentences = [statement]
    for quantity in dict.fromkeys(comparison["quantity"].tolist()):
        if quantity != TRAINED:
            gap = _with_interval(evidence, f"{quantity}_gap")
            sentences.append(f"{_title(quantity)}: test minus training {gap}.")
    sentences += _on_epoch(evidence)
    return Finding("gap", "note", " ".join(sentences), evidence)


def _evidence(comparison: Table) -> dict[str, Any]:
    """Return the numbers by name: those of the trained loss bare, those of others after their own name."""
    evidence: dict[str, Any] = {}
    for row in rows_of(comparison):
        key = str(row["measure"])
        if row["quantity"] != TRAINED:
            key = f"{row['quantity']}_{key}"
        evidence[key] = float(row["value"])
        evidence[f"{key}_low"] = float(row["low"])
        evidence[f"{key}_high"] = float(row["high"])
    return evidence


def _with_interval(evidence: Mapping[str, Any], name: str) -> str:
    value = evidence[name]
    low = evidence[f"{name}_low"]
    high = evidence[f"{name}_high"]
    if not math.isfinite(low):
        return f"{value:.3g} (without an interval)"
    return f"{value:.3g} (95% interval {low:.3g} to {high:.3g})"


def _side(evidence: Mapping[str, Any]) -> str:
    """Return on which side of 0 the interval of the gap is."""
    if evidence["gap_low"] > 0:
        return "so that test items are harder for it"
    if evidence["gap_high"] < 0:
        return "so that test items are easier for it"
    return "which may be 0"


def _title(quantity: str) -> str:
    return quantity.replace("_", " ").capitalize()


def _on_epoch(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Yield by how much a mean of the training loss over an epoch misstates it."""
    if "epoch_bias" not in evidence:
        return
    bias = evidence["epoch_bias"]
    side, effect = "above", "small"
    if bias < 0:
        side, effect = "below", "large"
    sentence = (
        f"Over one more epoch the weights have a mean training loss that is {abs(bias):.2g} {side} "
        "that of the last ones: a gap that is computed from a mean over an epoch "
        f"is too {effect} by as much"
    )
    scatter = evidence["epoch_scatter"]
    if math.isfinite(scatter):
        sentence += f", give or take {scatter:.2g} (standard error of its batches)"
    yield f"{sentence}."


def figure(table: Table) -> FigureData:
    """Return the losses of the items of both parts in order, and those of the batches of an epoch."""
    lines = []
    for name, title in (("train", "training items"), ("test", "test items")):
        ordered = np.sort(_values(table, name, TRAINED))
        count = len(ordered)
        share = (np.arange(count) + 0.5) / count
        lines.append(Line(title, share, ordered, drawn="line"))
    is_positive = all((line.y > 0).all() for line in lines)
    items = Panel(
        "loss of an item",
        tuple(lines),
        y_scale="log" if is_positive else "linear",
        x_label="share of the items, the easiest first",
    )
    batches = _values(table, "batch", TRAINED)
    whole = _values(table, "epoch", TRAINED)
    panels = [items]
    if len(batches):
        steps = np.arange(len(whole))
        epoch = (
            Line("batch", steps[:-1], batches, drawn="points"),
            Line("all training items", steps, whole, drawn="line"),
        )
        mean = Guide(float(batches.mean()), "mean of the batches")
        panels.append(
            Panel(
                "training loss",
                epoch,
                x_label="steps of one more epoch",
                guides=(mean,),
            )
        )
    train, test = (len(line.y) for line in lines)
    upper, lower = "L", ""
    if len(batches):
        upper = "First panel: l"
        lower = (
            f" Second panel: training continued for one epoch of {len(batches)} steps. Dots: loss of each "
            "batch before its step, whose mean is dotted; line: loss of all training items with the weights "
            "of that moment."
        )
    return FigureData(
        name="gap",
        title="Training and test loss of the same weights",
        x_label="",
        panels=tuple(panels),
        method=f"{upper}oss of each of {train} training and {test} test items with the weights of one "
        f"checkpoint, the items in ascending order of their loss.{lower} Computed in float64.",
        note=f"{train} training and {test} test items, one checkpoint",
    )


PROBE = Probe(
    name="gap",
    question="What is the test loss above the training loss, of the same weights?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("gap", "test loss - training loss of the same weights"),
        Headline("epoch_bias", "mean training loss over an epoch - that of its last weights"),
    ),
    needs=("training", "splits"),
    weights="raw",
    samples=2000,
)
