"""A contrastive term that teaches nothing, or that is worse than a coin.

The term L = -log softmax(-E⁺, -E⁻)₀ = log(1 + e^-(E⁻ - E⁺)) pulls at each sample with w = 1 - e^-L, between 0
and 1. Logs hold means over samples of all noise levels. A mean *energy* says nothing of the samples' weights:
one level with energies of a million hides all others. A mean *loss* bounds them, since 1 - e^-L <= L:

    mean w <= mean L

- where the logged loss is below 0.01 at nine of ten steps of the later half, the mean weight is below 1%;
- where it is above log 2 there, and in the median above twice that, the energies rank negatives worse than
  energies that say nothing. Without a logged loss the means bound it from below (Jensen, the softplus is
  convex): mean L >= log(1 + e^-(mean E⁻ - mean E⁺));
- where E⁻ = E⁺ to the last digit at nearly all logged steps, the negatives are the positives, or were never
  mined;
- where the configuration switches the term off (``use_contrastive_loss: false``, a weight of 0) and the log
  has the term times its weight, which is not 0 at half of the steps or more.

Else nothing is said where the term is not part of the loss (``contrastive_metrics``): strategy none, weight
0, another loss, or a term that is logged as 0.

Reference: van den Oord et al. (2018), Representation Learning with Contrastive Predictive Coding, equation 4.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed, with_probe
from ired_diag.runs.contrastive_metrics import (
    contrastive_loss,
    is_another_loss,
    is_contrasted,
    off_switch,
    weighted_term,
)
from ired_diag.runs.energy_metrics import energy_gap, positive_energy
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

NEARLY_ALL, MOSTLY = 0.9, 0.5
NO_PULL = 0.01  # nat, and so the largest mean weight
CHANCE = math.log(2)  # nat, of one negative
FEWEST = 10  # logged steps

Array = NDArray[np.float64]
Cases = list[tuple[Run, float, float]]  # share of the steps, and the median loss


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose contrastive term has nothing to say, or is not obeyed."""
    equal, saturated, inverted = (defaultdict[str, Cases](list) for _ in range(3))
    for run in study.runs:
        in_use = is_contrasted(run)
        same = 0.0 if in_use is False else _share_equal(run)
        loss = _late_loss(run) if in_use else np.array([])
        middle = float(np.median(loss)) if len(loss) else math.nan
        if same >= NEARLY_ALL:
            equal[run.group].append((run, same, middle))
        elif len(loss) and np.mean(loss < NO_PULL) >= NEARLY_ALL:
            saturated[run.group].append((run, float(np.mean(loss < NO_PULL)), middle))
        elif len(loss) and np.mean(loss > CHANCE) >= NEARLY_ALL and middle > 2 * CHANCE:
            inverted[run.group].append((run, float(np.mean(loss > CHANCE)), middle))
    yield from _equal(equal)
    yield from _saturated(saturated)
    yield from _inverted(inverted)
    yield from _switched_off(study)


