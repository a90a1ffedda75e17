"""One name and seed, several outcomes: attempts at different commits whose results lie far apart.

Runs of one experiment and seed, of different variants, that end a factor of ten or more apart are not the
same program, whatever they are called. A mean over them, or a comparison with "the" run, means nothing.
Variants that are named by a setting (``learning_rate=0.1``) say what differs, and are left alone.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FACTOR = 10.0
NAMED_BY_KEYS = re.compile(r"=")


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each experiment whose complete runs of a seed end far apart."""
    families: dict[tuple[str, int, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.seed is not None and run.ending.may_be_complete and math.isfinite(_last(run)):
            if not NAMED_BY_KEYS.search(run.variant or ""):
                families[run.experiment, run.seed, _metric(run)].append(run)
    worst: dict[str, list[Run]] = {}
    for (experiment, *_), runs in families.items():
        if _spread(runs) >= max(FACTOR, _spread(worst.get(experiment, []))):
            worst[experiment] = sorted(runs, key=_last)
    for experiment, runs in worst.items():
        told = ", ".join(f"{_last(run):.4g} ({_which(run)})" for run in runs)
        complete = "complete attempts" if all(run.ending.complete for run in runs) else "attempts"
        statement = (
            f"{experiment}: {len(runs)} {complete} at seed {runs[0].seed} end {_spread(runs):.3g} "
            f"times apart: {told}. One name stands for several programs."
        )
        evidence: Evidence = {"experiment": experiment, "runs": len(runs), "factor": _spread(runs)}
        advice = f"Name the variant in every comparison, such as {runs[0].group}."
        yield Finding("same_name", "error", statement, evidence, advice)


def _metric(run: Run) -> str:
    return run.evaluated[0] if run.evaluated else ""


def _last(run: Run) -> float:
    return float(run.evaluated[1].values[-1]) if run.evaluated else math.nan


def _spread(runs: list[Run]) -> float:
    ends = [_last(run) for run in runs]
    return max(ends) / min(ends) if len(ends) > 1 and min(ends) > 0 else 1.0


def _which(run: Run) -> str:
    """Return what tells a run from others of its name: its variant, else where it lies; and its commit."""
    return f"{run.variant or run.run_name or run.path.name}, commit {_commit(run)}"


def _commit(run: Run) -> str:
    return str(run.provenance.get("git_commit") or "unknown")[:7]


RULE = Rule(
    "same_name",
    "Does one name stand for several programs?",
    find,
    refuted_by=(
        "The attempts are known to be of one program and one configuration: then the spread is chance."
    ),
    near_miss=(
        "A sweep whose variants are named by their setting and end far apart; attempts whose results are "
        "judged by different metrics."
    ),
    example=("q201 seed 0 ends at 0.0101, 1.02 and 1.70 at three commits."),
)
