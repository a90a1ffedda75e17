"""Runs whose evaluations did something else than improve and rest.

The shape of each curve is one word (``curves.shape``): diverged, regressed, stuck, unstable, improving. A
diverged run is told with its best step and the onset of the rise, between which the checkpoint to go on from
lies. A run that is still improving was ended too early to be compared with one that rests. Where a higher
value is better, all of it is upside down: the best is the highest, and a run that lost it has collapsed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ired_diag.curves.best import best_evaluation
from ired_diag.curves.shape import Shape, Word, shape_of
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

SEVERITY: dict[Word, Severity] = {
    "diverged": "error",
    "regressed": "warning",
    "stuck": "warning",
    "unstable": "warning",
    "improving": "note",
}
LOWER_IS_BETTER: dict[Word, str] = {
    "regressed": "ends lastingly above its best, by less than 1.5 times",
    "stuck": "has not come down beyond noise",
    "unstable": "swings up and down by 1.5 times and more",
    "improving": "is still coming down at its end",
}
HIGHER_IS_BETTER: dict[Word, str] = {
    "regressed": "ends lastingly below its best, by less than 1.5 times",
    "stuck": "has not risen beyond noise",
    "unstable": "swings up and down by 1.5 times and more",
    "improving": "is still rising at its end",
}
ADVICE: dict[Word, str] = {
    "regressed": "Compare a checkpoint from before that, or retrain from it with one thing changed.",
    "stuck": "Look at the learning rate and at the gradient: ired-diag probe gradients {run}",
    "unstable": "Look at clipping and learning rate: ired-diag probe gradients {run}",
    "improving": "Train on before comparing: ired-diag train … --resume",
}


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each diverged run, and one for each group and other shape."""
    alike: dict[tuple[str, str, bool, Word], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated is None:
            continue
        metric, series = run.evaluated
        shape = shape_of(series.steps, series.values, lower_is_better=run.lower_is_better)
        if shape.word == "diverged":
            yield _diverged(run, metric, series, shape)
        elif shape.word in SEVERITY:
            alike[run.group, metric, run.lower_is_better, shape.word].append(run)
    for (group, metric, lower_is_better, word), runs in alike.items():
        meaning = LOWER_IS_BETTER if lower_is_better else HIGHER_IS_BETTER
        seeds = listed(run.seed_label for run in runs)
        statement = f"{group}: {metric} {meaning[word]} ({seeds})."
        evidence: Evidence = {"group": group, "shape": word, "runs": len(runs)}
        advice = ADVICE[word].format(run=group)
        yield Finding("curve_shape", SEVERITY[word], statement, evidence, advice)


def _diverged(run: Run, metric: str, series: Series, shape: Shape) -> Finding:
    lower = run.lower_is_better
    best = best_evaluation(series.steps, series.values, lower_is_better=lower)
    last = float(series.values[-1])
    evidence: Evidence = {"run": run.label, "shape": "diverged", "last": last, "rise_nats": shape.rise}
    evidence |= {"lower_is_better": lower}
    told = f"{run.label}: {metric} {'diverged' if lower else 'collapsed'}: "
    if best is not None:
        told += f"best {best.value:.4g} at step {best.step:g}, "
        evidence |= {"best": best.value, "best_step": best.step}
    told += f"last {last:.4g}"
    if shape.onset is not None:
        told += (
            f"; the {'rise' if lower else 'fall'} begins at step {shape.onset.step:g} "
            f"({shape.onset.low:g} to {shape.onset.high:g})"
        )
        evidence |= {"onset": shape.onset.step, "onset_low": shape.onset.low, "onset_high": shape.onset.high}
    advice = "Go on from a checkpoint from before that, with one thing changed"
    if run.checkpoints and best is not None:
        advice += f": ired-diag train --from {run.label}@{best.step:g}, or the last checkpoint before"
    return Finding("curve_shape", "error", f"{told}.", evidence, f"{advice}.")


RULE = Rule("curve_shape", "Which runs diverged, regressed, got stuck, or were ended too early?", find)
