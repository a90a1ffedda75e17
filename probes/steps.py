"""Steps: does the loss change by what the gradient promises, and if not, what stands between them?

The training goes on from the checkpoint for some steps, with its own optimiser, and each step is compared
with its promise (``ired_diag.training.promise``). With p the promised change, c the one with the curvature
and d the delivered one of each step, the share of the delivery that a promise leaves unexplained is

    U(p) = Σ (d - p)² / Σ d².

U(p) < ¼: the promise is kept. Else U(c) < ¼: the steps are too long for the curvature. Else difference
quotients say whether the gradient itself is right (h → 0) and whether it still holds at the size of a step.

The correlation of promise and delivery is over the steps, which follow one another and are not independent:
it describes these steps, and has no interval.

Reference: Nocedal & Wright (2006), Numerical Optimization, section 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.dodge import dodge
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding, Severity
from ired_diag.probing.probe import Headline, Probe
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, select, table_of_rows
from ired_diag.training.point import TrainingPoint
from ired_diag.training.promise import ALL, SMALL, Quotient, Twin, WatchedStep, quotients, watch_steps

QUOTIENT = "quotient"  # in the column `term`: a comparison with difference quotients

COLUMNS = (
    Column("taken", "1", "steps of the training that were taken before this one"),
    Column("group", "1", "weights that moved: all, or a group of them alone"),
    Column(
        "term", "1", "the loss: trained, reported, a term of it; quotient: a comparison at the first step"
    ),
    Column("promised", "loss", "inner product of the gradient and the move"),
    Column("promised_curved", "loss", "the same and half the move's product with the Hessian"),
    Column("delivered", "loss", "change of the loss on the batch of the step"),
    Column("delivered_elsewhere", "loss", "change of the loss on the batch of the next step"),
    Column("reported_cosine", "1", "cosine of the gradients of the trained and the reported loss"),
    Column("batch_cosine", "1", "cosine of the trained gradients on two batches"),
    Column("h", "weight", "step of a difference quotient"),
    Column("quotient_cosine", "1", "cosine of the gradient and the difference quotients"),
    Column("quotient_error", "1", "norm of their difference over that of the gradient"),
)
COMPARISON_COLUMNS = (
    Column("group", "1", "weights that moved"),
    Column("term", "1", "the loss"),
    Column(
        "quantity",
        "1",
        "promised, delivered (sums over the steps); correlation (of the two); unexplained (U); up (share of "
        "steps that raise the loss); of the whole step's trained loss also promised_curved, "
        "correlation_curved, unexplained_curved, delivered_elsewhere (sum), reported_cosine, batch_cosine "
        "(means); quotient_small, quotient_step (cosines)",
    ),
    Column("value", "loss of sums, else 1", "the quantity"),
    Column("n", "1", "steps; of quotients, 1"),
)
KEPT = 0.25  # U up to which a promise is kept
SUM_KEPT = 0.1  # of the larger sum: how far the sums over all steps may be apart where it is
RIGHT, WRONG = 0.99, 0.5  # cosine with quotients from which a gradient is right, up to which it is not
SAME = 1 - 1e-9  # cosine from which two losses, or two batches, are one
CONFIRMED = 0.25  # share of a batch's gain that another batch confirms, below which it is called noise
FEWEST = 10  # steps for a verdict


def measure(subject: Subject) -> Table:
    """Return what each step promised and delivered, and how the gradient agrees with difference quotients.

    Args:
        subject: With a training to go on from; as many steps are taken as it has samples.

    Raises:
        NotApplicable: The training cannot go on, or its loss cannot be computed in float64.
    """
    point = subject.training_of(TrainingPoint)
    try:
        watched = list(watch_steps(point.state(), subject.samples, progress=lambda: None))
        agreed = _quotients(point, watched, subject)
    except RuntimeError as error:  # PyTorch's, of a user's own loss
        raise NotApplicable(f"cannot compute this loss in float64 ({error})") from error
    rows = [row for step in watched for row in _rows_of_step(step)]
    rows += [_row(taken=point.step, group=q.group, term=QUOTIENT, **_values_of(q)) for q in agreed]
    return table_of_rows(COLUMNS, rows)


def _quotients(point: TrainingPoint, watched: Sequence[WatchedStep], subject: Subject) -> list[Quotient]:
    """Return the comparison with difference quotients at the first step, at the size of the largest move."""
    state = point.state()
    sizes = {}
    for group in watched[0].sizes:
        sizes[group] = max(step.sizes[group] for step in watched)
    batch = state.task.draw_batch(state.config, state.streams, state.step)
    generator = subject.generator("quotients")
    return quotients(Twin(state), state.weights, batch, sizes, generator=generator)


def _rows_of_step(watched: WatchedStep) -> Iterator[dict[str, Any]]:
    for delivery in watched.deliveries:
        yield _row(
            taken=watched.step,
            group=delivery.group,
            term=delivery.term,
            promised=delivery.promised,
            promised_curved=delivery.promised_curved,
            delivered=delivery.delivered,
            delivered_elsewhere=delivery.delivered_elsewhere,
            reported_cosine=watched.reported_cosine,
            batch_cosine=watched.batch_cosine,
        )


def _values_of(quotient: Quotient) -> dict[str, float]:
    return {"h": quotient.h, "quotient_cosine": quotient.cosine, "quotient_error": quotient.error}


def _row(**values: Any) -> dict[str, Any]:
    """Return a row in which what is not given is NaN."""
    row = dict.fromkeys((column.name for column in COLUMNS), math.nan)
    return {**row, **values}


def compare(table: Table) -> Table:
    """Return sums, correlations and shares of each group and loss, then the agreement with quotients."""
    rows: list[dict[str, Any]] = []
    is_step = table["term"] != QUOTIENT
    of_steps = {}
    for name, column in table.items():
        of_steps[name] = column[is_step]
    pairs = dict.fromkeys(zip(of_steps["group"].tolist(), of_steps["term"].tolist(), strict=True))
    for group, term in pairs:
        part = select(of_steps, group=group, term=term)
        n = len(part["taken"])
        for quantity, value in _quantities(part, group=group, term=term):
            rows.append({"group": group, "term": term, "quantity": quantity, "value": value, "n": n})
    for group, quantity, value in _agreements(select(table, term=QUOTIENT)):
        rows.append({"group": group, "term": QUOTIENT, "quantity": quantity, "value": value, "n": 1})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _quantities(part: Table, *, group: str, term: str) -> Iterator[tuple[str, float]]:
    """Yield the quantities of one group and one loss; curvature only of the whole step's trained one."""
    delivered = part["delivered"]
    yield "promised", float(part["promised"].sum())
    yield "delivered", float(delivered.sum())
    yield "correlation", correlation(part["promised"], delivered)
    yield "unexplained", unexplained(part["promised"], delivered)
    yield "up", float((delivered > 0).mean())
    if (group, term) != (ALL, "trained"):
        return
    curved = part["promised_curved"]
    yield "promised_curved", float(curved.sum())
    yield "correlation_curved", correlation(curved, delivered)
    yield "unexplained_curved", unexplained(curved, delivered)
    yield "delivered_elsewhere", float(part["delivered_elsewhere"].sum())
    yield "reported_cosine", float(part["reported_cosine"].mean())
    yield "batch_cosine", float(part["batch_cosine"].mean())


