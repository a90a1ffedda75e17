"""Identical curves from different configurations: what differs between them never reached the program.

Two runs whose evaluations agree to the last digit at every common step are one computation. With different
configurations that means: the keys that differ were not read. Curves are compared where they share at least
three evaluations that are not all equal; the chance of as many digits agreeing by luck is nil.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FEWEST = 3  # evaluations in common
UNREAD = (*METADATA, "experiment_name", "seed", "train_steps")


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each two groups whose runs are pairwise identical."""
    pairs: dict[tuple[str, str], list[tuple[Run, Run]]] = defaultdict(list)
    for one, other in _identical(study):
        if one.group != other.group and one.configuration and other.configuration:
            pairs[one.group, other.group].append((one, other))
    for (a, b), runs in pairs.items():
        differing = sorted({key for one, other in runs for key in _differing(one, other)})
        if not differing:
            continue
        common = sum(_common(one, other) for one, other in runs)
        seeds = listed(one.seed_label for one, _ in runs)
        statement = (
            f"{a} and {b} are the same computation: their {_metric(runs[0][0])} agrees to the last digit at "
            f"all {common} common evaluations ({seeds}), though {listed(differing)} differ. These keys "
            "changed nothing."
        )
        evidence: Evidence = {
            "a": a,
            "b": b,
            "evaluations": common,
            "runs": len(runs),
            "keys": ", ".join(differing),
        }
        advice = "Count them as one experiment, and look for where the program reads these keys."
        yield Finding("identical_curves", "error", statement, evidence, advice)


def _identical(study: Study) -> Iterator[tuple[Run, Run]]:
    """Yield pairs of runs with the same evaluations at all common steps."""
    starts: dict[tuple[str | float, ...], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated is not None and len(run.evaluated[1]) >= FEWEST:
            metric, series = run.evaluated
            starts[metric, *series.values[:FEWEST].tolist()].append(run)
    for alike in starts.values():
        yield from ((a, b) for a, b in itertools.combinations(alike, 2) if _common(a, b))


def _common(a: Run, b: Run) -> int:
    """Return how many evaluations two runs share, 0 where they differ in any or are constant."""
    if a.evaluated is None or b.evaluated is None:
        return 0
    x, y = a.evaluated[1], b.evaluated[1]
    _, i, j = np.intersect1d(x.steps, y.steps, return_indices=True)
    u, v = np.asarray(x.values)[i], np.asarray(y.values)[j]
    same = len(u) >= FEWEST and np.array_equal(u, v, equal_nan=True) and np.ptp(u[np.isfinite(u)]) > 0
    return len(u) if same else 0


def _metric(run: Run) -> str:
    return run.evaluated[0] if run.evaluated else ""


def _differing(a: Run, b: Run) -> list[str]:
    x, y = a.configuration or {}, b.configuration or {}
    return [key for key in {**x, **y} if key not in UNREAD and x.get(key) != y.get(key)]


RULE = Rule("identical_curves", "Did runs of different configurations compute the same?", find)
