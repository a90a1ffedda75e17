"""A contrastive term that teaches nothing, or that is worse than a coin.

The term L = -log softmax(-E⁺, -E⁻)₀ = log(1 + e^-(E⁻ - E⁺)) pulls at each sample with w = 1 - e^-L, between 0
and 1. Logs hold means over samples of all noise levels. A mean *energy* says nothing of the samples' weights:
one level with energies of a million hides all others. A mean *loss* bounds them, since 1 - e^-L <= L:

    mean w <= mean L

- where the logged loss is below 0.01 at nine of ten steps of the later half, the mean weight is below 1%. The
  loss alone is enough, where the configuration states the term (its weight, or a strategy of mining) or the
  energies are logged: a loss that is all that a program minimises may well be small;
- where it is above log 2 there, and in the median above twice that, the energies rank negatives worse than
  energies that say nothing. That is so of one negative, and only where its energy is logged. Without a
  logged loss the means bound it from below (Jensen, the softplus is convex):
  mean L >= log(1 + e^-(mean E⁻ - mean E⁺));
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, labels_of, runs_of, seeds_in_words, with_probe
from ired_diag.runs.contrastive_metrics import (
    contrastive_loss,
    is_another_loss,
    is_contrasted,
    off_switch,
    states_a_term,
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
Kind = Literal["equal", "saturated", "inverted"]


@dataclass(frozen=True)
class Case:
    """A run whose contrastive term looks wrong.

    Attributes:
        run: The run.
        share: The share of the logged steps at which it does.
        median: The median of the loss, or of the term times its weight; NaN where it is not logged.
    """

    run: Run
    share: float
    median: float


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose contrastive term has nothing to say, or is not obeyed."""
    cases: dict[tuple[Kind, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        kind, case = _judge(run)
        if kind is not None:
            cases[kind, run.group].append(case)
    for wanted, finding_on in FINDING_ON.items():
        for (kind, group), of_group in cases.items():
            if kind == wanted:
                yield finding_on(group, of_group)
    yield from _switched_off(study)


def _judge(run: Run) -> tuple[Kind | None, Case]:
    """Return what is wrong with the energies or the loss of a run, and at which share of its steps."""
    in_use = is_contrasted(run)
    equal = 0.0
    if in_use is not False:
        equal = _share_equal(run)
    if in_use:
        loss = _late_loss(run)
    else:
        loss = np.array([])
    if not len(loss):
        return ("equal" if equal >= NEARLY_ALL else None), Case(run, equal, math.nan)
    median = float(np.median(loss))
    low = float(np.mean(loss < NO_PULL))
    high = float(np.mean(loss > CHANCE))
    if equal >= NEARLY_ALL:
        return "equal", Case(run, equal, median)
    if low >= NEARLY_ALL:
        return "saturated", Case(run, low, median)
    if high >= NEARLY_ALL and median > 2 * CHANCE and len(_gap(run)):
        return "inverted", Case(run, high, median)
    return None, Case(run, 0.0, median)


def _switched_off(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose configuration switches the term off, and whose log has it."""
    cases: dict[tuple[str, str, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        configuration = run.configuration or {}
        switch = off_switch(configuration)
        term = weighted_term(run)
        if switch is None or term is None or is_another_loss(configuration):
            continue
        name, series = term
        sizes = np.abs(_finite(series.values))
        if len(sizes) >= FEWEST and np.mean(sizes > 0) >= MOSTLY:
            case = Case(run, share=float(np.mean(sizes > 0)), median=float(np.median(sizes)))
            cases[run.group, switch, name].append(case)
    for (group, switch, name), of_group in cases.items():
        statement = (
            f"{group}: {switch}, and the log has the contrastive term times its weight: {name} is not 0 at "
            f"{_shares(of_group)} of the logged steps, {of_group[0].median:.3g} in the median "
            f"({seeds_in_words(runs_of(of_group))}). "
            "Either the switch is not what switches it, or what is logged is not part of the loss."
        )
        advice = "Look at what the program adds to its loss before these runs are called free of the term."
        yield _finding(group, of_group, severity="warning", statement=statement, advice=advice)


def _on_equal(group: str, cases: list[Case]) -> Finding:
    runs = runs_of(cases)
    statement = (
        f"{group}: the energy of negatives equals that of positives to the last digit at {_shares(cases)} "
        f"of the logged steps ({seeds_in_words(runs)}): the negatives are the positives, or none were mined."
    )
    severity: Severity = "error"
    if not all(map(is_contrasted, runs)):
        severity = "note"
        statement += " Whether the loss uses them is unknown."
    advice = with_probe("Look at where negatives are made", "mining_dynamics", runs)
    return _finding(group, cases, severity=severity, statement=statement, advice=advice)


def _on_saturated(group: str, cases: list[Case]) -> Finding:
    runs = runs_of(cases)
    statement = (
        f"{group}: the contrastive loss is below {NO_PULL} nat at {_shares(cases)} of the logged steps of "
        f"the later half ({seeds_in_words(runs)}), so that the mean weight of its gradient is below 1%: it "
        "teaches nothing, or little, any more."
    )
    advice = with_probe("Look at the energies by noise level", "energy_gap", runs)
    return _finding(group, cases, severity="warning", statement=statement, advice=advice)


def _on_inverted(group: str, cases: list[Case]) -> Finding:
    runs = runs_of(cases)
    medians = [case.median for case in cases]
    median = f"{min(medians):.3g}"
    if len(cases) > 1:
        median = f"{min(medians):.3g} to {max(medians):.3g}"
    statement = (
        f"{group}: the contrastive loss is above log 2 at {_shares(cases)} of the logged steps of the "
        f"later half, in the median {median} nat ({seeds_in_words(runs)}): worse than energies that say "
        "nothing. Some negatives lie far below their positives."
    )
    advice = with_probe("See whether some negatives are right answers", "false_negatives", runs)
    return _finding(group, cases, severity="warning", statement=statement, advice=advice)


def _share_equal(run: Run) -> float:
    """Return at which share of the steps both energies are equal; 0 where they are few, or constant."""
    gap = _gap(run)
    energy = positive_energy(run.history)
    if len(gap) < FEWEST or energy is None:
        return 0.0
    _, series = energy
    if not np.ptp(_finite(series.values)) > 0:
        return 0.0
    return float(np.mean(gap == 0))


def _late_loss(run: Run) -> Array:
    """Return the later half of the contrastive loss, or of its bound; nothing where it is too short."""
    gap = _gap(run)
    logged = contrastive_loss(run)
    if logged is not None:
        loss = _finite(logged.values)
    else:
        bound = np.logaddexp(0, -gap)
        loss = np.maximum(bound, CHANCE)  # a bound from below says nothing below chance
    is_alone = not len(gap) and not states_a_term(run.configuration or {})
    if is_alone or len(loss) < FEWEST:
        return np.array([])
    return loss[len(loss) // 2 :]


def _gap(run: Run) -> Array:
    """Return E⁻ - E⁺ at the steps where both are logged and finite; nothing where they are not."""
    gap = energy_gap(run.history)
    if gap is None:
        return np.array([])
    _, series = gap
    return _finite(series.values)


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _finding(group: str, cases: list[Case], *, severity: Severity, statement: str, advice: str) -> Finding:
    medians = [case.median for case in cases]
    evidence: Evidence = {
        "group": group,
        "runs": len(cases),
        "smallest_share": min(case.share for case in cases),
        "median_loss": None if math.isnan(medians[0]) else float(np.median(medians)),
    }
    return Finding(
        rule="contrastive_term",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs_of(cases)),
    )


FINDING_ON: dict[Kind, Callable[[str, list[Case]], Finding]] = {
    "equal": _on_equal,
    "saturated": _on_saturated,
    "inverted": _on_inverted,
}


def _shares(cases: list[Case]) -> str:
    percents = [100 * case.share for case in cases]
    low, high = min(percents), max(percents)
    if round(low) == round(high):
        return f"{low:.0f}%"
    return f"{low:.0f} to {high:.0f}%"


RULE = Rule(
    name="contrastive_term",
    question="Does the contrastive term still teach anything?",
    find=find,
    consequence="conclusion",
    refuted_by=(
        "The weights 1 - e^-L of single samples at one noise level: if they are above 1%, the term teaches. "
        "Or that the term is not part of the loss: weight 0, strategy none, another loss."
    ),
    near_miss=(
        "Mean energies of negatives far above those of positives while the logged loss is not small, because "
        "one noise level has all the energy; equal energies in a run without mining; a small loss that is "
        "all that a program minimises; a loss of many negatives, whose chance is above log 2."
    ),
    example=(
        "The logged contrastive loss is 0.0004 nat over the later half: its gradient has a weight of 0.04%."
    ),
)
