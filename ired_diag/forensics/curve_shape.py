"""Runs whose evaluations did something else than improve and rest.

The shape of each curve is one word (``curves.shape``): diverged, regressed, stuck, unstable, improving. A
diverged run is reported with its best step and the onset of the rise, between which the checkpoint to go on
from lies. A run that is still improving was ended too early to be compared with one that rests; a late drop
counts as that. Where a higher value is better, all of it is upside down: the best is the highest, and a run
that lost it has collapsed.

A last evaluation that stands out alone is no divergence yet: it is a note, since a spike and the first
evaluation of a divergence look alike. So are warm restarts, whose curve is judged by the ends of its cycles.
So is a range test of the learning rate, which raises it exponentially until the loss explodes.
A run that early stopping ended lies above its best, because that is why it was stopped: a note. Its ending
says so, or its configured patience, which ran out at its last evaluation.

Where a validation loss rises and the training loss falls on, the model over-fits (``runs.over_fitting``): a
note where another validation metric stays as good as it was, else a warning, and no divergence. A smaller
rise is a warning only where noise with the correlation of the curve's own rarely gives as much
(``curves.clear_rise``): in fewer than one study of twenty, or, where half of a group's runs rise, one run.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ired_diag.curves.best import best_evaluation
from ired_diag.curves.clear_rise import chance_of_rise
from ired_diag.curves.early_means import clear_gain
from ired_diag.curves.nats import curve_of
from ired_diag.curves.shape import Shape, Word, shape_of
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, can_go_on, listed, with_probe
from ired_diag.runs.dead_end import dead_end_of
from ired_diag.runs.early_stopped import was_stopped_early
from ired_diag.runs.history import Series
from ired_diag.runs.over_fitting import OverFitting, over_fitting_of
from ired_diag.runs.rate_test import rate_test_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

EARLY_STOP = re.compile(r"(?i)early.?stop|stopped early")
LOST: tuple[Word, ...] = ("diverged", "regressed", "unstable")  # what a range test looks like
FEW = 8  # evaluations: a verdict on fewer says so
SEVERITY: dict[Word, Severity] = {
    "diverged": "error",
    "regressed": "warning",
    "stuck": "warning",
    "unstable": "warning",
    "improving": "note",
}
LOWER_IS_BETTER: dict[Word, str] = {
    "regressed": "ends lastingly above its best, by less than 1.5 times",
    "stuck": "has not come down beyond its noise, or by less than 5%",
    "unstable": "swings up and down by 1.5 times and more",
    "improving": "is still coming down at its end",
}
HIGHER_IS_BETTER: dict[Word, str] = {
    "regressed": "ends lastingly below its best, by less than 1.5 times",
    "stuck": "has not risen beyond its noise, or by less than 2%",
    "unstable": "swings up and down by 1.5 times and more",
    "improving": "is still rising at its end",
}
GAINED_LITTLE = {
    True: "has come down by less than 5%, though beyond its noise",
    False: "has risen by less than 2%, though beyond its noise",
}
FEWEST_DIGITS = 3  # of a constant: 0.69 may be rounding
RARE = 0.05  # of the studies without a rise: one may be accused
FEWEST_ALIKE = 2  # runs of a group that rise together
SURE = 10.0  # standard deviations of one evaluation: a small gain that is no luck
ADVICE: dict[Word, str] = {
    "regressed": "Compare a checkpoint from before that, or retrain from it with one thing changed.",
    "stuck": "Look at the learning rate and at the gradient",
    "unstable": "Look at clipping and at the learning rate",
    "improving": "Train longer before comparing it with runs that have come to rest",
}


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each diverged run, and one for each group and other shape."""
    alike: dict[tuple[str, str, bool, Word], list[Run]] = defaultdict(list)
    little: dict[tuple[str, str, bool], list[Run]] = defaultdict(list)
    alike_restarts: dict[tuple[str, str], list[tuple[Run, Shape]]] = defaultdict(list)
    over_fitted: dict[tuple[str, str, str | None], list[tuple[Run, OverFitting]]] = defaultdict(list)
    constant: dict[tuple[str, str, float], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated is None:
            continue
        metric, series = run.evaluated
        if dead_end_of(run.history.series, metric) is not None:
            continue  # ``dead_run`` says that its loss became NaN, and where
        shape = shape_of(series.steps, series.values, lower_is_better=run.lower_is_better)
        if shape.ends_in_spike and shape.word not in ("diverged", "regressed"):
            yield _last_spike(run, metric, series)
        if shape.restarts:
            alike_restarts[run.group, metric].append((run, shape))
        if shape.word in LOST and (rate := rate_test_of(run)) is not None:
            yield _rate_test(run, metric, rate)
        elif (over := _over_fitting(run, shape)) is not None:
            over_fitted[run.group, metric, over.kept].append((run, over))
        elif shape.word == "diverged":
            yield _unless_assumed(_diverged(run, metric, series, shape), run)
        elif shape.word in ("stuck", "no_trend") and _is_constant(series):
            constant[run.group, metric, float(series.values[0])].append(run)
        elif shape.word == "stuck" and _has_gained_little(shape, run, series):
            little[run.group, metric, run.lower_is_better].append(run)
        elif shape.word in SEVERITY:
            alike[run.group, metric, run.lower_is_better, shape.word].append(run)
    for (group, metric), restarting in alike_restarts.items():
        yield _restarts(group, metric, restarting)
    for (group, metric, kept), cases in over_fitted.items():
        yield _over_fitted(group, metric, kept, cases)
    for (group, metric, _, word), runs in alike.items():
        early = [run for run in runs if word == "regressed" and _was_stopped(run)]
        others = [run for run in runs if run not in early]
        if word == "regressed":
            others = _clearly_risen(others, of=len(study.groups()[group]), runs=len(study.runs))
        for part in (early, others):
            if part:
                yield _unless_assumed(
                    _of_shape(group, metric, word, part, was_stopped=part is early), part[0]
                )
    for (group, metric, value), runs in constant.items():
        yield _constant(group, metric, value, runs)
    for (group, metric, lower_is_better), runs in little.items():
        seeds = listed(run.seed_label for run in runs)
        statement = f"{group}: {metric} {GAINED_LITTLE[lower_is_better]}{_few(runs)} ({seeds})."
        evidence: Evidence = {"group": group, "shape": "stuck", "runs": len(runs)}
        yield Finding("curve_shape", "note", statement, evidence)


def _is_constant(series: Series) -> bool:
    """Say whether a metric of three digits or more never changes."""
    digits = f"{abs(float(series.values[0])):.12g}".partition("e")[0].replace(".", "").strip("0")
    return len(series) >= FEW and float(np.ptp(series.values)) == 0 and len(digits) >= FEWEST_DIGITS


def _constant(group: str, metric: str, value: float, runs: Sequence[Run]) -> Finding:
    count = min(len(run.evaluated[1]) for run in runs if run.evaluated)
    statement = (
        f"{group}: {metric} is {value:.6g} at each of {count} evaluations "
        f"({listed(run.seed_label for run in runs)}): it never changes. "
        "Is one fixed model evaluated each time?"
    )
    evidence: Evidence = {"group": group, "shape": "constant", "runs": len(runs), "value": value}
    advice = (
        "Look at which weights the evaluation reads, and whether the metric is reset between evaluations."
    )
    labels = tuple(run.label for run in runs)
    return Finding("curve_shape", "warning", statement, evidence, advice, labels)


def _was_stopped(run: Run) -> bool:
    return EARLY_STOP.search(run.ending.detail) is not None or was_stopped_early(run)


def _over_fitting(run: Run, shape: Shape) -> OverFitting | None:
    """Return how a run over-fits; of a run that early stopping ended, nothing needs to be said."""
    if shape.word not in ("diverged", "regressed") or not np.isfinite(shape.rise):
        return None
    return None if shape.word == "regressed" and _was_stopped(run) else over_fitting_of(run)


def _clearly_risen(regressed: Sequence[Run], *, of: int, runs: int) -> list[Run]:
    """Return the runs whose rise is hardly noise.

    Args:
        regressed: Runs of a group that end above their best.
        of: How many runs the group has.
        runs: How many the study has.
    """
    several = len(regressed) >= FEWEST_ALIKE and 2 * len(regressed) >= of
    chances = [_chance(run) for run in regressed]
    return [
        run
        for run, p in zip(regressed, chances, strict=True)
        if np.isnan(p) or p * (1 if several else runs) <= RARE
    ]


def _chance(run: Run) -> float:
    if run.evaluated is None:
        return float("nan")
    series = run.evaluated[1]
    return chance_of_rise(series.steps, series.values, lower_is_better=run.lower_is_better)


def _over_fitted(
    group: str, metric: str, kept: str | None, cases: Sequence[tuple[Run, OverFitting]]
) -> Finding:
    runs = [run for run, _ in cases]
    times = float(np.median([over.times for _, over in cases]))
    while_kept = f" and {kept} stays as good as it was" if kept else ""
    meaning = "over-fitting or over-confidence" if kept else "over-fitting, if the training set is finite"
    statement = (
        f"{group}: {metric} ends at {times:.3g} times its best{_few(runs)} while {cases[0][1].train} falls"
        f"{while_kept} ({listed(run.seed_label for run in runs)}): {meaning}."
    )
    evidence: Evidence = {"group": group, "shape": "over-fitted", "runs": len(runs), "times": times}
    evidence |= {"train": cases[0][1].train, "kept": kept}
    advice = "Report the best checkpoint, chosen on validation data, or stop training there."
    labels = tuple(run.label for run in runs)
    return Finding("curve_shape", "note" if kept else "warning", statement, evidence, advice, labels)


def _unless_assumed(finding: Finding, run: Run) -> Finding:
    """Return a finding, as a note where it rests on a direction that is only assumed."""
    if run.direction.source != "assumed" or finding.evidence.get("shape") in ("unstable", "stuck"):
        return finding
    statement = f"{finding.statement} This assumes that lower is better, which its name does not say."
    advice = (
        "If higher is better: --higher-is-better. Else: " + finding.advice[:1].lower() + finding.advice[1:]
    )
    return replace(finding, severity="note", statement=statement, advice=advice)


def _has_gained_little(shape: Shape, run: Run, series: Series) -> bool:
    """Say whether a curve that is called stuck has gained something beyond its noise, if little."""
    curve = curve_of(series.steps, series.values, lower_is_better=run.lower_is_better)
    return shape.won > SURE * shape.noise or clear_gain(curve.y[np.isfinite(curve.y)]) > 0


def _of_shape(group: str, metric: str, word: Word, runs: Sequence[Run], *, was_stopped: bool) -> Finding:
    meaning = LOWER_IS_BETTER if runs[0].lower_is_better else HIGHER_IS_BETTER
    seeds = listed(run.seed_label for run in runs)
    stopped = ": early stopping ended it for that" if was_stopped else ""
    statement = f"{group}: {metric} {meaning[word]}{_few(runs)} ({seeds}){stopped}."
    evidence: Evidence = {"group": group, "shape": word, "runs": len(runs)}
    severity = "note" if was_stopped else SEVERITY[word]
    advice = "Use the best checkpoint, not the last." if was_stopped else _advice(word, runs)
    labels = tuple(run.label for run in runs)
    return Finding("curve_shape", severity, statement, evidence, advice, labels)


def _advice(word: Word, runs: Sequence[Run]) -> str:
    """Return what to do, with the command where it is one of ours."""
    if word in ("stuck", "unstable"):
        return with_probe(ADVICE[word], "gradients", runs)
    if word == "improving":
        last = runs[0].history.last_step or 0
        own = f": ired-diag train --from {runs[0].label}@last --set train_steps={2 * last}"
        return f"{ADVICE[word]}{own if can_go_on(runs[0]) else '.'}"
    return ADVICE[word]


def _few(runs: Sequence[Run]) -> str:
    """Return on how few evaluations a verdict rests, where they are few."""
    counts = [len(run.evaluated[1]) for run in runs if run.evaluated]
    return f", as far as {min(counts)} evaluations show" if min(counts) < FEW else ""


def _last_spike(run: Run, metric: str, series: Series) -> Finding:
    last, before = float(series.values[-1]), float(np.median(series.values[-6:-1]))
    statement = (
        f"{run.label}: the last {metric}, {last:.4g} at step {series.steps[-1]}, is far worse than the five "
        f"before it (median {before:.4g}). One evaluation cannot tell a spike from the start of a divergence."
    )
    evidence: Evidence = {"run": run.label, "last": last, "median_before": before}
    return Finding("curve_shape", "note", statement, evidence, "Evaluate the last checkpoint again.")


def _restarts(group: str, metric: str, found: Sequence[tuple[Run, Shape]]) -> Finding:
    seeds = listed(run.seed_label for run, _ in found)
    steps = listed((f"{step:g}" for step in found[0][1].restarts), most=6)
    statement = (
        f"{group}: {metric} jumps up and comes down again, as with warm restarts of the learning rate, at "
        f"steps {steps} ({seeds}). It is judged by the ends of its cycles, and has no plateau."
    )
    evidence: Evidence = {"group": group, "runs": len(found), "restarts": len(found[0][1].restarts)}
    advice = "Compare runs at the same phase of their cycles: ired-diag stats … --readout last"
    return Finding("curve_shape", "note", statement, evidence, advice)


def _rate_test(run: Run, metric: str, rate: tuple[str, float, float]) -> Finding:
    name, first, last = rate
    statement = (
        f"{run.label}: {metric} ends far above its best while {name} rises exponentially, from "
        f"{first:.3g} to {last:.3g}: a range test of the learning rate, whose loss is meant to explode."
    )
    evidence: Evidence = {"run": run.label, "rate": name, "first_rate": first, "last_rate": last}
    advice = "Leave this run out of every comparison."
    return Finding("curve_shape", "note", statement, evidence, advice, runs=(run.label,))


def _diverged(run: Run, metric: str, series: Series, shape: Shape) -> Finding:
    lower = run.lower_is_better
    best = best_evaluation(series.steps, series.values, lower_is_better=lower)
    last = float(series.values[-1])
    evidence: Evidence = {"run": run.label, "shape": "diverged", "last": last, "rise_nats": shape.rise}
    evidence |= {"lower_is_better": lower}
    statement = f"{run.label}: {metric} {'diverged' if lower else 'collapsed'}: "
    if best is not None:
        statement += f"best {best.value:.4g} at step {best.step:g}, "
        evidence |= {"best": best.value, "best_step": best.step}
    onset = shape.onset
    if onset is not None:
        evidence |= {"onset": onset.step, "onset_low": onset.low, "onset_high": onset.high}
    if onset is not None and not np.isfinite(last):
        statement += f"not finite from step {onset.step:g} on"
    else:
        statement += f"last {last:.4g}"
        if onset is not None:
            turn = "rise" if lower else "fall"
            statement += f"; the {turn} begins at step {onset.step:g} ({onset.low:g} to {onset.high:g})"
    advice = "Go on from a checkpoint from before that, with one thing changed"
    if best is not None and can_go_on(run):
        advice += f": ired-diag train --from {run.label}@{best.step:g}, or the last checkpoint before"
    return Finding("curve_shape", "error", f"{statement}.", evidence, f"{advice}.")


RULE = Rule(
    "curve_shape",
    "Which runs diverged, regressed, got stuck, or were ended too early?",
    find,
    refuted_by=(
        "The raw metric, evaluated again at the last checkpoint on fresh data, lies where the best one "
        "does; or the metric is expected to rise (a curriculum, a schedule, a loss whose weight grows)."
    ),
    near_miss=(
        "A curve with one bad evaluation in its middle; noise of 20% around a level; a loss near 0 that "
        "changes sign; warm restarts; a range test of the learning rate; a validation loss that rises while "
        "the training loss falls and the accuracy stays; a run that its patience ended."
    ),
    example=(
        "validation/mse is best at step 7000 (0.1126) and ends at 1.70: diverged, with its onset at step "
        "8000."
    ),
)
