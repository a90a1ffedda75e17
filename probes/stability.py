"""Stability: is the learning rate below what the curvature of the loss allows?

The largest eigenvalue of the trained loss's Hessian, preconditioned where the optimiser divides by something,
is held against the limit of the optimiser (``ired_diag.training.weight_curvature``). Their ratio r says

    r < 0.9    stable: near a minimum of this quadratic a step shortens the distance
    0.9 … 1.1  at the edge: where training by full batches often stays
    r > 1.1    beyond: along the steepest direction steps grow, until the curvature or the gradient changes

The limit is that of a quadratic. A loss whose curvature falls off away from the minimum may be trained beyond
it, and one batch's curvature is not that of all data.

Reference: Cohen and others (2021), Gradient descent on neural networks typically occurs at the edge of
stability, ICLR; Cohen and others (2022), arXiv 2207.14484.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding, Severity
from ired_diag.probing.probe import Headline, Probe
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, table_of_rows
from ired_diag.training.point import TrainingPoint
from ired_diag.training.weight_curvature import LossAt, divisor_of, ends_at, limit_of

COLUMNS = (
    Column("batch", "1", "number of the batch, from the checkpoint on"),
    Column("largest", "loss/weight²", "largest eigenvalue of the Hessian of the trained loss"),
    Column("smallest", "loss/weight²", "smallest eigenvalue"),
    Column("preconditioned", "1/learning rate", "largest eigenvalue after the optimiser's division"),
    Column("limit", "1/learning rate", "what the optimiser is stable for on a quadratic"),
    Column("ratio", "1", "preconditioned over limit"),
    Column("gradient_norm", "loss/weight", "norm of the trained gradient"),
)
COMPARISON_COLUMNS = (
    Column("quantity", "1", "largest, smallest, preconditioned, limit, ratio, gradient_norm"),
    Column("value", "as the table", "mean over batches"),
    Column("low", "as the table", "least of the batches"),
    Column("high", "as the table", "largest of the batches"),
    Column("n", "1", "batches"),
)
STABLE, BEYOND = 0.9, 1.1


def measure(subject: Subject) -> Table:
    """Return the curvature and the limit on as many batches as the subject has samples.

    Raises:
        NotApplicable: The training cannot go on, or its loss has no second derivative here.
    """
    point = subject.training_of(TrainingPoint)
    state = point.state()
    divisor, limit = divisor_of(state), limit_of(state.config, state.step)
    rows = []
    try:
        for number in range(subject.samples):
            batch = state.task.draw_batch(state.config, state.streams, state.step)
            loss = LossAt(state, batch)
            plain = ends_at(loss, loss.start)
            steepest = plain.largest
            if divisor is not None:
                steepest = ends_at(loss, loss.start, divisor=divisor).largest
            rows.append(
                {
                    "batch": number,
                    "largest": plain.largest,
                    "smallest": plain.smallest,
                    "preconditioned": steepest,
                    "limit": limit,
                    "ratio": steepest / limit,
                    "gradient_norm": loss.gradient(loss.start).norm().item(),
                }
            )
    except RuntimeError as error:  # PyTorch's, of a user's own loss
        raise NotApplicable(f"cannot compute the curvature of this loss ({error})") from error
    return table_of_rows(COLUMNS, rows)


def compare(table: Table) -> Table:
    """Return the mean and the range of each quantity over batches."""
    rows: list[dict[str, Any]] = []
    for column in COLUMNS[1:]:
        values = table[column.name]
        rows.append(
            {
                "quantity": column.name,
                "value": float(values.mean()),
                "low": float(values.min()),
                "high": float(values.max()),
                "n": len(values),
            }
        )
    return table_of_rows(COMPARISON_COLUMNS, rows)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return on which side of its limit the training is."""
    values = dict(zip(comparison["quantity"].tolist(), comparison["value"].tolist(), strict=True))
    n = len(table["batch"])
    evidence: dict[str, Any] = {**values, "n": n}
    if not math.isfinite(values["ratio"]):
        statement = "The largest eigenvalue of the loss's Hessian is no number: nothing can be said."
        return Finding("stability", "warning", statement, evidence)
    word, severity = _word(values["ratio"])
    batches = "1 batch" if n == 1 else f"{n} batches"
    of_what = ""
    if not math.isclose(values["preconditioned"], values["largest"], rel_tol=1e-9):
        of_what = " of the Hessian over what the optimiser divides its steps by"
    statement = (
        f"The largest eigenvalue{of_what} is {values['preconditioned']:.4g} and the optimiser's limit on a "
        f"quadratic is {values['limit']:.4g}: a ratio of {values['ratio']:.3g}, {word} ({batches}). The "
        f"smallest eigenvalue of the Hessian is {values['smallest']:.3g}."
    )
    return Finding("stability", severity, statement, evidence)


