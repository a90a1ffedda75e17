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
rise next to such a metric is a note too; else it is a warning only where noise with the correlation of the
curve's own rarely gives as much (``curves.clear_rise``): in fewer than one study of twenty, or, where half of
a group's runs rise, one run. A curve that is back where it began, after a row of far better evaluations, has
lost what it had learned (``curves.lost_gain``): a warning.

A flat metric is no stuck training where another evaluation metric improves (``curves.improving_sibling``),
where the training loss falls, or where noise would hide a gain (``curves.flat_validation``): notes. A score
below 0 that keeps half of what it won has not collapsed, nor has one whose fall its scatter hides
(``curves.end_of_score``).

Where a logged setting moves with the metric (the weight of a term, the radius of an attack, a temperature),
the rise is what its schedule asks for: a note (``curves.moving_setting``). Swings that die away, or that are
small on the scale of the other runs, do not count, and neither does a cycle around the minimum
(``curves.small_swings``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ired_diag.curves.best import best_evaluation
from ired_diag.curves.clear_rise import chance_of_rise
from ired_diag.curves.early_means import clear_gain
from ired_diag.curves.end_of_score import falls_clearly, share_kept
from ired_diag.curves.flat_validation import falling_training_loss, hidden_gain
from ired_diag.curves.improving_sibling import improving_sibling
from ired_diag.curves.lost_gain import LostGain, lost_gain_of
from ired_diag.curves.moving_setting import MovingSetting, moving_setting_of
from ired_diag.curves.nats import curve_of
from ired_diag.curves.shape import Shape, Word, shape_of
from ired_diag.curves.small_swings import are_small, cycles_at_the_minimum, die_away, falls_little
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import (
    Evidence,
    Rule,
    can_go_on,
    labels_of,
    listed,
    runs_of,
    seeds_in_words,
    with_probe,
)
from ired_diag.runs.dead_end import dead_end_of
from ired_diag.runs.early_stopped import was_stopped_early
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import PLAYED, words_of
from ired_diag.runs.over_fitting import OverFitting, kept_metric, over_fitting_of
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
Kind = Literal[
    "range_test",
    "scheduled",
    "at_minimum",
    "over_fitted",
    "diverged",
    "kept_most",
    "unclear",
    "constant",
    "lost",
    "little",
    "unharmed",
    "shape",
]
HALF, NEARLY_ALL = 0.5, 0.9  # of what a score below 0 won
MONITOR = "sb3_monitor"
MANY_EPISODES = 100  # more than an evaluation plays
MOST_HIDDEN = 0.2  # nats: a change of 20% that noise hides
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


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A run and the shape of its judged curve.

    Attributes:
        run: The run.
        metric: Name of the metric that judges it.
        series: Its evaluations.
        shape: Their shape.
        rate: The learning rate of a range test, with its first and last value; None where it is not one.
        over_fitting: How it over-fits; None where it does not.
        setting: The logged setting that moves with it; None where none does.
        is_at_minimum: Whether it ends in a cycle around the minimum, which it passed by chance.
        scale: What the runs of its group win; None where lower is better.
    """

    run: Run
    metric: str
    series: Series
    shape: Shape
    rate: tuple[str, float, float] | None
    over_fitting: OverFitting | None
    setting: MovingSetting | None = None
    is_at_minimum: bool = False
    scale: float | None = None

    @property
    def hides_a_gain(self) -> bool:
        """Whether its noise hides a gain that would matter, also next to what other runs of its group win."""
        if self.scale is not None and are_small(self.series.values, self.scale):
            return False
        return hidden_gain(self.shape, len(self.series)) > MOST_HIDDEN

    @property
    def kept(self) -> str | None:
        """The validation metric that stays as good as it was while the run over-fits; None without one."""
        if self.over_fitting is None:
            return None
        return self.over_fitting.kept

    @cached_property
    def lost(self) -> LostGain | None:
        """What it learned early and lost; None where it did not."""
        return lost_gain_of(
            np.asarray(self.series.steps),
            np.asarray(self.series.values, dtype=np.float64),
            lower_is_better=self.run.lower_is_better,
        )

    @cached_property
    def unharmed(self) -> str | None:
        """The metric of success that stays as good while its validation loss rises; None without one."""
        values = np.asarray(self.series.values, dtype=np.float64)
        if not self.run.lower_is_better or not np.isfinite(values).all() or _was_stopped(self.run):
            return None
        return kept_metric(self.run, self.metric, float(self.series.steps[int(np.argmin(values))]))

    @cached_property
    def kind(self) -> Kind | None:
        """What is reported of it; None where nothing is."""
        word = self.shape.word
        if self.rate is not None:
            return "range_test"
        if self.setting is not None:
            return "scheduled"
        if self.is_at_minimum:
            return "at_minimum"
        if self.over_fitting is not None:
            return "over_fitted"
        if word in ("stuck", "no_trend") and _is_constant(self.series):
            return "constant"
        if word == "stuck" and self.lost is not None:
            return "lost"
        if word == "stuck" and _has_gained_little(self):
            return "little"
        if word == "regressed" and self.unharmed is not None:
            return "unharmed"
        kept = 0.0 if self.run.lower_is_better else share_kept(self.series)
        if word == "regressed" and kept >= NEARLY_ALL:
            return None
        if word == "diverged" and kept >= HALF:
            return "kept_most"
        if word == "diverged":
            is_return = not PLAYED.isdisjoint(words_of(self.metric))
            is_clear = not is_return or falls_clearly(self.series, self.shape.onset)
            return "diverged" if is_clear else "unclear"
        return "shape" if word in SEVERITY else None


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each diverged run, and one for each group and other shape."""
    of_kind: dict[Kind | None, list[Judged]] = defaultdict(list)
    restarting = []
    scales = _scales(study)
    for run in study.runs:
        judged = _judge(run, scales)
        if judged is None:
            continue
        yield from _of_single_run(judged)
        of_kind[judged.kind].append(judged)
        if judged.shape.restarts:
            restarting.append(judged)
    for cases in _by_group(restarting):
        yield _finding_on_restarts(cases)
    for cases in _by_group(of_kind["scheduled"], also_by=_setting_and_word):
        yield _finding_on_schedule(cases)
    for cases in _by_group(of_kind["at_minimum"]):
        yield _finding_at_minimum(cases)
    for cases in _by_group(of_kind["over_fitted"], also_by=lambda case: case.kept):
        yield _finding_on_over_fitting(cases)
    for cases in _by_group(of_kind["shape"], also_by=_direction_and_word):
        yield from _of_shape(cases, study)
    for cases in _by_group(of_kind["kept_most"]):
        yield _unless_assumed(_finding_on_kept_score(cases), cases[0].run)
    for cases in _by_group(of_kind["unclear"]):
        yield _finding_on_unclear_end(cases)
    for cases in _by_group(of_kind["constant"], also_by=lambda case: case.series.values[0]):
        yield _finding_on_constant(cases)
    for cases in _by_group(of_kind["lost"], also_by=lambda case: case.run.lower_is_better):
        yield _unless_assumed(_finding_on_lost_gain(cases), cases[0].run)
    for cases in _by_group(of_kind["unharmed"], also_by=lambda case: case.unharmed):
        yield _finding_on_unharmed(cases)
    for cases in _by_group(of_kind["little"], also_by=lambda case: case.run.lower_is_better):
        yield _finding_on_little_gain(cases)


def _scales(study: Study) -> dict[tuple[str, str], float]:
    """Return what the runs of each group win, at most, of a metric whose higher values are better."""
    firsts: dict[tuple[str, str], list[float]] = defaultdict(list)
    bests: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated is None or run.lower_is_better:
            continue
        metric, series = run.evaluated
        finite = series.values[np.isfinite(series.values)]
        if len(finite):
            firsts[run.group, metric].append(float(finite[0]))
            bests[run.group, metric].append(float(finite.max()))
    return {place: max(bests[place]) - min(firsts[place]) for place in bests}


def _judge(run: Run, scales: Mapping[tuple[str, str], float]) -> Judged | None:
    """Return a run with its shape; None where it was not evaluated, or died.

    Args:
        run: The run.
        scales: What the runs of each group win of each metric, where higher is better.
    """
    if run.evaluated is None:
        return None
    metric, series = run.evaluated
    if dead_end_of(run.history.series, metric) is not None:
        return None  # ``dead_run`` says that its loss became NaN, and where
    shape = shape_of(series.steps, series.values, lower_is_better=run.lower_is_better)
    scale = scales.get((run.group, metric))
    if shape.word == "unstable":
        shape = _without_small_swings(shape, series, scale)
    rate = None
    over_fitting = None
    setting = None
    is_at_minimum = False
    if shape.word in LOST:
        rate = rate_test_of(run)
    if rate is None:
        over_fitting = _over_fitting(run, shape)
    if shape.word in LOST and rate is None:
        setting = moving_setting_of(run, swings=shape.word == "unstable")
        is_at_minimum = run.lower_is_better and cycles_at_the_minimum(series.values)
    return Judged(
        run=run,
        metric=metric,
        series=series,
        shape=shape,
        rate=rate,
        over_fitting=over_fitting,
        setting=setting,
        is_at_minimum=is_at_minimum,
        scale=scale,
    )


def _without_small_swings(shape: Shape, series: Series, scale: float | None) -> Shape:
    """Return the shape of a curve that is called unstable, by what its swings come to.

    Args:
        shape: Its shape.
        series: Its evaluations.
        scale: What the runs of its group win; None where lower is better.
    """
    if scale is None:
        return replace(shape, word="improving") if die_away(series.values) else shape
    if len(series) >= FEW and are_small(series.values, scale):
        return replace(shape, word="stuck")
    if falls_little(series.values):
        return replace(shape, word="converged")
    return shape


def _by_group(
    cases: Iterable[Judged], also_by: Callable[[Judged], object] = lambda case: None
) -> Iterable[list[Judged]]:
    """Return runs by their group and metric, and by something else."""
    groups: dict[tuple[object, ...], list[Judged]] = defaultdict(list)
    for case in cases:
        groups[case.run.group, case.metric, also_by(case)].append(case)
    return groups.values()


def _setting_and_word(case: Judged) -> tuple[str, Word]:
    name = "" if case.setting is None else case.setting.name
    return name, case.shape.word


def _direction_and_word(case: Judged) -> tuple[bool, Word]:
    return case.run.lower_is_better, case.shape.word


def _of_single_run(judged: Judged) -> Iterator[Finding]:
    """Yield what is reported of each run by itself."""
    shape = judged.shape
    if shape.ends_in_spike and shape.word not in ("diverged", "regressed"):
        yield _finding_on_last_spike(judged)
    if judged.kind == "range_test":
        yield _finding_on_range_test(judged)
    if judged.kind == "diverged":
        yield _unless_assumed(_finding_on_divergence(judged), judged.run)


def _of_shape(cases: Sequence[Judged], study: Study) -> Iterator[Finding]:
    """Yield the findings on runs of a group that have the same shape."""
    first = cases[0]
    word = first.shape.word
    runs = runs_of(cases)
    stopped: list[Run] = []
    if word == "regressed":
        stopped = [run for run in runs if _was_stopped(run)]
        others = [run for run in runs if run not in stopped]
        of_group = len(study.groups()[first.run.group])
        runs = _clearly_risen(others, of=of_group, runs=len(study.runs))
    if stopped:
        finding = _finding_on_shape(stopped, first.metric, word, was_stopped=True)
        yield _unless_assumed(finding, stopped[0])
    if word == "stuck":
        runs, notes = _stuck_of(cases)
        yield from notes
    if runs:
        finding = _finding_on_shape(runs, first.metric, word, was_stopped=False)
        yield _unless_assumed(finding, runs[0])


def _stuck_of(cases: Sequence[Judged]) -> tuple[list[Run], list[Finding]]:
    """Return which runs of a group are stuck, and the notes on those whose flat metric does not say so."""
    metric = cases[0].metric
    flat: list[Run] = []
    learning: list[Run] = []
    noisy: list[Judged] = []
    played: list[Run] = []
    stuck: list[Run] = []
    for case in cases:
        if improving_sibling(case.run) is not None:
            flat.append(case.run)
        elif falling_training_loss(case.run) is not None:
            learning.append(case.run)
        elif case.hides_a_gain:
            noisy.append(case)
        elif case.run.format == MONITOR and len(case.series) < MANY_EPISODES:
            played.append(case.run)
        else:
            stuck.append(case.run)
    notes: list[Finding] = []
    if flat:
        notes.append(_finding_on_flat(flat, metric, improving_sibling(flat[0]) or ""))
    if learning:
        notes.append(_finding_on_learning(learning, metric, falling_training_loss(learning[0]) or ""))
    if noisy:
        notes.append(_finding_on_noisy(noisy))
    if played:
        notes.append(_finding_on_episodes(played, metric))
    return stuck, notes


def _finding_on_learning(runs: Sequence[Run], metric: str, training: str) -> Finding:
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


def _finding_on_noisy(cases: Sequence[Judged]) -> Finding:
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


def _finding_on_episodes(runs: Sequence[Run], metric: str) -> Finding:
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


def _finding_on_flat(runs: Sequence[Run], metric: str, improving: str) -> Finding:
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


def _is_constant(series: Series) -> bool:
    """Say whether a metric of three digits or more never changes."""
    mantissa = f"{abs(float(series.values[0])):.12g}".partition("e")[0]
    digits = mantissa.replace(".", "").strip("0")
    return len(series) >= FEW and float(np.ptp(series.values)) == 0 and len(digits) >= FEWEST_DIGITS


def _finding_on_constant(cases: Sequence[Judged]) -> Finding:
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


def _finding_on_little_gain(cases: Sequence[Judged]) -> Finding:
    first = cases[0].run
    runs = runs_of(cases)
    gain = GAINED_LITTLE[first.lower_is_better]
    statement = f"{first.group}: {cases[0].metric} {gain}{_few(runs)} ({seeds_in_words(runs)})."
    return Finding(
        rule="curve_shape",
        severity="note",
        statement=statement,
        evidence={"group": first.group, "shape": "stuck", "runs": len(runs)},
    )


def _finding_on_lost_gain(cases: Sequence[Judged]) -> Finding:
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


def _finding_on_unharmed(cases: Sequence[Judged]) -> Finding:
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


def _was_stopped(run: Run) -> bool:
    return EARLY_STOP.search(run.ending.detail) is not None or was_stopped_early(run)


def _over_fitting(run: Run, shape: Shape) -> OverFitting | None:
    """Return how a run over-fits; of a run that early stopping ended, nothing needs to be said."""
    if shape.word not in ("diverged", "regressed") or not np.isfinite(shape.rise):
        return None
    if shape.word == "regressed" and _was_stopped(run):
        return None
    return over_fitting_of(run)


def _clearly_risen(regressed: Sequence[Run], *, of: int, runs: int) -> list[Run]:
    """Return the runs whose rise is hardly noise.

    Args:
        regressed: Runs of a group that end above their best.
        of: How many runs the group has.
        runs: How many the study has.
    """
    several = len(regressed) >= FEWEST_ALIKE and 2 * len(regressed) >= of
    tries = 1 if several else runs
    clear = []
    for run in regressed:
        chance = _chance_of_rise(run)
        if np.isnan(chance) or chance * tries <= RARE:
            clear.append(run)
    return clear


def _chance_of_rise(run: Run) -> float:
    if run.evaluated is None:
        return float("nan")
    series = run.evaluated[1]
    return chance_of_rise(series.steps, series.values, lower_is_better=run.lower_is_better)


def _finding_on_over_fitting(cases: Sequence[Judged]) -> Finding:
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
        f"{first.run.group}: {first.metric} ends at {times:.3g} times its best{_few(runs)} while {train} "
        f"falls{while_kept} ({seeds_in_words(runs)}): {meaning}."
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


def _unless_assumed(finding: Finding, run: Run) -> Finding:
    """Return a finding, as a note where it rests on a direction that is only assumed."""
    if run.direction.source != "assumed" or finding.evidence.get("shape") in ("unstable", "stuck"):
        return finding
    advice = finding.advice[:1].lower() + finding.advice[1:]
    return replace(
        finding,
        severity="note",
        statement=f"{finding.statement} This assumes that lower is better, which its name does not say.",
        advice=f"If higher is better: --higher-is-better. Else: {advice}",
    )


def _has_gained_little(judged: Judged) -> bool:
    """Say whether a curve that is called stuck has gained something beyond its noise, if little."""
    if judged.shape.won > SURE * judged.shape.noise:
        return True
    series = judged.series
    curve = curve_of(series.steps, series.values, lower_is_better=judged.run.lower_is_better)
    return clear_gain(curve.y[np.isfinite(curve.y)]) > 0


def _finding_on_shape(runs: Sequence[Run], metric: str, word: Word, *, was_stopped: bool) -> Finding:
    first = runs[0]
    meanings = LOWER_IS_BETTER if first.lower_is_better else HIGHER_IS_BETTER
    statement = f"{first.group}: {metric} {meanings[word]}{_few(runs)} ({seeds_in_words(runs)})"
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
        return f"{words}."
    steps = 2 * (first.history.last_step or 0)
    return f"{words}: ired-diag train --from {first.label}@last --set train_steps={steps}"


def _few(runs: Sequence[Run]) -> str:
    """Return on how few evaluations a verdict rests, where they are few."""
    fewest = min(len(run.evaluated[1]) for run in runs if run.evaluated)
    if fewest >= FEW:
        return ""
    return f", as far as {fewest} evaluations show"


def _finding_on_last_spike(judged: Judged) -> Finding:
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


def _finding_on_restarts(cases: Sequence[Judged]) -> Finding:
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
    )