def _switched_off(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose configuration switches the term off, and whose log has it."""
    cases: dict[tuple[str, str, str], Cases] = defaultdict(list)
    for run in study.runs:
        switch, term = off_switch(run.configuration or {}), weighted_term(run)
        if switch is None or term is None or is_another_loss(run.configuration or {}):
            continue
        name, values = term[0], np.abs(term[1].values[np.isfinite(term[1].values)])
        if len(values) >= FEWEST and np.mean(values > 0) >= MOSTLY:
            case = (run, float(np.mean(values > 0)), float(np.median(values)))
            cases[run.group, switch, name].append(case)
    for (group, switch, name), found in cases.items():
        statement = (
            f"{group}: {switch}, and the log has the contrastive term times its weight: {name} is not 0 at "
            f"{_share(found)} of the logged steps, {found[0][2]:.3g} in the median ({_labels(found)}). "
            "Either the switch is not what switches it, or what is logged is not part of the loss."
        )
        advice = "Look at what the program adds to its loss before these runs are called free of the term."
        yield _finding(group, found, "warning", statement, advice)


def _equal(equal: Mapping[str, Cases]) -> Iterator[Finding]:
    for group, cases in equal.items():
        statement = (
            f"{group}: the energy of negatives equals that of positives to the last digit at {_share(cases)} "
            f"of the logged steps ({_labels(cases)}): the negatives are the positives, or none were mined."
        )
        known = all(is_contrasted(run) for run, *_ in cases)
        if not known:
            statement += " Whether the loss uses them is unknown."
        advice = with_probe("Look at where negatives are made", "mining_dynamics", _runs(cases))
        yield _finding(group, cases, "error" if known else "note", statement, advice)


def _saturated(saturated: Mapping[str, Cases]) -> Iterator[Finding]:
    for group, cases in saturated.items():
        statement = (
            f"{group}: the contrastive loss is below {NO_PULL} nat at {_share(cases)} of the logged steps of "
            f"the later half ({_labels(cases)}), so that the mean weight of its gradient is below 1%: it "
            "teaches nothing, or little, any more."
        )
        advice = with_probe("Look at the energies by noise level", "energy_gap", _runs(cases))
        yield _finding(group, cases, "warning", statement, advice)


def _inverted(inverted: Mapping[str, Cases]) -> Iterator[Finding]:
    for group, cases in inverted.items():
        low, high = (end(middle for *_, middle in cases) for end in (min, max))
        median = f"{low:.3g}" if len(cases) == 1 else f"{low:.3g} to {high:.3g}"
        statement = (
            f"{group}: the contrastive loss is above log 2 at {_share(cases)} of the logged steps of the "
            f"later half, in the median {median} nat ({_labels(cases)}): worse than energies that say "
            "nothing. Some negatives lie far below their positives."
        )
        advice = with_probe("See whether some negatives are right answers", "false_negatives", _runs(cases))
        yield _finding(group, cases, "warning", statement, advice)


def _share_equal(run: Run) -> float:
    """Return at which share of the steps both energies are equal; 0 where they are few, or constant."""
    gap, energy = _gap(run), positive_energy(run.history)
    if len(gap) < FEWEST or energy is None or not np.ptp(energy[1].values[np.isfinite(energy[1].values)]) > 0:
        return 0.0
    return float(np.mean(gap == 0))


def _late_loss(run: Run) -> Array:
    """Return the later half of the contrastive loss, or of its bound; nothing where it is too short."""
    logged, gap = contrastive_loss(run), _gap(run)
    values = np.logaddexp(0, -gap) if logged is None else logged.values
    finite = values[np.isfinite(values)]
    if logged is None:
        finite = np.where(finite > CHANCE, finite, CHANCE)  # a bound from below says nothing below chance
    return finite[len(finite) // 2 :] if len(gap) and len(finite) >= FEWEST else np.array([])


def _gap(run: Run) -> Array:
    """Return E⁻ - E⁺ at the steps where both are logged and finite; nothing where they are not."""
    found = energy_gap(run.history)
    return np.array([]) if found is None else found[1].values[np.isfinite(found[1].values)]


def _finding(group: str, cases: Cases, severity: Severity, statement: str, advice: str) -> Finding:
    shares, losses = [share for _, share, _ in cases], [middle for *_, middle in cases]
    evidence: Evidence = {"group": group, "runs": len(cases), "smallest_share": min(shares)}
    evidence |= {"median_loss": None if math.isnan(losses[0]) else float(np.median(losses))}
    return Finding("contrastive_term", severity, statement, evidence, advice)


def _share(cases: Cases) -> str:
    low, high = (100 * end(share for _, share, _ in cases) for end in (min, max))
    return f"{low:.0f}%" if round(low) == round(high) else f"{low:.0f} to {high:.0f}%"


def _labels(cases: Cases) -> str:
    return listed(run.seed_label for run, *_ in cases)


def _runs(cases: Cases) -> list[Run]:
    return [run for run, *_ in cases]


RULE = Rule(
    "contrastive_term",
    "Does the contrastive term still teach anything?",
    find,
    consequence="conclusion",
    refuted_by=(
        "The weights 1 - e^-L of single samples at one noise level: if they are above 1%, the term teaches. "
        "Or that the term is not part of the loss: weight 0, strategy none, another loss."
    ),
    near_miss=(
        "Mean energies of negatives far above those of positives while the logged loss is not small, because "
        "one noise level has all the energy; equal energies in a run without mining."
    ),
    example=(
        "The logged contrastive loss is 0.0004 nat over the later half: its gradient has a weight of 0.04%."
    ),
)
