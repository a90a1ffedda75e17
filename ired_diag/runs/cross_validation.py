"""Cross-validations: groups of runs that each hold out a fold of one data set.

The folds of a group are numbered from 0 or from 1, and K of them make the cross-validation: as many as the
configurations state, else as the largest number shows, whether or not all were trained. Numbers with wide
gaps, as of subjects, show nothing, and K is how many there are. One fold that is
trained with several seeds is no cross-validation: its runs are seeds. A run is called by its fold
(``fold3``), and in a repeated cross-validation by fold and seed (``fold3-seed1``). One run alone is one fold
of a cross-validation of which nothing else is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ired_diag.runs.fold import count_of_folds, fold_of, is_called_fold
from ired_diag.runs.run import Run

MOSTLY = 0.5  # of the folds that the largest number shows
LABEL = re.compile(r"fold\d+(?:-seed\d+)?")


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
    labels = [f"fold{fold}" for fold in folds]
    if len(set(labels)) < len(labels):
        seeds = [run.seed for run in runs]
        labels = [f"{label}-seed{seed}" for label, seed in zip(labels, seeds, strict=True)]
        # Two runs of one fold and seed are told apart by what distinguishes other runs.
        if None in seeds or len(set(labels)) < len(labels):
            return list(runs)
    return [replace(run, run_name=label) for run, label in zip(runs, labels, strict=True)]


def _are_folds(runs: Sequence[Run], folds: Collection[object]) -> bool:
    """Say whether runs hold out different folds, or one run is alone and called a fold."""
    return len(folds) > 1 or (len(runs) == 1 and is_called_fold(runs[0]))


def _without_fold(run: Run) -> Run:
    """Return a run of a group that is no cross-validation: its seed tells it from the others again."""
    if run.seed is not None and not run.of_table and LABEL.fullmatch(run.run_name):
        return replace(run, run_name="")
    return run
