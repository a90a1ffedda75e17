"""The best of many evaluations: a checkpoint that was chosen by luck, and a result that it flatters.

On a level every evaluation is the level plus noise, and the best of k lies on its better side by luck alone
(``curves.best``, after Blom). That changes a conclusion where it is more than what is to be compared, so a
group is told where luck explains the best of most of its runs, and the expected gain is larger than

    the standard deviation of the seeds' levels (three seeds and more), or 1% of the level.

``evaluation_noise`` speaks about the spread of the seeds, and tells the luck of the best along with it; this
rule is about the choice of a checkpoint, and leaves out the groups that the other has told, and
those that ``rounding_floor`` says end in rounding. Nobody chooses a
checkpoint by the loss of single training batches: only evaluations are judged.

References: Blom (1958), Statistical Estimates and Transformed Beta-Variables; Dodge et al. (2019), Show Your
Work, section 3 (results depend on how many are tried).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ired_diag.curves.best import Best, best_evaluation
from ired_diag.finding import Finding
from ired_diag.forensics import evaluation_noise
from ired_diag.forensics.rounding_floor import groups_of_rounding
from ired_diag.forensics.rule import Evidence, Rule
from ired_diag.runs.evaluation_metric import is_of_training
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

MATTERS = 0.01  # of the level: the margin of a comparison
FEWEST_SEEDS = 3
MOST_RUNS = 0.5


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose best evaluations are luck that matters."""
    told = {finding.evidence["group"] for finding in evaluation_noise.find(study)}
    told |= groups_of_rounding(study)
    for group, runs in study.groups().items():
        best = [found for run in runs if (found := _best(run))]
        lucky = [one for one in best if one.is_lucky]
        if group not in told and len(lucky) > MOST_RUNS * len(best):
            yield from _of(group, best, lucky, lower_is_better=runs[0].lower_is_better)


def _of(group: str, best: list[Best], lucky: list[Best], *, lower_is_better: bool) -> Iterator[Finding]:
    levels = np.array([one.level for one in best])
    expected = float(np.mean([abs(one.expected - one.level) for one in lucky]))
    gained = float(np.mean([abs(one.value - one.level) for one in lucky]))
    level = float(np.mean(levels))
    seed_sd = float(np.std(levels, ddof=1)) if len(levels) >= FEWEST_SEEDS else np.nan
    if not (expected > seed_sd or expected > MATTERS * abs(level)):
        return
    side = "below" if lower_is_better else "above"
    lies = f"lies {gained:.2g} {side} the level" if gained > 0 else "is equal to the level"
    tried = int(np.median([one.evaluations for one in lucky]))
    beside = f", and the levels of the seeds differ by {seed_sd:.2g}" if seed_sd > 0 else ""
    statement = (
        f"{group}: in {len(lucky)} of {len(best)} runs the best evaluation is explained by noise: it "
        f"{lies} of the last {tried} evaluations or so, and the best of so many is "
        f"expected to lie {expected:.2g} {side} it by luck alone{beside}. Its checkpoint may be no better "
        "than its neighbours."
    )
    evidence: Evidence = {
        "group": group,
        "runs": len(best),
        "lucky_runs": len(lucky),
        "evaluations": tried,
        "level": level,
        "gained": gained,
        "expected": expected,
        "seed_sd": None if seed_sd != seed_sd else seed_sd,
    }
    advice = f"Report plateau means, or evaluate the chosen checkpoint again: ired-diag stats {group} OTHER"
    yield Finding("best_of_many", "note", statement, evidence, advice)


def _best(run: Run) -> Best | None:
    if not run.ending.may_be_complete or not run.evaluated:
        return None
    metric, series = run.evaluated
    if is_of_training(metric, run.history.series):
        return None
    return best_evaluation(series.steps, series.values, lower_is_better=run.lower_is_better)


RULE = Rule(
    "best_of_many",
    "Is the best checkpoint only the luckiest of many?",
    find,
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
