"""What the rule ``curve_shape`` says of runs, kind by kind: one function, one finding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ired_diag.curves.best import best_evaluation
from ired_diag.curves.end_of_score import share_kept
from ired_diag.curves.flat_validation import hidden_gain
from ired_diag.curves.judged_curve import FEW, Judged
from ired_diag.curves.shape import Word
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import (
    Evidence,
    can_go_on,
    labels_of,
    listed,
    runs_of,
    seeds_in_words,
    with_probe,
)
from ired_diag.runs.run import Run

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
MANY_EPISODES = 100  # more than an evaluation plays
ADVICE: dict[Word, str] = {
    "regressed": "Compare a checkpoint from before that, or retrain from it with one thing changed.",
    "stuck": "Look at the learning rate and at the gradient",
    "unstable": "Look at clipping and at the learning rate",
    "improving": "Train longer before comparing it with runs that have come to rest",
}
ENDED_AS_PLANNED = (
    "Training ended as planned before the curve came to rest: there is no plateau to average over. Compare "
    "last evaluations, at the last step that all trainings reached"
)


def on_learning(runs: Sequence[Run], metric: str, training: str) -> Finding:
    """Return the note on runs whose judged metric stays flat while their training loss falls."""
    group = runs[0].group
    statement = (
        f"{group}: {metric} stays within its noise from the first evaluation on while {training} falls "
        f"({seeds_in_words(runs)}): either what carries over to these data was learned before that, as in a "
        "fine-tuning, or nothing does."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "shape": "flat", "metric": training, "runs": len(runs)},
        advice="Evaluate once before training: if the metric is as good there, training has won nothing.",
        runs=labels_of(runs),
    )


def on_noisy(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs whose evaluations are too noisy, or too few, to show a gain."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    hidden = max(hidden_gain(case.shape, len(case.series)) for case in cases)
    evaluations = min(len(case.series) for case in cases)
    statement = (
        f"{group}: whether {first.metric} improves cannot be told from {evaluations} evaluations "
        f"({seeds_in_words(runs)}): their noise hides a change by less than {100 * np.expm1(hidden):.0f}%."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "shape": "noisy", "hidden_nats": hidden, "runs": len(runs)},
        advice="Train longer, or average more samples in each evaluation.",
        runs=labels_of(runs),
    )


def on_episodes(runs: Sequence[Run], metric: str) -> Finding:
    """Return the note on monitors of few episodes, which may be those of an evaluation."""
    group = runs[0].group
    statement = (
        f"{group}: {metric} does not rise within fewer than {MANY_EPISODES} episodes "
        f"({seeds_in_words(runs)}): the monitor does not say whether an agent was trained in them or "
        "evaluated."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "shape": "flat", "metric": metric, "runs": len(runs)},
        runs=labels_of(runs),
    )


def on_flat(runs: Sequence[Run], metric: str, improving: str) -> Finding:
    """Return the note on runs whose judged metric stays flat while another metric shows that they learn."""
    group = runs[0].group
    statement = (
        f"{group}: {metric} stays flat within its noise while {improving} improves "
        f"({seeds_in_words(runs)}): it says little of what the training does."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "shape": "flat", "metric": improving, "runs": len(runs)},
        advice=f"To judge the runs by it: --metric {improving}.",
        runs=labels_of(runs),
    )


def on_constant(cases: Sequence[Judged]) -> Finding:
    """Return the finding on runs whose judged metric never changes."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    value = float(first.series.values[0])
    evaluations = min(len(case.series) for case in cases)
    statement = (
        f"{group}: {first.metric} is {value:.6g} at each of {evaluations} evaluations "
        f"({seeds_in_words(runs)}): it never changes. "
        "Is one fixed model evaluated each time?"
    )
    evidence: Evidence = {
        "group": group,
        "shape": "constant",
        "runs": len(runs),
        "value": value,
    }
    advice = (
        "Look at which weights the evaluation reads, and whether the metric is reset between evaluations."
    )
    return Finding(
        rule="curve_shape",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs),
    )