def _agreements(rows: Table) -> Iterator[tuple[str, str, float]]:
    for group, h, value in zip(rows["group"], rows["h"], rows["quotient_cosine"], strict=True):
        quantity = "quotient_small" if h == SMALL else "quotient_step"
        yield str(group), quantity, float(value)


def correlation(promised: NDArray[np.float64], delivered: NDArray[np.float64]) -> float:
    """Return the correlation of promise and delivery over steps; NaN where one does not vary.

    >>> correlation(np.array([-1.0, -2.0, -3.0]), np.array([-1.0, -2.1, -2.9])) > 0.99
    True
    """
    spread = promised.std() * delivered.std()
    if not spread > 0:
        return math.nan
    from_means = (promised - promised.mean()) * (delivered - delivered.mean())
    return float(from_means.mean() / spread)


def unexplained(promised: NDArray[np.float64], delivered: NDArray[np.float64]) -> float:
    """Return U, the share of the delivery that the promise leaves unexplained; NaN without a delivery.

    >>> unexplained(np.array([-1.0, -1.0]), np.array([-1.0, -1.0]))
    0.0
    """
    size = (delivered**2).sum()
    if not size > 0:
        return math.nan
    return float(((delivered - promised) ** 2).sum() / size)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return whether the promise is kept, and else what stands between promise and delivery."""
    evidence = _evidence(comparison)
    steps = int(evidence["n"])
    if not math.isfinite(evidence["promised"]) or not math.isfinite(evidence["delivered"]):
        statement = (
            f"Over {steps} steps the loss or its gradient is not always a number: nothing can be said."
        )
        return Finding("steps", "warning", statement, evidence, "Probe a checkpoint from before that.")
    statement = (
        f"Over {steps} steps the gradient promises a change of the trained loss of "
        f"{evidence['promised']:.3g}, and {evidence['delivered']:.3g} is delivered "
        f"(correlation {evidence['correlation']:.2f}; {100 * evidence['up']:.0f}% of the steps raise it). "
    )
    if steps < FEWEST:
        statement += f"Too few steps for a verdict ({FEWEST} are needed)."
        return Finding("steps", "note", statement, evidence)
    verdict, advice = _verdict(evidence)
    # Where a step learns noise, the reported loss differs from the trained one by that noise.
    parts = [verdict, *(_of_noise(evidence) or _of_reported(evidence))]
    severity: Severity = "warning" if evidence["delivered"] > 0 > evidence["promised"] else "note"
    return Finding("steps", severity, statement + " ".join(parts), evidence, advice)


def _kept(evidence: dict[str, Any]) -> str:
    """Return that steps keep their promise; where their sum does not, what the curvature makes of it."""
    if math.isclose(evidence["promised"], evidence["delivered"], rel_tol=SUM_KEPT):
        return "The promise is kept."
    return (
        f"The promise of single steps is kept (U = {evidence['unexplained']:.2g}), that of all steps "
        f"together is not: with the curvature it is {evidence['promised_curved']:.3g}."
    )


def _verdict(evidence: dict[str, Any]) -> tuple[str, str]:
    """Return what stands between promise and delivery, and what to do."""
    if not math.isfinite(evidence["unexplained"]):
        return "The loss does not move, or is no number: nothing can be said.", ""
    if evidence["unexplained"] <= KEPT:
        return _kept(evidence), ""
    if evidence["unexplained_curved"] <= KEPT:
        sentence = "With the curvature it is kept: the steps are too long for the curvature."
        return sentence, "Take shorter steps: a smaller learning_rate, or a decay."
    is_right = evidence["quotient_small"] >= RIGHT
    if is_right and evidence["quotient_step"] < WRONG:
        sentence = (
            "The curvature does not explain it. The gradient is right where the steps are infinitely small "
            f"(cosine with difference quotients {evidence['quotient_small']:.3f}), and not at their own size "
            f"({evidence['quotient_step']:.2f} for {evidence['blind']}): it misses something. What the loss "
            "measures changes within a step where the gradient is blind."
        )
        advice = (
            "Look for a cutoff, clamp, rounding or sampling between these weights and the loss, and fork "
            "without it; a smaller learning_rate only delays it."
        )
        return sentence, advice
    if not is_right:
        sentence = (
            "The gradient disagrees with difference quotients (cosine "
            f"{evidence['quotient_small']:.3f}): it is not the derivative of this loss."
        )
        return sentence, "Look for a detached tensor or a step that has no gradient, such as rounding."
    sentence = "Neither the curvature nor difference quotients along single weights explain the rest."
    return sentence, ""


def _of_reported(evidence: dict[str, Any]) -> list[str]:
    """Return how the reported loss went, where it is another than the trained one."""
    if "reported_delivered" not in evidence or evidence["reported_cosine"] > SAME:
        return []
    cosine = f"cosine of the gradients {evidence['reported_cosine']:.2f}"
    change = evidence["reported_delivered"]
    if evidence["delivered"] < 0 < change:
        return [f"The trained loss falls and the reported one rises: they are different losses ({cosine})."]
    return [f"The reported loss is another one, and changes by {change:.3g} ({cosine})."]


def _of_noise(evidence: dict[str, Any]) -> list[str]:
    """Return whether a batch gains what the next one does not confirm."""
    gained, confirmed = evidence["delivered"], evidence["delivered_elsewhere"]
    if evidence["batch_cosine"] > SAME or gained >= 0 or confirmed / gained >= CONFIRMED:
        return []
    return [
        f"Of what the batches gain, {gained:.3g}, the batches after them confirm {confirmed:.2g}: most of it "
        f"is noise (cosine of the gradients of two batches {evidence['batch_cosine']:.2f})."
    ]


def _evidence(comparison: Table) -> dict[str, Any]:
    whole = select(comparison, group=ALL, term="trained")
    values = dict(zip(whole["quantity"].tolist(), whole["value"].tolist(), strict=True))
    evidence: dict[str, Any] = {"n": int(whole["n"][0]), **values}
    reported = select(comparison, group=ALL, term="reported", quantity="delivered")
    if len(reported["value"]):
        evidence["reported_delivered"] = float(reported["value"][0])
    for quantity in ("quotient_small", "quotient_step"):
        rows = select(comparison, term=QUOTIENT, quantity=quantity)
        # A group whose gradient is 0 has no direction to agree with.
        is_number = np.isfinite(rows["value"])
        if not is_number.any():
            evidence[quantity], evidence["blind"] = math.nan, ""
            continue
        worst = int(rows["value"][is_number].argmin())
        evidence[quantity] = float(rows["value"][is_number][worst])
        evidence["blind"] = str(rows["group"][is_number][worst])
    return evidence


def figure(table: Table) -> FigureData:
    """Return what was promised and delivered so far, and how the gradient agrees with quotients."""
    whole = select(table, group=ALL, term="trained")
    reported = select(table, group=ALL, term="reported")
    steps = whole["taken"] + 1
    lines = [
        Line("delivered", steps, whole["delivered"].cumsum(), drawn="line"),  # solid, beneath the dashed ones
        Line("promised", steps, whole["promised"].cumsum(), drawn="line"),
        Line("promised with curvature", steps, whole["promised_curved"].cumsum(), drawn="line"),
    ]
    change = Panel("change of the loss", tuple(lines), guides=(Guide(0.0, ""),))
    panels = [change]
    of_reported = ""
    if len(reported["taken"]) and not np.allclose(reported["delivered"], whole["delivered"]):
        line = Line("reported loss", steps, reported["delivered"].cumsum(), drawn="line")
        panels.append(Panel("change of the reported loss", (line,), guides=(Guide(0.0, ""),)))
        of_reported = (
            " Second panel: the reported loss, which is another one than that which the steps minimise."
        )
    panels.append(_agreement_panel(table))
    return FigureData(
        name="steps",
        title="Promised and delivered change of the loss",
        x_label="training step",
        panels=tuple(panels),
        method=f"First panel: change of the loss added up over {len(steps)} steps that continue one run. "
        "Delivered: what the loss on the same batch really changed by; promised: g·Δ, with the gradient g "
        "and the step Δ of the optimiser; with curvature: g·Δ + ½ΔᵀHΔ, with the Hessian H."
        f"{of_reported} Last panel: cosine of the gradient with central finite differences at the first "
        "step, for an infinitesimal difference and for one as large as the largest move of a weight; 1 means "
        "agreement. Dotted: 0, and 1 in the last panel.",
        note=f"{len(steps)} steps from one checkpoint; they are not independent",
    )


def _agreement_panel(table: Table) -> Panel:
    rows = select(table, term=QUOTIENT)
    groups = list(dict.fromkeys(rows["group"].tolist()))
    lines: list[Line] = []
    least = 0.0
    for name, is_small in (("infinitesimal", True), ("as large as a move", False)):
        chosen = (rows["h"] == SMALL) == is_small
        places = np.array([groups.index(group) for group in rows["group"][chosen].tolist()])
        cosines = rows["quotient_cosine"][chosen]
        least = min([least, *cosines[np.isfinite(cosines)].tolist()])
        lines.append(Line(name, dodge(places, len(lines), 2), cosines, drawn="points"))
    return Panel(
        "cosine with finite differences",
        tuple(lines),
        x_label="group of weights",
        x_ticks=tuple((float(place), group) for place, group in enumerate(groups)),
        x_range=(-0.5, len(groups) - 0.5),
        y_range=(least - 0.1, 1.1),
        guides=(Guide(1.0, ""), Guide(0.0, "")),
    )


PROBE = Probe(
    name="steps",
    question="Does the loss change by what the gradient promises, and if not, why?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("correlation", "correlation of promised and delivered change"),
        Headline("up", "share of steps that raise the trained loss"),
        Headline("quotient_step", "cosine of the gradient with quotients of a step's size"),
        Headline("reported_cosine", "cosine of the gradients of trained and reported loss"),
    ),
    needs=("training",),
    weights="raw",
    samples=100,
    version=2,
)
