"""Saddles: is the training near a saddle, and how long does plain descent need to leave it?

A small gradient alone is no saddle, and eigenvalues of both signs alone make none: Rosenbrock's function has
them at many points and has no saddle anywhere. Here a saddle is a point where the gradient vanishes and the
Hessian has eigenvalues of both signs, found by Newton's method from the weights
(``ired_diag.training.nearest_critical_point``); the training is called near it where at the weights the loss
curves down and the gradient is small, and the saddle is no further than a unit of the weights.

Along the direction that curves down most, by -λ, gradient descent with rate η moves away by the factor 1 + ηλ
a step, so that the distance grows tenfold in ln 10/ln(1 + ηλ) steps. Optimisers that divide by the size of
the gradient leave sooner, and as soon from everywhere.

Reference: Dauphin and others (2014), Identifying and attacking the saddle point problem in high-dimensional
non-convex optimization, NeurIPS.
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
from ired_diag.training.learning_rate import learning_rate_after
from ired_diag.training.near_saddle import is_near_saddle
from ired_diag.training.nearest_critical_point import nearest_critical_point, steps_to_leave
from ired_diag.training.point import TrainingPoint
from ired_diag.training.weight_curvature import LossAt, ends_at

COLUMNS = (
    Column("batch", "1", "number of the batch, from the checkpoint on"),
    Column("gradient_norm", "loss/weight", "norm of the trained gradient at the weights"),
    Column("smallest", "loss/weight²", "smallest eigenvalue of the Hessian at the weights"),
    Column("largest", "loss/weight²", "largest eigenvalue there"),
    Column("kind", "1", "the critical point that Newton finds: minimum, saddle, maximum, flat or none"),
    Column("distance", "weight", "how far it is"),
    Column("negative", "1", "how many directions curve down at it"),
    Column("curvature", "loss/weight²", "its smallest eigenvalue"),
    Column("off", "weight", "distance from it along the directions that curve down"),
    Column("tenfold", "step", "steps in which plain descent makes that tenfold; NaN where none does"),
)
COMPARISON_COLUMNS = (
    Column("quantity", "1", "saddles (share of batches with one nearby), then the numbers of the table"),
    Column("value", "as the table", "mean over batches; of what is missing in some, of the others"),
    Column("n", "1", "batches that have it"),
)
NUMBERS = ("gradient_norm", "smallest", "largest", "distance", "negative", "curvature", "off", "tenfold")


def measure(subject: Subject) -> Table:
    """Return the critical point nearby on as many batches as the subject has samples.

    Raises:
        NotApplicable: The training cannot go on, or has too many weights, or no second derivative.
    """
    point = subject.training_of(TrainingPoint)
    state = point.state()
    rate = learning_rate_after(state.step, state.config)
    rows = []
    for number in range(subject.samples):
        loss = LossAt(state, state.task.draw_batch(state.config, state.streams, state.step))
        try:
            rows.append(_row(number, loss, rate))
        except (RuntimeError, ValueError) as error:  # of PyTorch; or too many weights
            raise NotApplicable(f"cannot look for critical points of this loss ({error})") from error
    return table_of_rows(COLUMNS, rows)


def _row(number: int, loss: LossAt, rate: float) -> dict[str, Any]:
    nearby, here = nearest_critical_point(loss), ends_at(loss, loss.start)
    tenfold = math.nan
    if nearby.negative and rate > 0:
        tenfold = steps_to_leave(1.0, 10.0, rate=rate, curvature=-nearby.lowest)
    return {
        "batch": number,
        "gradient_norm": loss.gradient(loss.start).norm().item(),
        "smallest": here.smallest,
        "largest": here.largest,
        "kind": nearby.kind,
        "distance": nearby.distance,
        "negative": nearby.negative,
        "curvature": nearby.lowest,
        "off": nearby.off,
        "tenfold": tenfold,
    }


def compare(table: Table) -> Table:
    """Return the share of batches near a saddle, and the means of the numbers."""
    n = len(table["batch"])
    share = float(is_near_saddle(table).mean())
    rows: list[dict[str, Any]] = [{"quantity": "saddles", "value": share, "n": n}]
    for name in NUMBERS:
        values = table[name][np.isfinite(table[name])]
        mean = float(values.mean()) if len(values) else math.nan
        rows.append({"quantity": name, "value": mean, "n": len(values)})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return what kind of point is near, and how long descent needs to leave a saddle."""
    values = dict(zip(comparison["quantity"].tolist(), comparison["value"].tolist(), strict=True))
    n = len(table["batch"])
    evidence: dict[str, Any] = {**values, "n": n, "kind": str(table["kind"][0])}
    batches = "1 batch" if n == 1 else f"{n} batches"
    severity: Severity = "note"
    near = is_near_saddle(table)
    if near.any():
        severity = "warning"
        first = int(near.argmax())
        statement = (
            f"A saddle is {table['distance'][first]:.3g} away, which curves down in "
            f"{int(table['negative'][first])} of its directions, by {table['curvature'][first]:.3g} at most. "
            f"Along them the weights are {table['off'][first]:.3g} from it, and plain descent makes that "
            f"tenfold in {table['tenfold'][first]:.0f} steps"
        )
        advice = "Noise, momentum or an optimiser that divides by the size of the gradient leaves it sooner."
        return Finding("saddles", severity, f"{statement} ({batches}).", evidence, advice)
    statement = _without_a_saddle(table, values["distance"])
    return Finding("saddles", severity, f"{statement} ({batches}).", evidence)


