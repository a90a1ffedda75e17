"""A study: runs that are looked at together, and what their names mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ired_diag.errors import AmbiguousName, DiagError, NotFound
from ired_diag.runs.completion import complete_by_siblings
from ired_diag.runs.distinct import with_distinct_names, with_identity_keys
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.files import pattern_note
from ired_diag.runs.find import Unreadable
from ired_diag.runs.grouped import by_experiment, by_group
from ired_diag.runs.judged import judge_runs
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.name_list import counted
from ired_diag.runs.one_direction import with_one_direction
from ired_diag.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMES = 12

Derived = TypeVar("Derived")


@dataclass(frozen=True)
class Skipped:
    """A file that is neither a run nor an earlier attempt at one, and why not."""

    path: Path
    reason: str


@dataclass(frozen=True, repr=False)
class Study:
    """Runs, sorted by experiment, variant and seed, and the files that are not runs.

    Attributes:
        runs: One for each seed and variant.
        skipped: Files that are not runs, with the reason.
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
        named: list[Run] = []
        for family in by_experiment(runs).values():
            named.extend(_name_variants(family))
        identified = with_identity_keys(named)
        distinct = with_distinct_names(identified)
        in_order = sorted(distinct, key=_reading_order)
        settled = with_one_direction(complete_by_siblings(in_order))
        return cls(
            runs=tuple(settled),
            skipped=tuple(skipped),
            evaluations=tuple(evaluations),
            unstarted=tuple(unstarted),
            unreadable=tuple(dict.fromkeys(unreadable)),
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
        runs = judge_runs(self.runs, metric=metric, higher_is_better=higher_is_better)
        return replace(self, runs=runs)

    def frame(self) -> pd.DataFrame:
        """Return the runs as a DataFrame: a row for each run with its ending, last and best evaluation."""
        from ired_diag.runs.frames import frame_of_runs

        return frame_of_runs(self.runs)

    def __repr__(self) -> str:
        groups = self.groups()
        runs = counted(len(self.runs), "run")
        counts = f"{runs} in {counted(len(groups), 'group')}"
        if not groups:
            return f"<Study of {counts}>"
        names = []
        for name in list(groups)[:MOST_NAMES]:
            names.append(f"{name} ({len(groups[name])})")
        more = len(groups) - MOST_NAMES
        if more > 0:
            names.append(f"and {more} more")
        listed = ", ".join(names)
        return f"<Study of {counts}: {listed}>"

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.runs)

    def __bool__(self) -> bool:
        """Return True: a study without runs may still say what was skipped."""
        return True

    def __iter__(self) -> Iterator[Run]:
        """Yield the runs."""
        return iter(self.runs)

    def __getitem__(self, name: str) -> list[Run]:
        """Return the seeds that a name means, as ``select`` does."""
        return self.select(name)

    def __contains__(self, item: object) -> bool:
        """Say whether a name means something here, or a run is one of the study's."""
        if isinstance(item, str):
            return bool(self._groups_called(item))
        return item in self.runs

    def _repr_html_(self) -> str:
        from ired_diag.notebook import frame_as_html, heading_as_html

        details = []
        if self.skipped:
            count = len(self.skipped)
            files = f"{count} files are not runs"
            if count == 1:
                files = "1 file is not a run"
            details.append(f"{files}: study.skipped says why")
        title = repr(self)[1:-1]
        heading = heading_as_html(title, details)
        columns = ["group", "run", "ending", "metric", "last", "best", "best_step"]
        frame = self.frame()[columns]
        return heading + frame_as_html(frame)

    @property
    def results(self) -> list[EvaluationResult]:
        """What evaluations measured: those of their own, and those at the end of a training."""
        results: list[EvaluationResult] = []
        for record in (*self.evaluations, *self.runs):
            results.extend(record.results)
        return results

    def groups(self) -> dict[str, list[Run]]:
        """Return the runs by group: experiment, or experiment and variant."""
        by_name = self.derived(_by_group)
        return {group: list(runs) for group, runs in by_name.items()}

    def derived(self, function: Callable[[Study], Derived]) -> Derived:
        """Return what a function makes of the study: it is called once, and its result is never changed."""
        if function not in self._results:
            self._results[function] = function(self)
        result: Derived = self._results[function]
        return result

    @cached_property
    def _results(self) -> dict[Callable[[Study], Any], Any]:
        return {}

    def _groups_called(self, name: str) -> dict[str, list[Run]]:
        # Labels before names: a label means one seed.
        called = self._group_of_label(name)
        if called:
            return called
        for group, runs in self.groups().items():
            if _is_called(name, group, runs):
                called[group] = runs
        return called

    def _group_of_label(self, label: str) -> dict[str, list[Run]]:
        """Return the run of a label, ``q103/seed0``, by its group; empty where no run has it."""
        if "/" not in label:
            return {}
        labelled: dict[str, list[Run]] = {}
        for group, runs in self.groups().items():
            members = [run for run in runs if run.label == label]
            if members:
                labelled[group] = members
        return labelled

    def variants(self, name: str) -> dict[str, list[Run]]:
        """Return every variant of an experiment, by group.

        Args:
            name: The experiment's number or full name; the label of a run means that one.

        Raises:
            NotFound: No run is called so.
        """
        variants = self._groups_called(name)
        if not variants:
            raise _no_such_name(name, sorted(self.groups()))
        for group, runs in variants.items():
            check_seeds(group, runs)
        return variants

    def select(self, name: str) -> list[Run]:
        """Return the seeds that a name means.

        Args:
            name: An experiment's number or full name, with ``@<variant>`` where it has several; or the
                label of one run, ``q103/seed0``.

        Raises:
            NotFound: No run is called so.
            AmbiguousName: The name means several experiments, or several variants of one.
            DiagError: It is no text.
        """
        if not isinstance(name, str):
            first_names = list(self.groups())[:MOST_NAMES]
            names = ", ".join(map(repr, first_names)) or "none"
            raise DiagError(f"Expected the name of a group as text, found {name!r}. There are: {names}.")
        groups = _plainest(name, self._groups_called(name))
        if not groups:
            choices = sorted(self.groups())
            if len(choices) > MOST_NAMES:
                choices = [*choices[:MOST_NAMES], "…"]
            raise _no_such_name(name, choices)
        if len(groups) > 1:
            raise _ambiguous(name, groups)
        ((group, runs),) = groups.items()
        check_seeds(group, runs)
        return runs


