"""A study: runs that are looked at together, and what their names mean."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ired_diag.errors import AmbiguousName, DiagError, NotFound
from ired_diag.runs.completion import complete_by_siblings
from ired_diag.runs.distinct import with_distinct_names, with_identity_keys
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.find import Unreadable
from ired_diag.runs.judged import judge_runs
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMES = 12


@dataclass(frozen=True)
class Skipped:
    """A file that is no run and no attempt, and why not."""

    path: Path
    reason: str


@dataclass(frozen=True, repr=False)
class Study:
    """Runs, sorted by experiment, variant and seed, and the files that are none.

    Attributes:
        runs: One a seed and variant.
        skipped: Files that are no run, with the reason.
        evaluations: Jobs that evaluated a model and trained nothing, with their results; their files are
            listed as skipped.
        unstarted: Jobs that died before their program started and whose seed has no run; listed as skipped.
        unreadable: Files and folders that may not be read and are not known to be runs. A run that may not be
            read is among ``runs``, its ending ``unreadable``.
    """

    runs: tuple[Run, ...]
    skipped: tuple[Skipped, ...] = ()
    evaluations: tuple[Run, ...] = ()
    unstarted: tuple[Run, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def of(
        cls,
        runs: Iterable[Run],
        skipped: Iterable[Skipped] = (),
        evaluations: Iterable[Run] = (),
        unstarted: Iterable[Run] = (),
        unreadable: Iterable[Unreadable] = (),
    ) -> Study:
        """Return a study: variants and runs named, and runs complete that end like their siblings."""
        families: dict[str, list[Run]] = defaultdict(list)
        for run in runs:
            families[run.experiment].append(run)
        named = [run for family in families.values() for run in _name_variants(family)]
        distinct = with_distinct_names(with_identity_keys(named))
        settled = complete_by_siblings(sorted(distinct, key=_reading_order))
        return cls(
            tuple(settled),
            tuple(skipped),
            tuple(evaluations),
            tuple(unstarted),
            tuple(dict.fromkeys(unreadable)),
        )

    def judged_by(self, metric: str | None = None, higher_is_better: bool | None = None) -> Study:
        """Return the same study, its runs judged by a metric and a direction.

        Args:
            metric: The metric's name; None leaves it to the names of the logged metrics.
            higher_is_better: Its direction; None leaves it to configuration and name.

        Raises:
            NotFound: No run logs the metric.
        """
        if metric is None and higher_is_better is None:
            return self
        return replace(self, runs=judge_runs(self.runs, metric=metric, higher_is_better=higher_is_better))

    def frame(self) -> pd.DataFrame:
        """Return the runs as a DataFrame: a row for each run with its ending, last and best evaluation."""
        from ired_diag.runs.frames import frame_of_runs

        return frame_of_runs(self.runs)

    def __repr__(self) -> str:
        groups = self.groups()
        names = [f"{name} ({len(runs)})" for name, runs in list(groups.items())[:MOST_NAMES]]
        if len(groups) > MOST_NAMES:
            names.append(f"and {len(groups) - MOST_NAMES} more")
        listed = f": {', '.join(names)}" if names else ""
        return f"<Study of {len(self.runs)} runs in {len(groups)} groups{listed}>"

    def _repr_html_(self) -> str:
        from ired_diag.notebook import frame_as_html, heading_as_html

        details = []
        if self.skipped:
            files = "1 file is" if len(self.skipped) == 1 else f"{len(self.skipped)} files are"
            details.append(f"{files} not runs: study.skipped says why")
        columns = ["group", "run", "ending", "metric", "last", "best", "best_step"]
        return heading_as_html(repr(self)[1:-1], details) + frame_as_html(self.frame()[columns])

    @property
    def results(self) -> list[EvaluationResult]:
        """What evaluations measured: those of their own, and those at the end of a training."""
        of_runs = [result for run in self.runs for result in run.results]
        return [result for attempt in self.evaluations for result in attempt.results] + of_runs

    def groups(self) -> dict[str, list[Run]]:
        """Return the runs by group: experiment, or experiment and variant."""
        groups: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            groups[run.group].append(run)
        return dict(groups)

    def variants(self, name: str) -> dict[str, list[Run]]:
        """Return every variant of an experiment, by group.

        Args:
            name: The experiment's number or full name.

        Raises:
            NotFound: No run is called so.
        """
        found = {group: runs for group, runs in self.groups().items() if _is_called(name, group, runs)}
        if not found:
            raise NotFound(
                f"No run is named {name!r}. There are: {', '.join(sorted(self.groups())) or 'none'}."
            )
        for group, runs in found.items():
            check_seeds(group, runs)
        return found

    def select(self, name: str) -> list[Run]:
        """Return the seeds that a name means.

        Args:
            name: An experiment's number or full name, with ``@<variant>`` where it has several.

        Raises:
            NotFound: No run is called so.
            AmbiguousName: The name means several experiments, or several variants of one.
        """
        groups = {group: runs for group, runs in self.groups().items() if _is_called(name, group, runs)}
        same = {g: runs for g, runs in groups.items() if runs[0].experiment == name.partition("@")[0]}
        groups = same or groups  # q103 is q103, also beside a q103_again
        plain = {g: runs for g, runs in groups.items() if runs[0].variant is None}
        groups = plain if len(plain) == 1 else groups  # and beside its own forks
        if not groups:
            known = sorted(self.groups())
            some = ", ".join(known[:MOST_NAMES]) + (", …" if len(known) > MOST_NAMES else "")
            raise NotFound(f"No run is named {name!r}. There are: {some or 'none'}.")
        if len(groups) > 1:
            listed = "; ".join(f"{group} ({_in_brief(runs)})" for group, runs in sorted(groups.items()))
            variants = len({runs[0].experiment for runs in groups.values()}) == 1
            kind = "variants" if variants else "experiments"
            raise AmbiguousName(f"{name!r} means {len(groups)} {kind}: {listed}. Name one of them.")
        ((group, runs),) = groups.items()
        check_seeds(group, runs)
        return runs


def check_seeds(group: str, runs: Sequence[Run]) -> None:
    """Refuse a group in which the same run stands twice.

    Raises:
        DiagError: It does; the message names both places.
    """
    first: dict[str, Run] = {}
    for run in runs:
        other = first.setdefault(run.seed_label, run)
        if other is not run:
            raise DiagError(
                f"{group}: {run.seed_label} is there twice, at {other.path} and at {run.path}. Name one."
            )


def _is_called(name: str, group: str, runs: Sequence[Run]) -> bool:
    base, _, variant = name.partition("@")
    experiment = runs[0].experiment
    if variant and runs[0].variant != variant:
        return False
    names = {experiment, experiment_number(experiment), *(run.name for run in runs)}
    return base in names or name == group


def _in_brief(runs: Sequence[Run]) -> str:
    """Return the number of seeds, how many are complete, and the commit."""
    complete = sum(run.ending.complete for run in runs)
    unknown = sum(run.ending.unknown for run in runs)
    of_unknown = f", {unknown} of unknown ending" if unknown else ""
    commits = sorted({str(c)[:7] for run in runs if (c := run.provenance.get("git_commit"))})
    commit = f", commit {'/'.join(commits)}" if commits else ""
    return f"{len(runs)} seeds, {complete} complete{of_unknown}{commit}"


def _name_variants(family: Sequence[Run]) -> list[Run]:
    """Name the variant without a name by its job, if it has one, where the experiment has others."""
    variants = {run.variant for run in family}
    if len(variants) == 1 or None not in variants:
        return list(family)
    unnamed = [run for run in family if run.variant is None]
    label = unnamed[0].provenance.get("job")
    if label is None:  # trained here, beside forks or variants of it: it is the experiment itself
        return list(family)
    return [replace(run, variant=str(label)) if run.variant is None else run for run in family]


def _reading_order(run: Run) -> tuple[str, list[tuple[float, str]], int, str]:
    return run.experiment, _by_value(run.variant or ""), -1 if run.seed is None else run.seed, run.seed_label


def _by_value(label: str) -> list[tuple[float, str]]:
    """Return a key that sorts the numbers in a label by their value: opt_steps=3 before opt_steps=10.

    >>> sorted(["a=10", "a=3", "a=0.5"], key=_by_value)
    ['a=0.5', 'a=3', 'a=10']
    """
    parts = re.split(r"(\d+(?:\.\d+)?(?:e-?\d+)?)", label)
    return [(float(part), "") if number % 2 else (-1.0, part) for number, part in enumerate(parts)]