def _without_a_saddle(table: Table, distance: float) -> str:
    """Return what kind of point Newton's method finds, where no saddle is near."""
    if not np.isfinite(table["gradient_norm"]).all():
        return "The gradient at the weights is no number: nothing can be said of saddles"
    kinds = list(dict.fromkeys(table["kind"].tolist()))
    if kinds == ["none"]:
        return "Newton's method finds no critical point from here"
    if "saddle" not in kinds:
        return f"The critical point nearby is a {', '.join(kinds)}, {distance:.3g} away: no saddle"
    first = table["kind"].tolist().index("saddle")
    gradient, smallest = table["gradient_norm"][first], table["smallest"][first]
    return (
        f"No saddle is near. Newton's method finds one {table['distance'][first]:.3g} away; at the weights "
        f"the gradient has a norm of {gradient:.3g}, and the smallest curvature is {smallest:.3g}"
    )


def over_training(steps: Sequence[int], findings: Sequence[Finding]) -> Finding:
    """Return at which checkpoints a saddle was near."""
    near = []
    for step, finding in zip(steps, findings, strict=True):
        if float(finding.evidence["saddles"] or 0) > 0:
            near.append(step)
    stated = [finding.evidence.get("gradient_norm") for finding in findings]
    norms = np.array([math.nan if norm is None else float(norm) for norm in stated])
    measured = int(np.isfinite(norms).sum())
    evidence: dict[str, Any] = {"checkpoints": len(steps), "near": len(near), "measured": measured}
    if not near:
        statement = f"At none of {len(steps)} checkpoints is a saddle near."
        if measured < len(steps):
            statement += (
                f" At {len(steps) - measured} of them the gradient is no number: there it is unknown."
            )
        return Finding("saddles_over_training", "note", statement, evidence)
    statement = (
        f"At {len(near)} of {len(steps)} checkpoints a saddle is near, from step {near[0]} to {near[-1]}."
    )
    return Finding("saddles_over_training", "note", statement, evidence)


def figure(table: Table) -> FigureData:
    """Return the ends of the curvature of each batch."""
    ends = Panel(
        "eigenvalues of the Hessian",
        (
            Line("largest", table["batch"], table["largest"], drawn="points"),
            Line("smallest", table["batch"], table["smallest"], drawn="points"),
        ),
        guides=(Guide(0.0, ""),),
    )
    n = len(table["batch"])
    return FigureData(
        name="saddles",
        title="Curvature of the loss at the weights",
        x_label="batch",
        panels=(ends,),
        method="Largest and smallest eigenvalue of the Hessian of the trained loss; "
        f"{n} batches at one checkpoint.",
        note=f"{n} batches at one checkpoint",
    )


PROBE = Probe(
    name="saddles",
    question="Is the training near a saddle, and how long does plain descent need to leave it?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("distance", "distance to the critical point nearby", scale="log"),
        Headline("smallest", "smallest eigenvalue of the Hessian"),
    ),
    needs=("training",),
    weights="raw",
    samples=1,
    over_training=over_training,
)