def on_little_gain(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs that gained something beyond their noise, if little."""
    first = cases[0].run
    runs = runs_of(cases)
    gain = GAINED_LITTLE[first.lower_is_better]
    statement = f"{first.group}: {cases[0].metric} {gain}{few_in_words(runs)} ({seeds_in_words(runs)})."
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": first.group, "shape": "stuck", "runs": len(runs)},
        runs=labels_of(runs),
    )


def on_lost_gain(cases: Sequence[Judged]) -> Finding:
    """Return the finding on runs that learned early and are back where they began."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    lost = first.lost
    if lost is None:
        raise ValueError(f"{first.run.label}: a run that lost nothing has no such finding")
    statement = (
        f"{group}: {first.metric} reached {lost.best:.4g} at step {lost.step:g} of {first.run.seed_label}, "
        f"and is back at {lost.end:.4g} since: what was learned is lost ({seeds_in_words(runs)})."
    )
    evidence: Evidence = {
        "group": group,
        "shape": "lost",
        "runs": len(runs),
        "best": lost.best,
        "best_step": lost.step,
        "end": lost.end,
    }
    return Finding(
        rule="curve_shape",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice="Lower the learning rate or clip the gradient, and start from a checkpoint from before that.",
        runs=labels_of(runs),
    )


def on_unharmed(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs whose loss rises while a metric of success stays as good."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    meaning = LOWER_IS_BETTER["regressed"]
    statement = (
        f"{group}: {first.metric} {meaning}, while {first.unharmed} stays as good as it was "
        f"({seeds_in_words(runs)}): the model may only be more confident."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "shape": "regressed", "runs": len(runs), "kept": first.unharmed},
        advice=f"To judge the runs by it: --metric {first.unharmed}.",
        runs=labels_of(runs),
    )


def on_over_fitting(cases: Sequence[Judged]) -> Finding:
    """Return the finding on runs whose validation rises while their training loss falls."""
    first = cases[0]
    runs = runs_of(cases)
    over_fittings = [case.over_fitting for case in cases if case.over_fitting is not None]
    times = float(np.median([over_fitting.times for over_fitting in over_fittings]))
    train, kept = over_fittings[0].train, over_fittings[0].kept
    while_kept = ""
    meaning = "over-fitting, if the training set is finite"
    if kept:
        while_kept = f" and {kept} stays as good as it was"
        meaning = "over-fitting or over-confidence"
    statement = (
        f"{first.run.group}: {first.metric} ends at {times:.3g} times its best{few_in_words(runs)} while "
        f"{train} falls{while_kept} ({seeds_in_words(runs)}): {meaning}."
    )
    evidence: Evidence = {
        "group": first.run.group,
        "shape": "over-fitted",
        "runs": len(runs),
        "times": times,
        "train": train,
        "kept": kept,
    }
    return Finding(
        rule="curve_shape",
        severity="note" if kept else "warning",
        statement=statement,
        evidence=evidence,
        advice="Report the best checkpoint, chosen on validation data, or stop training there.",
        runs=labels_of(runs),
    )


def on_shape(runs: Sequence[Run], metric: str, word: Word, *, was_stopped: bool) -> Finding:
    """Return the finding on runs of a group that have the same shape."""
    first = runs[0]
    meanings = LOWER_IS_BETTER if first.lower_is_better else HIGHER_IS_BETTER
    statement = f"{first.group}: {metric} {meanings[word]}{few_in_words(runs)} ({seeds_in_words(runs)})"
    severity = SEVERITY[word]
    advice = _advice(word, runs)
    if was_stopped:
        statement += ": early stopping ended it for that"
        severity = "note"
        advice = "Use the best checkpoint, not the last."
    return Finding(
        rule="curve_shape",
        severity=severity,
        statement=f"{statement}.",
        evidence={"group": first.group, "shape": word, "runs": len(runs)},
        advice=advice,
        runs=labels_of(runs),
    )


def _advice(word: Word, runs: Sequence[Run]) -> str:
    """Return what to do, with the command where it is one of ours."""
    words = ADVICE[word]
    if word in ("stuck", "unstable"):
        return with_probe(words, "gradients", runs)
    if word != "improving":
        return words
    first = runs[0]
    if not can_go_on(first):
        if all(run.ending.complete for run in runs):
            return f"{ENDED_AS_PLANNED}: ired-diag stats {first.group} OTHER --readout last --until STEP"
        return f"{words}."
    steps = 2 * (first.history.last_step or 0)
    return f"{words}: ired-diag train --from {first.label}@last --set train_steps={steps}"


def few_in_words(runs: Sequence[Run]) -> str:
    """Return on how few evaluations a verdict rests, where they are few."""
    fewest = min(len(run.evaluated[1]) for run in runs if run.evaluated)
    if fewest >= FEW:
        return ""
    return f", as far as {fewest} evaluations show"


def on_last_spike(judged: Judged) -> Finding:
    """Return the note on a run whose last evaluation alone stands out."""
    run, series = judged.run, judged.series
    last = float(series.values[-1])
    before = float(np.median(series.values[-6:-1]))
    statement = (
        f"{run.label}: the last {judged.metric}, {last:.4g} at step {series.steps[-1]}, is far worse than "
        f"the five before it (median {before:.4g}). One evaluation cannot tell a spike from the start of a "
        "divergence."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"run": run.label, "last": last, "median_before": before},
        advice="Evaluate the last checkpoint again.",
    )


