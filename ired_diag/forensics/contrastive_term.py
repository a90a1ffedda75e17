"""A contrastive term that teaches nothing: negatives that are the positives, or that are no longer hard.

The term -log softmax(-E⁺, -E⁻)₀ pulls with the weight w = σ(E⁺ - E⁻), between 0 and 1. Logged energies tell
it without a checkpoint:

- where E⁻ = E⁺ to the last digit at nearly all logged steps, the negatives are the positives, or were never
  mined; the term is log 2 and pulls at nothing that differs;
- where E⁻ - E⁺ > log 99, w is below 1%: at nearly all of the later half of the steps that is saturation. Logs
  hold means over a batch, and single samples may lie elsewhere;
- where E⁻ - E⁺ < -log 99 there, the energy ranks them the wrong way: what is called wrong lies lower.

Reference: van den Oord et al. (2018), Representation Learning with Contrastive Predictive Coding, equation 4.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.energy_metrics import energy_gap
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

NEARLY_ALL = 0.9
SATURATED = math.log(99)  # nat: from here on w < 1%
FEWEST = 10  # logged steps

Told = list[tuple[Run, float, int]]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose contrastive term has nothing to say, or is not obeyed."""
    equal, saturated, inverted = (defaultdict[str, Told](list) for _ in range(3))
    for run in study.runs:
        gap = _gap(run)
        if len(gap) < FEWEST:
            continue
        same, late = float(np.mean(gap == 0)), gap[len(gap) // 2 :]
        beyond, below = float(np.mean(late > SATURATED)), float(np.mean(late < -SATURATED))
        if same >= NEARLY_ALL:
            equal[run.group].append((run, same, len(gap)))
        elif beyond >= NEARLY_ALL:
            saturated[run.group].append((run, beyond, len(late)))
        elif below >= NEARLY_ALL:
            inverted[run.group].append((run, below, len(late)))
    yield from _equal(equal)
    yield from _saturated(saturated)
    yield from _inverted(inverted)


def _equal(equal: Mapping[str, Told]) -> Iterator[Finding]:
    for group, told in equal.items():
        statement = (
            f"{group}: the energy of negatives equals that of positives to the last digit at {_share(told)} "
            f"of the logged steps ({_runs(told)}): the negatives are the positives, or none were mined."
        )
        advice = "Look at where negatives are made; a checkpoint tells more: ired-diag probe mining_dynamics"
        yield _finding(group, told, "error", statement, advice)


def _saturated(saturated: Mapping[str, Told]) -> Iterator[Finding]:
    for group, told in saturated.items():
        statement = (
            f"{group}: at {_share(told)} of the logged steps of the later half the mean energy of negatives "
            f"is so far above that of positives that the contrastive term's weight there is below 1% "
            f"({_runs(told)}): it teaches nothing, or little, any more."
        )
        advice = f"See it by noise level on a checkpoint: ired-diag probe energy_gap {group}"
        yield _finding(group, told, "warning", statement, advice)


def _inverted(inverted: Mapping[str, Told]) -> Iterator[Finding]:
    for group, told in inverted.items():
        statement = (
            f"{group}: at {_share(told)} of the logged steps of the later half the mean energy of negatives "
            f"lies below that of positives by log 99 or more ({_runs(told)}): it ranks them the wrong way."
        )
        advice = f"Are some negatives right answers? ired-diag probe false_negatives {group}"
        yield _finding(group, told, "warning", statement, advice)


def _gap(run: Run) -> NDArray[np.float64]:
    """Return E⁻ - E⁺ at the steps where both are logged and finite; nothing where they are not."""
    found = energy_gap(run.history)
    if found is None:
        return np.array([])
    _, gap = found
    return gap.values[np.isfinite(gap.values)]


def _finding(group: str, told: Told, severity: Severity, statement: str, advice: str) -> Finding:
    shares = [share for _, share, _ in told]
    evidence: Evidence = {"group": group, "runs": len(told), "smallest_share": min(shares)}
    return Finding("contrastive_term", severity, statement, evidence, advice)


def _share(told: Told) -> str:
    low, high = (100 * end(share for _, share, _ in told) for end in (min, max))
    return f"{low:.0f}%" if round(low) == round(high) else f"{low:.0f} to {high:.0f}%"


def _runs(told: Told) -> str:
    return listed(run.seed_label for run, _, _ in told)


RULE = Rule(
    "contrastive_term", "Does the contrastive term still teach anything?", find, consequence="conclusion"
)
