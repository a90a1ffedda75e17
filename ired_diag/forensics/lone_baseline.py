"""A baseline that is one number: its own noise is unknown, and every comparison with it lacks half of it.

With one run of the baseline and n of another group of standard deviation s, the difference of means has a
standard error of s √(1 + 1/n) if the baseline scatters as the other does, and not s/√n, which is what a test
of the n values against a constant uses: at n = 10, 3.3 times more. Reported are, as notes,

- a group that calls itself a baseline (or base, control, reference, vanilla), has one run, and is judged by
  the same metric as groups of three runs or more, where no other baseline of three runs exists;
- a number that a configuration gives as the baseline's (``baseline_mse``), which has no spread at all.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, judged_metric, listed
from ired_diag.forensics.seed_camps import final_values
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.study import Study

BASELINE = re.compile(r"(?i)(?<![a-z])(?:baseline|base|control|reference|vanilla)(?![a-z])")
FEWEST = 3  # runs of the others


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each baseline of one run, and for each configured number that stands for one."""
    groups = {group: runs for group, runs in study.groups().items() if runs[0].evaluated}
    yield from _of_one_run(groups)
    yield from _configured(study)


def _of_one_run(groups: Mapping[str, Sequence[Run]]) -> Iterator[Finding]:
    """Yield a finding for each baseline of one run, where no baseline has several."""
    baselines = [group for group, runs in groups.items() if is_baseline(group, runs[0])]
    if any(len(groups[group]) >= FEWEST for group in baselines):
        return
    for group in baselines:
        metric = judged_metric(groups[group][0])
        finals = final_values(groups[group])
        others = _groups_of_several(groups, without=baselines, metric=metric)
        if len(groups[group]) == 1 and finals and others:
            yield _finding(group, metric, value=finals[0], others=others)


def _groups_of_several(
    groups: Mapping[str, Sequence[Run]], *, without: Collection[str], metric: str
) -> dict[str, list[float]]:
    """Return the final values of each further group with enough runs that the same metric judges."""
    others = {}
    for group, runs in groups.items():
        values = final_values(runs)
        is_comparable = group not in without and judged_metric(runs[0]) == metric
        if is_comparable and len(values) >= FEWEST:
            others[group] = values
    return others


def is_baseline(group: str, run: Run) -> bool:
    """Say whether a group calls itself a baseline."""
    configuration = run.configuration or {}
    experiment = str(configuration.get("experiment_name") or "")
    return any(map(BASELINE.search, (group, run.name or "", experiment)))


def _finding(group: str, metric: str, *, value: float, others: Mapping[str, Sequence[float]]) -> Finding:
    largest = max(others, key=lambda other: len(others[other]))
    n = len(others[largest])
    sd = float(np.std(others[largest], ddof=1))
    times = math.sqrt(n + 1)  # s √(1 + 1/n) over s/√n
    statement = (
        f"{group}: the baseline is one run ({metric} {value:.4g}), next to {listed(others)} with up to {n} "
        f"seeds. Its own noise is unknown; if it scatters as {largest} does (sd {sd:.2g}), "
        f"the standard error of the difference is {times:.2g} times what a test against this number takes "
        "it for."
    )
    evidence: Evidence = {
        "group": group,
        "metric": metric,
        "value": value,
        "others": len(others),
        "largest_group": largest,
        "seeds": n,
        "sd": sd,
        "times_standard_error": times,
    }
    return Finding(
        rule="lone_baseline",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice=f"Train the baseline with the {n} seeds of {largest}, and compare them in pairs.",
    )


def _configured(study: Study) -> Iterator[Finding]:
    """Yield a finding for each key of a measure that gives a baseline as one number."""
    groups_of: dict[tuple[str, float], list[str]] = defaultdict(list)
    for group, runs in study.groups().items():
        for key, value in runs[0].settings.items():
            words = words_of(key)
            number = number_of(value)
            if number is not None and "baseline" in words and measures_in(words):
                groups_of[key, number].append(group)
    for (key, number), groups in groups_of.items():
        yield _finding_on_number(key, number, groups)


def _finding_on_number(key: str, value: float, groups: Sequence[str]) -> Finding:
    statement = (
        f"{listed(groups)}: {key} is {value:g}, one number without a spread or a number of seeds. A "
        "result above or below it by less than the noise of a seed says nothing."
    )
    evidence: Evidence = {
        "group": groups[0],
        "groups": len(groups),
        "key": key,
        "value": value,
    }
    return Finding(
        rule="lone_baseline",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice="Name the runs that gave this number, or train them, and compare with these.",
    )


RULE = Rule(
    name="lone_baseline",
    question="Is a baseline one number, as if it had no noise?",
    find=find,
    consequence="conclusion",
    refuted_by="Further runs of the baseline elsewhere, whose spread the comparison uses.",
    near_miss="A baseline with three seeds; single runs on all sides; a baseline of another metric.",
    example="One run of q001_baseline at 0.00968 next to ten seeds each of two other groups.",
)
