"""The best of many evaluations: a checkpoint that was chosen by luck, and a result that it flatters.

On a level every evaluation is the level plus noise, and the best of k lies on its better side by luck alone
(``curves.best``, after Blom). That changes a conclusion where it is more than what is to be compared, so a
group is reported where luck explains the best of most of its runs, and the expected gain is larger than

    the standard deviation of the seeds' levels (three seeds and more), or 1% of the level.

``evaluation_noise`` is about the spread of the seeds, and states the luck of the best with it. This rule is
about the choice of a checkpoint. It leaves out the groups that the other rule reports, and those that end in
rounding (``rounding_floor``). Nobody chooses a checkpoint by the loss of single training batches: only
evaluations are judged.

References: Blom (1958), Statistical Estimates and Transformed Beta-Variables; Dodge et al. (2019), Show Your
Work, section 3 (results depend on how many are tried).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ired_diag.curves.best import Best, best_evaluation
from ired_diag.finding import Finding
from ired_diag.forensics import evaluation_noise
from ired_diag.forensics.rounding_floor import groups_of_rounding
from ired_diag.forensics.rule import Evidence, Rule, not_none
from ired_diag.runs.evaluation_metric import is_of_training
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

MATTERS = 0.01  # of the level: the margin of a comparison
FEWEST_SEEDS = 3  # that give a standard deviation
MOST_RUNS = 0.5  # of the group: luck in fewer runs is no property of the group


@dataclass(frozen=True, kw_only=True)
class Luck:
    """By how much the best evaluations of a group are better than its level, and why.

    Attributes:
        level: Mean over the runs of the level of their last evaluations.
        expected: Distance of the best from the level that noise alone explains, mean over the lucky runs.
        gained: The same distance as it was observed.
        seed_sd: Standard deviation of the levels of the runs; NaN where there are too few.
        evaluations: Number of evaluations on the level, median over the lucky runs.
        runs: Number of runs with a best evaluation.
        lucky_runs: Number of runs whose best evaluation is explained by noise.
    """

    level: float
    expected: float
    gained: float
    seed_sd: float
    evaluations: int
    runs: int
    lucky_runs: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose best evaluations are luck that matters."""
    reported = {finding.evidence["group"] for finding in evaluation_noise.findings_of(study)}
    reported |= groups_of_rounding(study)
    for group, runs in study.groups().items():
        if group in reported:
            continue
        bests = not_none(map(_best_of, runs))
        lucky = [best for best in bests if best.is_lucky]
        if len(lucky) > MOST_RUNS * len(bests):
            yield from _finding_on_luck(group, bests, lucky, lower_is_better=runs[0].lower_is_better)


def _finding_on_luck(
    group: str, bests: list[Best], lucky: list[Best], *, lower_is_better: bool
) -> Iterator[Finding]:
    """Yield a finding where the gain that luck explains is large enough to change a comparison."""
    levels = np.array([best.level for best in bests])
    expected = float(np.mean([abs(best.expected - best.level) for best in lucky]))
    level = float(np.mean(levels))
    seed_sd = np.nan
    if len(levels) >= FEWEST_SEEDS:
        seed_sd = float(np.std(levels, ddof=1))
    if expected > seed_sd or expected > MATTERS * abs(level):
        numbers = Luck(
            level=level,
            expected=expected,
            gained=float(np.mean([abs(best.value - best.level) for best in lucky])),
            seed_sd=seed_sd,
            evaluations=int(np.median([best.evaluations for best in lucky])),
            runs=len(bests),
            lucky_runs=len(lucky),
        )
        yield _finding(group, numbers, side="below" if lower_is_better else "above")


def _finding(group: str, luck: Luck, *, side: str) -> Finding:
    lies = "is equal to the level"
    if luck.gained > 0:
        lies = f"lies {luck.gained:.2g} {side} the level"
    spread = ""
    if luck.seed_sd > 0:
        spread = f", and the levels of the seeds differ by {luck.seed_sd:.2g}"
    statement = (
        f"{group}: in {luck.lucky_runs} of {luck.runs} runs the best evaluation is explained by noise: it "
        f"{lies} of the last {luck.evaluations} evaluations or so, and the best of so many is "
        f"expected to lie {luck.expected:.2g} {side} it by luck alone{spread}. Its checkpoint may be no "
        "better than its neighbours."
    )
    evidence: Evidence = {
        "group": group,
        "runs": luck.runs,
        "lucky_runs": luck.lucky_runs,
        "evaluations": luck.evaluations,
        "level": luck.level,
        "gained": luck.gained,
        "expected": luck.expected,
        "seed_sd": None if np.isnan(luck.seed_sd) else luck.seed_sd,
    }
    advice = f"Report plateau means, or evaluate the chosen checkpoint again: ired-diag stats {group} OTHER"
    return Finding(
        rule="best_of_many",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _best_of(run: Run) -> Best | None:
    if not run.ending.may_be_complete or not run.evaluated:
        return None
    metric, series = run.evaluated
    if is_of_training(metric, run.history.series):
        return None
    return best_evaluation(series.steps, series.values, lower_is_better=run.lower_is_better)


RULE = Rule(
    name="best_of_many",
    question="Is the best checkpoint only the luckiest of many?",
    find=find,
    refuted_by=(
        "The chosen checkpoint is evaluated again, on fresh data, and is better than its neighbours by more "
        "than the noise of one evaluation."
    ),
    near_miss=(
        "A curve that still falls: its best evaluation is its last, and no luck. Or evaluations whose noise "
        "is small next to the spread of the seeds."
    ),
    example=(
        "100 evaluations scatter by 6% around 0.01; the best, 0.0085, is what the best of 100 such numbers "
        "is expected to be."
    ),
)
