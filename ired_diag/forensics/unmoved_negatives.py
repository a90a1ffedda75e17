"""Negatives that mining never moved: its steps are rejected, or so small that they change nothing.

Where a run logs how far mining moves (``pgd_disp``, ``displacement``, ``neg_dist``) or which share of its
steps is accepted (``mining_accepted``, ``acceptance``), two things are told without a checkpoint:

- a distance that is 0 as printed, or a share that is below 1%, at nine of ten steps of the later half: the
  negatives are their starting points, and mining costs its time for nothing;
- the same at the beginning alone is no fault: before anything is learnt there is nothing to descend.

Where a miner starts far from the positive the contrastive term may still teach: the finding is about the
mining, not about the loss.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

ACCEPTED = re.compile(r"(?i)(?:^|[/_.-])accept(?:ed|ance)?(?:_rate|_share)?$")
DISTANCE = re.compile(r"(?i)(?:^|[/_.-])(?:disp(?:lacement)?|moved|neg(?:ative)?_dist(?:ance)?)$")
FEW = 0.01  # of the steps accepted
NEARLY_ALL = 0.9
FEWEST = 10  # logged steps in the later half


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and metric that says that mining does not move."""
    still: dict[tuple[str, str], list[tuple[Run, float]]] = defaultdict(list)
    for run in study.runs:
        for name, series in run.history.series.items():
            bound = FEW if ACCEPTED.search(name) else 0.0 if DISTANCE.search(name) else None
            share = 0.0 if bound is None else _share_at_most(series, bound)
            if share >= NEARLY_ALL:
                still[run.group, name].append((run, share))
    for (group, name), told in still.items():
        what = "below 1%" if ACCEPTED.search(name) else "0 as printed"
        least = min(share for _, share in told)
        statement = (
            f"{group}: {name} is {what} at {100 * least:.0f}% or more of the logged steps of the later half "
            f"({listed(run.seed_label for run, _ in told)}): mining does not move its negatives."
        )
        evidence: Evidence = {"group": group, "metric": name, "runs": len(told), "least_share": least}
        advice = f"Look at step size and rejection on a checkpoint: ired-diag probe mining_dynamics {group}"
        yield Finding("unmoved_negatives", "warning", statement, evidence, advice)


def _share_at_most(series: Series, bound: float) -> float:
    """Return the share of the finite values of the later half that are at most a bound in size."""
    half = series.values[len(series) // 2 :]
    finite = np.abs(half[np.isfinite(half)])
    return float(np.mean(finite <= bound)) if len(finite) >= FEWEST else 0.0


RULE = Rule("unmoved_negatives", "Does mining move its negatives?", find, consequence="conclusion")
