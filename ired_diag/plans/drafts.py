"""A first plan for the runs that are there: groups and metrics are named, the claim is left to the user.

It is a plan that can be checked as it stands. What is to be decided by the user is marked with "→".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ired_diag.errors import NotFound
from ired_diag.open import open_study
from ired_diag.runs.files import exists
from ired_diag.runs.judged import usual_metric
from ired_diag.runs.run import Run

EXAMPLES = ("ired", "gdsearch")
MOST_GROUPS = 16  # named in the comments
MOST_METRICS = 12  # named in the comments
SEEDS = 10

DRAFT = """\
# A declared analysis. Change what is marked with →, then lock it before the runs begin:
#   ired-diag plan lock {file}
#   ired-diag plan check {file}
# Comments and the order of keys are no part of the meaning, and may change after the lock.
format: 1
title: → what the study asks
runs: {runs}
alpha: 0.05  # chance of any wrong "supported", and of any wrong "refuted", over all primary predictions
{there}
hypotheses:
  - id: H1
    statement: → what is believed to be so
    predictions:
      - id: H1a
        statement: → how it would show
        metric: {metric}
        readout: last             # last, best, last10, area, plateau
        group: {group}
        against: {against}        # or instead 'threshold: 3.28', a number that was fixed beforehand
        direction: lower          # → higher, lower, equivalent: the mean of group, next to against
        margin: 0                 # → in the unit of the metric, or '5%' of the mean of against
        test: auto                # auto, paired, unpaired
        n: {n}                     # → seeds of each group; the lowest seed numbers are used
        stopping: fixed           # fixed: judged once, at n seeds; sequential: at any number up to n
      # A number from the table of a probe:
      # - id: H1b
      #   probe: conditioning
      #   column: cond
      #   where: {{kind: adversarial}}
      #   minus: {{kind: control}}
      #   statistic: share_larger   # mean, median, share_larger
      #   group: {group}
      #   threshold: 0.5
      #   direction: higher
      #   n: {n}
      #   primary: false            # secondary: not corrected, and decides no hypothesis
success:
  - id: S1
    statement: → when the work has succeeded
    all_of: [H1]                    # or any_of; ids of hypotheses and predictions
"""


@dataclass(frozen=True)
class _There:
    """What a runs folder holds."""

    groups: dict[str, int]
    metrics: list[str]
    metric: str
    probes: list[str]


def draft(file: Path, runs: Path) -> str:
    """Return the text of a first plan.

    Args:
        file: Where it will stand.
        runs: The runs folder.
    """
    there = _what_is_there(runs) if exists(runs) else _There({}, [], "", [])
    names = [*there.groups, "change", "baseline"]
    if len(there.groups) == 1:
        names = ["change", *there.groups]
    return DRAFT.format(
        file=file.name,
        runs=json.dumps(_relative(runs, file.parent)),
        there="\n".join(_in_comments(there, runs)),
        metric=json.dumps(there.metric or "validation/loss"),
        group=json.dumps(names[0]),
        against=json.dumps(names[1]),
        n=SEEDS,
    )


def example(name: str) -> str:
    """Return the text of a plan that comes with the package.

    Raises:
        NotFound: There is none of this name.
    """
    if name not in EXAMPLES:
        raise NotFound(f"There is no example {name!r}. There are: {', '.join(EXAMPLES)}.")
    return files("ired_diag.plans.examples").joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def _relative(runs: Path, folder: Path) -> str:
    """Return the runs folder as a plan in a folder names it."""
    try:
        return runs.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return runs.resolve().as_posix()


def _what_is_there(runs: Path) -> _There:
    study = open_study([runs])
    groups = study.groups()
    metrics: dict[str, None] = {}
    probes: dict[str, None] = {}
    for run in study.runs:
        metrics.update(dict.fromkeys(run.history.series))
        probes.update(dict.fromkeys(_probes_of(run)))
    metric = usual_metric(study.runs) or ""
    # Groups that have this metric stand first: the draft compares the first two.
    sizes = {name: len(members) for name, members in groups.items()}
    lacking = [name for name, members in groups.items() if not _have(members, metric)]
    for name in lacking:
        sizes[name] = sizes.pop(name)
    return _There(
        groups=sizes,
        metrics=list(metrics),
        metric=metric,
        probes=sorted(probes),
    )


def _have(members: Sequence[Run], metric: str) -> bool:
    """Say whether a run of a group logs a metric."""
    return any(metric in run.history.series for run in members)


def _probes_of(run: Run) -> Sequence[str]:
    return [path.stem for path in sorted((run.path / "probes").glob("*.parquet"))]


def _in_comments(there: _There, runs: Path) -> list[str]:
    """Return what is there as lines of comments."""
    if not there.groups:
        return [
            f"# There is no run in {_printable(str(runs))} yet: the names of the groups are placeholders."
        ]
    counted = [f"{name} ({count})" for name, count in there.groups.items()]
    more_groups = len(counted) - MOST_GROUPS
    if more_groups > 0:
        counted = [*counted[:MOST_GROUPS], f"and {more_groups} more"]
    metrics = there.metrics[:MOST_METRICS]
    more = len(there.metrics) - len(metrics)
    listed = ", ".join(metrics)
    if more > 0:
        listed += f", and {more} more"
    lines = [f"# groups (seeds): {', '.join(counted)}", f"# metrics: {listed}"]
    if there.probes:
        lines.append(f"# probes that were put: {', '.join(there.probes)}")
    else:
        lines.append("# probes that were put: none yet (ired-diag probe --list)")
    return [_printable(line) for line in lines]


def _printable(line: str) -> str:
    """Return a line without what would end a comment of YAML, or is not allowed in one."""
    return "".join(sign if sign.isprintable() else "?" for sign in line)
