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

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ired_diag.curves.clear_rise import chance_of_rise
from ired_diag.curves.flat_validation import falling_training_loss
from ired_diag.curves.improving_sibling import improving_sibling
from ired_diag.curves.judged_curve import Judged, Kind, judge, scales_of_groups, was_stopped
from ired_diag.curves.shape import Word
from ired_diag.finding import Finding
from ired_diag.forensics.curve_shape_words import (
    MANY_EPISODES,
    at_minimum,
    on_constant,
    on_divergence,
    on_episodes,
    on_flat,
    on_kept_score,
    on_last_spike,
    on_learning,
    on_little_gain,
    on_lost_gain,
    on_noisy,
    on_over_fitting,
    on_range_test,
    on_restarts,
    on_schedule,
    on_shape,
    on_unclear_end,
    on_unharmed,
)
from ired_diag.forensics.rule import Rule, runs_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

MONITOR = "sb3_monitor"
RARE = 0.05  # of the studies without a rise: one may be accused
FEWEST_ALIKE = 2  # runs of a group that rise together


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each diverged run, and one for each group and other shape."""
    of_kind: dict[Kind | None, list[Judged]] = defaultdict(list)
    restarting = []
    scales = scales_of_groups(study)
    for run in study.runs:
        judged = judge(run, scales)
        if judged is None:
            continue
        yield from _of_single_run(judged)
        of_kind[judged.kind].append(judged)
        if judged.shape.restarts:
            restarting.append(judged)
    for cases in _by_group(restarting):
        yield on_restarts(cases)
    for cases in _by_group(of_kind["scheduled"], also_by=_setting_and_word):
        yield on_schedule(cases)
    for cases in _by_group(of_kind["at_minimum"]):
        yield at_minimum(cases)
    for cases in _by_group(of_kind["over_fitted"], also_by=lambda case: case.kept):
        yield on_over_fitting(cases)
    for cases in _by_group(of_kind["shape"], also_by=_direction_and_word):
        yield from _of_shape(cases, study)
    for cases in _by_group(of_kind["kept_most"]):
        yield _unless_assumed(on_kept_score(cases), cases[0].run)
    for cases in _by_group(of_kind["unclear"]):
        yield on_unclear_end(cases)
    for cases in _by_group(of_kind["constant"], also_by=lambda case: case.series.values[0]):
        yield on_constant(cases)
    for cases in _by_group(of_kind["lost"], also_by=lambda case: case.run.lower_is_better):
        yield _unless_assumed(on_lost_gain(cases), cases[0].run)
    for cases in _by_group(of_kind["unharmed"], also_by=lambda case: case.unharmed):
        yield on_unharmed(cases)
    for cases in _by_group(of_kind["little"], also_by=lambda case: case.run.lower_is_better):
        yield on_little_gain(cases)


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
        yield on_last_spike(judged)
    if judged.kind == "range_test":
        yield on_range_test(judged)
    if judged.kind == "diverged":
        yield _unless_assumed(on_divergence(judged), judged.run)


def _of_shape(cases: Sequence[Judged], study: Study) -> Iterator[Finding]:
    """Yield the findings on runs of a group that have the same shape."""
    first = cases[0]
    word = first.shape.word
    runs = runs_of(cases)
    stopped: list[Run] = []
    if word == "regressed":
        stopped = [run for run in runs if was_stopped(run)]
        others = [run for run in runs if run not in stopped]
        of_group = len(study.groups()[first.run.group])
        runs = _clearly_risen(others, of=of_group, runs=len(study.runs))
    if stopped:
        finding = on_shape(stopped, first.metric, word, was_stopped=True)
        yield _unless_assumed(finding, stopped[0])
    if word == "stuck":
        runs, notes = _stuck_of(cases)
        yield from notes
    if runs:
        finding = on_shape(runs, first.metric, word, was_stopped=False)
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
        notes.append(on_flat(flat, metric, improving_sibling(flat[0]) or ""))
    if learning:
        notes.append(on_learning(learning, metric, falling_training_loss(learning[0]) or ""))
    if noisy:
        notes.append(on_noisy(noisy))
    if played:
        notes.append(on_episodes(played, metric))
    return stuck, notes


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
