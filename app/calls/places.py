"""Where the runs of a call are, as the next commands say it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from app.next_command import Place, options_in_words
from ired_diag.named_paths import split_arguments
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.study import Study

RUNS = Path("runs")


def place_of(
    sources: Sequence[object],
    runs: Study | Path | str = RUNS,
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
) -> Place:
    """Return where the runs are: in the runs folder, in that of a study, or at paths that were given.

    Args:
        sources: What a function was given: names, paths, studies.
        runs: The runs folder, or a study.
        metric: The metric that judges the runs.
        higher_is_better: Its direction.
        grouping: The user's definition of groups and seeds.
    """
    options = options_in_words(metric=metric, higher_is_better=higher_is_better, grouping=grouping)
    studies = [source for source in (*sources, runs) if isinstance(source, Study)]
    if studies:
        return Place(runs=_folder_of(studies[0]), options=options)
    words = [str(source) for source in sources if isinstance(source, Path | str)]
    patterns, others = split_arguments(words)
    folder = runs if isinstance(runs, Path | str) else RUNS
    if patterns or any(Path(word).exists() for word in others):
        return Place(paths=tuple(words), runs=Path(folder), options=options)
    return Place(runs=Path(folder), options=options)


def _folder_of(study: Study) -> Path:
    """Return the folder that holds the runs of a study."""
    if not study.runs:
        return RUNS
    return Path(os.path.commonpath([run.path.absolute().parent for run in study.runs]))
