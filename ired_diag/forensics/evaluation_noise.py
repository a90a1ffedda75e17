"""Evaluation noise as large as the spread of the seeds: a table of last evaluations compares luck.

On the plateau that all seeds of a group have in common, the spread splits into that of seeds and that of
single evaluations (``stats.noise_split``). Where the whole interval of the intraclass correlation lies below
0.2, the spread between seeds at one step is evaluation noise. "Best" is then the luckiest of many draws: the
expected minimum of k normal values lies about 2.5 sd below their mean at k = 100. Spikes are left out.
Where every run ends at a floor of rounding (``rounding_floor``), there is no noise to split. Seeds that
logged the same curve are one run (``identical_curves``): between them there is no spread to explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.common_plateau import common_plateau
from ired_diag.finding import Finding
from ired_diag.forensics.rounding_floor import groups_of_rounding
from ired_diag.forensics.rule import Evidence, Rule, labels_of
from ired_diag.runs.evaluation_metric import is_of_training
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.arrays import finite_part
from ired_diag.stats.noise_split import NoiseSplit, split_noise

MOST = 0.2  # of the ICC's upper end
FEWEST = 3  # seeds
MAD_TO_SD = 1.4826  # of normal numbers
SPIKE = 6.0  # standard deviations


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose spread at one step is evaluation noise."""
    yield from findings_of(study)


def findings_of(study: Study) -> tuple[Finding, ...]:
    """Return the findings of a study, which other rules ask for too."""
    return study.derived(_findings)


def _findings(study: Study) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    groups: dict[tuple[str, str, bool], list[tuple[Run, Series]]] = defaultdict(list)
    for run in study.runs:
        if run.ending.may_be_complete and run.evaluated:
            metric, series = run.evaluated
            if is_of_training(metric, run.history.series):
                continue  # single batches scatter by themselves: that is no evaluation
            groups[run.group, metric, run.lower_is_better].append((run, series))
    rounded = groups_of_rounding(study)
    for (group, *_), members in groups.items():
        different = _without_copies(members)
        if len(different) >= FEWEST and group not in rounded:
            findings.extend(_noise_of(different))
    return tuple(findings)


def _without_copies(members: Sequence[tuple[Run, Series]]) -> list[tuple[Run, Series]]:
    """Return the runs of a group without those whose curve another has, to the last digit."""
    different: list[tuple[Run, Series]] = []
    for run, series in members:
        if all(series != other for _, other in different):
            different.append((run, series))
    return different


def _noise_of(members: Sequence[tuple[Run, Series]]) -> Iterator[Finding]:
    """Yield a finding where the seeds of a group differ by evaluation noise alone."""
    lower_is_better = members[0][0].lower_is_better
    curves = [(series.steps, series.values) for _, series in members]
    plateau = common_plateau(curves, lower_is_better=lower_is_better)
    if plateau.step is None:
        return
    windows = []
    for (_, values), index in zip(curves, plateau.indices, strict=True):
        window = np.asarray(values)[index:]
        windows.append(_without_spikes(window))
    split = split_noise(windows)
    if split.reason or not split.high < MOST:
        return
    gained = _gain_of_best(windows, lower_is_better=lower_is_better)
    runs, _ = zip(*members, strict=True)
    yield _finding(runs, split, from_step=plateau.step, gained=gained)


def _gain_of_best(windows: Sequence[NDArray[np.float64]], *, lower_is_better: bool) -> float:
    """Return how far the best evaluation of a run lies from its mean, on average over runs."""
    gains = []
    for window in windows:
        best = window.min() if lower_is_better else window.max()
        gains.append(abs(window.mean() - best))
    return float(np.mean(gains))


def _finding(runs: Sequence[Run], split: NoiseSplit, *, from_step: float, gained: float) -> Finding:
    group = runs[0].group
    statement = (
        f"{group}: on the plateau (from step {from_step:g}) one evaluation scatters by "
        f"{split.evaluation_sd:.3g}, seeds by {split.seed_sd:.3g} (intraclass correlation {split.icc:.2f}, "
        f"{split.low:.2f} to {split.high:.2f}, {split.seeds} seeds): the spread of the seeds at one step is "
        f"evaluation noise, and the best evaluation is luck worth {gained:.2g}."
    )
    evidence: Evidence = {
        "group": group,
        "icc": split.icc,
        "icc_low": split.low,
        "icc_high": split.high,
        "evaluation_sd": split.evaluation_sd,
        "seed_sd": split.seed_sd,
        "seeds": split.seeds,
        "best_from_mean": gained,
    }
    return Finding(
        rule="evaluation_noise",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Compare plateaus, not last or best evaluations: ired-diag stats {group} OTHER",
        runs=labels_of(runs),
    )


def _without_spikes(window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evaluations without spikes: one of 30 times the level makes all else look like noise."""
    finite = finite_part(window)
    distances = np.abs(finite - np.median(finite))
    sd = MAD_TO_SD * float(np.median(distances))
    if sd <= 0:
        return finite
    return finite[distances <= SPIKE * sd]


RULE = Rule(
    name="evaluation_noise",
    question="Is the spread between seeds evaluation noise?",
    find=find,
    consequence="conclusion",
    refuted_by=(
        "The same checkpoints, evaluated again on other data, keep their order: then the seeds do differ."
    ),
    near_miss=(
        "Seeds whose levels lie further apart than their evaluations scatter, however small that is; "
        "few evaluations, whose interval is wide; seeds that logged the same curve, to the last digit."
    ),
    example=("Ten seeds: one evaluation scatters by 2.4e-5, the seeds' levels by 1.6e-6."),
)
