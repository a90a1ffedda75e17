"""One name and seed, several outcomes: attempts at different commits whose results lie far apart.

Runs of one experiment and seed, of different variants, that end a factor of ten or more apart are not the
same program, whatever they are called. A mean over them, or a comparison with "the" run, means nothing.
Variants that are named by a setting (``learning_rate=0.1``) say what differs, and are left alone.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Rule, judged_metric, labels_of
from ired_diag.runs.fold import fold_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FACTOR = 10.0  # between the ends
NAMED_BY_KEYS = re.compile(r"=")


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each experiment whose complete runs of a seed end far apart."""
    worst: dict[str, list[Run]] = {}
    for runs in _families(study):
        experiment = runs[0].experiment
        so_far = _factor_between(worst.get(experiment, []))
        if _factor_between(runs) >= max(FACTOR, so_far):
            worst[experiment] = sorted(runs, key=_last_value)
    for experiment, runs in worst.items():
        yield _finding(experiment, runs)


def _families(study: Study) -> list[list[Run]]:
    """Return the runs that share experiment, seed and judged metric, without the variants of a sweep."""
    families: dict[tuple[str, int, str, int | None], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.seed is None or not run.ending.may_be_complete:
            continue
        is_of_a_sweep = NAMED_BY_KEYS.search(run.variant or "")
        if math.isfinite(_last_value(run)) and not is_of_a_sweep:
            families[run.experiment, run.seed, judged_metric(run), fold_of(run)].append(run)
    return list(families.values())


def _finding(experiment: str, runs: Sequence[Run]) -> Finding:
    factor = _factor_between(runs)
    ends = ", ".join(f"{_last_value(run):.4g} ({_which(run)})" for run in runs)
    attempts = "attempts"
    if all(run.ending.complete for run in runs):
        attempts = "complete attempts"
    statement = (
        f"{experiment}: {len(runs)} {attempts} at seed {runs[0].seed} end {factor:.3g} times apart: {ends}. "
        "One name stands for several programs."
    )
    return Finding(
        rule="same_name",
        severity="error",
        statement=statement,
        evidence={"experiment": experiment, "runs": len(runs), "factor": factor},
        advice=f"Name the variant in every comparison, such as {runs[0].group}.",
        runs=labels_of(runs),
    )


def _last_value(run: Run) -> float:
    if run.evaluated is None:
        return math.nan
    return float(run.evaluated[1].values[-1])


def _factor_between(runs: Sequence[Run]) -> float:
    """Return the largest last value over the smallest; 1 where there is no such ratio."""
    ends = list(map(_last_value, runs))
    if len(ends) < 2 or min(ends) <= 0:
        return 1.0
    return max(ends) / min(ends)


def _which(run: Run) -> str:
    """Return what tells a run from others of its name: its variant, else where it lies; and its commit."""
    place = run.variant or run.run_name or run.path.name
    return f"{place}, commit {_commit(run)}"


def _commit(run: Run) -> str:
    return str(run.provenance.get("git_commit") or "unknown")[:7]


RULE = Rule(
    name="same_name",
    question="Does one name stand for several programs?",
    find=find,
    refuted_by=(
        "The attempts are known to be of one program and one configuration: then the spread is chance."
    ),
    near_miss=(
        "A sweep whose variants are named by their setting and end far apart; attempts whose results are "
        "judged by different metrics."
    ),
    example=("q201 seed 0 ends at 0.0101, 1.02 and 1.70 at three commits."),
)