def _by_group(study: Study) -> dict[str, list[Run]]:
    return by_group(study.runs)


def _plainest(name: str, groups: dict[str, list[Run]]) -> dict[str, list[Run]]:
    """Return, of the groups that a name may mean, those that it means most plainly."""
    experiment, *_ = name.partition("@")
    exact = {group: runs for group, runs in groups.items() if runs[0].experiment == experiment}
    groups = exact or groups  # q103 is q103, also next to a q103_again
    plain = {group: runs for group, runs in groups.items() if runs[0].variant is None}
    if len(plain) == 1:  # q103 is q103, also next to its own forks
        return plain
    return groups


def check_seeds(group: str, runs: Sequence[Run]) -> None:
    """Refuse a group in which the same run stands twice.

    Raises:
        DiagError: It does; the message names both places.
    """
    first: dict[str, Run] = {}
    for run in runs:
        other = first.setdefault(run.seed_label, run)
        if other is not run:
            places = f"at {other.path} and at {run.path}"
            raise DiagError(f"{group}: {run.seed_label} is there twice, {places}. Name one.")


def _is_called(name: str, group: str, runs: Sequence[Run]) -> bool:
    base, _, variant = name.partition("@")
    experiment = runs[0].experiment
    if variant and runs[0].variant != variant:
        return False
    if name == group or base in (experiment, experiment_number(experiment)):
        return True
    return any(run.name == base for run in runs)


def _no_such_name(name: str, groups: Iterable[str]) -> NotFound:
    choices = ", ".join(groups) or "none"
    return NotFound(f"No run is named {name!r}. There are: {choices}.{pattern_note(name)}")


def _ambiguous(name: str, groups: Mapping[str, Sequence[Run]]) -> AmbiguousName:
    meanings: list[str] = []
    for group, runs in sorted(groups.items()):
        meanings.append(f"{group} ({_in_brief(runs)})")
    experiments = {runs[0].experiment for runs in groups.values()}
    kind = "experiments"
    if len(experiments) == 1:
        kind = "variants"
    listed = "; ".join(meanings)
    return AmbiguousName(f"{name!r} means {len(groups)} {kind}: {listed}. Name one of them.")


def _in_brief(runs: Sequence[Run]) -> str:
    """Return the number of seeds, how many are complete, and the commit."""
    complete = sum(run.ending.complete for run in runs)
    unknown = sum(run.ending.unknown for run in runs)
    parts = [
        f"{len(runs)} seeds",
        f"{complete} complete",
    ]
    if unknown:
        parts.append(f"{unknown} of unknown ending")
    commits = {run.commit for run in runs if run.commit}
    if commits:
        listed = "/".join(sorted(commits))
        parts.append(f"commit {listed}")
    return ", ".join(parts)


def _name_variants(family: Sequence[Run]) -> list[Run]:
    """Name the variant without a name by its job, if it has one, where the experiment has others."""
    variants = {run.variant for run in family}
    if len(variants) == 1 or None not in variants:
        return list(family)
    unnamed = [run for run in family if run.variant is None]
    label = unnamed[0].provenance.get("job")
    if label is None:  # trained here, next to forks or variants of it: it is the experiment itself
        return list(family)
    renamed: list[Run] = []
    for run in family:
        if run.variant is None:
            run = replace(run, variant=str(label))
        renamed.append(run)
    return renamed


def _reading_order(run: Run) -> tuple[str, list[tuple[float, str]], int, str]:
    seed = run.seed
    if seed is None:
        seed = -1
    variant = _by_value(run.variant or "")
    return run.experiment, variant, seed, run.seed_label


def _by_value(label: str) -> list[tuple[float, str]]:
    """Return a key that sorts the numbers in a label by their value: opt_steps=3 before opt_steps=10.

    >>> sorted(["a=10", "a=3", "a=0.5"], key=_by_value)
    ['a=0.5', 'a=3', 'a=10']
    """
    key: list[tuple[float, str]] = []
    for part in re.split(r"(\d+(?:\.\d+)?(?:e-?\d+)?)", label):
        is_number = len(key) % 2 == 1  # the split puts text first, then numbers and text in turn
        if is_number:
            key.append((float(part), ""))
        else:
            key.append((-1.0, part))
    return key
