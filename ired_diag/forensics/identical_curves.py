"""Identical curves of different configurations or seeds: what differs between them never reached the program.

Two runs whose evaluations agree to the last digit at every common step are one computation. With different
configurations that means: the keys that differ were not read. With different seeds in one group: the seed was
not, and what looks like several seeds is one. Curves are compared where they share at least three evaluations
that are not all equal; the chance of as many digits agreeing by luck is nil.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ired_diag.config_keys import METADATA
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FEWEST = 3  # evaluations in common
OF_TIME = frozenset(
    "time runtime second seconds elapsed duration fps speed throughput eta per timestamp".split()
)
UNREAD = (*METADATA, "experiment_name", "seed", "train_steps")


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each two groups whose runs are pairwise identical, and each with equal seeds."""
    pairs: dict[tuple[str, str], list[tuple[Run, Run]]] = defaultdict(list)
    seeds: dict[str, list[tuple[Run, Run]]] = defaultdict(list)
    for one, other in _identical(study):
        if one.group == other.group and (_seeds_differ(one, other) or _all_agree(one, other)):
            seeds[one.group].append((one, other))
        if one.group != other.group and one.configuration and other.configuration:
            pairs[one.group, other.group].append((one, other))
    for (a, b), runs in pairs.items():
        if keys := sorted({key for one, other in runs for key in _differing(one, other)}):
            yield _same_groups(a, b, runs, keys)
    for group, runs in seeds.items():
        yield _same_seeds(group, runs)


def _same_groups(a: str, b: str, runs: list[tuple[Run, Run]], keys: list[str]) -> Finding:
    common = sum(_common(one, other) for one, other in runs)
    statement = (
        f"{a} and {b} are the same computation: their {_metric(runs[0][0])} agrees to the last digit at "
        f"all {common} common evaluations ({listed(one.seed_label for one, _ in runs)}), though "
        f"{listed(keys)} differ. These keys changed nothing."
    )
    evidence: Evidence = {"a": a, "b": b, "evaluations": common, "runs": len(runs), "keys": ", ".join(keys)}
    advice = "Count them as one experiment, and look for where the program reads these keys."
    return Finding("identical_curves", "error", statement, evidence, advice)


def _same_seeds(group: str, runs: list[tuple[Run, Run]]) -> Finding:
    labels = list(dict.fromkeys(run.seed_label for pair in runs for run in pair))
    common = min(_common(one, other) for one, other in runs)
    statement = (
        f"{group}: {listed(labels)} are the same computation: their {_metric(runs[0][0])} agrees to the last "
        f"digit at all of {common} common evaluations or more. The seed changed nothing: they count as one."
    )
    evidence: Evidence = {"group": group, "runs": len(labels), "evaluations": common}
    advice = "Keep one of them, look for where the program reads its seed, and train the others again."
    if len({run.seed for pair in runs for run in pair}) == 1:
        statement = (
            f"{group}: {listed(labels)} are the same computation, or copies of one log: all that they log "
            f"agrees to the last digit, at all of {common} common evaluations or more. They count as one run."
        )
        advice = "Keep one of them; if they are runs of different seeds, the program did not use the seed."
    return Finding("identical_curves", "error", statement, evidence, advice)


def _identical(study: Study) -> Iterator[tuple[Run, Run]]:
    """Yield pairs of runs with the same evaluations at all common steps."""
    starts: dict[tuple[str | float, ...], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated is not None and len(run.evaluated[1]) >= FEWEST:
            metric, series = run.evaluated
            starts[metric, *series.values[:FEWEST].tolist()].append(run)
    for alike in starts.values():
        yield from ((a, b) for a, b in itertools.combinations(alike, 2) if _common(a, b))


def _seeds_differ(a: Run, b: Run) -> bool:
    return None not in (a.seed, b.seed) and a.seed != b.seed


def _all_agree(a: Run, b: Run) -> bool:
    """Say whether all metrics that two runs of a group log agree at all common steps."""
    x, y = a.history.series, b.history.series
    return all(_agrees(x[name], y[name]) for name in x if name in y and not _is_of_time(name))


def _is_of_time(name: str) -> bool:
    return bool(set(re.split(r"[^a-z]+", name.lower())) & OF_TIME)


def _agrees(x: Series, y: Series) -> bool:
    _, i, j = np.intersect1d(x.steps, y.steps, return_indices=True)
    return np.array_equal(np.asarray(x.values)[i], np.asarray(y.values)[j], equal_nan=True)


def _common(a: Run, b: Run) -> int:
    """Return how many evaluations two runs share, 0 where they differ in any or are constant."""
    if a.evaluated is None or b.evaluated is None:
        return 0
    x, y = a.evaluated[1], b.evaluated[1]
    _, i, j = np.intersect1d(x.steps, y.steps, return_indices=True)
    u, v = np.asarray(x.values)[i], np.asarray(y.values)[j]
    finite = u[np.isfinite(u)]
    same = len(u) >= FEWEST and np.array_equal(u, v, equal_nan=True) and len(np.unique(finite)) > 1
    return len(u) if same else 0


def _metric(run: Run) -> str:
    return run.evaluated[0] if run.evaluated else ""


def _differing(a: Run, b: Run) -> list[str]:
    x, y = a.settings, b.settings
    return [key for key in {**x, **y} if key not in UNREAD and x.get(key) != y.get(key)]


RULE = Rule(
    "identical_curves",
    "Did runs of different configurations or seeds compute the same?",
    find,
    consequence="conclusion",
)