def on_restarts(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs with warm restarts."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    restarts = first.shape.restarts
    steps = listed((f"{step:g}" for step in restarts), most=6)
    statement = (
        f"{group}: {first.metric} jumps up and comes down again, as with warm restarts of the learning rate, "
        f"at steps {steps} ({seeds_in_words(runs)}). It is judged by the ends of its cycles, and has no "
        "plateau."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "runs": len(runs), "restarts": len(restarts)},
        advice="Compare runs at the same phase of their cycles: ired-diag stats … --readout last",
        runs=labels_of(runs),
    )


def on_range_test(judged: Judged) -> Finding:
    """Return the note on a run that raises its learning rate until the loss explodes."""
    name, first, last = judged.rate or ("", 0.0, 0.0)
    label = judged.run.label
    statement = (
        f"{label}: {judged.metric} ends far above its best while {name} rises exponentially, from "
        f"{first:.3g} to {last:.3g}: a range test of the learning rate, whose loss is meant to explode."
    )
    evidence: Evidence = {
        "run": label,
        "rate": name,
        "first_rate": first,
        "last_rate": last,
    }
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice="Leave this run out of every comparison.",
        runs=(label,),
    )


def on_schedule(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs whose metric moves with a logged setting."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    name, low, high = "", 0.0, 0.0
    if first.setting is not None:
        name, low, high = first.setting.name, first.setting.first, first.setting.last
    what = "becomes worse"
    if first.shape.word == "unstable":
        what = "goes up and down"
    statement = (
        f"{group}: {first.metric} {what} while {name} moves from {low:.3g} to {high:.3g} "
        f"({seeds_in_words(runs)}): with such a schedule, values at different steps measure different things."
    )
    evidence: Evidence = {
        "group": group,
        "shape": "scheduled",
        "runs": len(runs),
        "setting": name,
        "first": low,
        "last": high,
    }
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice=f"Compare evaluations at equal {name}, or a metric in which it does not enter.",
        runs=labels_of(runs),
    )