def _finding_on_range_test(judged: Judged) -> Finding:
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


def _finding_on_schedule(cases: Sequence[Judged]) -> Finding:
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


def _finding_at_minimum(cases: Sequence[Judged]) -> Finding:
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


def _finding_on_unclear_end(cases: Sequence[Judged]) -> Finding:
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


def _finding_on_kept_score(cases: Sequence[Judged]) -> Finding:
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


def _finding_on_divergence(judged: Judged) -> Finding:
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
        return _finding_on_no_number(judged, evidence)
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


def _finding_on_no_number(judged: Judged, evidence: Evidence) -> Finding:
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


RULE = Rule(
    name="curve_shape",
    question="Which runs diverged, regressed, got stuck, or were ended too early?",
    find=find,
    refuted_by=(
        "The raw metric, evaluated again at the last checkpoint on fresh data, lies where the best one "
        "does; or the metric is expected to rise: a curriculum, a schedule or the weight of a term that is "
        "not logged (where it is logged, a rise with it is a note); or its swings are small on the scale "
        "that matters."
    ),
    near_miss=(
        "A curve with one bad evaluation in its middle; noise of 20% around a level; a loss near 0 that "
        "changes sign; warm restarts; a range test of the learning rate; a validation loss that rises while "
        "the training loss falls and the accuracy stays; a run that its patience ended; a loss that rises "
        "while the weight of its KL term, or the radius of an attack, is raised; an underdamped optimiser "
        "whose swings die away; a return that goes up and down by 0.3 where other seeds reach 90."
    ),
    example=(
        "validation/mse is best at step 7000 (0.1126) and ends at 1.70: diverged, with its onset at step "
        "8000."
    ),
)
