"""Cross-validations: groups of runs that each hold out a fold of one data set.

The folds of a group are numbered from 0 or from 1, and K of them make the cross-validation: as many as the
configurations state, else as the largest number shows, whether or not all were trained. Numbers with wide
gaps, as of subjects, show nothing, and K is how many there are. One fold that is trained with several seeds
is no cross-validation: its runs are seeds. A run is called by its fold (``fold3``), and in a repeated
cross-validation by fold and seed, or by what else distinguishes the runs of a fold (``fold3-seed1``). One run
alone is one fold of a cross-validation of which nothing else is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ired_diag.runs.fold import FOLD, count_of_folds, fold_of, is_called_fold
from ired_diag.runs.run import Run
from ired_diag.seed_sources import label_of_configuration

MOSTLY = 0.5  # of the folds that the largest number shows
LABEL = re.compile(r"fold\d+(?:-.+)?")


@dataclass(frozen=True)
class CrossValidation:
    """The folds of a group.

    Attributes:
        folds: The fold of each run, by the label of the run.
        first: Number of the first fold: 0 or 1.
        count: K, the number of folds of the cross-validation.
        is_count_stated: Whether the configurations state K.
    """

    folds: Mapping[str, int]
    first: int
    count: int
    is_count_stated: bool = False

    @property
    def missing(self) -> int:
        """How many folds no run of the group holds out."""
        return self.count - len(set(self.folds.values()))

    @property
    def gaps(self) -> list[int]:
        """The missing folds where their numbers are known: between those that are there."""
        held_out = set(self.folds.values())
        gaps = [fold for fold in range(min(held_out), max(held_out)) if fold not in held_out]
        return gaps if len(gaps) == self.missing else []

    @property
    def is_alone(self) -> bool:
        """Whether there is one fold, which does not tell of how many."""
        return len(self.folds) == 1

    @property
    def is_repeated(self) -> bool:
        """Whether several runs hold out one fold."""
        return len(set(self.folds.values())) < len(self.folds)


def cross_validation_of(runs: Sequence[Run]) -> CrossValidation | None:
    """Return the cross-validation that the runs of a group make; None where they are no folds."""
    folds = {run.seed_label: fold_of(run) for run in runs}
    by_label = {label: fold for label, fold in folds.items() if fold is not None}
    numbers = set(by_label.values())
    if len(by_label) < len(runs) or not _are_folds(runs, numbers):
        return None
    first = 0 if 0 in numbers else 1
    shown = max(numbers) + 1 - first
    stated = {count_of_folds(run) for run in runs}
    count = stated.pop() if len(stated) == 1 else None
    if count is not None and count >= len(numbers):
        return CrossValidation(by_label, first, count, is_count_stated=True)
    if len(numbers) < MOSTLY * shown and len(runs) > 1:
        # Numbers with wide gaps are names, of subjects or years: K of them would promise too much.
        shown = len(numbers)
    return CrossValidation(by_label, first, shown)


def named_by_fold(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one group, called by their folds where it is a cross-validation."""
    folds = [fold_of(run) for run in runs]
    if None in folds or not _are_folds(runs, set(folds)):
        return list(map(_without_fold, runs))
    by_fold = [f"fold{fold}" for fold in folds]
    for way in (_nothing, _by_seed, _by_sources, _by_place):
        within = list(map(way, runs))
        labels = [label + rest for label, rest in zip(by_fold, within, strict=True)]
        if len(set(labels)) == len(labels) and (way is _nothing or all(within)):
            return [replace(run, run_name=label) for run, label in zip(runs, labels, strict=True)]
    # Runs of one fold that nothing tells apart are distinguished as other runs are.
    return list(runs)


def _nothing(run: Run) -> str:
    return ""


def _by_seed(run: Run) -> str:
    return "" if run.seed is None else f"-seed{run.seed}"


def _by_sources(run: Run) -> str:
    label = label_of_configuration(run.configuration or {}, run.seed)
    return f"-{label}" if label else ""


def _by_place(run: Run) -> str:
    """Return the rest of what distinguishes a run by its files: ``repeat_0`` of ``repeat_0/fold_3``."""
    rest = FOLD.sub("", run.file_label).strip("-_. ")
    return f"-{rest}" if rest else ""


def _are_folds(runs: Sequence[Run], folds: Collection[object]) -> bool:
    """Say whether runs hold out different folds, or one run is alone and called a fold.

    Two numbers, or numbers with gaps, that have the same seeds each (``cv5_seed0``, ``cv10_seed0``) are
    settings.
    """
    seeds = {run.seed for run in runs}
    is_crossed = None not in seeds and len(seeds) > 1 and len(runs) == len(seeds) * len(folds)
    if is_crossed and not _are_consecutive(folds):
        return False
    return len(folds) > 1 or (len(runs) == 1 and is_called_fold(runs[0]))


def _are_consecutive(folds: Collection[object]) -> bool:
    """Say whether three numbers or more begin at 0 or 1 and leave none out."""
    numbers = sorted(fold for fold in folds if isinstance(fold, int))
    return len(numbers) > 2 and numbers[0] < 2 and numbers[-1] - numbers[0] + 1 == len(numbers)


def _without_fold(run: Run) -> Run:
    """Return a run of a group that is no cross-validation: its seed tells it from the others again."""
    if run.seed is not None and not run.of_table and LABEL.fullmatch(run.run_name):
        return replace(run, run_name="")
    return run
