"""Gradient clipping that never clips.

Clipping at norm C changes a step only where ‖g‖ > C. Where the logged norms of n steps all lie below C/2, it
did nothing there, and with 95% confidence at less than 3/n of all steps (the rule of three). Then the run is
one without clipping, and says nothing about it. Norms that are logged after clipping reach C wherever it
clips, so that they are no exception.

A note, one for all groups of one threshold; a warning where two groups differ in the threshold alone and
neither clips: what is different between them is not the clip.

Reference: Hanley & Lippman-Hand (1983), If Nothing Goes Wrong, Is Everything All Right?
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed, not_none
from ired_diag.runs.metric_words import plain_words
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

CLIPS = frozenset(
    """
    gradient_clip grad_clip max_grad_norm max_gradient_norm clip_grad_norm clip_gradient_norm clip_norm
    grad_clip_norm gradient_clip_val gradient_clip_norm grad_norm_clip clip_grad clip_gradients
    """.split()
)
NORM = frozenset("grad gradient norm gnorm gradnorm global total l2".split())
FEWEST = 20  # logged norms
BELOW = 0.5  # of the threshold


@dataclass(frozen=True, kw_only=True)
class Idle:
    """A group whose clipping never clipped.

    Attributes:
        group: Name of the group.
        key: The key of the threshold.
        threshold: Its value.
        metric: The logged norm.
        largest: The largest logged norm.
        norms: Number of logged norms.
        settings: The configuration without the threshold.
    """

    group: str
    key: str
    threshold: float
    metric: str
    largest: float
    norms: int
    settings: Mapping[str, Any]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose clipping never clipped, and each pair that differs in it alone."""
    idle = not_none(itertools.starmap(_idle, study.groups().items()))
    paired: set[str] = set()
    for a, b in itertools.combinations(idle, 2):
        if a.threshold != b.threshold and a.settings == b.settings:
            paired |= {a.group, b.group}
            yield _finding_on_pair(a, b)
    alike: dict[tuple[str, float, str], list[Idle]] = defaultdict(list)
    for group in idle:
        if group.group not in paired:
            alike[group.key, group.threshold, group.metric].append(group)
    yield from map(_finding_on_groups, alike.values())


def _idle(group: str, runs: list[Run]) -> Idle | None:
    clip = _clip_of_all(runs)
    if clip is None:
        return None
    key, threshold = clip
    metric = next(filter(is_gradient_norm, runs[0].history.series), "")
    norms = _values_of_all(runs, metric)
    if len(norms) < FEWEST or not np.isfinite(norms).all():
        return None
    largest = float(norms.max())
    if largest >= BELOW * threshold or largest <= 0:
        return None
    settings = dict(runs[0].settings)
    settings.pop(key, None)
    return Idle(
        group=group,
        key=key,
        threshold=threshold,
        metric=metric,
        largest=largest,
        norms=len(norms),
        settings=settings,
    )


def _clip_of_all(runs: Sequence[Run]) -> tuple[str, float] | None:
    """Return the key and the threshold that all runs clip at; None where they differ or do not clip."""
    clips = {clip_of(run.configuration or {}) for run in runs}
    if len(clips) != 1:
        return None
    return clips.pop()


def _values_of_all(runs: Sequence[Run], metric: str) -> NDArray[np.float64]:
    """Return all values of a metric; none where a run does not log it."""
    columns = []
    for run in runs:
        series = run.history.series.get(metric)
        if series is None:
            return np.zeros(0)
        columns.append(series.values)
    return np.concatenate(columns)


def clip_of(configuration: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the key and the threshold of clipping by norm; None where there is none, or several.

    >>> clip_of({"trainer.max_grad_norm": 1.0}), clip_of({"gradient_clip_val": 0})
    (('trainer.max_grad_norm', 1.0), None)
    """
    clips = []
    for key, value in configuration.items():
        if "algorithm" in key and value == "value":
            return None  # each component is clipped by itself
        if key.rpartition(".")[2].lower() in CLIPS and _is_threshold(value):
            clips.append((key, float(value)))
    if len(clips) != 1:
        return None
    return clips[0]


def _is_threshold(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < np.inf


def is_gradient_norm(name: str) -> bool:
    """Say whether a metric is the norm of the whole gradient.

    >>> [is_gradient_norm(name) for name in ("train/grad_norm", "grad_norm/layer1", "weight_norm")]
    [True, False, False]
    """
    words = plain_words(name)
    of_gradient = {"grad", "gradient", "gnorm", "gradnorm"}.intersection(words)
    of_norm = {"norm", "gnorm", "gradnorm"}.intersection(words)
    return bool(of_gradient and of_norm) and NORM.issuperset(words)


def _finding_on_groups(groups: Sequence[Idle]) -> Finding:
    worst = max(groups, key=lambda idle: idle.largest)
    norms = sum(idle.norms for idle in groups)
    statement = (
        f"{listed(idle.group for idle in groups)}: clipping at {worst.key} {worst.threshold:g} did nothing "
        f"at any of {norms} logged steps: the largest {worst.metric} is {worst.largest:.3g}. With 95% "
        f"confidence it clips at fewer than {100 * 3 / norms:.2g}% of all steps."
    )
    advice = (
        "Say nothing about the effect of clipping from these runs; to see one, clip below the median norm."
    )
    return Finding(
        rule="idle_clip",
        severity="note",
        statement=statement,
        evidence=_evidence_of(worst) | {"norms": norms, "groups": len(groups)},
        advice=advice,
    )


def _finding_on_pair(a: Idle, b: Idle) -> Finding:
    statement = (
        f"{a.group} and {b.group} differ only in {a.key} ({a.threshold:g}, {b.threshold:g}), and neither "
        f"clips at any of {a.norms} and {b.norms} logged steps: the largest norms are {a.largest:.3g} and "
        f"{b.largest:.3g}. What is different between their results is not the clip."
    )
    evidence = _evidence_of(a) | {
        "other_group": b.group,
        "other_threshold": b.threshold,
        "other_largest": b.largest,
    }
    lowest = min(a.largest, b.largest)
    return Finding(
        rule="idle_clip",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Take them as one experiment, or train one at a threshold below {lowest:.2g}.",
    )


def _evidence_of(idle: Idle) -> Evidence:
    return {
        "group": idle.group,
        "key": idle.key,
        "threshold": idle.threshold,
        "metric": idle.metric,
        "largest": idle.largest,
        "norms": idle.norms,
    }


RULE = Rule(
    name="idle_clip",
    question="Does gradient clipping ever clip?",
    find=find,
    consequence="hygiene",
    refuted_by="A count of clipped steps in the program; norms logged in other units than the threshold's.",
    near_miss="Norms that are logged after clipping and rest at the threshold; clipping in the first steps.",
    example="max_grad_norm 1, and grad_norm between 0.002 and 0.03 at 400 logged steps.",
)
