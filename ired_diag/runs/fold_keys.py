"""Which keys of a configuration tell the fold that a run holds out, and how many folds there are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

FOLD_KEY = "fold"
FOLD_KEYS = (
    "fold fold_idx fold_id fold_index fold_number fold_num fold_no ifold fold_i current_fold cv_fold cv_idx "
    "cv_index outer_fold kfold_idx test_fold val_fold valid_fold validation_fold holdout_fold held_out_fold"
).split()
COUNT_KEYS = (
    "n_folds num_folds nfolds nfold n_fold num_fold number_of_folds total_folds fold_count k_folds kfolds "
    "k_fold kfold cv_folds folds n_splits num_splits"
).split()
MOST = 10_000  # folds: leave-one-out of as many samples; a larger number is an id
TEXT = re.compile(r"(?i)\s*(?:(?:fold|cv)[_=\-. #]?)?(\d{1,4})\s*")


def is_fold_key(key: str) -> bool:
    """Say whether a key of a configuration tells the fold.

    >>> is_fold_key("data.foldIdx"), is_fold_key("n_folds"), is_fold_key("folder")
    (True, False, False)
    """
    return _last_words(key) in FOLD_KEYS


def fold_number(value: object) -> int | None:
    """Return the fold that a value of a configuration means: ``3``, ``fold_3``; None where it means none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < MOST else None
    match = TEXT.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def number_under(configuration: Mapping[str, Any], keys: Sequence[str]) -> int | None:
    """Return the first whole number that a configuration states under one of the keys."""
    by_words: dict[str, Any] = {}
    for key, value in configuration.items():
        by_words.setdefault(_last_words(key), value)
    for key in keys:
        number = fold_number(by_words.get(key))
        if number is not None:
            return number
    return None


@lru_cache(maxsize=1 << 12)  # the runs of a study have the same keys
def _last_words(key: str) -> str:
    last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.rpartition(".")[2]).lower()
    return "_".join(re.findall(r"[a-z0-9]+", last))
