"""The fold of a cross-validation that a run holds out, by its configuration or by its names.

    fold_idx: 3    cv_fold: 3    data.fold: fold_3        a key of the configuration
    ours/fold_3/metrics.csv    ours_fold3.csv    cv_3     a name of its file, or of the folders right above

``n_folds: 5`` and the like say how many folds there are. ``fold_all`` holds out nothing and is no fold.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ired_diag.runs.fold_keys import COUNT_KEYS, FOLD_KEYS, number_under
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import Names, places_of_run

FOLD = re.compile(r"(?i)(?<![a-z])(?:(?:outer|test|val|cv|k)?[_\- ]?fold|cv)[_=\-. #]?(\d{1,4})(?!\d)")


def fold_of(run: Run) -> int | None:
    """Return the fold that a run holds out; None where neither configuration nor names tell."""
    stated = number_under(run.configuration or {}, FOLD_KEYS)
    if stated is not None or run.of_table:
        return stated
    return fold_in_names(_names_of(run))


def is_called_fold(run: Run) -> bool:
    """Say whether the word fold tells the fold: ``cv_5`` of one run alone may mean five folds."""
    stated = number_under(run.configuration or {}, FOLD_KEYS)
    words = " ".join(places_of_run(_names_of(run)))
    return stated is not None or "fold" in words.lower()


def count_of_folds(run: Run) -> int | None:
    """Return how many folds there are, as the configuration states it; None where it does not."""
    count = number_under(run.configuration or {}, COUNT_KEYS)
    return count if count is not None and count > 1 else None


def _names_of(run: Run) -> Names:
    """Return the names of a log and of its folders; the folder of a run of ours was made under its name."""
    return run.names or (run.path.stem, *run.path.parts[-2::-1])


@lru_cache(maxsize=1 << 14)
def fold_in_names(names: tuple[str, ...]) -> int | None:
    """Return the fold in the names of a log and of its folders, the nearest first.

    >>> fold_in_names(("metrics", "fold_3", "ours")), fold_in_names(("ours_fold0", "results"))
    (3, 0)
    >>> fold_in_names(("metrics", "unfold_3")), fold_in_names(("metrics", "fold_all", "ours"))
    (None, None)
    """
    for name in places_of_run(names):
        found = FOLD.findall(name)
        if found:
            return int(found[-1])
    return None