def at_minimum(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs that end in a cycle around the minimum."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    start, last = float(first.series.values[0]), float(first.series.values[-1])
    best = float(first.series.values.min())
    statement = (
        f"{group}: {first.metric} rests at {last:.4g}, of {start:.4g} at its start; its best, {best:.2g}, is "
        f"a point that it passed ({seeds_in_words(runs)}): an optimiser with a fixed step ends in a cycle "
        "around the minimum."
    )
    evidence: Evidence = {
        "group": group,
        "shape": "at minimum",
        "runs": len(runs),
        "best": best,
        "last": last,
    }
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice="Compare runs by their last values: the best one is luck.",
        runs=labels_of(runs),
    )


def on_unclear_end(cases: Sequence[Judged]) -> Finding:
    """Return the note on runs whose fall is hidden by the scatter of single episodes."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    statement = (
        f"{group}: {first.metric} ends below its best ({seeds_in_words(runs)}), but single evaluations "
        "differ so much that those at the end are as good as those before them."
    )
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": group, "shape": "unclear", "runs": len(runs)},
        advice="Average each evaluation over more samples or episodes.",
        runs=labels_of(runs),
    )


def on_kept_score(cases: Sequence[Judged]) -> Finding:
    """Return the finding on runs whose score below 0 keeps half of what it won or more."""
    first = cases[0]
    group = first.run.group
    runs = runs_of(cases)
    shares = [share_kept(case.series) for case in cases]
    statement = (
        f"{group}: {first.metric} ends lastingly below its best and keeps {100 * min(shares):.0f}% of what "
        f"it won ({seeds_in_words(runs)})."
    )
    return Finding(
        rule="curve_shape",
        severity="warning",
        statement=statement,
        evidence={"group": group, "shape": "regressed", "runs": len(runs), "kept": min(shares)},
        advice=ADVICE["regressed"],
        runs=labels_of(runs),
    )


def on_divergence(judged: Judged) -> Finding:
    """Return the finding on a run that diverged, with its onset."""
    run, series, onset = judged.run, judged.series, judged.shape.onset
    lower = run.lower_is_better
    best = best_evaluation(series.steps, series.values, lower_is_better=lower)
    evidence: Evidence = {
        "run": run.label,
        "shape": "diverged",
        "last": float(series.values[-1]),
        "rise_nats": judged.shape.rise,
        "lower_is_better": lower,
    }
    if best is None:
        return on_no_number(judged, evidence)
    what = "diverged" if lower else "collapsed"
    statement = f"{run.label}: {judged.metric} {what}: "
    advice = "Go on from a checkpoint from before that, with one thing changed"
    evidence |= {"best": best.value, "best_step": best.step}
    statement += f"best {best.value:.4g} at step {best.step:g}, "
    if can_go_on(run):
        advice += f": ired-diag train --from {run.label}@{best.step:g}, or the last checkpoint before"
    if onset is not None:
        evidence |= {"onset": onset.step, "onset_low": onset.low, "onset_high": onset.high}
    statement += _end_in_words(judged)
    return Finding(
        rule="curve_shape",
        severity="error",
        statement=f"{statement}.",
        evidence=evidence,
        advice=f"{advice}.",
    )


def on_no_number(judged: Judged, evidence: Evidence) -> Finding:
    """Return the error that no evaluation is a finite number."""
    evaluations = len(judged.series)
    times = "its one evaluation" if evaluations == 1 else f"any of its {evaluations} evaluations"
    return Finding(
        rule="curve_shape",
        severity="error",
        statement=f"{judged.run.label}: {judged.metric} is not finite at {times}.",
        evidence=evidence,
        advice="Look at how the metric is computed before anything is concluded from this run.",
    )


def _end_in_words(judged: Judged) -> str:
    """Return how a diverged run ends, and where the rise begins."""
    last = float(judged.series.values[-1])
    onset = judged.shape.onset
    if onset is None:
        return f"last {last:.4g}"
    if not np.isfinite(last):
        return f"not finite from step {onset.step:g} on"
    turn = "rise" if judged.run.lower_is_better else "fall"
    begin = f"{onset.step:g} ({onset.low:g} to {onset.high:g})"
    return f"last {last:.4g}; the {turn} begins at step {begin}"