def _word(ratio: float) -> tuple[str, Severity]:
    if ratio < STABLE:
        return "stable", "note"
    if ratio <= BEYOND:
        return "at the edge of stability", "note"
    return "beyond the limit: along the steepest direction steps grow", "warning"


def over_training(steps: Sequence[int], findings: Sequence[Finding]) -> Finding:
    """Return since when the training is beyond its limit."""
    stated = [finding.evidence.get("ratio") for finding in findings]
    ratios = np.array([math.nan if ratio is None else float(ratio) for ratio in stated])
    beyond = [step for step, ratio in zip(steps, ratios, strict=True) if ratio > BEYOND]
    measured = int(np.isfinite(ratios).sum())
    evidence: dict[str, Any] = {"checkpoints": len(steps), "beyond": len(beyond), "measured": measured}
    if not measured:
        statement = f"At none of {len(steps)} checkpoints is the curvature a number: nothing can be said."
        return Finding("stability_over_training", "warning", statement, evidence)
    unknown = ""
    if measured < len(steps):
        unknown = f" At {len(steps) - measured} of them the curvature is no number."
    if not beyond:
        statement = (
            f"At none of {len(steps)} checkpoints is the training beyond its limit; the largest ratio is "
            f"{np.nanmax(ratios):.3g}.{unknown}"
        )
        return Finding("stability_over_training", "note", statement, evidence)
    evidence["first_beyond"] = beyond[0]
    where = f"At {len(beyond)} of {len(steps)} checkpoints"
    statement = f"{where} the training is beyond its limit, first at step {beyond[0]}.{unknown}"
    return Finding("stability_over_training", "note", statement, evidence)


def figure(table: Table) -> FigureData:
    """Return the ratio of each batch."""
    ratio = Panel(
        "curvature over its limit",
        (Line("batch", table["batch"], table["ratio"], drawn="points"),),
        guides=(Guide(1.0, "limit"),),
        y_scale="log",
    )
    n = len(table["batch"])
    return FigureData(
        name="stability",
        title="Curvature of the loss and the limit of the optimiser",
        x_label="batch",
        panels=(ratio,),
        method="Largest eigenvalue of the Hessian of the training loss on one batch, after the optimiser's "
        "division of each weight where it has one, over the largest at which its steps are stable on a "
        f"quadratic loss. Dotted: the limit, 1. Points: {'1 batch' if n == 1 else f'{n} batches'} at one "
        "checkpoint.",
        note=f"{n} batches at one checkpoint",
    )


PROBE = Probe(
    name="stability",
    question="Is the learning rate below what the curvature of the loss allows?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("ratio", "largest eigenvalue over the optimiser's limit", scale="log"),
        Headline("largest", "largest eigenvalue of the Hessian", scale="log"),
        Headline("smallest", "smallest eigenvalue of the Hessian"),
    ),
    needs=("training",),
    weights="raw",
    samples=1,
    over_training=over_training,
)
