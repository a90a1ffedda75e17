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

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.metric_words import DETAILS, TRAINING, words_of
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


@dataclass(frozen=True)
class Idle:
    """A group whose clipping never clipped.

    Attributes:
        group: Its name.
        key: The key of the threshold.
        threshold: Its value.
        metric: The logged norm.
        largest: The largest of all.
        norms: How many were logged.
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
    idle = [one for group, runs in study.groups().items() if (one := _idle(group, runs)) is not None]
    paired: set[str] = set()
    for a, b in itertools.combinations(idle, 2):
        if a.threshold != b.threshold and a.settings == b.settings:
            paired |= {a.group, b.group}
            yield _pair(a, b)
    alike: dict[tuple[str, float, str], list[Idle]] = defaultdict(list)
    for one in idle:
        if one.group not in paired:
            alike[one.key, one.threshold, one.metric].append(one)
    yield from map(_alone, alike.values())


def _idle(group: str, runs: list[Run]) -> Idle | None:
    clips = {clip for run in runs for clip in [clip_of(run.configuration or {})]}
    if len(clips) != 1 or None in clips:
        return None
    (clip,) = clips
    key, threshold = clip or ("", 0.0)
    metric = next((name for name in runs[0].history.series if is_gradient_norm(name)), "")
    logged = [run.history.series[metric].values for run in runs if metric in run.history.series]
    values = np.concatenate(logged) if logged else np.zeros(0)
    if len(logged) < len(runs) or len(values) < FEWEST or not np.isfinite(values).all():
        return None
    if values.max() >= BELOW * threshold or values.max() <= 0:
        return None
    settings = {k: v for k, v in runs[0].settings.items() if k != key}
    return Idle(group, key, threshold, metric, float(values.max()), len(values), settings)


def clip_of(configuration: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the key and the threshold of clipping by norm; None where there is none, or several.

    >>> clip_of({"trainer.max_grad_norm": 1.0}), clip_of({"gradient_clip_val": 0})
    (('trainer.max_grad_norm', 1.0), None)
    """
    by_value = any("algorithm" in key and value == "value" for key, value in configuration.items())
    clips = [
        (key, float(value))
        for key, value in configuration.items()
        if key.rpartition(".")[2].lower() in CLIPS
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value < np.inf
    ]
    return clips[0] if len(clips) == 1 and not by_value else None


def is_gradient_norm(name: str) -> bool:
    """Say whether a metric is the norm of the whole gradient.

    >>> [is_gradient_norm(name) for name in ("train/grad_norm", "grad_norm/layer1", "weight_norm")]
    [True, False, False]
    """
    words = [word for word in words_of(name) if word not in TRAINING and word not in DETAILS]
    of_gradient = {"grad", "gradient", "gnorm", "gradnorm"}.intersection(words)
    of_norm = {"norm", "gnorm", "gradnorm"}.intersection(words)
    return bool(of_gradient and of_norm) and NORM.issuperset(words)


def _alone(groups: Sequence[Idle]) -> Finding:
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
    evidence = _evidence(worst) | {"norms": norms, "groups": len(groups)}
    return Finding("idle_clip", "note", statement, evidence, advice)


def _pair(a: Idle, b: Idle) -> Finding:
    statement = (
        f"{a.group} and {b.group} differ only in {a.key} ({a.threshold:g}, {b.threshold:g}), and neither "
        f"clips at any of {a.norms} and {b.norms} logged steps: the largest norms are {a.largest:.3g} and "
        f"{b.largest:.3g}. What is different between their results is not the clip."
    )
    evidence = _evidence(a) | {"other_group": b.group, "other_threshold": b.threshold}
    evidence |= {"other_largest": b.largest}
    advice = (
        f"Take them as one experiment, or train one at a threshold below {min(a.largest, b.largest):.2g}."
    )
    return Finding("idle_clip", "warning", statement, evidence, advice)


def _evidence(idle: Idle) -> Evidence:
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
