"""A loss that rises while each step promises that it falls.

A step from w to w + Δ promises g·Δ, with g the gradient. Where the sum of the promises over many steps is
negative and the loss of the same batches rises all the same, by a tenth of what was promised or more, and on
the batch after each as well, the steps do not do what their gradients say. Which of the causes it is (steps
too long for the curvature, a gradient that is blind to what the loss measures, a gradient of another loss) is
what the probe steps measured: a rule cannot see it in a log, so this one reads the answers that the probe
kept next to a run, and says nothing without them.

Reference: Nocedal & Wright (2006), Numerical Optimization, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, answers_of_probe
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

PROBE = "steps"
FEWEST = 10  # steps
LEAST = 0.1  # rise of the loss over what was promised


@dataclass(frozen=True)
class Broken:
    """An answer of the probe in which the loss rises against its promise.

    Attributes:
        step: Training step of the checkpoint.
        answer: The answer, as it was kept.
        promised: Sum of the promised changes.
        delivered: Sum of the changes.
        steps: How many steps were watched.
    """

    step: int
    answer: Mapping[str, Any]
    promised: float
    delivered: float
    steps: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each run whose loss rises against its promise at a checkpoint."""
    for run in study.runs:
        answers = answers_of_probe(run, PROBE)
        broken = [case for case in map(_broken, answers) if case is not None]
        if broken:
            yield _finding(run, broken, checkpoints=len(answers))


def _broken(answer: Mapping[str, Any]) -> Broken | None:
    """Return an answer in which the loss rises against its promise; None where it does not."""
    evidence = answer.get("evidence") or {}
    numbers = []
    for name in ("n", "promised", "delivered", "delivered_elsewhere"):
        value = evidence.get(name)
        if not isinstance(value, int | float):
            return None
        numbers.append(float(value))
    steps, promised, delivered, elsewhere = numbers
    if steps < FEWEST or not promised < 0:
        return None
    if not delivered >= LEAST * -promised or not elsewhere > 0:
        return None
    return Broken(
        step=int(answer["step"]),
        answer=answer,
        promised=promised,
        delivered=delivered,
        steps=int(steps),
    )


def _finding(run: Run, broken: list[Broken], *, checkpoints: int) -> Finding:
    worst = max(broken, key=lambda case: case.delivered)
    where = f"at step {worst.step}"
    if len(broken) > 1:
        where += f" (and at {len(broken) - 1} more of {checkpoints} checkpoints that were probed)"
    measured = str(worst.answer.get("statement") or "")
    statement = f"{run.label}: the loss rises while the promised change falls {where}. {measured}"
    evidence: Evidence = {
        "run": run.label,
        "step": worst.step,
        "promised": worst.promised,
        "delivered": worst.delivered,
        "steps": worst.steps,
        "checkpoints": len(broken),
    }
    return Finding(
        rule="broken_promise",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=str(worst.answer.get("advice") or "Take shorter steps, or fork with one change at a time."),
        runs=(run.label,),
    )


RULE = Rule(
    name="broken_promise",
    question="Does the loss rise while the promised change falls?",
    find=find,
    refuted_by=(
        "A probe of the same checkpoint in float64 whose delivered change is negative; a loss of the next "
        "batches that falls."
    ),
    near_miss=(
        "A training at rest, whose loss rises by less than a tenth of a promise; one that gains on its "
        "batches and loses on the next (noise); a probe of fewer than 10 steps."
    ),
    example="Over 100 steps -0.0008 is promised and +0.0056 is delivered.",
    consequence="conclusion",
)
