"""What the runs that diverged share, and the healthy ones do not have.

A run failed where its judged metric diverged (``curves.shape``) or ended not finite; it is healthy where it
did neither and was evaluated eight times or more. Each configured value is a split of the runs (this value or
another; of an ordered setting also at most this value or more), and so are commit and host. Fisher's exact
test says how likely a split separates failures as well by chance; the best is reported where Holm's p over
all splits is at most 5%, with every setting that splits the runs alike: what separates them may be any one of
these. Where that p is below 1% it is a warning: runs that start with this setting are likely to be lost.
Else it is a note, because chance alone gives such a split in up to 5% of all studies. Neither says that it is
a cause.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ired_diag.curves.moving_setting import moving_setting_of
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, groups_of, labels_of, listed
from ired_diag.runs.name_list import counted
from ired_diag.runs.over_fitting import over_fitting_of
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import keys_of
from ired_diag.runs.study import Study
from ired_diag.stats.splits import Separation, separations

FEWEST_EVALUATIONS = 8
FEWEST = 2  # runs that failed, and healthy ones
ALPHA = 0.05  # of Holm's p: one study of twenty without a cause is reported
SURE = 0.01  # from here on a warning
PROVENANCE = ("git_commit", "host", "gpu")
MOST_VALUES = 24  # of a key; with more it identifies runs


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding where a setting separates the runs that failed from the healthy ones."""
    runs: list[Run] = []
    failed: list[bool] = []
    for run in study.runs:
        outcome = has_failed(run)
        if outcome is not None:
            runs.append(run)
            failed.append(outcome)
    failures = sum(failed)
    healthy = len(failed) - failures
    if min(failures, healthy) < FEWEST:
        return
    ranked = separations(failed, splits_of(runs))
    best = next(iter(ranked), None)
    if best is not None and best.adjusted <= ALPHA:
        yield _finding(best, runs, failed)


def has_failed(run: Run) -> bool | None:
    """Say whether a run diverged or ended not finite; None where it was evaluated too seldom to tell."""
    if run.evaluated is None:
        return None
    series = run.evaluated[1]
    values = np.asarray(series.values, dtype=np.float64)
    if not np.isfinite(values[-1]):
        return True
    if len(values) < FEWEST_EVALUATIONS:
        return None
    shape = shape_of(series.steps, values, lower_is_better=run.lower_is_better)
    if shape.word != "diverged" or over_fitting_of(run) is not None:
        return False
    return moving_setting_of(run) is None


def splits_of(runs: Sequence[Run]) -> dict[str, list[bool]]:
    """Return by its words each split that a setting, the commit or the host makes among runs."""
    properties = list(map(_properties, runs))
    splits: dict[str, list[bool]] = {}
    for key in keys_of(properties):
        splits |= _splits_by(key, [of_run.get(key) for of_run in properties])
    return splits


def _splits_by(key: str, values: Sequence[Any]) -> dict[str, list[bool]]:
    """Return the splits by one key: each value or another, and, of numbers, above each value or not."""
    texts = list(map(repr, values))
    splits: dict[str, list[bool]] = {}
    if not 1 < len(set(texts)) <= MOST_VALUES:
        return splits
    for text in dict.fromkeys(texts):
        splits[f"{key} = {text}"] = [other == text for other in texts]
    if all(map(_is_number, values)):
        for bound in sorted(set(values))[1:-2]:
            splits[f"{key} > {bound!r}"] = [value > bound for value in values]
    return splits


def _properties(run: Run) -> Mapping[str, Any]:
    provenance = {key: run.provenance[key] for key in PROVENANCE if run.provenance.get(key)}
    return {**provenance, **run.settings}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _finding(best: Separation, runs: Sequence[Run], failed: Sequence[bool]) -> Finding:
    names = _names_of_split(best, runs)
    runs_that_failed = list(itertools.compress(runs, failed))
    groups = groups_of(runs_that_failed)
    statement = (
        f"{len(runs_that_failed)} of {len(failed)} runs diverged ({listed(groups)}). With {names[0]} it is "
        f"{best.failed} of {best.size}, without {best.other_failed} of {best.other_size} "
        f"(Fisher's exact p = {best.p:.2g}, and {best.adjusted:.2g} after Holm's correction for "
        f"{counted(best.tried, 'split')})."
    )
    if len(names) > 1:
        others = dict.fromkeys(names[1:])
        statement += f" The same runs also have: {listed(others)}."
    evidence: Evidence = {
        "setting": names[0],
        "failed": best.failed,
        "size": best.size,
        "other_failed": best.other_failed,
        "other_size": best.other_size,
        "p": best.p,
        "p_holm": best.adjusted,
        "splits": best.tried,
        "same_split": len(names),
    }
    severity: Severity = "warning" if best.adjusted < SURE else "note"
    return Finding(
        rule="failed_setting",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice="Train one of the runs that failed again with this setting alone changed.",
        runs=labels_of(runs_that_failed),
    )


def _names_of_split(best: Separation, runs: Sequence[Run]) -> list[str]:
    """Return the settings of a split's first side; ``not lr = 0.1`` where no one value stands for it."""
    splits = splits_of(runs)
    direct = [name for name in best.names if tuple(splits[name]) == best.side]
    direct_keys = set(map(_key_of, direct))
    negated = [name for name in best.names if _key_of(name) not in direct_keys]
    return direct + [f"not {name}" for name in negated]


def _key_of(split: str) -> str:
    return split.split(" ")[0]


RULE = Rule(
    name="failed_setting",
    question="What do the runs that diverged share?",
    find=find,
    consequence="compute",
    refuted_by="A run that failed without the setting, or another key that changes with it.",
    near_miss="A few failures that are spread over all settings; one run that failed.",
    example="8 of 10 runs with lr 0.01 diverged, and 0 of 10 with lr 0.001.",
)
